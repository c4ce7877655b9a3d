//! What the command line takes: commands, their arguments, the values these may have.

use std::path::PathBuf;

use blocks::network::POINTS;
use clap::{Args, Parser, Subcommand};
use engines::EngineKind;

use super::nni::{ExportArgs, ImportArgs};
use super::quantity::{Cpus, Share, Time};
use crate::devices::Address;
use crate::measure::collect::Setting;
use crate::measure::given::{NamedFile, NamedShape};
use crate::protocol::{Hold, Plan};
use crate::show::lut::ColourChoice;
use crate::show::picture::PictureFile;
use crate::tables::diff::Caches;

/// Measures the blocks of a search space on a device and writes latency tables.
#[derive(Parser)]
#[command(
    name = "profiler",
    version,
    after_help = "Exit codes: 0 done, 1 a check failed, 2 bad usage or input, 3 device trouble, 4 another device or engine than the table's, \
                  5 a check was disturbed and gives no verdict, 130 interrupted."
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Subcommand)]
pub(super) enum Command {
    /// List a space's layers, candidates, keys, multiply-adds and parameters.
    #[command(after_help = "Example: profiler candidates --space pfld")]
    Candidates(CandidatesArgs),
    /// Measure a space on a device and write its table.
    #[command(after_help = "Example: profiler build --space pfld --device local --out luts/this-machine.csv")]
    Build(BuildArgs),
    /// Measure random whole networks that the table never saw, and compare with what it predicts.
    #[command(after_help = "Example: profiler check luts/this-machine.csv --device local --nets 30 --seed 7")]
    Check(CheckArgs),
    /// Measure any models, interleaved.
    #[command(after_help = "Examples: profiler bench subnet.onnx baseline.onnx --device local\n          \
                            profiler bench detector.onnx --shape image=1,3,480,640\n          \
                            profiler bench subnet.mnn --device adb --engine mnn")]
    Bench(BenchArgs),
    /// Run any program for aarch64 Linux on a simulated chip, and tell its time, and where it goes.
    #[cfg(not(target_os = "android"))]
    #[command(after_help = "Examples: profiler simulate --chip sd625 -- ./program argument\n          \
                            profiler simulate --sysroot rootfs -- rootfs/usr/bin/python3 script.py\n\n\
                            The program's own output and exit code are as they were; figures go to the standard error. Its clocks \
                            show simulated time.")]
    Simulate(SimulateArgs),
    /// Write a network of a space as an ONNX file with random weights, to be measured before it is trained.
    #[command(after_help = "Example: profiler net --arch sep_k3,mb_k5_res,gh_k5,mb_k5_res,gh_k5 --out net.onnx")]
    Net(NetArgs),
    /// Show what is attached: model, chip, processors and their clocks, temperatures.
    #[command(after_help = "Example: profiler devices")]
    Devices(DevicesArgs),
    /// Take everything of this program away from a device: agent, engine, what broken runs left.
    #[command(after_help = "Example: profiler clean --device adb")]
    Clean(CleanArgs),
    /// Print, check, import and export tables.
    #[command(subcommand)]
    Lut(LutCommand),
    /// Device side; not typed by people.
    #[command(hide = true)]
    Agent {
        /// The job's folder.
        folder: PathBuf,
    },
}

