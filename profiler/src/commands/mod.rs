//! The command line: what each command does with its arguments.

mod args;
pub mod bench;
pub mod build;
pub mod candidates;
pub mod devices;
pub mod net;
pub mod nni;
pub mod quantity;
#[cfg(not(target_os = "android"))]
pub mod simulate;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use blocks::Space;
use clap::Parser;
use luts::{Overwrite, Source, Table};

use crate::check::Check;
use crate::commands::build::Build;
use crate::commands::candidates::Listing;
use crate::commands::net::Net;
use crate::commands::quantity::Share;
use crate::devices::Address;
use crate::devices::interrupt;
use crate::error::HostError;
use crate::measure::given::Given;
use crate::measure::units::Sharing;
use crate::output::{note, note_text, print_line, print_text};
use crate::show::lut;
use crate::show::lut::{ColourChoice, Palette};
use crate::show::picture::PictureFile;
use crate::tables::diff::{Caches, Side};
use crate::tables::{diff, merge};
use args::{BuildArgs, CheckArgs, Cli, Command, LutCommand};

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
fn run(command: Command) -> Result<ExitCode, HostError> {
    let done = match command {
        #[cfg(not(target_os = "android"))]
        Command::Simulate(args) => return simulate(args).map(ExitCode::from),
        Command::Candidates(args) => {
            let listing = Listing::of(&Space::load(&args.space)?, args.points);
            print(args.json, &listing, || listing.text())
        }
        Command::Build(args) => build(args),
        Command::Check(args) => check(args),
        Command::Bench(args) => {
            interrupt::catch();
            #[cfg(not(target_os = "android"))]
            explainable(args.explain, args.picture.as_ref(), &args.device)?;
            let setting = args.measure.setting(args.device, args.engine, args.threads, args.precision, args.budget, args.seed);
            let given = Given::read(args.shape, args.input)?;
            let (figures, precise) = bench::run(&args.models, &given, &setting, args.raw.as_deref())?;
            if !setting.device.is_simulated() {
                stopped(precise, args.precision);
            }
            for figure in &figures {
                figure.notes.iter().for_each(|text| note(format_args!("note: {}: {text}", figure.model)));
            }
            #[cfg(not(target_os = "android"))]
            if let Some(file) = args.picture {
                file.write(&bench::explained_page(&figures))?;
                note(format_args!("drawn into {file}"));
            }
            #[cfg(not(target_os = "android"))]
            let explained = if args.explain { bench::explained(&figures) } else { String::new() };
            #[cfg(target_os = "android")]
            let explained = "";
            print(args.json, &figures, || format!("{}{explained}", bench::table(&figures)))
        }
        Command::Net(args) => {
            let space = Space::load(&args.space)?;
            let net = match &args.arch {
                Some(names) => Net::named(space, names, args.points)?,
                None => Net::random(space, args.seed, args.points),
            };
            net.write(&args.out)?;
            note(net.architecture());
            print_line(args.out.display())?;
            Ok(())
        }
        Command::Devices(args) => {
            let listed = devices::list(&args.device, args.identity.as_deref())?;
            print(args.json, &listed, || devices::text(&listed))
        }
        Command::Clean(args) => args.device.iter().try_for_each(|address| devices::clean(address, args.identity.as_deref())),
        Command::Lut(LutCommand::Show {
            table: path,
            space,
            out,
            color,
            json,
            #[cfg(not(target_os = "android"))]
            explain,
        }) => {
            let table = Table::read(&path)?;
            let space = space_if_known(&table, space)?;
            #[cfg(not(target_os = "android"))]
            let explained =
                explain.map(|raw| explained_rows(&table, raw.unwrap_or_else(|| crate::measure::raw::beside(&path)))).transpose()?;
            if let Some(file) = out {
                file.write(&lut::page(&table, space.as_ref()))?;
                note(format_args!("drawn into {file}"));
            }
            let palette = Palette::of(color, std::io::stdout().is_terminal());
            let shown = || lut::show(&table, space.as_ref(), palette);
            #[cfg(not(target_os = "android"))]
            if let Some(rows) = explained {
                let mut value = lut::json(&table, space.as_ref());
                value["explained"] = serde_json::json!(rows);
                let text = || format!("{}\n{}", shown(), lut::explained::text(&rows));
                return print(json, &value, text).map(|()| ExitCode::SUCCESS);
            }
            print(json, &lut::json(&table, space.as_ref()), shown)
        }
        Command::Lut(LutCommand::Validate { table: path, space }) => {
            let table = Table::read(&path)?;
            let space = space_of(&table, space)?;
            lut::validate(&path, Some(&space))?;
            note(format_args!(
                "{}: a whole table of space {}, {} rows, {}",
                path.display(),
                space.name(),
                table.rows().len(),
                table.header.source
            ));
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
            merged.table.write(&out, if overwrite { Overwrite::Yes } else { Overwrite::No })?;
            if let Some(contradictions) = merged.contradictions {
                note(contradictions);
            }
            print_line(out.display())?;
            Ok(())
        }
        Command::Lut(LutCommand::Import(args)) => args.run(),
        Command::Lut(LutCommand::Export(args)) => {
            let table = Table::read(&args.table)?;
            let space = space_of(&table, args.space.clone())?;
            args.run(&table, &space)
        }
        Command::Agent { .. } => Err(HostError::Usage("agent takes one folder and nothing else".to_string())),
    };
    done.map(|()| ExitCode::SUCCESS)
}

