//! The command line, a file a command. Only here is clap.

mod arguments;
mod bench;
mod build;
mod candidates;
mod check;
mod clean;
#[cfg(not(target_os = "android"))]
mod completions;
mod devices;
pub mod error;
mod folder;
mod lut;
#[cfg(not(target_os = "android"))]
mod man;
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

#[cfg(not(target_os = "android"))]
use clap::CommandFactory;
use clap::{Parser, Subcommand};

use crate::output::note;
use error::CommandError;

/// Measures the blocks of a search space on a device and writes latency tables.
#[derive(Parser)]
#[command(
    name = "profiler",
    version,
    after_help = "Exit codes: 0 done, 1 a check failed, 2 wrong usage or input, 3 device trouble, 4 another device or engine than the table's, \
                  5 a check was disturbed and gives no verdict, 130 interrupted."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List the layers, candidates, keys, multiply-adds and parameters of a search space.
    #[command(after_help = "Example: profiler candidates --space pfld")]
    Candidates(candidates::CandidatesArgs),
    /// Measure a search space on a device and write its latency table.
    #[command(after_help = "Example: profiler build --space pfld --device local --out luts/this-machine.csv")]
    Build(build::BuildArgs),
    /// Measure random whole networks that the table was not fitted to, and compare them with its predictions.
    #[command(after_help = "Example: profiler check luts/this-machine.csv --device local --nets 30 --seed 7")]
    Check(check::CheckArgs),
    /// Measure any models, interleaved.
    #[command(after_help = "Examples: profiler bench subnet.onnx baseline.onnx --device local\n          \
                            profiler bench detector.onnx --shape image=1,3,480,640\n          \
                            profiler bench subnet.mnn --device adb --engine mnn")]
    Bench(bench::BenchArgs),
    /// Run any aarch64 Linux program on a simulated chip; report its time and where it goes.
    #[cfg(not(target_os = "android"))]
    #[command(after_help = "Examples: profiler simulate --chip sd625 -- ./program argument\n          \
                            profiler simulate --sysroot rootfs -- rootfs/usr/bin/python3 script.py\n\n\
                            The program's output and exit code are passed on. The figures go to standard error. The program's clocks \
                            show simulated time.")]
    Simulate(simulate::SimulateArgs),
    /// Write a network of a search space as an ONNX file with random weights, to measure it before it is trained.
    #[command(after_help = "Example: profiler net --arch sep_k3,mb_k5_res,gh_k5,mb_k5_res,gh_k5 --out net.onnx")]
    Net(net::NetArgs),
    /// Show the attached devices: model, chip, processors and their clocks, temperatures.
    #[command(after_help = "Example: profiler devices")]
    Devices(devices::DevicesArgs),
    /// Remove everything that this program put on a device: agent, engine, files of interrupted runs.
    #[command(after_help = "Example: profiler clean --device adb")]
    Clean(clean::CleanArgs),
    /// Print, check, compare, merge, import and export latency tables.
    #[command(subcommand)]
    Lut(lut::LutCommand),
    /// Measure the tables of a list of devices again: one build and one check for each.
    #[command(after_help = "Examples: profiler refresh\n          profiler refresh --file luts/devices.txt sd625 pi4\n\n\
                            A table is replaced when its new one is complete. A device that fails does not stop the others; the exit code is \
                            then 1.")]
    Refresh(refresh::RefreshArgs),
    /// Fetch what measurements need: an engine's library or converter, the emulator, a cross compiler.
    #[cfg(not(target_os = "android"))]
    #[command(after_help = "Examples: profiler setup ort            # ONNX Runtime for this machine\n          \
                            profiler setup ort aarch64    # ONNX Runtime for phones and boards\n          \
                            profiler setup simulator")]
    Setup(setup::SetupArgs),
    /// Print completions of this command line for a shell.
    #[cfg(not(target_os = "android"))]
    #[command(after_help = "Example: profiler completions bash > ~/.local/share/bash-completion/completions/profiler")]
    Completions(completions::CompletionsArgs),
    /// Write manual pages.
    #[cfg(not(target_os = "android"))]
    #[command(after_help = "Example: profiler man ~/.local/share/man/man1")]
    Man(man::ManArgs),
    /// Internal: the part that runs on the device.
    #[command(hide = true)]
    Agent {
        /// The job's folder.
        folder: PathBuf,
    },
}

/// Runs the command line and gives the exit code.
pub fn main(arguments: Vec<OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
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
            note(format_args!("error: {}", e.chain()));
            ExitCode::from(e.exit_code())
        }
    }
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
        Command::Completions(args) => args.run(Cli::command()),
        #[cfg(not(target_os = "android"))]
        Command::Man(args) => args.run(Cli::command()),
        Command::Agent { .. } => Err(CommandError::Usage("agent takes one folder and nothing else".to_string())),
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
