//! `trainer export`: a checkpoint written as ONNX, and for MNN.

use std::path::PathBuf;

use clap::Args;
use faces::data::Split;
use terminal::quoted;

use super::args::{ListArgs, NetworkArgs};
use super::error::{Error, Result};
use super::output::print_line;
use crate::console::note;
use crate::task::faces::{Check, OF_MIXTURES, export, open_dataset, subnet};

#[derive(Args, Debug)]
#[command(after_help = "Example:
  trainer export --subnet run/subnet/checkpoint_last.safetensors --out run/subnet.onnx \\
    --data faces --mnn")]
pub struct ExportArgs {
    /// Checkpoint of a subnet or a supernet; of a supernet, the most probable subnet is exported
    #[arg(long, value_name = "FILE")]
    subnet: PathBuf,
    /// ONNX file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Also write a file for MNN beside it (subnet.mnn for subnet.onnx); needs MNN's converter (`profiler setup mnn`)
    #[arg(long)]
    mnn: bool,
    /// Data folder; the exported files are checked on its training pictures [default: they are checked on noise]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    #[command(flatten)]
    lists: ListArgs,
    #[command(flatten)]
    opening: NetworkArgs,
}

pub fn run(args: &ExportArgs) -> Result<()> {
    if !files::has_ending(&args.out, "onnx") {
        let shown = args.out.display();
        return Err(Error::Usage(format!(
            "--out {shown} must end in .onnx; with --mnn, the file for MNN gets the same name with .mnn"
        )));
    }
    let mut net = subnet(&args.subnet, args.opening.space.as_deref())?;
    if net.of_mixtures {
        net = match &args.data {
            Some(data) => {
                let input = net.input();
                net.recalibrated(&open_dataset(data, Split::Train, args.lists.list(), args.lists.points_file.as_deref(), input)?)?
            }
            None => {
                note(format_args!("{OF_MIXTURES}. Give --data to recalibrate them on its training faces"));
                net
            }
        };
    }
    let (parameters, macs) = (net.graph.parameter_count(), net.graph.macs());
    let check = Check {
        data: args.data.as_deref(),
        list: args.lists.list(),
        points_file: args.lists.points_file.as_deref(),
        library: args.opening.engine_lib.as_deref(),
        mnn: args.mnn,
    };
    let done = export(net, &args.out, &check)?;
    print_line(format_args!(
        "{}: {:.1} KB, {parameters} parameters, {:.2} MMAC",
        args.out.display(),
        done.bytes as f64 / 1e3,
        macs as f64 / 1e6
    ))?;
    note(format_args!(
        "checked with ONNX Runtime on {} {}: the landmarks differ by at most {:.1e} of the side",
        done.pictures, done.inputs, done.difference
    ));
    if let Some(mnn) = done.mnn {
        print_line(format_args!("{}: {:.1} KB", mnn.path.display(), mnn.bytes as f64 / 1e3))?;
        note(format_args!(
            "checked with MNN on the same inputs: the landmarks differ by at most {:.1e} of the side",
            mnn.difference
        ));
    }
    note(format_args!("next: profiler bench {} --device local", quoted(&args.out)));
    Ok(())
}
