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
    /// The data folder to make
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Training faces
    #[arg(long, value_name = "N", default_value_t = 2000)]
    train: usize,
    /// Test faces
    #[arg(long, value_name = "N", default_value_t = 200)]
    test: usize,
    /// Points of a face; faces are made with 106 alone
    #[arg(long, value_name = "N", default_value_t = 106)]
    points: usize,
    /// Seed
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Replace a folder that this command made
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
