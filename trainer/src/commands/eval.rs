//! `trainer eval`: errors of a network on the faces of a list.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use faces::data::{Dataset, Split};
use indicatif::ProgressBar;

use super::args::{ListArgs, NetworkArgs, ThreadArgs};
use super::error::{Error, Result};
use super::output::print_line;
use crate::console::note;
use crate::nni::Reference;
use crate::run::TrainedOn;
use crate::task::Data;
use crate::task::faces::{Evaluation, NetworkFile, evaluate_like, open_dataset};

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Which {
    /// The training list
    Train,
    /// The test list
    Test,
    /// The part of the training list that was held back from training
    HeldBack,
}

#[derive(Args, Debug)]
#[command(after_help = "Example:
  trainer eval --model run/subnet.onnx --data faces
  trainer eval --model run/supernet/checkpoint_last.safetensors --data faces --split held-back")]
pub struct EvalArgs {
    /// ONNX file or checkpoint; of a supernet, the most probable subnet is evaluated
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// Data folder
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Faces to evaluate on
    #[arg(long, value_enum, default_value = "test")]
    split: Which,
    #[command(flatten)]
    lists: ListArgs,
    #[command(flatten)]
    opening: NetworkArgs,
    #[command(flatten)]
    threads: ThreadArgs,
    /// Evaluate as NNI's example does: `skip` applies dropout, and errors of 19 landmarks are fractions of the side, divided by 34
    #[arg(long)]
    reference: bool,
    /// Print the result as JSON: {nme, failure_rate_10, auc} as fractions
    #[arg(long)]
    json: bool,
}

pub fn run(args: &EvalArgs) -> Result<()> {
    args.threads.apply()?;
    let reference = Reference(args.reference);
    let mut file = NetworkFile::read(&args.model, args.opening.space.as_deref(), args.opening.engine_lib.as_deref())?;
    let input = file.input();
    let open = |split| open_dataset(&args.data, split, args.lists.list(), args.lists.points_file.as_deref(), input);
    let dataset = open(if let Which::Test = args.split { Split::Test } else { Split::Train })?;
    let faces: Vec<usize> = match args.split {
        Which::Train | Which::Test => (0..dataset.len()).collect(),
        Which::HeldBack => held_back(&args.model, file.trained_on(&args.model)?, &dataset)?,
    };
    if file.is_of_mixtures() && reference.is_off() {
        note(
            "note: this is a supernet's checkpoint; the running statistics of the chosen subnet are recalibrated on its training faces",
        );
        file = file.recalibrated(&open(Split::Train)?)?;
    }
    let mut network = file.open(reference)?.network;
    let bar = ProgressBar::new(faces.len() as u64);
    let found = evaluate_like(reference, network.as_mut(), &dataset, faces, |n| bar.inc(n as u64))?;
    bar.finish_and_clear();
    if dataset.resized() > 0 {
        note(format_args!("note: {} pictures were resized to {1}×{1}", dataset.resized(), dataset.side()));
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
    print_line(format_args!("share of faces with at most this NME, %:"))?;
    let within = found.curve.iter().skip(4).step_by(4);
    let row = |pick: fn(&[f64; 2]) -> f64| within.clone().map(|p| format!(" {:6.1}", 100.0 * pick(p))).collect::<String>();
    print_line(format_args!("NME   {}\nfaces {}", row(|p| p[0]), row(|p| p[1])))?;
    print_line(format_args!("error of each landmark, % of the normalising distance:"))?;
    for (row, errors) in found.per_point.chunks(10).enumerate() {
        let line: String = errors.iter().map(|e| format!(" {:6.2}", 100.0 * e)).collect();
        print_line(format_args!("{:4} {line}", 10 * row))?;
    }
    Ok(())
}

/// The faces of a training list that were held back from a network's weights.
fn held_back(model: &Path, trained_on: Option<TrainedOn>, train: &Arc<Dataset>) -> Result<Vec<usize>> {
    let (model, list) = (model.display(), train.list_path().display());
    let Some(trained_on) = trained_on else {
        return Err(Error::Usage(format!(
            "{model} does not record which faces were held back from training: another program or an older version wrote it; \
             give --split test"
        )));
    };
    if trained_on.held_back == 0.0 {
        return Err(Error::Usage(format!(
            "{model} was trained on the whole training list: no faces were held back (a search holds back a fifth of them, a finetune as \
             many as --hold-back says); give --split test"
        )));
    }
    if trained_on.list_sha256 != train.sha256()? {
        return Err(Error::Usage(format!(
            "{model} was trained on another list than {list}; give the list that it was trained on (--data, --list)"
        )));
    }
    Ok(Data::split(train, &trained_on)?.1)
}

/// The contract of `--json`.
pub fn print_json(found: &Evaluation) -> Result<()> {
    let value = serde_json::json!({
        "nme": found.nme, "failure_rate_10": found.failure_rate_10, "auc": found.auc,
        "faces": found.faces, "loss": found.loss, "curve": found.curve, "per_point": found.per_point,
    });
    print_line(format_args!("{value}"))
}
