//! `trainer synth`: a data folder of synthetic faces.

use std::path::PathBuf;

use clap::Args;
use faces::synth::{SynthOptions, write_synth};
use indicatif::ProgressBar;

use super::error::Result;
use crate::console::note;

#[derive(Args, Debug)]
#[command(after_help = "Example:
  trainer synth --out faces --train 2000 --test 200")]
pub struct SynthArgs {
    /// Data folder to make
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Number of training faces
    #[arg(long, value_name = "N", default_value_t = 2000)]
    train: usize,
    /// Number of test faces
    #[arg(long, value_name = "N", default_value_t = 200)]
    test: usize,
    /// Landmarks of a face; only 106 is supported
    #[arg(long, value_name = "N", default_value_t = 106)]
    points: usize,
    /// Seed of all random numbers
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Replace the folder, if this command made it
    #[arg(long)]
    overwrite: bool,
}

pub fn run(args: &SynthArgs) -> Result<()> {
    let options =
        SynthOptions { train: args.train, test: args.test, points: args.points, seed: args.seed, overwrite: args.overwrite };
    let bar = ProgressBar::new((args.train + args.test) as u64);
    write_synth(&args.out, &options, || bar.inc(1))?;
    bar.finish_and_clear();
    note(format_args!("{} training and {} test faces in {}", args.train, args.test, args.out.display()));
    Ok(())
}
