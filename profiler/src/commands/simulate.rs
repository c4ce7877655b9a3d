//! `profiler simulate`: any program for aarch64 Linux, in simulated time.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::time::Duration;

use emulator::{Emulator, Run, trust};
use serde::Serialize;
use simulator::{Chip, Region};

use crate::devices::interrupt;
use crate::error::HostError;
use crate::output::{note, note_text, replace_file};
use crate::show::explain::Explanation;

/// Time between two looks at the program.
const POLL: Duration = Duration::from_millis(10);

/// What is to be run, and how.
#[derive(Clone, Debug)]
pub struct Simulate {
    /// The chip: a name or a file.
    pub chip: String,
    /// The program, and its arguments.
    pub program: Vec<OsString>,
    /// The folder of its libraries, where it is not static.
    pub sysroot: Option<PathBuf>,
    /// Variables that it sees.
    pub environment: Vec<(OsString, OsString)>,
    /// Whether a time is told though instructions are not known.
    pub allow_unknown: bool,
    /// File for the figures as JSON.
    pub json: Option<PathBuf>,
}

/// What a program's run took.
#[derive(Clone, Debug, Serialize)]
pub struct Simulated {
    /// The chip.
    pub chip: String,
    /// Threads that the program had; the first one alone was simulated.
    pub threads: u32,
    /// Figures, and where the time went; a program with marks has several.
    pub regions: Vec<Explanation>,
}

impl Simulate {
    /// Runs it, tells the figures on the standard error, and gives the program's exit code.
    ///
    /// # Errors
    /// [`HostError::Chip`], [`HostError::Emulator`], [`HostError::Interrupted`].
    pub fn run(&self) -> Result<u8, HostError> {
        interrupt::catch();
        let chip = Chip::find(&self.chip)?;
        let Some((program, arguments)) = self.program.split_first() else {
            return Err(HostError::Usage("name a program: profiler simulate --chip sd625 -- PROGRAM ARGUMENTS".to_string()));
        };
        let program = Path::new(program);
        let emulator = Emulator::find(engines::library::cache_folder().as_deref())?;
        let run = Run {
            arguments: arguments.to_vec(),
            sysroot: self.sysroot.as_deref(),
            environment: self.environment.clone(),
            ..Run::new(&chip, program)
        };
        let mut prepared = emulator.prepare(&run)?;
        let failed = |source| emulator::EmulatorError::Start { path: program.to_owned(), source };
        let child = prepared.command().spawn().map_err(failed)?;
        let ended = wait(child).map_err(failed)?;
        if interrupt::requested() {
            return Err(HostError::Interrupted { raw: None });
        }
        prepared.check_end(ended)?;
        let report = prepared.report()?;
        let functions = emulator::Functions::of(program, report.entry);
        let simulated = Simulated {
            chip: chip.name.clone(),
            threads: report.threads,
            regions: report.regions.iter().map(|region| Explanation::of(region, &functions)).collect(),
        };
        if let Some(path) = &self.json {
            let text =
                serde_json::to_vec_pretty(&simulated).map_err(std::io::Error::from).map_err(HostError::file("write", path))?;
            replace_file(path, &text)?;
        }
        let known = report.regions.iter().try_for_each(|region| trust::check_region(region, self.allow_unknown));
        known.map_err(emulator::EmulatorError::from)?;
        report.regions.iter().for_each(remarks);
        if report.timers > 0 {
            note(format_args!("note: the program started {} timer(s), which go by the host's time", report.timers));
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
        note(format_args!("note: other threads worked too ({} blocks of code): only the first one is simulated", region.elsewhere));
    }
    if region.rewritten > 0 {
        note(format_args!("note: code changed at {} place(s) while the program ran", region.rewritten));
    }
    if region.direct_clocks > 0 {
        note(format_args!("note: the program read a clock's register {} time(s): that time is the host's", region.direct_clocks));
    }
}
