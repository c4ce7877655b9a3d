//! `profiler check`: whole networks that the table was not fitted to, predicted and measured.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use engines::EngineKind;
use luts::{Source, Table};
use terminal::note;

use super::arguments::{Asked, MeasureArgs, Sampling, engines};
use super::error::CommandError;
use super::quantity::{Budget, Share, Time};
use super::values::points;
use super::{print, space};
use crate::check::Check;
use crate::devices::{Address, interrupt};
use crate::show;
use crate::show::picture::PictureFile;

/// Most time of sampling, unless told otherwise.
const BUDGET: Time = Time(Duration::from_secs(90));

#[derive(Args)]
pub(super) struct CheckArgs {
    /// Table to test
    table: PathBuf,
    /// Search space: built-in name, TOML file, or folder of ONNX files [default: the one named in the table]
    #[arg(long)]
    space: Option<String>,
    #[arg(long, default_value = "local", help = Address::HELP)]
    device: Address,
    #[command(flatten)]
    measure: MeasureArgs,
    #[arg(long, help = format!("Engine: {} [default: the table's]", engines()))]
    engine: Option<EngineKind>,
    /// Check the table on a different device or engine; the table's header is not changed
    #[arg(long)]
    other_device: bool,
    /// Number of random networks to measure
    #[arg(long, default_value_t = 30)]
    nets: usize,
    /// Random seed (which networks)
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Fail if the mean absolute error is larger
    #[arg(long, default_value = "5%")]
    max_mape: Share,
    /// Stop when every median is this precise (half width of its 95 % confidence interval, relative to the median)
    #[arg(long, default_value = "1%")]
    precision: Share,
    /// Stop after this sampling time, even if the precision is not reached; auto: long enough for a few samples of each model
    /// [default: 90s; for folders auto]
    #[arg(long)]
    budget: Option<Budget>,
    /// Number of landmarks [default: the table's]
    #[arg(long, value_parser = points)]
    points: Option<usize>,
    /// Do not write the result into the table's header
    #[arg(long)]
    no_write: bool,
    /// Write a plot of predicted against measured latency (.svg, .png or .html)
    #[arg(long, value_name = "FILE")]
    picture: Option<PictureFile>,
    /// Keep the raw samples in this file
    #[arg(long, value_name = "FILE")]
    raw: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl CheckArgs {
    pub(super) fn run(self) -> Result<(), CommandError> {
        interrupt::catch();
        self.picture.iter().try_for_each(PictureFile::check)?;
        let table = Table::read(&self.table)?;
        let space = space::of(&table, self.space, self.points)?;
        table.validate_file(space.measurable(), &self.table)?;
        if table.header.source == Source::Imported {
            let path = self.table.display();
            return Err(CommandError::Usage(format!(
                "{path} was imported: it has no trunk, so it cannot predict a whole network. Measure a table on the device: profiler \
                 build --space {} --device DEVICE --out NEW.csv",
                table.header.space.name
            )));
        }
        let engine = match self.engine {
            Some(engine) => engine,
            None => table.header.engine.name.parse().map_err(CommandError::Usage)?,
        };
        let Self { device, precision, seed, .. } = self;
        // The header speaks of the networks that the table was measured for.
        let is_of_others = space.points() != table.header.points;
        if is_of_others && !self.no_write {
            note("note: the table was measured for another number of landmarks; its header is not changed");
        }
        let Sampling { budget_ms, wanted, looks } = self.measure.sampling(self.budget, BUDGET, space.known().is_none());
        let setting = self.measure.setting(Asked { device, engine, threads: table.header.threads, precision, budget_ms, seed });
        let check = Check {
            path: self.table,
            space: space.measurable(),
            points: space.points(),
            nets: self.nets,
            seed,
            setting,
            looks,
            wanted,
            write: !self.no_write && !self.other_device && !is_of_others,
            other_device: self.other_device,
            raw: self.raw,
            table,
        };
        let (report, raw) = check.run()?;
        if let Some(file) = self.picture {
            file.write(&show::check::page(&report, &check.table.header))?;
            note(format_args!("wrote {file}"));
        }
        print::result(self.json, &report, || show::check::text(&report))?;
        check.keep(&report, raw)?;
        Ok(report.verdict(self.max_mape.0)?)
    }
}
