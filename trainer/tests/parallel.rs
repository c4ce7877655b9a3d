//! Two processes with half a batch each against one with the whole: gradients and running statistics of a supernet and its pose network, and
//! whole runs of the command. Needs the feature `mpi`.

#![cfg(feature = "mpi")]
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Output};

use blocks::Space;
use candle_core::{Device, Tensor};
use faces::synth::{SynthOptions, write_synth};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use trainer::model::{Mode, Model, Pass, init};
use trainer::parallel;
use trainer::task::faces::loss::{PointLoss, PoseWeight, weighted_mean};

const POINTS: usize = 5;
const BATCH: usize = 8;
/// Largest difference, relative to a tensor's largest value.
const TOLERANCE: f32 = 1e-5;

/// Runs a program in two processes on this machine.
fn mpirun(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str], folder: &Path) -> Output {
    let mut command = Command::new("mpirun");
    // As root in a container, and on a machine with one processor.
    command.args([
        "--allow-run-as-root",
        "--oversubscribe",
        "-n",
        "2",
        "--mca",
        "btl",
        "self,vader,tcp",
        "--mca",
        "btl_vader_single_copy_mechanism",
        "none",
    ]);
    command.arg(program).args(arguments).current_dir(folder).output().expect("mpirun is there: scripts/setup-system.sh mpi")
}

#[track_caller]
fn succeeded(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    assert!(output.status.success(), "{out}\n{err}");
    out
}

fn noise(n: usize, seed: u64) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..n).map(|_| rng.random()).collect()
}

/// Gradients of backbone, pose network and masks, and the running statistics of both nets after a step's forward pass.
type Step = Vec<(&'static str, Vec<f32>)>;

/// One weight step of the built-in space's supernet on the batch's faces `from..to`.
fn step(from: usize, to: usize) -> Step {
    let space = Space::load("pfld").unwrap();
    let (backbone, pose) = (space.supernet(POINTS), space.pose_net().unwrap());
    let weights = (init::backbone(&backbone, 1), init::pose_net(&pose, 2));
    let backbone = Model::new(backbone, &weights.0).unwrap();
    let pose = Model::new(pose, &weights.1).unwrap();
    let tensor = |each: &[usize], seed: u64| {
        let volume: usize = each.iter().product();
        let values = &noise(BATCH * volume, seed)[from * volume..to * volume];
        Tensor::from_slice(values, [&[to - from][..], each].concat(), &Device::Cpu).unwrap()
    };
    let masks = candle_core::Var::from_vec(noise(45, 3), (5, 9), &Device::Cpu).unwrap();
    let pass = Pass { dropout_seed: 4, ..Pass::new(Mode::Train) };
    let out = backbone.run(&[tensor(&[3, 112, 112], 5)], Some(masks.as_tensor()), pass).unwrap();
    let losses = PointLoss::Square.per_face(&out[0].flatten_from(1).unwrap(), &tensor(&[2 * POINTS], 6)).unwrap();
    let angles = pose.run(&out[1..], None, pass).unwrap()[0].flatten_from(1).unwrap();
    let weights = PoseWeight::Floor.per_face(&angles, &tensor(&[3], 7).affine(60.0, -30.0).unwrap()).unwrap();
    let gradients = weighted_mean(&losses, weights.as_ref()).unwrap().backward().unwrap();
    let gradient = |of: &Tensor| {
        let mut values: Vec<f32> = gradients.get(of).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        parallel::mean(&mut values);
        values
    };
    let stats = |model: &Model| -> Vec<f32> {
        let weights = model.weights().unwrap().0;
        weights.into_iter().filter(|(name, _)| name.contains("running_")).flat_map(|(_, values)| values).collect()
    };
    vec![
        ("backbone", gradient(backbone.params().as_tensor())),
        ("pose network", gradient(pose.params().as_tensor())),
        ("masks", gradient(masks.as_tensor())),
        ("backbone's statistics", stats(&backbone)),
        ("pose network's statistics", stats(&pose)),
    ]
}

/// What each of the two processes does; run by the test below.
#[test]
#[ignore = "a part of two_processes_learn_what_one_does"]
fn one_of_two_processes() {
    let whole = step(0, BATCH);
    let _member = parallel::start().unwrap();
    assert_eq!(parallel::size(), 2);
    let (rank, half) = (parallel::rank(), BATCH / parallel::size());
    let shared = step(rank * half, (rank + 1) * half);
    for ((what, found), (_, expected)) in std::iter::zip(&shared, &whole) {
        assert_eq!(found.len(), expected.len());
        let largest = expected.iter().fold(0f32, |m, v| m.max(v.abs()));
        let worst = std::iter::zip(found, expected).map(|(f, e)| (f - e).abs()).fold(0f32, f32::max) / largest;
        println!("process {rank}: {what}: {worst:.1e} of the largest value");
        assert!(worst <= TOLERANCE, "{what}: {worst:e}");
    }
    // Nothing agrees by chance.
    let own = step(0, half);
    assert!(own.iter().zip(&whole).any(|((_, o), (_, w))| o.iter().zip(w).any(|(o, w)| (o - w).abs() > 1e-2 * w.abs())));
}

#[test]
fn two_processes_learn_what_one_does() {
    let test = std::env::current_exe().unwrap();
    let output = mpirun(test, &["--exact", "one_of_two_processes", "--ignored", "--nocapture"], Path::new("."));
    let said = succeeded(&output);
    assert_eq!(said.matches("1 passed").count(), 2, "{said}");
    eprintln!("{said}");
}

/// The columns of metrics.csv from the epoch to the expected cost, as numbers. The chosen network's cost, behind them, may differ: after
/// one epoch, layers have candidates whose probabilities are equal except for rounding.
fn metrics(path: &Path) -> Vec<Vec<f64>> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    reader.records().map(|r| r.unwrap().iter().skip(1).take(8).map(|v| v.parse().unwrap_or(0.0)).collect()).collect()
}