#[derive(Args)]
pub(super) struct CandidatesArgs {
    /// Built-in name or TOML file of the search space.
    #[arg(long, default_value = "pfld")]
    pub(super) space: String,
    /// Landmarks of the network; decides the size of the trunk's last piece.
    #[arg(long, default_value_t = 106, value_parser = points)]
    pub(super) points: usize,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[cfg(not(target_os = "android"))]
#[derive(Args)]
pub(super) struct SimulateArgs {
    /// The chip: its name (qrb2210, rpi3b, sd625) or a TOML file.
    #[arg(long, default_value = "sd625")]
    pub(super) chip: String,
    /// Folder with the loader and the libraries of a program that is not static, as they lie below `/`.
    #[arg(long, value_name = "DIR")]
    pub(super) sysroot: Option<PathBuf>,
    /// A variable of the program's environment, which is empty otherwise. May be given several times.
    #[arg(long, value_name = "NAME=VALUE", value_parser = variable)]
    pub(super) env: Vec<(std::ffi::OsString, std::ffi::OsString)>,
    /// Tell a time though the simulator does not know more than 0.1 % of the instructions.
    #[arg(long)]
    pub(super) allow_unknown: bool,
    /// File for the figures as JSON.
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
    /// The program and its arguments.
    #[arg(last = true, required = true, value_name = "PROGRAM")]
    pub(super) program: Vec<std::ffi::OsString>,
}

#[cfg(not(target_os = "android"))]
fn variable(text: &str) -> Result<(std::ffi::OsString, std::ffi::OsString), String> {
    let (name, value) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or("is not NAME=VALUE")?;
    Ok((name.into(), value.into()))
}

#[derive(Args)]
pub(super) struct NetArgs {
    /// Built-in name or TOML file of the search space.
    #[arg(long, default_value = "pfld")]
    pub(super) space: String,
    /// A candidate for each layer, separated by commas; a random network without.
    #[arg(long)]
    pub(super) arch: Option<String>,
    /// Seed that draws a random network.
    #[arg(long, default_value_t = 1, conflicts_with = "arch")]
    pub(super) seed: u64,
    /// Landmarks of the network.
    #[arg(long, default_value_t = 106, value_parser = points)]
    pub(super) points: usize,
    /// The ONNX file.
    #[arg(long, value_name = "FILE")]
    pub(super) out: PathBuf,
}

#[derive(Args)]
pub(super) struct DevicesArgs {
    /// A device to ask; this machine and all phones attached without. May be given several times.
    #[arg(long)]
    pub(super) device: Vec<Address>,
    /// Key file for ssh; the agent's keys and the usual files without.
    #[arg(long, value_name = "FILE")]
    pub(super) identity: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args)]
pub(super) struct CleanArgs {
    /// The device: adb, adb:SERIAL or ssh://user@host[:port]. May be given several times.
    #[arg(long, required = true)]
    pub(super) device: Vec<Address>,
    /// Key file for ssh; the agent's keys and the usual files without.
    #[arg(long, value_name = "FILE")]
    pub(super) identity: Option<PathBuf>,
}

#[derive(Args)]
pub(super) struct MeasureArgs {
    /// The engine's shared library; without it the usual places are searched.
    #[arg(long, value_name = "FILE")]
    pub(super) engine_lib: Option<PathBuf>,
    /// Key file for ssh; the agent's keys and the usual files without.
    #[arg(long, value_name = "FILE")]
    pub(super) identity: Option<PathBuf>,
    /// CPUs to be pinned to, such as 0-3,5; without it the last ones, as many as threads.
    #[arg(long)]
    pub(super) cpus: Option<Cpus>,
    /// Measure with more threads than there are CPUs for them.
    #[arg(long)]
    pub(super) oversubscribe: bool,
    /// Times the models are loaded anew, each in a process of its own, and measured.
    #[arg(long, default_value_t = 12, value_parser = passes)]
    pub(super) passes: usize,
    /// How far the temperature may be from that at the start, in °C, where the device lets it be read; 0: it is not looked at.
    #[arg(long, default_value_t = 3.0, value_parser = band, value_name = "DEGREES")]
    pub(super) band: f64,
    /// Leave the clock's governor as it is; without, it is set to `performance` where that is allowed (root), and set back.
    #[arg(long)]
    pub(super) keep_governor: bool,
    /// Length of a sample.
    #[arg(long, default_value = "500us", value_name = "TIME")]
    pub(super) sample: Time,
    /// Length of the canaries around a sample.
    #[arg(long, default_value = "100us", value_name = "TIME")]
    pub(super) canary: Time,
    /// On a simulated device: take times even where more than 0.1 % of the instructions are not known to the simulator.
    #[arg(long)]
    pub(super) allow_unknown: bool,
    /// On a simulated device: timed runs of each model, of which the mean is taken. One run in six of some models is 2 % faster
    /// than the others, for the state in which it meets the caches.
    #[arg(long, hide = true, default_value_t = 7, value_parser = passes)]
    pub(super) timed_runs: usize,
}

