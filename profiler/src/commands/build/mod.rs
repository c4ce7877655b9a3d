//! `profiler build`: measures a search space and writes its latency table.

mod table;

use std::io::IsTerminal;
use std::path::PathBuf;

use blocks::Space;
use clap::Args;
use engines::EngineKind;

use super::arguments::{Asked, MeasureArgs};
use super::error::CommandError;
use super::print;
use super::quantity::{Share, Time};
use super::values::{points, threads};
use crate::devices::{Address, interrupt};
use crate::measure::units::Sharing;
use crate::output::{note, note_text};
use crate::show::lut::{self, ColourChoice, Palette};
use table::Build;

#[derive(Args)]
pub(super) struct BuildArgs {
    /// Search space: built-in name or TOML file.
    #[arg(long, default_value = "pfld")]
    space: String,
    /// The table to write.
    #[arg(long)]
    out: PathBuf,
    /// Device: local, adb, adb:SERIAL, ssh://user@host[:port], or sim:CHIP for a simulated one (sd625, qrb2210, rpi3b, a TOML file). Give
    /// several units of one model to measure on them in parallel.
    #[arg(long, default_value = "local")]
    device: Vec<Address>,
    /// Several units share the work (the default).
    #[arg(long, conflicts_with = "replicate")]
    spread: bool,
    /// Every unit does all the work: this shows how much units differ. Each unit also gets a table of its own.
    #[arg(long)]
    replicate: bool,
    #[command(flatten)]
    measure: MeasureArgs,
    /// Runs with cold caches of each block in each pass; 0 for none.
    #[arg(long, default_value_t = 3, value_name = "RUNS")]
    cold: usize,
    /// Inference engine: ort, tract or mnn.
    #[arg(long, default_value = "ort")]
    engine: EngineKind,
    /// Threads of the engine.
    #[arg(long, default_value_t = 1, value_parser = threads)]
    threads: usize,
    /// Target precision: stop when the 95 % interval of every median is within ± this share.
    #[arg(long, default_value = "0.5%")]
    precision: Share,
    /// Time limit for sampling: stop after this time even if the target precision is not reached.
    #[arg(long, default_value = "75s")]
    budget: Time,
    /// Landmarks of the networks.
    #[arg(long, default_value_t = 106, value_parser = points)]
    points: usize,
    /// Whole networks to measure besides the blocks; 0 for blocks alone.
    #[arg(long, default_value_t = 80)]
    nets: usize,
    /// File for the raw samples [default: beside the table].
    #[arg(long, value_name = "FILE")]
    raw: Option<PathBuf>,
    /// Continue with the samples of an earlier run; samples that are complete are only fitted again.
    #[arg(long)]
    resume: bool,
    /// Replace an existing table and raw file.
    #[arg(long, conflicts_with = "resume")]
    overwrite: bool,
    /// Seed of the order of the samples.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl BuildArgs {
    pub(super) fn run(self) -> Result<(), CommandError> {
        interrupt::catch();
        if self.replicate && self.device.len() < 2 {
            return Err(CommandError::Usage("--replicate compares several units: give --device for each".to_string()));
        }
        let Self { engine, threads, precision, budget, seed, .. } = self;
        let device = self.device.first().cloned().unwrap_or(Address::Local);
        let mut setting = self.measure.setting(Asked { device, engine, threads, precision, budget, seed });
        setting.plan.cold_runs = self.cold;
        let build = Build {
            space: Space::load(&self.space)?,
            points: self.points,
            nets: self.nets,
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
        note_text(&lut::show(&table, Some(&build.space), palette));
        print::path(&build.out)
    }
}

/// Tells what ended the sampling.
pub(super) fn tell_end(precise: bool, precision: Share) {
    if precise {
        note(format_args!("stopped by precision: every 95 % interval is within ±{precision}"));
    } else {
        note(format_args!("stopped by the budget: some 95 % intervals are wider than ±{precision}"));
    }
}
