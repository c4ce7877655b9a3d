//! `trainer baseline`: random networks and the published one, trained to compare a run with.

use clap::{Args, Subcommand};
use terminal::quoted;

use super::args::BesideArgs;
use super::error::Result;
use super::output::{print_json, print_line};
use crate::compare::{Comparison, Context, Nets, mobilenet, random};
use crate::console::note;
use crate::report::front;
use crate::run::{Interrupt, Training};
use crate::task::Task;
use crate::task::faces::FaceTask;

#[derive(Args, Debug)]
pub struct BaselineArgs {
    #[command(subcommand)]
    which: Which,
}

#[derive(Debug, Subcommand)]
enum Which {
    /// Random networks with about the latency of the searched one, finetuned from the same supernet's weights
    Random(RandomArgs),
    /// The published MobileNetV3-PFLD, trained from scratch
    Mobilenet(MobilenetArgs),
}

#[derive(Args, Debug)]
#[command(after_help = "Example:
  trainer baseline random --run run --nets 8

The predicted latency of each network is within ±3 % of the searched one's; faster and slower networks alternate. Each is finetuned with \
the run's recipe, in RUN/baselines/random-N. A line is fitted to their errors over their latencies. The result is the difference between \
the error of the searched network and that line at equal latency, with a 95 % interval. If the interval contains 0, the searched network \
is not better than random ones. This needs at least three networks; start with eight. The result is in RUN/baselines/random.json and in \
the report. The same command resumes where it was interrupted.")]
struct RandomArgs {
    #[command(flatten)]
    beside: BesideArgs,
    /// Number of random networks
    #[arg(long, value_name = "K", default_value_t = 8)]
    nets: usize,
    /// Number of them that are trained once more, with another seed: how much an error depends on chance alone
    #[arg(long, value_name = "K", default_value_t = 0)]
    again: usize,
    /// Seed for the choice of the networks
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Accept a table that was made in an emulator. Its times say nothing about a device
    #[arg(long)]
    allow_emulated: bool,
}

#[derive(Args, Debug)]
#[command(after_help = "Example:
  trainer baseline mobilenet --run run
  cd run/baselines/mobilenet
  trainer export --subnet subnet/checkpoint_last.safetensors --out subnet.onnx
  profiler bench subnet.onnx --device local --json > measured.json

It is trained with the recipe of the run's finetune. The same command resumes where it was interrupted.")]
struct MobilenetArgs {
    #[command(flatten)]
    beside: BesideArgs,
    /// Number of epochs [default: as many as the run's search and finetune together]
    #[arg(long)]
    end_epoch: Option<usize>,
}

pub fn run(args: &BaselineArgs) -> Result<()> {
    match &args.which {
        Which::Random(args) => run_random(args),
        Which::Mobilenet(args) => run_mobilenet(args),
    }
}

fn run_random(args: &RandomArgs) -> Result<()> {
    let finished = args.beside.begin("baselines", |name| name.starts_with("random-"))?;
    let again = if args.again > 0 { format!(" --again {}", args.again) } else { String::new() };
    let command = format!("baseline random --run {} --nets {}{again} --seed {}", quoted(&args.beside.run), args.nets, args.seed);
    let context = Context { interrupt: &Interrupt::listen(), command: &command };
    let comparison = random(&finished, Nets { count: args.nets, again: args.again }, args.seed, args.allow_emulated, &context)?;
    if args.beside.json {
        print_json(&comparison, &finished.folder.file("baselines/random.json"))?;
    } else {
        print(&comparison)?;
    }
    Ok(front::refresh(&finished.folder)?)
}

fn print(comparison: &Comparison) -> Result<()> {
    let metric = FaceTask::METRIC;
    for net in std::iter::once(&comparison.searched).chain(&comparison.random) {
        print_line(format_args!(
            "{:<10} {:>8.1} {}  {metric} {:.3} %  {}",
            net.name,
            net.predicted,
            comparison.unit,
            net.nme,
            net.choice.join(" ")
        ))?;
    }
    comparison.sentences(metric).iter().try_for_each(|sentence| print_line(format_args!("{sentence}")))
}

fn run_mobilenet(args: &MobilenetArgs) -> Result<()> {
    let finished = args.beside.begin("baselines", |name| name == "mobilenet")?;
    let epochs = args.end_epoch.map_or(String::new(), |n| format!(" --end-epoch {n}"));
    let command = format!("baseline mobilenet --run {}{epochs}", quoted(&args.beside.run));
    let (folder, ended) = mobilenet(&finished, args.end_epoch, &Context { interrupt: &Interrupt::listen(), command: &command })?;
    if args.beside.json {
        print_json(&ended, &folder.file("metrics.csv"))?;
    } else {
        print_line(format_args!("{}: NME {:.3} % ({})", blocks::baseline::NAME, ended.nme, ended.on))?;
    }
    note(format_args!(
        "next: trainer export --subnet {} --out {}",
        quoted(folder.checkpoint(Training::Finetune, "last")),
        quoted(folder.file("subnet.onnx"))
    ));
    Ok(front::refresh(&finished.folder)?)
}
