//! `profiler lut merge`: several tables joined into one.

use std::path::PathBuf;

use clap::Args;
use luts::Table;
use terminal::note;

use crate::commands::error::CommandError;
use crate::commands::print;
use crate::commands::values::overwrite;
use crate::tables::merge;

#[derive(Args)]
pub(crate) struct MergeArgs {
    /// Tables to merge
    #[arg(required = true, num_args = 2..)]
    tables: Vec<PathBuf>,
    /// Table to write (CSV)
    #[arg(long)]
    out: PathBuf,
    /// Replace an existing table
    #[arg(long)]
    overwrite: bool,
}

impl MergeArgs {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let read = |path: &PathBuf| Ok((path.clone(), Table::read(path)?));
        let tables = self.tables.iter().map(read).collect::<Result<Vec<_>, CommandError>>()?;
        let merged = merge::merge(&tables)?;
        merged.table.write(&self.out, overwrite(self.overwrite))?;
        if let Some(contradictions) = merged.contradictions {
            note(contradictions);
        }
        print::path(&self.out)
    }
}
