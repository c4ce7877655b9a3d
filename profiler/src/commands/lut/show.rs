//! `profiler lut show`: a table as a heat map.

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::Args;
#[cfg(not(target_os = "android"))]
use luts::Source;
use luts::Table;
use terminal::note;

use crate::commands::error::CommandError;

use crate::commands::{print, space};
#[cfg(not(target_os = "android"))]
use crate::measure::raw;
use crate::show::lut::{self, ColourChoice, Palette};
use crate::show::picture::PictureFile;

#[derive(Args)]
pub(crate) struct ShowArgs {
    /// Table to show
    table: PathBuf,
    /// Search space: built-in name, TOML file, or folder of ONNX files [default: the one named in the table]
    #[arg(long)]
    space: Option<String>,
    /// Also write it as a picture or page (.svg, .png or .html)
    #[arg(long, value_name = "FILE")]
    out: Option<PictureFile>,
    /// Simulated tables: show where the time of each row goes [raw file: NAME.raw.gz beside the table]
    #[cfg(not(target_os = "android"))]
    #[arg(long, value_name = "RAW", num_args = 0..=1)]
    #[expect(clippy::option_option, reason = "given or not, with a file or without")]
    explain: Option<Option<PathBuf>>,
    /// Colours in the terminal
    #[arg(long, value_enum, default_value_t)]
    color: ColourChoice,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl ShowArgs {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let table = Table::read(&self.table)?;
        let space = space::layout_if_known(&table, self.space)?;
        #[cfg(not(target_os = "android"))]
        let explained = match self.explain {
            Some(raw) => Some(explained_rows(&table, raw.unwrap_or_else(|| raw::beside(&self.table)))?),
            None => None,
        };
        if let Some(file) = self.out {
            file.write(&lut::page(&table, space.as_ref()))?;
            note(format_args!("wrote {file}"));
        }
        let palette = Palette::of(self.color, std::io::stdout().is_terminal());
        let shown = || lut::show(&table, space.as_ref(), palette);
        #[cfg(not(target_os = "android"))]
        if let Some(rows) = explained {
            let mut value = lut::json(&table, space.as_ref());
            value["explained"] = serde_json::json!(rows);
            return print::result(self.json, &value, || format!("{}\n{}", shown(), lut::explained::text(&rows)));
        }
        print::result(self.json, &lut::json(&table, space.as_ref()), shown)
    }
}

/// Where the time of a simulated table's rows goes, from its raw file.
#[cfg(not(target_os = "android"))]
fn explained_rows(table: &Table, raw: PathBuf) -> Result<Vec<lut::explained::Row>, CommandError> {
    if table.header.source != Source::Simulated {
        return Err(CommandError::Usage("--explain works with simulated tables only".to_string()));
    }
    let (_, samples) = raw::read(&raw)?;
    Ok(lut::explained::rows(table, &samples))
}
