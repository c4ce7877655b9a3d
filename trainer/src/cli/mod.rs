//! The command line.

mod baseline;
mod eval;
mod export;
mod finetune;
mod import;
mod predict;
mod report;
mod search;
mod sweep;
mod synth;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use blocks::Space;
use clap::{Args, Parser, Subcommand};

use crate::baseline::{Finished, clear};
use crate::error::{Error, Result};
use crate::parallel;
use crate::run::{FileError, RunFolder};

/// Searches, trains and exports small facial landmark networks with a latency table of a real device.
#[derive(Debug, Parser)]
#[command(name = "trainer", version, max_term_width = 100, after_help = EXAMPLE)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLE: &str = "Example, from nothing to a network:
  trainer synth --out faces --train 2000 --test 200
  trainer search --lut luts/host.csv --data faces --out run --batch 32 --base-lr 1e-3 --start-epoch 4 --end-epoch 12 --tau-decay 0.4
  trainer finetune --supernet run/supernet/checkpoint_last.safetensors --data faces --out run --batch 32 --base-lr 1e-3 --end-epoch 20
  trainer export --subnet run/subnet/checkpoint_last.safetensors --out run/subnet.onnx
  trainer report run

Exit codes: 0 done, 1 a check failed, 2 bad usage or input, 130 stopped by Ctrl-C.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes procedural faces with 106 exact points and pose: a data folder without a download
    Synth(synth::SynthArgs),
    /// Searches an architecture with a latency table
    Search(Box<search::SearchArgs>),
    /// Trains the chosen subnet on, from the supernet's weights
    Finetune(Box<finetune::FinetuneArgs>),
    /// Reads a checkpoint of NNI's PFLD example
    Import(import::ImportArgs),
    /// Writes a subnet as ONNX, checked against ONNX Runtime
    Export(export::ExportArgs),
    /// NME, failure rate, AUC and error of each point on a list
    Eval(eval::EvalArgs),
    /// Draws the landmarks of one picture of a face
    Predict(predict::PredictArgs),
    /// Trains what a searched network has to be better than, by the recipe of its run
    Baseline(baseline::BaselineArgs),
    /// Searches over β or targets from one warm-up: the front of latency and error
    Sweep(sweep::SweepArgs),
    /// Writes RUN/report.html, one self-contained page
    Report(report::ReportArgs),
}

/// Which list of a data folder, and how its points are understood.
#[derive(Args, Clone, Debug)]
struct ListArgs {
    /// File name of the lists in train_data/ and test_data/ [default: list.txt]
    #[arg(long, value_name = "NAME")]
    list: Option<String>,
    /// Point scheme (TOML: count, nme_pair or nme_fixed_px, mirror) [default: points.toml in the data folder, or built in: 68, 98, 106, and without mirror 19, 29]
    #[arg(long, value_name = "FILE")]
    points_file: Option<PathBuf>,
}

impl ListArgs {
    fn list(&self) -> &str {
        self.list.as_deref().unwrap_or(DEFAULT_LIST)
    }
}

const DEFAULT_LIST: &str = "list.txt";

/// The same place from wherever the run is gone on with.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// A search space as a run remembers it: the file's place, or a name as it was typed.
fn remembered_space(given: &str) -> String {
    let is_file = !Space::is_built_in(given) && Path::new(given).is_file();
    if is_file { absolute(given.as_ref()).display().to_string() } else { given.to_string() }
}

/// Threads of the numeric work.
#[derive(Args, Clone, Copy, Debug)]
struct ThreadArgs {
    /// Threads of the numeric work; results do not depend on it [default: all CPUs]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

impl ThreadArgs {
    fn apply(self) -> Result<()> {
        let mut builder = rayon::ThreadPoolBuilder::new();
        if let Some(threads) = self.threads {
            if threads == 0 {
                return Err(Error::Usage("--threads must be at least 1".to_string()));
            }
            builder = builder.num_threads(threads);
        }
        builder.build_global().map_err(|e| Error::Usage(format!("cannot start threads: {e}")))
    }
}

/// What trainings beside a finished run take.
#[derive(Args, Debug)]
struct BesideArgs {
    /// The folder of a run whose search and finetune are finished
    #[arg(long, value_name = "RUN")]
    run: PathBuf,
    #[command(flatten)]
    threads: ThreadArgs,
    /// Train anew what is there
    #[arg(long)]
    overwrite: bool,
    /// Print the result as JSON, NME in per cent
    #[arg(long)]
    json: bool,
}

impl BesideArgs {
    /// The finished run; with --overwrite, without those networks beside it in `folder` that are `stale`.
    fn begin(&self, folder: &str, stale: impl Fn(&str) -> bool) -> Result<Finished> {
        self.threads.apply()?;
        let finished = Finished::load(&RunFolder::new(&self.run))?;
        if self.overwrite {
            clear(&finished, folder, stale)?;
        }
        Ok(finished)
    }
}

/// Prints a result as JSON; `path` is the file that holds it too.
fn print_json(value: &impl serde::Serialize, path: &Path) -> Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(std::io::Error::other).map_err(FileError::new("cannot write", path))?;
    print_line(format_args!("{text}"))
}

/// Prints a line.
fn print_line(line: std::fmt::Arguments<'_>) -> Result<()> {
    writeln!(std::io::stdout(), "{line}").map_err(Error::Output)
}

/// Reads the command line and runs it.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let started = match &cli.command {
        Command::Search(_) | Command::Finetune(_) => parallel::start(),
        _ => parallel::start_alone(),
    };
    let failed = |error: Error| {
        print_chain(&error);
        error.exit_code()
    };
    let member = match started {
        Ok(member) => member,
        Err(error) => return ExitCode::from(failed(error)),
    };
    let done = match command(cli.command) {
        // Whoever read the output has seen enough: `trainer eval … | head`.
        Err(Error::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    };
    match done.map_err(failed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(code) => {
            // Other processes may be waiting for this one.
            member.fail(code);
            ExitCode::from(code)
        }
    }
}

fn command(command: Command) -> Result<()> {
    match command {
        Command::Synth(args) => synth::run(&args),
        Command::Search(args) => search::run(*args),
        Command::Finetune(args) => finetune::run(*args),
        Command::Import(args) => import::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Eval(args) => eval::run(&args),
        Command::Predict(args) => predict::run(&args),
        Command::Baseline(args) => baseline::run(&args),
        Command::Sweep(args) => sweep::run(&args),
        Command::Report(args) => report::run(&args),
    }
}

/// The error and its causes, each once: some already contain their source's text.
fn print_chain(error: &dyn std::error::Error) {
    let mut shown = error.to_string();
    let mut chain = format!("error: {shown}");
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !shown.contains(&text) {
            chain = format!("{chain}: {text}");
            shown = text;
        }
        cause = error.source();
    }
    // Where nobody listens, the exit code still tells.
    let _ = writeln!(std::io::stderr(), "{chain}");
}

/// A value of a command that resumes: quoted where a shell would split it.
fn quoted(path: &std::path::Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@".contains(c);
    if !text.is_empty() && text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}
