//! `profiler lut import`: a table made of NNI's.

use std::path::PathBuf;

use blocks::Space;
use clap::Args;
use luts::nni::{Import, Repeats, Unit};
use terminal::note;

use crate::commands::error::CommandError;
use crate::commands::print;
use crate::commands::values::overwrite;
use crate::show::text;

#[derive(Args)]
pub(crate) struct ImportArgs {
    /// NNI's table: lut.npy or lut.txt
    file: PathBuf,
    /// Unit of the values: us, ms or macs (multiply-adds). Required for .npy [default for .txt: us]
    #[arg(long)]
    unit: Option<Unit>,
    /// Search space: built-in name or TOML file
    #[arg(long, default_value = "pfld")]
    space: String,
    /// Table to write (CSV)
    #[arg(long)]
    out: PathBuf,
    /// Average layers of the same shape that have different values (NNI measures each layer); without it this is an error
    #[arg(long)]
    mean: bool,
    /// Replace an existing table
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
            "{} keys of space {space}; the trunk, the device and the engine are not known",
            imported.table.rows().len()
        ));
        if imported.unused > 0 {
            note(format_args!("ignored {} entries that match no candidate of the space", imported.unused));
        }
        if self.unit == Some(Unit::Macs) {
            note(format_args!(
                "these are multiply-adds, not times: a search with this table works as with NNI's flops metric, and all figures in \
                 µs are multiply-adds; trainer search --perf-metric flops counts multiply-adds without a table"
            ));
        }
        print::path(&self.out)
    }
}