impl MeasureArgs {
    pub(super) fn setting(
        &self,
        device: Address,
        engine: EngineKind,
        threads: usize,
        precision: Share,
        budget: Time,
        seed: u64,
    ) -> Setting {
        let plan = Plan {
            precision: precision.0,
            budget_ms: (budget.0.as_millis() as u64).max(1),
            sample_us: self.sample.0.as_secs_f64() * 1e6,
            canary_us: self.canary.0.as_secs_f64() * 1e6,
            min_samples: 12,
            cold_runs: 0,
            quiet_us: None,
            widening: 1.0,
        };
        Setting {
            device,
            engine,
            engine_lib: self.engine_lib.clone(),
            identity: self.identity.clone(),
            threads,
            cpus: self.cpus.clone().map(|c| c.0).unwrap_or_default(),
            oversubscribe: self.oversubscribe,
            plan,
            hold: Hold { celsius: (self.band > 0.0).then_some(self.band), start_celsius: None, governor: !self.keep_governor },
            passes: self.passes,
            seed,
            timed_runs: self.timed_runs,
            allow_unknown: self.allow_unknown,
        }
    }
}

#[derive(Args)]
pub(super) struct BuildArgs {
    /// Built-in name or TOML file of the search space.
    #[arg(long, default_value = "pfld")]
    pub(super) space: String,
    /// The table's file.
    #[arg(long)]
    pub(super) out: PathBuf,
    /// Device: local, adb, adb:SERIAL, ssh://user@host[:port], or sim:CHIP for a simulated one (sd625, qrb2210, rpi3b, a TOML file). Several units of one model work side by side.
    #[arg(long, default_value = "local")]
    pub(super) device: Vec<Address>,
    /// Several units share the work (the default for several).
    #[arg(long, conflicts_with = "replicate")]
    pub(super) spread: bool,
    /// Several units do all the work each: tells how far they are apart. Each gets a table of its own beside the common one.
    #[arg(long)]
    pub(super) replicate: bool,
    #[command(flatten)]
    pub(super) measure: MeasureArgs,
    /// Runs with cold caches of each block and pass; 0 for none.
    #[arg(long, default_value_t = 3, value_name = "RUNS")]
    pub(super) cold: usize,
    /// Engine: ort, tract or mnn.
    #[arg(long, default_value = "ort")]
    pub(super) engine: EngineKind,
    /// Threads of the engine.
    #[arg(long, default_value_t = 1, value_parser = threads)]
    pub(super) threads: usize,
    /// Stop when the 95 % interval of every median is this narrow (half its width, relative).
    #[arg(long, default_value = "0.5%")]
    pub(super) precision: Share,
    /// Stop after this much sampling, however wide the intervals.
    #[arg(long, default_value = "75s")]
    pub(super) budget: Time,
    /// Landmarks of the networks.
    #[arg(long, default_value_t = 106, value_parser = points)]
    pub(super) points: usize,
    /// Whole networks to measure along with the blocks; 0 for blocks alone.
    #[arg(long, default_value_t = 80)]
    pub(super) nets: usize,
    /// File for the raw samples; beside the table without.
    #[arg(long, value_name = "FILE")]
    pub(super) raw: Option<PathBuf>,
    /// Go on with the samples of an earlier run; a finished one is only fitted again.
    #[arg(long)]
    pub(super) resume: bool,
    /// Replace a table and raw file that are there.
    #[arg(long, conflicts_with = "resume")]
    pub(super) overwrite: bool,
    /// Seed of the samples' order.
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
}

