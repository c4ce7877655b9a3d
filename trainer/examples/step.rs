//! One training step of the PFLD supernet for each line on stdin; its seconds on stdout. The other side of
//! `scripts/bench_vs_pytorch.py`: `cargo run --release -p trainer --example step -- --batch 32 --pass weights`.

use std::io::{BufRead, Write};
use std::time::Instant;

use blocks::Space;
use candle_core::{Device, Tensor};
use clap::{Parser, ValueEnum};
use trainer::loss::{LatencyTerm, PointLoss, PoseWeight, TermMode};
use trainer::masks::{ArchWeights, Draw, Purpose};
use trainer::model::{Mode, init};
use trainer::nets::{Faces, Nets, Objective};
use trainer::optim::{self, AdamW, Algorithm};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Points of the landmark scheme.
const POINTS: usize = 106;
/// A latency for every candidate, µs: only the arithmetic around it is timed.
const LATENCY_US: f64 = 100.0;
/// Gumbel temperature at the start of a search.
const TEMPERATURE: f64 = 5.0;

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Pass {
    Weights,
    Arch,
}

#[derive(Parser)]
struct Args {
    #[arg(long, default_value_t = 32)]
    batch: usize,
    #[arg(long = "pass", value_enum, default_value = "weights")]
    pass: Pass,
    #[arg(long, default_value_t = 2)]
    threads: usize,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // SAFETY: no other thread runs yet.
    unsafe { std::env::set_var("CANDLE_NUM_THREADS", "1") };
    let args = Args::parse();
    rayon::ThreadPoolBuilder::new().num_threads(args.threads).build_global()?;
    let device = Device::Cpu;
    let space = Space::load("pfld")?;
    let side = space.input().h;
    let (graph, pose) = (space.supernet(POINTS), space.pose_net().ok_or("the PFLD space has a pose net")?);
    let (weights, pose_weights) = (init::backbone(&graph, 1), init::pose_net(&pose, 2));
    let objective = Objective { points: PointLoss::Square, pose: PoseWeight::Floor };
    let mut nets = Nets::new((graph, &weights), (pose, &pose_weights), objective, (Algorithm::Rms, 1e-6), &device)?;
    let candidates: Vec<usize> = space.layers().iter().map(|l| l.primitives.len()).collect();
    let arch = ArchWeights::new(&candidates, &device)?;
    let mut arch_optimizer = AdamW::new(arch.path_alpha().elem_count(), 5e-4);
    let term = LatencyTerm::new(TermMode::Mul, 0.25, 0.6, LATENCY_US, "µs")?;
    let faces = Faces {
        images: Tensor::rand(0f32, 1.0, (args.batch, 3, side, side), &device)?,
        landmarks: Tensor::rand(0f32, 1.0, (args.batch, 2 * POINTS), &device)?,
        angles: Tensor::randn(0f32, 5.0, (args.batch, 3), &device)?,
    };
    let mut step = |number: u64| -> Result<(), Box<dyn std::error::Error>> {
        let masks = |purpose| arch.masks(&arch.noise(Draw { seed: 0, purpose, epoch: 0, step: number })?, TEMPERATURE);
        let cost = (masks(Purpose::WeightLatency)?.sum_all()? * LATENCY_US)?;
        match args.pass {
            Pass::Weights => {
                let loss = nets.training_loss(&faces, Some(&masks(Purpose::WeightMasks)?.detach()), number)?;
                nets.step(&term.apply(&loss, &cost.detach())?, 1e-4)?;
            }
            Pass::Arch => {
                let loss = nets.architecture_loss(&faces, &masks(Purpose::ArchMasks)?, Mode::TrainFrozenStats, number)?;
                let gradients = term.apply(&loss, &cost)?.backward()?;
                let gradient = gradients.get(arch.path_alpha()).ok_or("path_alpha has a gradient")?;
                optim::step(&mut arch_optimizer, arch.path_alpha(), gradient, 0.01)?;
            }
        }
        Ok(())
    };
    let mut out = std::io::stdout().lock();
    for (number, line) in std::io::stdin().lock().lines().enumerate() {
        line?;
        let start = Instant::now();
        step(number as u64)?;
        writeln!(out, "{}", start.elapsed().as_secs_f64())?;
        out.flush()?;
    }
    Ok(())
}
