//! `profiler lut import` and `lut export`: NNI's tables.

use std::path::PathBuf;

use blocks::Space;
use clap::Args;
use luts::nni::{Form, Import, Repeats, Unit, export};
use luts::{Overwrite, Source, Table};

use crate::error::HostError;
use crate::output::{note, print_line};
use crate::show::text;

/// What `lut import` is told.
#[derive(Args)]
pub struct ImportArgs {
    /// NNI's table: lut.npy or lut.txt.
    file: PathBuf,
    /// What its values are: us, ms, or macs for multiply-adds. Needed for .npy; us without for .txt.
    #[arg(long)]
    unit: Option<Unit>,
    /// Built-in name or TOML file of the search space it was made for.
    #[arg(long, default_value = "pfld")]
    space: String,
    /// The table's file.
    #[arg(long)]
    out: PathBuf,
    /// Take the mean where layers of the same shapes have different values, as NNI measures them; an error without.
    #[arg(long)]
    mean: bool,
    /// Replace a table that is there.
    #[arg(long)]
    overwrite: bool,
}

/// What `lut export` is told.
#[derive(Args)]
pub struct ExportArgs {
    /// The table.
    pub table: PathBuf,
    /// NNI's table to write: its name ends in .npy or .txt.
    #[arg(long)]
    out: PathBuf,
    /// The table's search space, if not the one of its name.
    #[arg(long)]
    pub space: Option<String>,
    /// Replace a file that is there.
    #[arg(long)]
    overwrite: bool,
}

fn overwrite(yes: bool) -> Overwrite {
    if yes { Overwrite::Yes } else { Overwrite::No }
}

impl ImportArgs {
    /// Imports and writes.
    ///
    /// # Errors
    /// [`HostError`].
    pub fn run(self) -> Result<(), HostError> {
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
            note(format_args!("{} entries belong to no candidate of the space and were passed over", imported.unused));
        }
        if self.unit == Some(Unit::Macs) {
            note(format_args!(
                "these are multiply-adds, not times: a search with this table is steered as NNI's flops metric steers it, and what \
                 is shown in µs is multiply-adds; trainer search --perf-metric flops counts them without a table"
            ));
        }
        print_line(self.out.display())?;
        Ok(())
    }
}

impl ExportArgs {
    /// Writes NNI's table.
    ///
    /// # Errors
    /// [`HostError`].
    pub fn run(self, table: &Table, space: &Space) -> Result<(), HostError> {
        let form = Form::of(&self.out)?;
        table.validate(space).map_err(|faults| luts::TableError::Faults { path: self.table, faults })?;
        export(table, space, &self.out, overwrite(self.overwrite))?;
        if table.has_trunk() {
            note("the trunk is left out: NNI's tables hold the searched layers alone");
        }
        if table.header.source != Source::Measured {
            note(format_args!("the table is {}, which NNI's form cannot say", table.header.source));
        }
        let place = match form {
            Form::Npy => "MODEL_DIR/lut/lut.npy, lut_load_format=\"numpy\"",
            Form::Text => "lut.txt in the working folder, lut_load_format=\"json\"",
        };
        note(format_args!("NNI's NASConfig finds it as {place}, with lut_load=True and perf_metric=\"latency\""));
        print_line(self.out.display())?;
        Ok(())
    }
}