#[derive(Args)]
pub(super) struct CheckArgs {
    /// The table.
    pub(super) table: PathBuf,
    /// The table's search space, if not the one of its name.
    #[arg(long)]
    pub(super) space: Option<String>,
    /// Device: local, adb, adb:SERIAL, ssh://user@host[:port], or sim:CHIP for a simulated one (sd625, qrb2210, rpi3b, a TOML file).
    #[arg(long, default_value = "local")]
    pub(super) device: Address,
    #[command(flatten)]
    pub(super) measure: MeasureArgs,
    /// Engine: ort, tract or mnn; the table's without.
    #[arg(long)]
    pub(super) engine: Option<EngineKind>,
    /// Compare with what is measured on another device or engine than the table's; its header stays as it is.
    #[arg(long)]
    pub(super) other_device: bool,
    /// Networks to measure.
    #[arg(long, default_value_t = 30)]
    pub(super) nets: usize,
    /// Seed that draws the networks.
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// Largest mean absolute error that passes.
    #[arg(long, default_value = "5%")]
    pub(super) max_mape: Share,
    /// Stop when the 95 % interval of every median is this narrow (half its width, relative).
    #[arg(long, default_value = "1%")]
    pub(super) precision: Share,
    /// Stop after this much sampling.
    #[arg(long, default_value = "90s")]
    pub(super) budget: Time,
    /// Landmarks of the networks; the table's without.
    #[arg(long, value_parser = points)]
    pub(super) points: Option<usize>,
    /// Leave the table's header as it is.
    #[arg(long)]
    pub(super) no_write: bool,
    /// Draw predicted against measured into a file: .svg, .png or .html.
    #[arg(long, value_name = "FILE")]
    pub(super) picture: Option<PictureFile>,
    /// Keep the raw samples in this file.
    #[arg(long, value_name = "FILE")]
    pub(super) raw: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args)]
pub(super) struct BenchArgs {
    /// ONNX files; for MNN, .mnn files too.
    #[arg(required = true)]
    pub(super) models: Vec<PathBuf>,
    /// Dimensions of an input that the model leaves open; a batch alone is 1. Repeat it for several inputs.
    #[arg(long, value_name = "NAME=DIMENSIONS")]
    pub(super) shape: Vec<NamedShape>,
    /// Values of an input, a file of numpy.save; made up by type without. Repeat it for several inputs.
    #[arg(long, value_name = "NAME=FILE.npy")]
    pub(super) input: Vec<NamedFile>,
    /// Device: local, adb, adb:SERIAL, ssh://user@host[:port], or sim:CHIP for a simulated one (sd625, qrb2210, rpi3b, a TOML file).
    #[arg(long, default_value = "local")]
    pub(super) device: Address,
    #[command(flatten)]
    pub(super) measure: MeasureArgs,
    /// Engine: ort, tract or mnn.
    #[arg(long, default_value = "ort")]
    pub(super) engine: EngineKind,
    /// Threads of the engine.
    #[arg(long, default_value_t = 1, value_parser = threads)]
    pub(super) threads: usize,
    /// Stop when the 95 % interval of every median is this narrow (half its width, relative).
    #[arg(long, default_value = "1%")]
    pub(super) precision: Share,
    /// Stop after this much sampling.
    #[arg(long, default_value = "20s")]
    pub(super) budget: Time,
    /// Seed of the samples' order.
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// Keep the raw samples in this file.
    #[arg(long, value_name = "FILE")]
    pub(super) raw: Option<PathBuf>,
    /// Of a simulated device: tell where the cycles go, by cause and by function.
    #[cfg(not(target_os = "android"))]
    #[arg(long)]
    pub(super) explain: bool,
    /// The same as a picture: a file .svg, .png or .html.
    #[cfg(not(target_os = "android"))]
    #[arg(long, value_name = "FILE")]
    pub(super) picture: Option<PictureFile>,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Subcommand)]
