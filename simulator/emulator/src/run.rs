//! A program, started and reported on.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Read;
use std::os::unix::fs::symlink;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use simulator::report::Lacking;
use simulator::{Chip, Core, Report, Settings};
use tempfile::TempDir;

use crate::error::EmulatorError;
use crate::{files, trust};

/// Bytes of the program's stack: QEMU would take the host's limit.
const STACK_BYTES: &str = "8388608";
/// The kernel's release that programs see.
const KERNEL: &str = "5.10.0";
/// What the program finds in its environment as its working folder, whatever that is on this host: it stands on the stack, and its length
/// moves what lies there, which changes times by some tenths of a per cent. A shell around QEMU would set the host's.
const WORKING_FOLDER: &str = "PWD=/simulated/workingfolder";
/// `SIGILL`.
const ILLEGAL_INSTRUCTION: i32 = 4;
/// Name by which a program is started in a folder of its own.
const PROGRAM: &str = "program";

/// What is to be run.
#[derive(Clone, Debug)]
pub struct Run<'a> {
    /// The chip.
    pub chip: &'a Chip,
    /// The program's file.
    pub program: &'a Path,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// The folder that holds the libraries of a program that is not static, and its loader.
    pub sysroot: Option<&'a Path>,
    /// The folder in which it runs: a fresh one of the caller's, in which the program gets a link, so that nothing that the program sees
    /// depends on where it lies. Without, it runs where the caller does, under its own name.
    pub folder: Option<&'a Path>,
    /// Whether the program marks what counts ([`simulator::marks`]); everything counts otherwise.
    pub marked: bool,
    /// Variables that it sees; no others.
    pub environment: Vec<(OsString, OsString)>,
}

impl<'a> Run<'a> {
    /// A program without arguments.
    pub fn new(chip: &'a Chip, program: &'a Path) -> Self {
        let (arguments, environment) = (Vec::new(), Vec::new());
        Self { chip, program, arguments, sysroot: None, folder: None, marked: false, environment }
    }
}

/// A run that can be started; its temporary files go away with it.
#[derive(Debug)]
pub struct Prepared {
    command: Command,
    folder: TempDir,
    program: PathBuf,
    core: Core,
}

impl Prepared {
    pub(crate) fn new(qemu: &Path, plugin: &Path, run: &Run) -> Result<Self, EmulatorError> {
        check_program(run)?;
        let temporary = std::env::temp_dir();
        let folder =
            tempfile::Builder::new().prefix("simulator-").tempdir().map_err(EmulatorError::file("make a folder in", &temporary))?;
        let prefix = folder.path().join("root");
        fs::create_dir(&prefix).map_err(EmulatorError::file("make the folder", &prefix))?;
        files::write(&prefix, run.chip, run.sysroot)?;
        let settings_file = folder.path().join("settings.json");
        let settings = Settings::new(run.chip, run.marked, report_file(&folder), prefix.clone());
        let text = serde_json::to_vec(&settings).map_err(EmulatorError::Report)?;
        fs::write(&settings_file, text).map_err(EmulatorError::file("write", &settings_file))?;
        let program = match run.folder {
            None => run.program.to_owned(),
            Some(folder) => {
                let link = folder.join(PROGRAM);
                let target = std::path::absolute(run.program).map_err(EmulatorError::file("find", run.program))?;
                symlink(target, &link).map_err(EmulatorError::file("link", &link))?;
                Path::new(".").join(PROGRAM)
            }
        };
        let mut command = Command::new(qemu);
        command
            .args(["-cpu", "cortex-a53", "-seed", "1", "-s", STACK_BYTES, "-r", KERNEL, "-E", WORKING_FOLDER, "-L"])
            .arg(&prefix);
        command.arg("-plugin").arg(option(plugin, &settings_file)).arg(program).args(&run.arguments);
        command.env_clear().envs(run.environment.iter().map(|(name, value)| (name, value)));
        if let Some(folder) = run.folder {
            command.current_dir(folder);
        }
        Ok(Self { command, folder, program: run.program.to_owned(), core: run.chip.core.clone() })
    }

    /// What starts it. Its streams are for the caller to set.
    pub fn command(&mut self) -> &mut Command {
        &mut self.command
    }

