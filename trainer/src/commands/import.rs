//! `trainer import`: a checkpoint of NNI's made into one of this trainer.

use std::path::PathBuf;

use clap::Args;
use terminal::quoted;

use super::args::remembered_space;
use super::error::{Error, Result};
use super::finetune::names;
use super::output::print_line;
use crate::console::note;
use crate::nni::{Choice, Import, Imported};
use crate::run::Kind;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  trainer import --nni supernet.pth --out supernet.safetensors
  trainer import --nni subnet.pth --supernet supernet.pth --out subnet.safetensors
  trainer finetune --subnet subnet.safetensors --data faces --out run")]
pub struct ImportArgs {
    /// NNI's checkpoint of a supernet or a subnet, from any version of PyTorch
    #[arg(long, value_name = "FILE")]
    nni: PathBuf,
    /// Checkpoint to write (.safetensors)
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Search space that it was trained on
    #[arg(long, value_name = "NAME|FILE", default_value = "pfld")]
    space: String,
    /// For a subnet: the supernet that it was chosen from (NNI's file or an imported one). It tells candidates apart whose weights have
    /// the same shapes
    #[arg(long, value_name = "FILE", conflicts_with = "arch")]
    supernet: Option<PathBuf>,
    /// For a subnet: its candidates, as an arch.json or as names separated by commas
    #[arg(long, value_name = "FILE|NAMES")]
    arch: Option<String>,
    /// Replace the file --out
    #[arg(long)]
    overwrite: bool,
    /// Print what was imported as JSON: {kind, space, points, epoch, choice}
    #[arg(long)]
    json: bool,
}

pub fn run(args: &ImportArgs) -> Result<()> {
    if !files::has_ending(&args.out, "safetensors") {
        return Err(Error::Usage(format!("--out {} must end in .safetensors", args.out.display())));
    }
    if args.out.exists() && !args.overwrite {
        return Err(Error::Usage(format!("{} already exists; replace it with --overwrite", args.out.display())));
    }
    let named = args.arch.as_deref().map(names).transpose()?;
    let choice = match (&args.supernet, &named) {
        (Some(path), _) => Choice::Supernet(path),
        (None, Some(names)) => Choice::Names(names),
        (None, None) => Choice::Shapes,
    };
    let space = remembered_space(&args.space);
    let Imported { checkpoint, new_pose_net } = Import { path: &args.nni, space: &space, choice }.read()?;
    checkpoint.save(&args.out)?;
    let meta = &checkpoint.meta;
    if args.json {
        let value = serde_json::json!({
            "kind": meta.kind, "space": meta.space, "points": meta.points, "epoch": meta.epoch, "choice": meta.choice,
        });
        print_line(format_args!("{value}"))?;
    } else {
        let choice = meta.choice.as_ref().map_or(String::new(), |names| format!(", {}", names.join(" ")));
        let kind = if meta.kind == Kind::Supernet { "supernet" } else { "subnet" };
        print_line(format_args!("{}: {kind}, {} landmarks, epoch {}{choice}", args.out.display(), meta.points, meta.epoch))?;
    }
    if new_pose_net {
        note(format_args!("note: the file has no pose network, which only training needs; the checkpoint gets a new one"));
    }
    let flag = if meta.kind == Kind::Supernet { "--supernet" } else { "--subnet" };
    note(format_args!("next: trainer finetune {flag} {} --data DIR --out RUN", quoted(&args.out)));
    Ok(())
}
