//! `profiler lut import`: a table made of NNI's.

use std::path::PathBuf;

use blocks::Space;
use clap::Args;
use luts::nni::{Import, Repeats, Unit};

use crate::commands::error::CommandError;
use crate::commands::print;
use crate::commands::values::overwrite;
use crate::output::note;
use crate::show::text;

#[derive(Args)]
pub(crate) struct ImportArgs {
    /// NNI's table: lut.npy or lut.txt.
    file: PathBuf,
    /// Unit of its values: us, ms, or macs for multiply-adds [default: us for .txt; .npy needs it].
    #[arg(long)]
    unit: Option<Unit>,
    /// Search space that it was made for: built-in name or TOML file.
    #[arg(long, default_value = "pfld")]
    space: String,
    /// The table to write.
    #[arg(long)]
    out: PathBuf,
    /// Take the mean if layers of the same shapes have different values, as NNI measures them; without this option that is an error.
    #[arg(long)]
    mean: bool,
    /// Replace an existing table.
    #[arg(long)]
    overwrite: bool,
}

impl ImportArgs {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let space = Space::load(&self.space)?;
        let import = Import {
            space: &space,
            unit: self.unit,
            repeats: if self.mean { Repeats::Mean } else { Repeats::Refuse },
            date: text::now(),
            profiler: env!("CARGO_PKG_VERSION").to_string(),
        };
        let imported = import.read(&self.file)?;
        imported.table.write(&self.out, overwrite(self.overwrite))?;
        note(format_args!(
            "{} keys of space {space}; no trunk, and neither device nor engine are known",
            imported.table.rows().len()
        ));
        if imported.unused > 0 {
            note(format_args!("{} entries belong to no candidate of the space and were ignored", imported.unused));
        }
        if self.unit == Some(Unit::Macs) {
            note(format_args!(
                "these are multiply-adds, not times: a search with this table is steered as NNI's flops metric steers it, and what \
                 is shown in µs is multiply-adds; trainer search --perf-metric flops counts them without a table"
            ));
        }
        print::path(&self.out)
    }
}
