//! `profiler lut export`: a table written in the forms of other tools.

use std::path::PathBuf;

use clap::Args;
use luts::nni;
use luts::{Source, Table};
use terminal::note;

use crate::commands::error::CommandError;
use crate::commands::quantity::Layers;
use crate::commands::values::overwrite;
use crate::commands::{print, space};
use crate::tables::export::{self, Form, OfaYaml};

#[derive(Args)]
pub(crate) struct ExportArgs {
    /// Table to convert
    table: PathBuf,
    /// File to write. Without --format it is NNI's table, and its name ends in .npy or .txt
    #[arg(long)]
    out: PathBuf,
    /// Format of the file [default: NNI's]
    #[arg(long, value_enum)]
    format: Option<Form>,
    /// ofa-yaml: layers with squeeze-and-excitation, counted from 1, for example 5-8,13-20
    #[arg(long, value_name = "LAYERS")]
    se: Option<Layers>,
    /// ofa-yaml: layers with h-swish, counted from 1
    #[arg(long, value_name = "LAYERS")]
    hs: Option<Layers>,
    /// Search space: built-in name, TOML file or folder of ONNX files [default: the one named in the table]
    #[arg(long)]
    space: Option<String>,
    /// Replace an existing file
    #[arg(long)]
    overwrite: bool,
}

impl ExportArgs {
    pub(super) fn run(self) -> Result<(), CommandError> {
        if self.format != Some(Form::OfaYaml) && (self.se.is_some() || self.hs.is_some()) {
            return Err(CommandError::Usage("--se and --hs are for --format ofa-yaml only".to_string()));
        }
        let table = Table::read(&self.table)?;
        if table.header.source != Source::Measured {
            note(format_args!("the table is {}; the file cannot record that", table.header.source));
        }
        match self.format {
            None => self.nni(&table)?,
            Some(form) => self.other(&table, form)?,
        }
        print::path(&self.out)
    }

    fn nni(&self, table: &Table) -> Result<(), CommandError> {
        let other =
            || CommandError::Usage("NNI's format is for built-in primitives only; choose another one with --format".to_string());
        if table.header.space.folder.is_some() {
            return Err(other());
        }
        let opened = space::of(table, self.space.clone(), None)?;
        let space = opened.known().ok_or_else(other)?;
        let form = nni::Form::of(&self.out)?;
        table.validate_file(space, &self.table)?;
        nni::export(table, space, &self.out, overwrite(self.overwrite))?;
        if table.has_trunk() {
            note("the trunk is omitted: NNI's tables contain the searched layers only");
        }
        let place = match form {
            nni::Form::Npy => "MODEL_DIR/lut/lut.npy, lut_load_format=\"numpy\"",
            nni::Form::Text => "lut.txt in the working folder, lut_load_format=\"json\"",
        };
        note(format_args!("NNI's NASConfig reads it as {place}; set lut_load=True and perf_metric=\"latency\""));
        Ok(())
    }

    fn other(&self, table: &Table, form: Form) -> Result<(), CommandError> {
        let space = space::layout(table, self.space.clone())?;
        table.validate_file(&space, &self.table)?;
        let text = match form {
            Form::Json => {
                note("the fixed pieces are omitted: the file is {layer: {candidate: µs}}");
                export::json(table, &space)?
            }
            Form::CsvLong => export::csv_long(table, &space)?,
            Form::OfaYaml => {
                let layers = |layers: &Option<Layers>| layers.as_ref().map(|layers| layers.0.clone()).unwrap_or_default();
                let written = OfaYaml { se: layers(&self.se), hs: layers(&self.hs) }.write(table, &space)?;
                if !written.left_out.is_empty() {
                    let names = written.left_out.join(", ");
                    note(format_args!("omitted, because their names do not state exactly kernel and expansion: {names}"));
                }
                written.text
            }
        };
        Ok(luts::write_whole(&self.out, text.as_bytes(), overwrite(self.overwrite))?)
    }
}
