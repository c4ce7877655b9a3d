//! `profiler simulate`: any program for aarch64 Linux, in simulated time.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::time::Duration;

use clap::Args;
use emulator::{Emulator, Run, trust};
use files::FileError;
use serde::Serialize;
use simulator::{Chip, Region};
use terminal::{note, note_text};

use super::error::CommandError;
use super::print;
use crate::devices::interrupt;
use crate::show::explain::Explanation;

/// Time between two looks at the program.
const POLL: Duration = Duration::from_millis(10);

#[derive(Args)]
pub(super) struct SimulateArgs {
    /// Chip: a name (qrb2210, rpi3b, sd625) or a TOML file
    #[arg(long, default_value = "sd625")]
    chip: String,
    /// Root folder with the loader and libraries of a dynamically linked program
    #[arg(long, value_name = "DIR")]
    sysroot: Option<PathBuf>,
    /// Set an environment variable; no others are passed on. Can be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = variable)]
    env: Vec<(OsString, OsString)>,
    /// Accept more than 0.1 % of unknown instructions
    #[arg(long)]
    allow_unknown: bool,
    /// Write the figures as JSON to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Program and its arguments
    #[arg(last = true, required = true, value_name = "PROGRAM")]
    program: Vec<OsString>,
}

fn variable(text: &str) -> Result<(OsString, OsString), String> {
    let (name, value) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or("is not NAME=VALUE")?;
    Ok((name.into(), value.into()))
}

/// What a program's run took.
#[derive(Clone, Debug, Serialize)]
struct Simulated {
    /// The chip.
    chip: String,
    /// Threads that the program had; the first one alone was simulated.
    threads: u32,
    /// Other processes that the program started; what they did does not count.
    processes: u64,
    /// Timers that the program started; they run on the host's clock.
    timers: u64,
    /// Blocks of code that other threads executed meanwhile.
    blocks_of_other_threads: u64,
    /// Places at which code changed while the program ran.
    rewritten_code: u64,
    /// Times that the program read a clock's register, which gave the host's time.
    direct_clock_reads: u64,
    /// Figures, and where the time went; a program with marks has several.
    regions: Vec<Explanation>,
}

impl SimulateArgs {
    /// Runs it, tells the figures on the standard error, and gives the program's exit code.
    ///
    /// # Errors
    /// [`CommandError::Chip`], [`CommandError::Emulator`], [`CommandError::Interrupted`].
    pub(super) fn run(&self) -> Result<u8, CommandError> {
        interrupt::catch();
        let chip = Chip::find(&self.chip)?;
        let Some((program, arguments)) = self.program.split_first() else {
            return Err(CommandError::Usage("name a program: profiler simulate --chip sd625 -- PROGRAM ARGUMENTS".to_string()));
        };
        let program = Path::new(program);
        let emulator = Emulator::find(files::cache_folder().as_deref())?;
        let run = Run {
            arguments: arguments.to_vec(),
            sysroot: self.sysroot.as_deref(),
            environment: self.env.clone(),
            ..Run::new(&chip, program)
        };
        let mut prepared = emulator.prepare(&run)?;
        let failed = |source| emulator::EmulatorError::Start { path: program.to_owned(), source };
        let child = prepared.command().spawn().map_err(failed)?;
        let ended = wait(child).map_err(failed)?;
        if interrupt::requested() {
            return Err(CommandError::Interrupted);
        }
        prepared.check_end(ended)?;
        let report = prepared.report()?;
        let functions = emulator::Functions::of(program, report.entry);
        let simulated = Simulated {
            chip: chip.name.clone(),
            threads: report.threads,
            processes: report.processes,
            timers: report.timers,
            blocks_of_other_threads: report.regions.iter().map(|region| region.elsewhere).sum(),
            rewritten_code: report.regions.iter().map(|region| region.rewritten).sum(),
            direct_clock_reads: report.regions.iter().map(|region| region.direct_clocks).sum(),
            regions: report.regions.iter().map(|region| Explanation::of(region, &functions)).collect(),
        };
        let known = report.regions.iter().try_for_each(|region| trust::check_region(region, self.allow_unknown));
        known.map_err(emulator::EmulatorError::from)?;
        if let Some(path) = &self.json {
            let text = serde_json::to_vec_pretty(&simulated)
                .map_err(std::io::Error::from)
                .map_err(FileError::new("cannot write", path))?;
            print::replace_file(path, &text)?;
        }
        report.regions.iter().for_each(remarks);
        if report.processes > 0 {
            note(format_args!(
                "note: the program started {} other process(es): only the first process is simulated",
                report.processes
            ));
        }
        if report.timers > 0 {
            note(format_args!("note: the program started {} timer(s), which run on the host's clock", report.timers));
        }
        for explanation in &simulated.regions {
            note_text(&explanation.text(&chip));
        }
        Ok(ended.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
    }
}

/// Waits for the program's end, and ends it where the user wants that: it may have begun after Ctrl-C came.
fn wait(mut child: Child) -> std::io::Result<ExitStatus> {
    loop {
        if let Some(ended) = child.try_wait()? {
            return Ok(ended);
        }
        if interrupt::requested() {
            child.kill()?;
        }
        std::thread::sleep(POLL);
    }
}

/// What the user must know of a time.
fn remarks(region: &Region) {
    if region.elsewhere > 0 {
        note(format_args!(
            "note: the program ran several threads ({} blocks of code in the others): only the first thread is simulated",
            region.elsewhere
        ));
    }
    if region.rewritten > 0 {
        note(format_args!("note: code changed at {} place(s) while the program ran", region.rewritten));
    }
    if region.direct_clocks > 0 {
        note(format_args!("note: the program read a clock register {} time(s): it got the host's time", region.direct_clocks));
    }
}
