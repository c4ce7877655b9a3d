//! `profiler bench`: any models, interleaved.

mod correction;
mod figures;

use std::path::PathBuf;

use clap::Args;
use engines::EngineKind;
use terminal::note;

use super::arguments::{Asked, MeasureArgs, engines, models};
use super::build::tell_end;
use super::error::CommandError;
use super::print;
use super::quantity::{Budget, Share, Time};
use super::values::threads;
use crate::devices::{Address, interrupt};
use crate::measure::given::{Given, NamedFile, NamedShape};
use crate::measure::raw::RawFile;
#[cfg(not(target_os = "android"))]
use crate::show::picture::PictureFile;

#[derive(Args)]
pub(super) struct BenchArgs {
    #[arg(required = true, help = models())]
    models: Vec<PathBuf>,
    /// Shape of an input with open dimensions [default: 1 for an open batch]. Can be repeated
    #[arg(long, value_name = "NAME=DIMENSIONS")]
    shape: Vec<NamedShape>,
    /// Values of an input as a .npy file [default: random values of its type]. Can be repeated
    #[arg(long, value_name = "NAME=FILE.npy")]
    input: Vec<NamedFile>,
    #[arg(long, default_value = "local", help = Address::HELP)]
    device: Address,
    #[command(flatten)]
    measure: MeasureArgs,
    #[arg(long, default_value = "ort", help = format!("Engine: {}", engines()))]
    engine: EngineKind,
    /// Threads used by the engine
    #[arg(long, default_value_t = 1, value_parser = threads)]
    threads: usize,
    /// Stop when every median is this precise (half width of its 95 % confidence interval, relative to the median)
    #[arg(long, default_value = "1%")]
    precision: Share,
    /// Stop after this sampling time, even if the precision is not reached
    #[arg(long, default_value = "20s")]
    budget: Time,
    /// Random seed (order of the samples)
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Keep the raw samples in this file
    #[arg(long, value_name = "FILE")]
    raw: Option<PathBuf>,
    /// Simulated devices: show where the cycles go, by cause and by function
    #[cfg(not(target_os = "android"))]
    #[arg(long)]
    explain: bool,
    /// Write the --explain result as a picture (.svg, .png or .html)
    #[cfg(not(target_os = "android"))]
    #[arg(long, value_name = "FILE")]
    picture: Option<PictureFile>,
    /// Print JSON, with how the figures were corrected
    #[arg(long)]
    json: bool,
}

impl BenchArgs {
    pub(super) fn run(self) -> Result<(), CommandError> {
        interrupt::catch();
        #[cfg(not(target_os = "android"))]
        self.check_explainable()?;
        let Self { engine, threads, precision, budget, seed, .. } = self;
        let budget_ms = Budget::Within(budget).ms().unwrap_or(1);
        let mut setting = self.measure.setting(Asked { device: self.device, engine, threads, precision, budget_ms, seed });
        // All in one process: they are compared with each other.
        setting.memory_kib = setting.memory_kib.or(Some(u64::MAX));
        let given = Given::read(self.shape, self.input)?;
        let (figures, precise, raw) = figures::run(&self.models, &given, &setting, self.raw.as_deref())?;
        if !setting.device.is_simulated() {
            tell_end(precise, precision);
        }
        for figure in &figures {
            figure.notes.iter().for_each(|text| note(format_args!("note: {}: {text}", figure.model)));
        }
        #[cfg(not(target_os = "android"))]
        if let Some(file) = self.picture {
            file.write(&figures::explained_page(&figures))?;
            note(format_args!("wrote {file}"));
        }
        #[cfg(not(target_os = "android"))]
        let explained = if self.explain { figures::explained(&figures) } else { String::new() };
        #[cfg(target_os = "android")]
        let explained = "";
        print::result(self.json, &figures, || format!("{}{explained}", figures::table(&figures)))?;
        Ok(raw.map_or(Ok(()), RawFile::finish)?)
    }

    /// Refuses to explain what only a simulated device can.
    #[cfg(not(target_os = "android"))]
    fn check_explainable(&self) -> Result<(), CommandError> {
        if (self.explain || self.picture.is_some()) && !self.device.is_simulated() {
            return Err(CommandError::Usage(format!(
                "--explain and --picture work with simulated devices only: use --device sim:sd625 instead of {}",
                self.device
            )));
        }
        Ok(self.picture.iter().try_for_each(PictureFile::check)?)
    }
}
