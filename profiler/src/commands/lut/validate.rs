//! `profiler lut validate`: whether a table is valid and whole.

use std::path::PathBuf;

use clap::Args;
use luts::Table;
use terminal::note;

use crate::commands::error::CommandError;
use crate::commands::space;

#[derive(Args)]
pub(crate) struct ValidateArgs {
    /// Table to check
    table: PathBuf,
    /// Search space to check against: built-in name, TOML file, or folder of ONNX files [default: the one that the table
    /// names or contains]
    #[arg(long)]
    space: Option<String>,
}

impl ValidateArgs {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let table = Table::read(&self.table)?;
        let space = space::layout(&table, self.space)?;
        table.validate_file(&space, &self.table)?;
        note(format_args!(
            "{}: a complete table of space {}, {} rows, {}",
            self.table.display(),
            space.name,
            table.rows().len(),
            table.header.source
        ));
        Ok(())
    }
}
