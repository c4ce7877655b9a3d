use std::path::PathBuf;

use clap::Args;

use super::error::Result;
use super::output::print_line;
use crate::report::{front, page};
use crate::run::{RunFolder, write_atomically};

#[derive(Args, Debug)]
#[command(after_help = "Example:
  trainer report run

What `profiler bench run/subnet.onnx --device DEV --json > run/measured.json` measured stands beside the prediction.
RUN/pareto.csv and RUN/pareto.svg are written anew where the run has other networks beside its own (`trainer baseline`, `trainer sweep`).")]
pub struct ReportArgs {
    /// The run's folder
    #[arg(value_name = "RUN")]
    run: PathBuf,
}

pub fn run(args: &ReportArgs) -> Result<()> {
    let folder = RunFolder::new(&args.run);
    let path = folder.file("report.html");
    write_atomically(&path, page(&folder)?.as_bytes())?;
    front::refresh(&folder)?;
    print_line(format_args!("{}", path.display()))
}