/// Whole runs: the optimizers' first steps follow the signs of gradients, of which some are rounding alone, so that runs agree to a
/// hundredth, not to the last digits. All lists are whole batches, since shares leave out what cannot be divided.
#[test]
fn runs_of_the_command_agree() {
    let folder = tempfile::tempdir().unwrap();
    let options = SynthOptions { train: 40, test: 8, points: 106, seed: 5, overwrite: false };
    write_synth(&folder.path().join("faces"), &options, || {}).unwrap();
    let trainer = env!("CARGO_BIN_EXE_trainer");
    let search = "search --perf-metric flops --arch-data test --data faces --batch 8 --base-lr 1e-5 --start-epoch 1 --end-epoch 2 --threads 1 --out";
    let finetune = "finetune --data faces --arch mb_k3_res,mb_k3_res,mb_k5_res,mb_k5_res,mb_k5_res --batch 8 --base-lr 1e-5 --end-epoch 1 --threads 1 --out";
    let words = |line: &str, run: &str| format!("{line} {run}").split(' ').map(str::to_string).collect::<Vec<_>>();
    for line in [search, finetune] {
        let alone = words(line, "alone");
        succeeded(&Command::new(trainer).args(&alone).current_dir(folder.path()).output().unwrap());
        let two = words(line, "two");
        let said = succeeded(&mpirun(trainer, &two.iter().map(String::as_str).collect::<Vec<_>>(), folder.path()));
        // One of them speaks.
        assert!(said.matches("predicted").count() + said.matches("after:").count() == 1, "{said}");
    }
    let [alone, two] = ["alone", "two"].map(|run| metrics(&folder.path().join(run).join("metrics.csv")));
    assert_eq!((alone.len(), two.len()), (3, 3));
    for (a, b) in alone.iter().flatten().zip(two.iter().flatten()) {
        assert!((a - b).abs() <= 1e-2 * a.abs(), "{alone:?}\n{two:?}");
    }
    let uneven = words(search, "uneven").join(" ").replace("--batch 8", "--batch 7");
    let output = mpirun(trainer, &uneven.split(' ').collect::<Vec<_>>(), folder.path());
    assert!(!output.status.success());
    let error = parallel::ParallelError::Batch { batch: 7, processes: 2 }.to_string();
    assert!(String::from_utf8_lossy(&output.stderr).contains(&error));
}
