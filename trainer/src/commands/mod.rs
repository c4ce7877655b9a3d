//! The command line, a file a command. clap is used here only.

mod args;
mod baseline;
mod choose_args;
mod compare;
mod compare_settings;
mod error;
mod eval;
mod export;
mod finetune;
mod flags;
mod import;
mod output;
mod predict;
mod report;
mod resolve;
mod search;
mod sweep;
mod synth;
mod train_args;
mod values;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

pub use error::{Error, Result};
pub use flags::SettingsError;
pub use resolve::ResolveError;

use self::output::print_line;
use crate::parallel;

/// This program.
const PROGRAM: &str = "trainer";

/// Search, train and export small facial landmark networks with a latency table of a real device.
#[derive(Debug, Parser)]
#[command(name = PROGRAM, version, max_term_width = 100, after_help = EXAMPLE)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLE: &str = "Example, from nothing to a network:
  trainer synth --out faces --train 2000 --test 200
  trainer search --lut luts/host.csv --data faces --out run --batch 32 --base-lr 1e-3 \\
    --start-epoch 4 --end-epoch 12 --tau-decay 0.4
  trainer finetune --out run --data faces --batch 32 --base-lr 1e-3 --end-epoch 20
  trainer export --subnet run/subnet/checkpoint_last.safetensors --out run/subnet.onnx
  trainer report run

Exit codes: 0 done, 1 a check failed, 2 wrong usage or input, 130 interrupted.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a data folder of synthetic faces with 106 exact landmarks and exact pose
    Synth(synth::SynthArgs),
    /// Search for a network with a latency table
    Search(Box<search::SearchArgs>),
    /// Train the chosen subnet further, from the supernet's weights
    Finetune(Box<finetune::FinetuneArgs>),
    /// Convert a checkpoint of NNI's PFLD example
    Import(import::ImportArgs),
    /// Write a subnet as ONNX and check it with ONNX Runtime
    Export(export::ExportArgs),
    /// Evaluate a network: NME, failure rate, AUC and the error of each landmark
    Eval(eval::EvalArgs),
    /// Draw the landmarks on a picture of a face
    Predict(predict::PredictArgs),
    /// Train networks for a comparison with a run, by the same recipe: random ones, or the published baseline
    Baseline(baseline::BaselineArgs),
    /// Repeat a run's search from the end of its warm-up, with other β or latency limits
    Sweep(sweep::SweepArgs),
    /// Train and measure a whole comparison from one settings file: several seeds, the baseline, random networks
    Compare(compare::CompareArgs),
    /// Write RUN/report.html, a self-contained page
    Report(report::ReportArgs),
    /// Print shell completions of this command line
    #[command(after_help = "Example:
  trainer completions bash > ~/.local/share/bash-completion/completions/trainer")]
    Completions(terminal::help::Completions),
    /// Write manual pages
    #[command(after_help = "Example:
  trainer man ~/.local/share/man/man1")]
    Man(terminal::help::Manual),
}

/// The command line's description.
fn line() -> clap::Command {
    terminal::help::installed(Cli::command(), PROGRAM)
}

/// Reads the command line and runs it.
pub fn run() -> ExitCode {
    let mut command = line();
    let found = command.get_matches_mut();
    let cli = Cli::from_arg_matches(&found).unwrap_or_else(|error| error.format(&mut command).exit());
    let started = match &cli.command {
        Command::Search(_) | Command::Finetune(_) => parallel::start(),
        _ => parallel::start_alone(),
    };
    let failed = |error: Error| {
        terminal::note(format_args!("error: {}", terminal::chain(&error)));
        error.exit_code()
    };
    let member = match started {
        Ok(member) => member,
        Err(error) => return ExitCode::from(failed(error.into())),
    };
    match do_it(cli.command).map_err(failed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(code) => {
            // Other processes may be waiting for this one.
            member.fail(code);
            ExitCode::from(code)
        }
    }
}

fn do_it(command: Command) -> Result<()> {
    match command {
        Command::Synth(args) => synth::run(&args),
        Command::Search(args) => search::run(&args),
        Command::Finetune(args) => finetune::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Eval(args) => eval::run(&args),
        Command::Predict(args) => predict::run(&args),
        Command::Baseline(args) => baseline::run(&args),
        Command::Sweep(args) => sweep::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Completions(args) => args.print(line()).map_err(Error::Output),
        Command::Man(args) => args.write(line()).map_err(Error::from).and_then(|()| print_line(args.folder.display())),
    }
}
