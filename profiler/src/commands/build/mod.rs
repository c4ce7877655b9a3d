//! `profiler build`: measures a search space and writes its latency table.

mod collecting;
mod request;
mod table;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use engines::EngineKind;
use terminal::{note, note_text};

use super::arguments::{Asked, MeasureArgs, Sampling, engines};
use super::error::CommandError;
use super::print;
use super::quantity::{Budget, Count, Share, Time};
use super::space::Opened;
use super::values::{points, threads};
use crate::devices::{Address, interrupt};
use crate::measure::collect::planned;
use crate::measure::fleet::Sharing;
use crate::show::lut::{self, ColourChoice, Palette};
use request::Build;

/// Most time of sampling, unless told otherwise.
const BUDGET: Time = Time(Duration::from_secs(75));

#[derive(Args)]
pub(super) struct BuildArgs {
    /// Search space: built-in name, TOML file, or folder of ONNX files
    #[arg(long, default_value = "pfld")]
    space: String,
    /// Table to write (CSV)
    #[arg(long)]
    out: PathBuf,
    #[arg(long, default_value = "local", help = format!("{}. Repeat it for several devices of the same model", Address::HELP))]
    device: Vec<Address>,
    /// With several devices: divide the work among them (default)
    #[arg(long, conflicts_with = "replicate")]
    spread: bool,
    /// With several devices: measure everything on each, and report how much they differ. Writes one table per device and a common one
    #[arg(long)]
    replicate: bool,
    #[command(flatten)]
    measure: MeasureArgs,
    /// Cold-cache runs per block and measurement pass; 0 for none
    #[arg(long, default_value_t = 3, value_name = "RUNS")]
    cold: usize,
    #[arg(long, default_value = "ort", help = format!("Engine: {}", engines()))]
    engine: EngineKind,
    /// Threads used by the engine
    #[arg(long, default_value_t = 1, value_parser = threads)]
    threads: usize,
    /// Stop when every median is this precise (half width of its 95 % confidence interval, relative to the median)
    #[arg(long, default_value = "0.5%")]
    precision: Share,
    /// Stop after this sampling time, even if the precision is not reached; auto: long enough for a few samples of each model
    /// [default: 75s; for folders auto]
    #[arg(long)]
    budget: Option<Budget>,
    /// Number of landmarks; not for a folder of ONNX files [default: 106]
    #[arg(long, value_parser = points)]
    points: Option<usize>,
    /// Whole networks to measure with the blocks; 0: blocks only; auto: 80, or 40 if each takes 50 ms or more [default: 80; for folders
    /// auto]
    #[arg(long)]
    nets: Option<Count>,
    /// File for the raw samples [default: NAME.raw.gz beside the table]
    #[arg(long, value_name = "FILE")]
    raw: Option<PathBuf>,
    /// Resume an interrupted build; a finished one is only fitted again
    #[arg(long)]
    resume: bool,
    /// Replace an existing table and its raw file
    #[arg(long, conflicts_with = "resume")]
    overwrite: bool,
    /// Random seed (order of the samples)
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl BuildArgs {
    pub(super) fn run(self) -> Result<(), CommandError> {
        interrupt::catch();
        if self.replicate && self.device.len() < 2 {
            return Err(CommandError::Usage("--replicate needs several devices: repeat --device".to_string()));
        }
        let Self { engine, threads, precision, seed, .. } = self;
        let device = self.device.first().cloned().unwrap_or(Address::Local);
        let space = Opened::open(&self.space, self.points)?;
        let is_folder = space.known().is_none();
        let Sampling { budget_ms, wanted, looks } = self.measure.sampling(self.budget, BUDGET, is_folder);
        let mut setting = self.measure.setting(Asked { device, engine, threads, precision, budget_ms, seed });
        setting.plan.cold_runs = self.cold;
        let nets = self.nets.unwrap_or(if is_folder { Count::Auto } else { Count::Exactly(planned::NETS) });
        let build = Build {
            space: space.measurable(),
            points: space.points(),
            nets,
            looks: looks || nets == Count::Auto,
            wanted,
            setting,
            devices: self.device,
            sharing: if self.replicate { Sharing::Replicate } else { Sharing::Spread },
            out: self.out,
            raw: self.raw,
            resume: self.resume,
            overwrite: self.overwrite,
        };
        let table = build.run()?;
        if let Some(by) = &table.header.stopped_by {
            tell_end(by == "precision", precision);
        }
        let palette = Palette::of(ColourChoice::Auto, std::io::stderr().is_terminal());
        note_text(&lut::show(&table, Some(&space.measurable().into()), palette));
        print::path(&build.out)
    }
}

/// Tells what ended the sampling.
pub(super) fn tell_end(precise: bool, precision: Share) {
    if precise {
        note(format_args!("stopped: every 95 % interval is within ±{precision}"));
    } else {
        note(format_args!("stopped by --budget: some 95 % intervals are wider than ±{precision}"));
    }
}
