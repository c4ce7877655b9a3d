//! One step of a supernet (PFLD's, unless `--space` names another), or of a subnet of PFLD, for each line on stdin; its seconds on stdout. For the line `peak`, the most MiB of a GPU's
//! memory that were in use. The other side of
//! `research/bench_vs_pytorch.py`: `cargo run --release -p trainer --example step -- --batch 32 --pass weights`.

use std::io::{BufRead, Write};
use std::time::Instant;

use blocks::Space;
use candle_core::{Device, Tensor};
use clap::{Parser, ValueEnum};
use trainer::compute::Compute;
use trainer::cost::{LatencyTerm, MICROS, TermMode};
use trainer::model::{ArchWeights, Draw, FairPaths, Mode, Purpose, init, path_weights};
use trainer::optim::{self, AdamW, Algorithm};
use trainer::task::faces::loss::{PointLoss, PoseWeight};
use trainer::task::faces::{Candle, FaceBatch, FaceNets, Network, Objective};
use trainer::task::{Nets, Part};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Points of the landmark scheme.
const POINTS: usize = 106;
/// A latency for every candidate, µs: only the arithmetic around it is timed.
const LATENCY_US: f64 = 100.0;
/// Gumbel temperature at the start of a search.
const TEMPERATURE: f64 = 5.0;

/// The subnet of `finetune` and `eval`, a candidate of every kind.
const SUBNET: [&str; 5] = ["mb_k3_e2_res", "sep_k5", "mb_k5_e2_res_se", "mb_k3_res_d3", "gh_k5"];

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Pass {
    /// The supernet's weights.
    Weights,
    /// The supernet's weights, a candidate a layer.
    Path,
    /// The supernet's architecture.
    Arch,
    /// A subnet's weights.
    Finetune,
    /// A subnet's landmarks, as an evaluation computes them.
    Eval,
}

#[derive(Parser)]
struct Args {
    #[arg(long, default_value_t = 32)]
    batch: usize,
    #[arg(long = "pass", value_enum, default_value = "weights")]
    pass: Pass,
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// The supernet's search space: a name or a file.
    #[arg(long, default_value = "pfld")]
    space: String,
    /// The CPU or GPUs.
    #[arg(long, default_value = "cpu")]
    compute: Compute,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // SAFETY: no other thread runs yet.
    unsafe { std::env::set_var("CANDLE_NUM_THREADS", "1") };
    let args = Args::parse();
    rayon::ThreadPoolBuilder::new().num_threads(args.threads).build_global()?;
    let (device, backend) = (Device::Cpu, args.compute.backend()?);
    let gpus = backend.open()?;
    let space = Space::load(&args.space)?;
    let side = space.input().h;
    let subnet = matches!(args.pass, Pass::Finetune | Pass::Eval);
    let choice = if subnet { space.choice(&SUBNET)? } else { space.layers().iter().map(|l| l.primitives[0]).collect() };
    let graph = if subnet { space.subnet(&choice, POINTS) } else { space.supernet(POINTS) };
    let pose = space.pose_net().ok_or("the PFLD space has a pose network")?;
    let (weights, pose_weights) = (init::backbone(&graph, 1), init::pose_net(&pose, 2));
    let mut evaluated = Candle::new(space.deployed(&choice, POINTS), &init::backbone(&space.deployed(&choice, POINTS), 1))?;
    let objective = Objective { points: PointLoss::Square, pose: PoseWeight::Floor };
    let mut nets = FaceNets::new((graph, &weights), (pose, &pose_weights), objective, (Algorithm::Rms, 1e-6), backend)?;
    let candidates: Vec<usize> = space.layers().iter().map(|l| l.primitives.len()).collect();
    let arch = ArchWeights::new(&candidates)?;
    let paths = FairPaths::new(&space, 0);
    let mut arch_optimizer = AdamW::new(arch.path_alpha().elem_count(), 5e-4);
    let term = LatencyTerm::new(TermMode::Mul, 0.25, 0.6, LATENCY_US, MICROS)?;
    let images: Vec<f32> = (0..args.batch * 3 * side * side).map(|i| (i % 251) as f32 / 250.0).collect();
    let faces = FaceBatch {
        images: Tensor::from_vec(images.clone(), (args.batch, 3, side, side), &device)?,
        landmarks: Tensor::rand(0f32, 1.0, (args.batch, 2 * POINTS), &device)?,
        angles: Tensor::randn(0f32, 5.0, (args.batch, 3), &device)?,
    };
    // Only an evaluation reads them as they come from a loader.
    let images = if args.pass == Pass::Eval { images } else { Vec::new() };
    let mut step = |number: u64| -> Result<(), Box<dyn std::error::Error>> {
        let masks = |purpose| arch.masks(&arch.noise(Draw { seed: 0, purpose, epoch: 0, step: number })?, TEMPERATURE);
        let cost = (masks(Purpose::WeightLatency)?.sum_all()? * LATENCY_US)?;
        match args.pass {
            Pass::Weights => {
                let masks = masks(Purpose::WeightMasks)?.detach();
                let loss = nets.training_loss(&faces, Part::Mixture(&masks), number)?;
                nets.step(&term.apply(&loss, &cost.detach())?, Part::Mixture(&masks), 1e-4)?;
            }
            Pass::Path => {
                let path = paths.at(number);
                let (masks, weights) = (arch.path(&path)?, path_weights(nets.backbone().layout(), &path));
                let part = Part::Path { masks: &masks, weights: &weights };
                let loss = nets.training_loss(&faces, part, number)?;
                nets.step(&loss, part, 1e-4)?;
            }
            Pass::Arch => {
                let loss = nets.architecture_loss(&faces, &masks(Purpose::ArchMasks)?, Mode::TrainFrozenStats, number)?;
                let gradients = term.apply(&loss, &cost)?.backward()?;
                let gradient = gradients.get(arch.path_alpha()).ok_or("path_alpha has a gradient")?;
                optim::step(&mut arch_optimizer, arch.path_alpha(), gradient, 0.01)?;
            }
            Pass::Finetune => {
                let loss = nets.training_loss(&faces, Part::Whole, number)?;
                nets.step(&loss, Part::Whole, 1e-4)?;
            }
            Pass::Eval => {
                evaluated.landmarks(&images, args.batch)?;
            }
        }
        Ok(())
    };
    let mut out = std::io::stdout().lock();
    for (number, line) in std::io::stdin().lock().lines().enumerate() {
        if line? == "peak" {
            let peak: usize = gpus.gpus().iter().map(|gpu| gpu.machine().peak()).sum();
            writeln!(out, "{}", peak as f64 / f64::from(1 << 20))?;
        } else {
            let start = Instant::now();
            step(number as u64)?;
            writeln!(out, "{}", start.elapsed().as_secs_f64())?;
        }
        out.flush()?;
    }
    Ok(())
}
