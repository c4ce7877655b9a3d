//! The command line.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use blocks::Space;
use clap::{Args, Parser, Subcommand};
use engines::EngineKind;
use luts::{Overwrite, Source, Table};

use super::build::Build;
use super::candidates::Listing;
use super::check::Check;
use super::collect::Setting;
use super::diff::{Caches, Side};
use super::lut::{ColourChoice, Palette};
use super::net::Net;
use super::nni::{ExportArgs, ImportArgs};
use super::picture::PictureFile;
use super::quantity::{Cpus, Share, Time};
use super::transport::Address;
use super::units::Sharing;
use super::{HostError, bench, devices, diff, interrupt, lut, merge};
use crate::protocol::{Hold, Plan};

/// Measures the blocks of a search space on a device and writes latency tables.
#[derive(Parser)]
#[command(
    name = "profiler",
    version,
    after_help = "Exit codes: 0 done, 1 a check failed, 2 bad usage or input, 3 device trouble, 130 interrupted."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List a space's layers, candidates, keys, multiply-adds and parameters.
    #[command(after_help = "Example: profiler candidates --space pfld")]
    Candidates(CandidatesArgs),
    /// Measure a space on a device and write its table.
    #[command(after_help = "Example: profiler build --space pfld --device local --out luts/this-machine.csv")]
    Build(BuildArgs),
    /// Measure random whole networks that the table never saw, and compare with what it predicts.
    #[command(after_help = "Example: profiler check luts/this-machine.csv --device local --nets 30 --seed 7")]
    Check(CheckArgs),
    /// Measure any ONNX models, interleaved.
    #[command(after_help = "Example: profiler bench subnet.onnx baseline.onnx --device local")]
    Bench(BenchArgs),
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
struct CandidatesArgs {
    /// Built-in name or TOML file of the search space.
    #[arg(long, default_value = "pfld")]
    space: String,
    /// Landmarks of the network; decides the size of the trunk's last piece.
    #[arg(long, default_value_t = 106, value_parser = points)]
    points: usize,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct NetArgs {
    /// Built-in name or TOML file of the search space.
    #[arg(long, default_value = "pfld")]
    space: String,
    /// A candidate for each layer, separated by commas; a random network without.
    #[arg(long)]
    arch: Option<String>,
    /// Seed that draws a random network.
    #[arg(long, default_value_t = 1, conflicts_with = "arch")]
    seed: u64,
    /// Landmarks of the network.
    #[arg(long, default_value_t = 106, value_parser = points)]
    points: usize,
    /// The ONNX file.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Args)]
struct DevicesArgs {
    /// A device to ask; this machine and all phones attached without. May be given several times.
    #[arg(long)]
    device: Vec<Address>,
    /// Key file for ssh; the agent's keys and the usual files without.
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct CleanArgs {
    /// The device: adb, adb:SERIAL or ssh://user@host[:port]. May be given several times.
    #[arg(long, required = true)]
    device: Vec<Address>,
    /// Key file for ssh; the agent's keys and the usual files without.
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
}

#[derive(Args)]
struct MeasureArgs {
    /// The engine's shared library; without it the usual places are searched.
    #[arg(long, value_name = "FILE")]
    engine_lib: Option<PathBuf>,
    /// Key file for ssh; the agent's keys and the usual files without.
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
    /// CPUs to be pinned to, such as 0-3,5; without it the last ones, as many as threads.
    #[arg(long)]
    cpus: Option<Cpus>,
    /// Times the models are loaded anew, each in a process of its own, and measured.
    #[arg(long, default_value_t = 6, value_parser = passes)]
    passes: usize,
    /// How far the temperature may be from that at the start, in °C, where the device lets it be read; 0: it is not looked at.
    #[arg(long, default_value_t = 3.0, value_parser = band, value_name = "DEGREES")]
    band: f64,
    /// Leave the clock's governor as it is; without, it is set to `performance` where that is allowed (root), and set back.
    #[arg(long)]
    keep_governor: bool,
    /// Length of a sample.
    #[arg(long, default_value = "500us", value_name = "TIME")]
    sample: Time,
    /// Length of the canaries around a sample.
    #[arg(long, default_value = "100us", value_name = "TIME")]
    canary: Time,
}

impl MeasureArgs {
    fn setting(&self, device: Address, engine: EngineKind, threads: usize, precision: Share, budget: Time, seed: u64) -> Setting {
        let plan = Plan {
            precision: precision.0,
            budget_ms: (budget.0.as_millis() as u64).max(1),
            sample_us: self.sample.0.as_secs_f64() * 1e6,
            canary_us: self.canary.0.as_secs_f64() * 1e6,
            min_samples: 12,
            cold_runs: 0,
        };
        Setting {
            device,
            engine,
            engine_lib: self.engine_lib.clone(),
            identity: self.identity.clone(),
            threads,
            cpus: self.cpus.clone().map(|c| c.0).unwrap_or_default(),
            plan,
            hold: Hold { celsius: (self.band > 0.0).then_some(self.band), governor: !self.keep_governor },
            passes: self.passes,
            seed,
        }
    }
}

#[derive(Args)]
struct BuildArgs {
    /// Built-in name or TOML file of the search space.
    #[arg(long, default_value = "pfld")]
    space: String,
    /// The table's file.
    #[arg(long)]
    out: PathBuf,
    /// Device: local, adb, adb:SERIAL or ssh://user@host[:port]. Several units of one model work side by side.
    #[arg(long, default_value = "local")]
    device: Vec<Address>,
    /// Several units share the work (the default for several).
    #[arg(long, conflicts_with = "replicate")]
    spread: bool,
    /// Several units do all the work each: tells how far they are apart. Each gets a table of its own beside the common one.
    #[arg(long)]
    replicate: bool,
    #[command(flatten)]
    measure: MeasureArgs,
    /// Runs with cold caches of each block and pass; 0 for none.
    #[arg(long, default_value_t = 3, value_name = "RUNS")]
    cold: usize,
    /// Engine: ort or tract.
    #[arg(long, default_value = "ort")]
    engine: EngineKind,
    /// Threads of the engine.
    #[arg(long, default_value_t = 1, value_parser = threads)]
    threads: usize,
    /// Stop when the 95 % interval of every median is this narrow (half its width, relative).
    #[arg(long, default_value = "1%")]
    precision: Share,
    /// Stop after this much sampling, however wide the intervals.
    #[arg(long, default_value = "80s")]
    budget: Time,
    /// Landmarks of the networks.
    #[arg(long, default_value_t = 106, value_parser = points)]
    points: usize,
    /// Whole networks to measure along with the blocks; 0 for blocks alone.
    #[arg(long, default_value_t = 80)]
    nets: usize,
    /// File for the raw samples; beside the table without.
    #[arg(long, value_name = "FILE")]
    raw: Option<PathBuf>,
    /// Go on with the samples of an earlier run; a finished one is only fitted again.
    #[arg(long)]
    resume: bool,
    /// Replace a table and raw file that are there.
    #[arg(long, conflicts_with = "resume")]
    overwrite: bool,
    /// Seed of the samples' order.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Args)]
struct CheckArgs {
    /// The table.
    table: PathBuf,
    /// The table's search space, if not the one of its name.
    #[arg(long)]
    space: Option<String>,
    /// Device: local, adb, adb:SERIAL or ssh://user@host[:port].
    #[arg(long, default_value = "local")]
    device: Address,
    #[command(flatten)]
    measure: MeasureArgs,
    /// Engine: ort or tract; the table's without.
    #[arg(long)]
    engine: Option<EngineKind>,
    /// Networks to measure.
    #[arg(long, default_value_t = 30)]
    nets: usize,
    /// Seed that draws the networks.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Largest mean absolute error that passes.
    #[arg(long, default_value = "5%")]
    max_mape: Share,
    /// Stop when the 95 % interval of every median is this narrow (half its width, relative).
    #[arg(long, default_value = "1%")]
    precision: Share,
    /// Stop after this much sampling.
    #[arg(long, default_value = "90s")]
    budget: Time,
    /// Landmarks of the networks; the table's without.
    #[arg(long, value_parser = points)]
    points: Option<usize>,
    /// Leave the table's header as it is.
    #[arg(long)]
    no_write: bool,
    /// Draw predicted against measured into a file: .svg, .png or .html.
    #[arg(long, value_name = "FILE")]
    picture: Option<PictureFile>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct BenchArgs {
    /// ONNX files.
    #[arg(required = true)]
    models: Vec<PathBuf>,
    /// Device: local, adb, adb:SERIAL or ssh://user@host[:port].
    #[arg(long, default_value = "local")]
    device: Address,
    #[command(flatten)]
    measure: MeasureArgs,
    /// Engine: ort or tract.
    #[arg(long, default_value = "ort")]
    engine: EngineKind,
    /// Threads of the engine.
    #[arg(long, default_value_t = 1, value_parser = threads)]
    threads: usize,
    /// Stop when the 95 % interval of every median is this narrow (half its width, relative).
    #[arg(long, default_value = "1%")]
    precision: Share,
    /// Stop after this much sampling.
    #[arg(long, default_value = "20s")]
    budget: Time,
    /// Seed of the samples' order.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum LutCommand {
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
    /// Join tables of one device, engine and space: rows that several have become their weighted mean.
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
    text.parse().ok().filter(|n| (1..=10_000).contains(n)).ok_or_else(|| "must be a number from 1 to 10000".to_string())
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
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {}", e.chain());
            ExitCode::from(e.exit_code())
        }
    }
}

fn run(command: Command) -> Result<(), HostError> {
    match command {
        Command::Candidates(args) => {
            let listing = Listing::of(&Space::load(&args.space)?, args.points);
            print(args.json, &listing, || listing.text())
        }
        Command::Build(args) => build(args),
        Command::Check(args) => check(args),
        Command::Bench(args) => {
            interrupt::catch();
            let setting = args.measure.setting(args.device, args.engine, args.threads, args.precision, args.budget, args.seed);
            let (figures, samples) = bench::run(&args.models, &setting)?;
            stopped(samples.precise, args.precision);
            print(args.json, &figures, || bench::table(&figures))
        }
        Command::Net(args) => {
            let space = Space::load(&args.space)?;
            let net = match &args.arch {
                Some(names) => Net::named(space, names, args.points)?,
                None => Net::random(space, args.seed, args.points),
            };
            net.write(&args.out)?;
            eprintln!("{}", net.architecture());
            println!("{}", args.out.display());
            Ok(())
        }
        Command::Devices(args) => {
            let listed = devices::list(&args.device, args.identity.as_deref())?;
            print(args.json, &listed, || devices::text(&listed))
        }
        Command::Clean(args) => args.device.iter().try_for_each(|address| devices::clean(address, args.identity.as_deref())),
        Command::Lut(LutCommand::Show { table, space, out, color, json }) => {
            let table = Table::read(&table)?;
            let space = space_if_known(&table, space)?;
            if let Some(file) = out {
                file.write(&lut::page(&table, space.as_ref()))?;
                eprintln!("drawn into {file}");
            }
            let palette = Palette::of(color, std::io::stdout().is_terminal());
            print(json, &lut::json(&table, space.as_ref()), || lut::show(&table, space.as_ref(), palette))
        }
        Command::Lut(LutCommand::Validate { table: path, space }) => {
            let table = Table::read(&path)?;
            let space = space_of(&table, space)?;
            lut::validate(&path, Some(&space))?;
            eprintln!(
                "{}: a whole table of space {}, {} rows, {}",
                path.display(),
                space.name(),
                table.rows().len(),
                table.header.source
            );
            Ok(())
        }
        Command::Lut(LutCommand::Diff { a, b, space, caches, force, json }) => {
            let tables = (Table::read(&a)?, Table::read(&b)?);
            let space = space_if_known(&tables.0, space)?;
            let which = |i: usize| caches.get(i).or(caches.first()).copied().unwrap_or(Caches::Warm);
            let names = (a.display().to_string(), b.display().to_string());
            let first = Side { name: &names.0, table: &tables.0, caches: which(0) };
            let second = Side { name: &names.1, table: &tables.1, caches: which(1) };
            let found = diff::diff(&first, &second, space.as_ref(), force)?;
            print(json, &found, || found.text(&first, &second))
        }
        Command::Lut(LutCommand::Merge { tables, out, overwrite }) => {
            let read = |path: &PathBuf| Ok((path.clone(), Table::read(path)?));
            let tables = tables.iter().map(read).collect::<Result<Vec<_>, HostError>>()?;
            let merged = merge::merge(&tables)?;
            merged.write(&out, if overwrite { Overwrite::Yes } else { Overwrite::No })?;
            println!("{}", out.display());
            Ok(())
        }
        Command::Lut(LutCommand::Import(args)) => args.run(),
        Command::Lut(LutCommand::Export(args)) => {
            let table = Table::read(&args.table)?;
            let space = space_of(&table, args.space.clone())?;
            args.run(&table, &space)
        }
        Command::Agent { .. } => Err(HostError::Usage("agent takes one folder and nothing else".to_string())),
    }
}

/// The space that was named, else the one of the table's name where it is the very one that was measured.
fn space_if_known(table: &Table, named: Option<String>) -> Result<Option<Space>, HostError> {
    match named {
        Some(name) => Ok(Some(Space::load(&name)?)),
        None => Ok(Space::load(&table.header.space.name).ok().filter(|s| s.hash() == table.header.space.hash)),
    }
}

/// The space that was named, else the one of the table's name.
fn space_of(table: &Table, named: Option<String>) -> Result<Space, HostError> {
    match named {
        Some(name) => Ok(Space::load(&name)?),
        None => Space::load(&table.header.space.name).map_err(|e| {
            HostError::Usage(format!("the table's search space '{}' must be named with --space ({e})", table.header.space.name))
        }),
    }
}

fn build(args: BuildArgs) -> Result<(), HostError> {
    interrupt::catch();
    if args.replicate && args.device.len() < 2 {
        return Err(HostError::Usage("--replicate compares several units: give --device for each".to_string()));
    }
    let first = args.device.first().cloned().unwrap_or(Address::Local);
    let mut setting = args.measure.setting(first, args.engine, args.threads, args.precision, args.budget, args.seed);
    setting.plan.cold_runs = args.cold;
    let build = Build {
        space: Space::load(&args.space)?,
        points: args.points,
        nets: args.nets,
        setting,
        devices: args.device,
        sharing: if args.replicate { Sharing::Replicate } else { Sharing::Spread },
        out: args.out,
        raw: args.raw,
        resume: args.resume,
        overwrite: args.overwrite,
    };
    let table = build.run()?;
    stopped(table.header.stopped_by.as_ref().is_some_and(|by| by == "precision"), args.precision);
    let palette = Palette::of(ColourChoice::Auto, std::io::stderr().is_terminal());
    eprint!("{}", lut::show(&table, Some(&build.space), palette));
    println!("{}", build.out.display());
    Ok(())
}

fn stopped(precise: bool, precision: Share) {
    if precise {
        eprintln!("stopped by precision: every 95 % interval is within ±{precision}");
    } else {
        eprintln!("stopped by the budget: some 95 % intervals are wider than ±{precision}");
    }
}

fn check(args: CheckArgs) -> Result<(), HostError> {
    interrupt::catch();
    args.picture.iter().try_for_each(PictureFile::check)?;
    let table = Table::read(&args.table)?;
    let space = space_of(&table, args.space)?;
    table.validate(&space).map_err(|faults| luts::TableError::Faults { path: args.table.clone(), faults })?;
    if table.header.source == Source::Imported {
        let path = args.table.display();
        return Err(HostError::Usage(format!(
            "{path} was imported: without a trunk and a canary it predicts no whole network; measure one on the device: profiler \
             build --space {} --device DEVICE --out NEW.csv",
            table.header.space.name
        )));
    }
    let engine = match args.engine {
        Some(engine) => engine,
        None => table.header.engine.name.parse().map_err(HostError::Usage)?,
    };
    let check = Check {
        path: args.table,
        space,
        points: args.points.unwrap_or(table.header.points),
        nets: args.nets,
        seed: args.seed,
        setting: args.measure.setting(args.device, engine, table.header.threads, args.precision, args.budget, args.seed),
        max_mape: args.max_mape.0,
        write: !args.no_write,
        table,
    };
    let report = check.run()?;
    if let Some(file) = args.picture {
        file.write(&report.page(&check.table.header))?;
        eprintln!("drawn into {file}");
    }
    print(args.json, &report, || report.text())?;
    if report.passes(check.max_mape) {
        return Ok(());
    }
    let (found, allowed) = (100.0 * report.mape, 100.0 * check.max_mape);
    Err(HostError::CheckFailed(format!("the mean absolute error is {found:.2} %, more than {allowed} %")))
}

/// Prints a result to stdout.
fn print(json: bool, value: &impl serde::Serialize, text: impl FnOnce() -> String) -> Result<(), HostError> {
    if json {
        let text = serde_json::to_string_pretty(value).map_err(|e| HostError::Usage(format!("cannot be printed as JSON: {e}")))?;
        println!("{text}");
    } else {
        print!("{}", text());
    }
    Ok(())
}