/// Where the time of a simulated table's rows goes, from its raw file.
#[cfg(not(target_os = "android"))]
fn explained_rows(table: &Table, raw: PathBuf) -> Result<Vec<lut::explained::Row>, HostError> {
    if table.header.source != Source::Simulated {
        return Err(HostError::Usage("where time goes is known of simulated tables only".to_string()));
    }
    let (_, samples) = crate::measure::raw::read(&raw)?;
    Ok(lut::explained::rows(table, &samples))
}

/// Refuses to explain what only a simulated device can.
#[cfg(not(target_os = "android"))]
fn explainable(explain: bool, picture: Option<&PictureFile>, device: &Address) -> Result<(), HostError> {
    if (explain || picture.is_some()) && !device.is_simulated() {
        return Err(HostError::Usage(format!(
            "where time goes is told of simulated devices only, not of {device}: --device sim:sd625"
        )));
    }
    picture.map_or(Ok(()), PictureFile::check)
}

#[cfg(not(target_os = "android"))]
fn simulate(args: args::SimulateArgs) -> Result<u8, HostError> {
    let args::SimulateArgs { chip, sysroot, env, allow_unknown, json, program } = args;
    crate::commands::simulate::Simulate { chip, program, sysroot, environment: env, allow_unknown, json }.run()
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
    if let Some(by) = &table.header.stopped_by {
        stopped(by == "precision", args.precision);
    }
    let palette = Palette::of(ColourChoice::Auto, std::io::stderr().is_terminal());
    note_text(&lut::show(&table, Some(&build.space), palette));
    print_line(build.out.display())?;
    Ok(())
}

fn stopped(precise: bool, precision: Share) {
    if precise {
        note(format_args!("stopped by precision: every 95 % interval is within ±{precision}"));
    } else {
        note(format_args!("stopped by the budget: some 95 % intervals are wider than ±{precision}"));
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
        write: !args.no_write && !args.other_device,
        other_device: args.other_device,
        raw: args.raw,
        table,
    };
    let report = check.run()?;
    if let Some(file) = args.picture {
        file.write(&report.page(&check.table.header))?;
        note(format_args!("drawn into {file}"));
    }
    print(args.json, &report, || report.text())?;
    report.verdict(check.max_mape)
}

/// Prints a result to stdout.
fn print(json: bool, value: &impl serde::Serialize, text: impl FnOnce() -> String) -> Result<(), HostError> {
    if json {
        let text = serde_json::to_string_pretty(value).map_err(|e| HostError::Usage(format!("cannot be printed as JSON: {e}")))?;
        print_line(text)?;
    } else {
        print_text(&text())?;
    }
    Ok(())
}
