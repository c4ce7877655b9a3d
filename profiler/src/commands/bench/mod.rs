//! `profiler bench`: any models, interleaved.

mod figures;

use std::path::PathBuf;

use clap::Args;
use engines::EngineKind;

use super::arguments::{Asked, MeasureArgs};
use super::build::tell_end;
use super::error::CommandError;
use super::print;
use super::quantity::{Share, Time};
use super::values::threads;
use crate::devices::{Address, interrupt};
use crate::measure::given::{Given, NamedFile, NamedShape};
use crate::output::note;
#[cfg(not(target_os = "android"))]
use crate::show::picture::PictureFile;

#[derive(Args)]
pub(super) struct BenchArgs {
    /// ONNX files; with the engine mnn also .mnn files.
    #[arg(required = true)]
    models: Vec<PathBuf>,
    /// Dimensions of an input that the model leaves open; an open batch dimension alone is set to 1. Can be repeated.
    #[arg(long, value_name = "NAME=DIMENSIONS")]
    shape: Vec<NamedShape>,
    /// Values of an input: a file written by numpy.save [default: random values of the right type]. Can be repeated.
    #[arg(long, value_name = "NAME=FILE.npy")]
    input: Vec<NamedFile>,
    /// Device: local, adb, adb:SERIAL, ssh://user@host[:port], or sim:CHIP for a simulated one (sd625, qrb2210, rpi3b, a TOML file).
    #[arg(long, default_value = "local")]
    device: Address,
    #[command(flatten)]
    measure: MeasureArgs,
    /// Inference engine: ort, tract or mnn.
    #[arg(long, default_value = "ort")]
    engine: EngineKind,
    /// Threads of the engine.
    #[arg(long, default_value_t = 1, value_parser = threads)]
    threads: usize,
    /// Target precision: stop when the 95 % interval of every median is within ± this share.
    #[arg(long, default_value = "1%")]
    precision: Share,
    /// Time limit for sampling.
    #[arg(long, default_value = "20s")]
    budget: Time,
    /// Seed of the order of the samples.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Keep the raw samples in this file.
    #[arg(long, value_name = "FILE")]
    raw: Option<PathBuf>,
    /// Simulated devices: report where the cycles go, by cause and by function.
    #[cfg(not(target_os = "android"))]
    #[arg(long)]
    explain: bool,
    /// Simulated devices: draw where the cycles go into a file: .svg, .png or .html.
    #[cfg(not(target_os = "android"))]
    #[arg(long, value_name = "FILE")]
    picture: Option<PictureFile>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl BenchArgs {
    pub(super) fn run(self) -> Result<(), CommandError> {
        interrupt::catch();
        #[cfg(not(target_os = "android"))]
        self.check_explainable()?;
        let Self { engine, threads, precision, budget, seed, .. } = self;
        let setting = self.measure.setting(Asked { device: self.device, engine, threads, precision, budget, seed });
        let given = Given::read(self.shape, self.input)?;
        let (figures, precise) = figures::run(&self.models, &given, &setting, self.raw.as_deref())?;
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
        print::result(self.json, &figures, || format!("{}{explained}", figures::table(&figures)))
    }

    /// Refuses to explain what only a simulated device can.
    #[cfg(not(target_os = "android"))]
    fn check_explainable(&self) -> Result<(), CommandError> {
        if (self.explain || self.picture.is_some()) && !self.device.is_simulated() {
            return Err(CommandError::Usage(format!(
                "--explain and --picture need a simulated device, such as --device sim:sd625; {} is none",
                self.device
            )));
        }
        Ok(self.picture.iter().try_for_each(PictureFile::check)?)
    }
}
