//! `trainer report`: a run as one HTML page.

use std::path::PathBuf;

use clap::Args;

use super::error::Result;
use super::output::print_line;
use crate::report::{front, page};
use crate::run::{RunFolder, write_atomically};

#[derive(Args, Debug)]
#[command(after_help = "Example:
  trainer report run

To show the measured latency beside the predicted one, first run:
  profiler bench run/subnet.onnx --device DEV --json > run/measured.json
RUN/pareto.csv and RUN/pareto.svg are updated if the run has other networks to compare with (`trainer baseline`, `trainer sweep`).")]
pub struct ReportArgs {
    /// Folder of the run
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
