use std::path::PathBuf;

use clap::{Args, ValueEnum};
use faces::data::Split;
use indicatif::ProgressBar;

use super::{ListArgs, ThreadArgs, print_line};
use crate::error::Result;
use crate::evaluate::{Evaluation, evaluate_like};
use crate::network_file::NetworkFile;
use crate::pass::{note, open_dataset};
use crate::reference::Reference;

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Which {
    Train,
    Test,
}

#[derive(Args, Debug)]
#[command(after_help = "Example:
  trainer eval --model run/subnet.onnx --data faces")]
pub struct EvalArgs {
    /// An ONNX file, or a checkpoint (of a supernet: its most probable subnet)
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// Data folder
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Which of its lists
    #[arg(long, value_enum, default_value = "test")]
    split: Which,
    #[command(flatten)]
    lists: ListArgs,
    /// Search space, where the checkpoint's name for it cannot be found any more
    #[arg(long, value_name = "NAME|FILE")]
    space: Option<String>,
    /// ONNX Runtime's library [default: the usual places]
    #[arg(long, value_name = "FILE")]
    engine_lib: Option<PathBuf>,
    #[command(flatten)]
    threads: ThreadArgs,
    /// Take errors as NNI's example does: `skip` drops in evaluation too, 19 points are divided by 34 as fractions of the side
    #[arg(long)]
    reference: bool,
    /// Print {nme, failure_rate_10, auc} as fractions
    #[arg(long)]
    json: bool,
}

pub fn run(args: &EvalArgs) -> Result<()> {
    args.threads.apply()?;
    let which = match args.split {
        Which::Train => Split::Train,
        Which::Test => Split::Test,
    };
    let reference = Reference(args.reference);
    let mut file = NetworkFile::read(&args.model, args.space.as_deref(), args.engine_lib.as_deref())?;
    let input = file.input();
    let open = |split| open_dataset(&args.data, split, args.lists.list(), args.lists.points_file.as_deref(), input);
    if file.is_of_mixtures() && reference.is_off() {
        note("note: a supernet's statistics are its mixtures'; the chosen subnet's are taken anew over training faces");
        file = file.recalibrated(open(Split::Train)?)?;
    }
    let dataset = open(which)?;
    let mut network = file.open(reference)?.network;
    let bar = ProgressBar::new(dataset.len() as u64);
    let faces = (0..dataset.len()).collect();
    let found = evaluate_like(reference, network.as_mut(), &dataset, faces, |n| bar.inc(n as u64))?;
    bar.finish_and_clear();
    if dataset.resized() > 0 {
        note(format_args!("note: {} pictures had another size than {1}×{1} and were resized", dataset.resized(), dataset.side()));
    }
    dataset.cut_note().iter().for_each(note);
    if args.json {
        return print_json(&found);
    }
    print_line(format_args!("faces         {}", found.faces))?;
    print_line(format_args!("NME           {:.3} %", 100.0 * found.nme))?;
    print_line(format_args!("loss          {:.6}", found.loss))?;
    print_line(format_args!("failures      {:.2} % (NME above 10 %)", 100.0 * found.failure_rate_10))?;
    print_line(format_args!("AUC           {:.4} (up to 10 %)", found.auc))?;
    print_line(format_args!("share of faces within an NME of so many %:"))?;
    let within = found.curve.iter().skip(4).step_by(4);
    let row = |pick: fn(&[f64; 2]) -> f64| within.clone().map(|p| format!(" {:6.1}", 100.0 * pick(p))).collect::<String>();
    print_line(format_args!("NME   {}\nfaces {}", row(|p| p[0]), row(|p| p[1])))?;
    print_line(format_args!("error of each point, % of the normaliser:"))?;
    for (row, errors) in found.per_point.chunks(10).enumerate() {
        let line: String = errors.iter().map(|e| format!(" {:6.2}", 100.0 * e)).collect();
        print_line(format_args!("{:4} {line}", 10 * row))?;
    }
    Ok(())
}

/// The contract of `--json`.
pub fn print_json(found: &Evaluation) -> Result<()> {
    let value = serde_json::json!({
        "nme": found.nme, "failure_rate_10": found.failure_rate_10, "auc": found.auc,
        "faces": found.faces, "loss": found.loss, "curve": found.curve, "per_point": found.per_point,
    });
    print_line(format_args!("{value}"))
}