pub(super) enum LutCommand {
    /// Show a table as a heat map of layers × candidates, with its trunk, where FLOPs mislead, and where it comes from.
    #[command(after_help = "Example: profiler lut show luts/this-machine.csv --out this-machine.html")]
    Show {
        /// The table.
        table: PathBuf,
        /// The table's search space, if not the one of its name.
        #[arg(long)]
        space: Option<String>,
        /// Draw it into a file, too: .svg, .png or .html.
        #[arg(long, value_name = "FILE")]
        out: Option<PictureFile>,
        /// Tell of a simulated table where the time of each row goes; the raw file is the one beside the table unless it is named.
        #[cfg(not(target_os = "android"))]
        #[arg(long, value_name = "RAW", num_args = 0..=1)]
        #[expect(clippy::option_option, reason = "given or not, with a file or without")]
        explain: Option<Option<PathBuf>>,
        /// Colours in the terminal.
        #[arg(long, value_enum, default_value_t)]
        color: ColourChoice,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Check a table, and that it has every key of its space.
    #[command(after_help = "Example: profiler lut validate luts/this-machine.csv --space pfld")]
    Validate {
        /// The table.
        table: PathBuf,
        /// The search space to check against; the one of the table's name without.
        #[arg(long)]
        space: Option<String>,
    },
    /// Two tables side by side: two devices, or two engines; and which candidates change places.
    #[command(after_help = "Example: profiler lut diff luts/phone.csv luts/board.csv")]
    Diff {
        /// The first table.
        a: PathBuf,
        /// The second table.
        b: PathBuf,
        /// The tables' search space, if not the one of their name.
        #[arg(long)]
        space: Option<String>,
        /// Which times; given twice: of the first table, of the second.
        #[arg(long, value_name = "WHICH", num_args = 1)]
        caches: Vec<Caches>,
        /// Compare tables of unlike conditions: threads, caches, spaces.
        #[arg(long)]
        force: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Join tables of one device, engine and space, measured under the same conditions: rows that several have become their weighted
    /// mean, with a wider interval where they contradict each other.
    #[command(after_help = "Example: profiler lut merge monday.csv tuesday.csv --out both.csv")]
    Merge {
        /// The tables.
        #[arg(required = true, num_args = 2..)]
        tables: Vec<PathBuf>,
        /// The new table's file.
        #[arg(long)]
        out: PathBuf,
        /// Replace a table that is there.
        #[arg(long)]
        overwrite: bool,
    },
    /// Make a table of NNI's lut.npy or lut.txt.
    #[command(after_help = "Examples: profiler lut import lut.txt --space pfld --out luts/phone.csv\n          \
                            profiler lut import lut.npy --unit us --mean --out luts/phone.csv")]
    Import(ImportArgs),
    /// Write a table as NNI's lut.npy or lut.txt.
    #[command(after_help = "Examples: profiler lut export luts/phone.csv --out lut.npy\n          \
                            profiler lut export luts/phone.csv --out lut.txt")]
    Export(ExportArgs),
}

fn points(text: &str) -> Result<usize, String> {
    let (least, most) = POINTS.into_inner();
    text.parse().ok().filter(|n| POINTS.contains(n)).ok_or_else(|| format!("must be a number from {least} to {most}"))
}

fn band(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|c| (0.0..=50.0).contains(c)).ok_or_else(|| "must be a number from 0 to 50".to_string())
}

fn passes(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|n| (1..=100).contains(n)).ok_or_else(|| "must be a number from 1 to 100".to_string())
}

fn threads(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|n| (1..=256).contains(n)).ok_or_else(|| "must be a number from 1 to 256".to_string())
}
