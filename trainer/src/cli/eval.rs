use std::path::PathBuf;

use clap::{Args, ValueEnum};
use faces::data::Split;
use indicatif::ProgressBar;

use super::{ListArgs, ThreadArgs};
use crate::error::{Error, Result};
use crate::evaluate::{Candle, Evaluation, Network, Onnx, evaluate};
use crate::finetune::subnet;
use crate::pass::open_dataset;

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
    let mut network = open(&args.model, args.space.as_deref(), args.engine_lib.as_deref())?.network;
    let dataset = open_dataset(&args.data, which, args.lists.list(), args.lists.points_file.as_deref())?;
    let bar = ProgressBar::new(dataset.len() as u64);
    let faces = (0..dataset.len()).collect();
    let found = evaluate(network.as_mut(), &dataset, faces, |n| bar.inc(n as u64))?;
    bar.finish_and_clear();
    if dataset.resized() > 0 {
        eprintln!("note: {} pictures had another size than {1}×{1} and were resized", dataset.resized(), dataset.side());
    }
    if args.json {
        return print_json(&found);
    }
    println!("faces         {}", found.faces);
    println!("NME           {:.3} %", 100.0 * found.nme);
    println!("loss          {:.6}", found.loss);
    println!("failures      {:.2} % (NME above 10 %)", 100.0 * found.failure_rate_10);
    println!("AUC           {:.4} (up to 10 %)", found.auc);
    println!("error of each point, % of the normaliser:");
    for (row, errors) in found.per_point.chunks(10).enumerate() {
        let line: String = errors.iter().map(|e| format!(" {:6.2}", 100.0 * e)).collect();
        println!("{:4} {line}", 10 * row);
    }
    Ok(())
}

/// The contract of `--json`.
pub fn print_json(found: &Evaluation) -> Result<()> {
    let value = serde_json::json!({
        "nme": found.nme, "failure_rate_10": found.failure_rate_10, "auc": found.auc,
        "faces": found.faces, "loss": found.loss, "per_point": found.per_point,
    });
    println!("{value}");
    Ok(())
}

/// A network with what is known of it.
pub struct Opened {
    pub network: Box<dyn Network>,
    pub side: usize,
    pub points: usize,
}

/// An ONNX file or a checkpoint, told apart by the name's ending.
pub fn open(path: &std::path::Path, space: Option<&str>, library: Option<&std::path::Path>) -> Result<Opened> {
    match path.extension().and_then(|e| e.to_str()) {
        Some("onnx") => {
            let network = Onnx::open(path, library)?;
            let (side, points) = (network.side(), network.points());
            Ok(Opened { network: Box::new(network), side, points })
        }
        Some("safetensors") => {
            let net = subnet(path, space)?;
            let side = net.graph.node(net.graph.inputs()[0]).shape.h;
            Ok(Opened { network: Box::new(Candle::new(net.graph, &net.weights)?), side, points: net.points })
        }
        _ => Err(Error::Usage(format!("{} is neither an .onnx nor a .safetensors file", path.display()))),
    }
}
