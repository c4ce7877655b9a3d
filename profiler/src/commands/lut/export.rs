//! `profiler lut export`: a table written as NNI's.

use std::path::PathBuf;

use clap::Args;
use luts::nni::{Form, export};
use luts::{Source, Table};

use crate::commands::error::CommandError;
use crate::commands::values::overwrite;
use crate::commands::{print, space};
use crate::output::note;

#[derive(Args)]
pub(crate) struct ExportArgs {
    /// Table
    table: PathBuf,
    /// NNI's table to write: its name ends in .npy or .txt
    #[arg(long)]
    out: PathBuf,
    /// Search space: built-in name or TOML file [default: the one named in the table]
    #[arg(long)]
    space: Option<String>,
    /// Replace an existing file
    #[arg(long)]
    overwrite: bool,
}

impl ExportArgs {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let table = Table::read(&self.table)?;
        let opened = space::of(&table, self.space, None)?;
        let space = opened.known().ok_or_else(|| CommandError::Usage("NNI's tables are of built-in primitives".to_string()))?;
        let form = Form::of(&self.out)?;
        table.validate_file(space, &self.table)?;
        export(&table, space, &self.out, overwrite(self.overwrite))?;
        if table.has_trunk() {
            note("the trunk is omitted: NNI's tables contain the searched layers only");
        }
        if table.header.source != Source::Measured {
            note(format_args!("the table is {}; NNI's format cannot record that", table.header.source));
        }
        let place = match form {
            Form::Npy => "MODEL_DIR/lut/lut.npy, lut_load_format=\"numpy\"",
            Form::Text => "lut.txt in the working folder, lut_load_format=\"json\"",
        };
        note(format_args!("NNI's NASConfig finds it as {place}, with lut_load=True and perf_metric=\"latency\""));
        print::path(&self.out)
    }
}
