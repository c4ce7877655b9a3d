//! The command line, a file a command. Only here is clap.

mod arguments;
mod bench;
mod build;
mod candidates;
mod check;
mod clean;
mod devices;
pub mod error;
mod folder;
mod lut;
mod net;
mod print;
pub mod quantity;
mod refresh;
#[cfg(not(target_os = "android"))]
mod setup;
#[cfg(not(target_os = "android"))]
mod simulate;
mod space;
mod values;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use terminal::note;

use error::CommandError;

/// This program.
const PROGRAM: &str = "profiler";

/// Measure the blocks of a search space on a device and write a latency table
#[derive(Parser)]
#[command(
    name = PROGRAM,
    version,
    after_help = "Exit codes: 0 done, 1 a check failed, 2 wrong usage or input, 3 problem with the device, 4 the device or engine is not the table's, \
                  5 the check was disturbed: no verdict, 130 interrupted."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List the layers and candidates of a search space with multiply-adds and parameters
    #[command(after_help = "Example: profiler candidates --space pfld")]
    Candidates(candidates::CandidatesArgs),
    /// Measure all blocks of a search space on a device and write a latency table
    #[command(after_help = "Example: profiler build --space pfld --device local --out luts/this-machine.csv")]
    Build(build::BuildArgs),
    /// Test a table: measure random whole networks and compare with the predicted latencies
    #[command(after_help = "Example: profiler check luts/this-machine.csv --device local --nets 30 --seed 7")]
    Check(check::CheckArgs),
    /// Measure the latency of models: ONNX files, or files of the engine's own format
    #[command(after_help = "Examples: profiler bench subnet.onnx baseline.onnx --device local\n          \
                            profiler bench detector.onnx --shape image=1,3,480,640\n          \
                            profiler bench subnet.mnn --device adb --engine mnn")]
    Bench(bench::BenchArgs),
    /// Run an aarch64 Linux program on a simulated chip and report its time by function and cause
    #[cfg(not(target_os = "android"))]
    #[command(after_help = "Examples: profiler simulate --chip sd625 -- ./program argument\n          \
                            profiler simulate --sysroot rootfs -- rootfs/usr/bin/python3 script.py\n\n\
                            The program's output and exit code are unchanged. Figures are printed to standard error. The program's \
                            clocks show simulated time.")]
    Simulate(simulate::SimulateArgs),
    /// Write one network of a search space as ONNX with random weights, to measure it before training
    #[command(after_help = "Example: profiler net --arch sep_k3,mb_k5_res,gh_k5,mb_k5_res,gh_k5 --out net.onnx")]
    Net(net::NetArgs),
    /// List devices: model, chip, CPU clusters, clocks, temperatures
    #[command(after_help = "Example: profiler devices")]
    Devices(devices::DevicesArgs),
    /// Remove everything this program has put on a device
    #[command(after_help = "Example: profiler clean --device adb")]
    Clean(clean::CleanArgs),
    /// Show, validate, compare, merge, import and export latency tables
    #[command(subcommand)]
    Lut(lut::LutCommand),
    /// Measure the tables of a list of devices again: one build and one check for each
    #[command(after_help = "Examples: profiler refresh\n          profiler refresh --file luts/devices.txt sd625 pi4\n\n\
                            A table is replaced when its new one is complete. A device that fails does not stop the others; the exit code is \
                            then 1.")]
    Refresh(refresh::RefreshArgs),
    /// Fetch what measurements need: an engine's library or converter, the emulator, a cross compiler
    #[cfg(not(target_os = "android"))]
    #[command(after_help = "Examples: profiler setup ort            # ONNX Runtime for this machine\n          \
                            profiler setup ort aarch64    # ONNX Runtime for phones and boards\n          \
                            profiler setup simulator")]
    Setup(setup::SetupArgs),
    /// Print shell completions of this command line
    #[cfg(not(target_os = "android"))]
    #[command(after_help = "Example: profiler completions bash > ~/.local/share/bash-completion/completions/profiler")]
    Completions(terminal::help::Completions),
    /// Write manual pages
    #[cfg(not(target_os = "android"))]
    #[command(after_help = "Example: profiler man ~/.local/share/man/man1")]
    Man(terminal::help::Manual),
    /// (internal) Runs on the device
    #[command(hide = true)]
    Agent {
        /// The job's folder.
        folder: PathBuf,
    },
}

/// Runs the command line and gives the exit code.
pub fn main(arguments: Vec<OsString>) -> ExitCode {
    let mut command = line();
    let parsed = command
        .try_get_matches_from_mut(arguments)
        .and_then(|found| Cli::from_arg_matches(&found).map_err(|e| e.format(&mut command)));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(e) => {
            // Help and version go to stdout with code 0, errors to stderr with code 2: as clap decides.
            let _ = e.print();
            return ExitCode::from(u8::try_from(e.exit_code()).unwrap_or(2));
        }
    };
    match run(cli.command) {
        Ok(code) => code,
        Err(e) => {
            note(format_args!("error: {}", terminal::chain(&e)));
            ExitCode::from(e.exit_code())
        }
    }
}

/// The command line's description.
fn line() -> clap::Command {
    terminal::help::installed(Cli::command(), PROGRAM)
}

/// Does the command; only `simulate` has an exit code of its own.
fn run(command: Command) -> Result<ExitCode, CommandError> {
    let done = match command {
        #[cfg(not(target_os = "android"))]
        Command::Simulate(args) => return args.run().map(ExitCode::from),
        Command::Candidates(args) => args.run(),
        Command::Build(args) => args.run(),
        Command::Check(args) => args.run(),
        Command::Bench(args) => args.run(),
        Command::Net(args) => args.run(),
        Command::Devices(args) => args.run(),
        Command::Clean(args) => args.run(),
        Command::Lut(command) => command.run(),
        Command::Refresh(args) => args.run(),
        #[cfg(not(target_os = "android"))]
        Command::Setup(args) => args.run(),
        #[cfg(not(target_os = "android"))]
        Command::Completions(args) => args.print(line()).map_err(CommandError::Output),
        #[cfg(not(target_os = "android"))]
        Command::Man(args) => args.write(line()).map_err(CommandError::from).and_then(|()| print::path(&args.folder)),
        Command::Agent { .. } => Err(CommandError::Usage("agent takes exactly one argument, a folder".to_string())),
    };
    done.map(|()| ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_has_no_contradictions() {
        Cli::command().debug_assert();
    }
}