    /// Whether the program ended by itself, whatever its exit code.
    ///
    /// # Errors
    /// [`EmulatorError::Lacking`] where an instruction ended it that the core does not have, [`EmulatorError::Signal`].
    pub fn check_end(&self, status: ExitStatus) -> Result<(), EmulatorError> {
        let Some(signal) = status.signal() else { return Ok(()) };
        let program = self.program.clone();
        let noted =
            fs::read(Lacking::file(&report_file(&self.folder))).ok().and_then(|text| serde_json::from_slice::<Lacking>(&text).ok());
        let Some(Lacking { feature, word, address }) = noted.filter(|_| signal == ILLEGAL_INSTRUCTION) else {
            return Err(EmulatorError::Signal { program, signal });
        };
        let features = match &self.core.features[..] {
            [] => "ARMv8.0 without extensions".to_owned(),
            some => format!("ARMv8.0 with {}", some.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
        };
        Err(EmulatorError::Lacking { program, core: self.core.name.clone(), features, word, address, feature })
    }

    /// What the program's run told. To be called once it has ended.
    ///
    /// # Errors
    /// [`EmulatorError::NoReport`] where it did not end by itself, [`EmulatorError::Report`].
    pub fn report(&self) -> Result<Report, EmulatorError> {
        let text = fs::read(report_file(&self.folder)).map_err(|_| EmulatorError::NoReport)?;
        serde_json::from_slice(&text).map_err(EmulatorError::Report)
    }

    /// The same, of a measurement: refused where its times are not those of the chip.
    ///
    /// # Errors
    /// As [`Self::report`], and [`EmulatorError::Distrust`].
    pub fn trusted_report(&self, allow_unknown: bool) -> Result<Report, EmulatorError> {
        let report = self.report()?;
        trust::check(&report, allow_unknown)?;
        Ok(report)
    }
}

fn report_file(folder: &TempDir) -> PathBuf {
    folder.path().join("report.json")
}

/// The plugin's option: a comma in a path is written twice.
fn option(plugin: &Path, settings: &Path) -> OsString {
    let escaped = |path: &Path| path.to_string_lossy().replace(',', ",,");
    format!("file={},settings={}", escaped(plugin), escaped(settings)).into()
}

/// Refuses what QEMU would refuse less clearly: a file of another kind or processor, or one whose loader is not there.
fn check_program(run: &Run) -> Result<(), EmulatorError> {
    let path = run.program;
    let mut head = Vec::new();
    let file = fs::File::open(path).map_err(EmulatorError::file("open", path))?;
    file.take(4096).read_to_end(&mut head).map_err(EmulatorError::file("read", path))?;
    let wrong = |found: &str| Err(EmulatorError::Program { path: path.to_owned(), found: found.to_owned() });
    if head.starts_with(b"#!") {
        return wrong("it is a script; name its interpreter, built for aarch64, as the program and the script as its argument");
    }
    // ELF: magic, class, byte order, system; type at 16, machine at 18.
    if head.len() < 64 || !head.starts_with(b"\x7fELF") {
        return wrong("it is not an ELF file");
    }
    let half = |at: usize| u16::from_le_bytes([head[at], head[at + 1]]);
    if (head[4], head[5]) != (2, 1) || half(18) != 183 {
        return wrong(match half(18) {
            62 => "it is for x86-64",
            40 => "it is for 32-bit Arm",
            _ => "it is for another processor",
        });
    }
    if !matches!(half(16), 2 | 3) {
        return wrong("it is an object file, not a program");
    }
    let Some(loader) = loader(&head) else { return Ok(()) };
    let below = |root: &Path| root.join(loader.trim_start_matches('/'));
    let there = run.sysroot.map(below).is_some_and(|file| file.exists()) || Path::new(&loader).exists();
    if there { Ok(()) } else { Err(EmulatorError::NoLoader { path: path.to_owned(), loader }) }
}

/// The loader that a program names, as far as it stands in the first page.
fn loader(head: &[u8]) -> Option<String> {
    let number = |at: usize, bytes: usize| -> Option<usize> {
        let field = head.get(at..at + bytes)?;
        usize::try_from(field.iter().rev().fold(0u64, |n, byte| n << 8 | u64::from(*byte))).ok()
    };
    // ELF header: program headers at 32, their size at 54, their number at 56. PT_INTERP is 3; its offset at 8, its size at 32.
    let (at, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
    (0..count).find_map(|k| {
        let header = at.checked_add(size.checked_mul(k)?)?;
        if number(header, 4)? != 3 {
            return None;
        }
        let (from, length) = (number(header + 8, 8)?, number(header + 32, 8)?);
        let name = head.get(from..from.checked_add(length)?)?;
        Some(OsStr::to_string_lossy(OsStr::new(std::str::from_utf8(name).ok()?)).trim_end_matches('\0').to_owned())
    })
}
