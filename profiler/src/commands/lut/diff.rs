//! `profiler lut diff`: two tables side by side.

use std::path::PathBuf;

use clap::Args;
use luts::Table;

use crate::commands::error::CommandError;
use crate::commands::{print, space};
use crate::show;
use crate::tables::diff::{self, Caches, Side};

#[derive(Args)]
pub(crate) struct DiffArgs {
    /// First table
    a: PathBuf,
    /// Second table
    b: PathBuf,
    /// Search space: built-in name, TOML file, or folder of ONNX files [default: the one named in the first table]
    #[arg(long)]
    space: Option<String>,
    /// Which latency to compare. Give it twice to set it per table
    #[arg(long, value_name = "WHICH", num_args = 1)]
    caches: Vec<Caches>,
    /// Compare although threads, caches or search space differ
    #[arg(long)]
    force: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl DiffArgs {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let tables = (Table::read(&self.a)?, Table::read(&self.b)?);
        let space = space::layout_if_known(&tables.0, self.space)?;
        let which = |i: usize| self.caches.get(i).or(self.caches.first()).copied().unwrap_or(Caches::Warm);
        let names = (self.a.display().to_string(), self.b.display().to_string());
        let first = Side { name: &names.0, table: &tables.0, caches: which(0) };
        let second = Side { name: &names.1, table: &tables.1, caches: which(1) };
        let found = diff::diff(&first, &second, space.as_ref(), self.force)?;
        print::result(self.json, &found, || show::diff::text(&found, &first, &second))
    }
}
