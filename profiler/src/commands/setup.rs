//! `profiler setup`: brings what a measurement needs and this program does not hold.
//!
//! The scripts are part of the program, so that an installed one has them too. They work from a folder that holds each other.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use clap::{Args, ValueEnum};
use files::{FileError, temporary_folder};

use super::error::CommandError;

/// A script, and the names of others that it reads.
struct Script {
    name: &'static str,
    options: &'static [&'static str],
}

/// The scripts and what they read, by their names in `scripts/`.
const FILES: [(&str, &str); 6] = [
    ("setup-onnxruntime.sh", include_str!("../../../scripts/setup-onnxruntime.sh")),
    ("setup-mnn.sh", include_str!("../../../scripts/setup-mnn.sh")),
    ("setup-aarch64.sh", include_str!("../../../scripts/setup-aarch64.sh")),
    ("setup-simulator.sh", include_str!("../../../scripts/setup-simulator.sh")),
    ("private-apt.sh", include_str!("../../../scripts/private-apt.sh")),
    ("dl_find_object.c", include_str!("../../../scripts/dl_find_object.c")),
];

#[derive(Args)]
pub(super) struct SetupArgs {
    /// What to fetch
    what: What,
    /// ort: architecture of the library, x86_64 or aarch64 [default: this machine's]
    arch: Option<String>,
}

/// What can be brought into the cache folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// Library of ONNX Runtime
    Ort,
    /// Converter of MNN
    Mnn,
    /// Cross compiler for agents of ARMv8 devices, on an x86-64 Debian or Ubuntu
    Aarch64,
    /// Emulator for simulated devices
    Simulator,
}

impl What {
    fn script(self) -> Script {
        let (name, options): (_, &[&str]) = match self {
            Self::Ort => ("setup-onnxruntime.sh", &[]),
            Self::Mnn => ("setup-mnn.sh", &[]),
            Self::Aarch64 => ("setup-aarch64.sh", &[]),
            // The plugin is compiled from the project's sources; an installed program holds it.
            Self::Simulator => ("setup-simulator.sh", &["--emulator"]),
        };
        Script { name, options }
    }
}

impl SetupArgs {
    pub(super) fn run(self) -> Result<(), CommandError> {
        if let (Some(arch), true) = (&self.arch, self.what != What::Ort) {
            return Err(CommandError::Usage(format!("'{arch}': only `profiler setup ort` takes an architecture")));
        }
        let folder = temporary_folder("profiler-setup-")?;
        let scripts = folder.path().join("scripts");
        fs::create_dir(&scripts).map_err(FileError::new("cannot make", &scripts))?;
        for (name, text) in FILES {
            let path = scripts.join(name);
            // The scripts run each other.
            let executable = fs::Permissions::from_mode(0o755);
            let written = fs::write(&path, text).and_then(|()| fs::set_permissions(&path, executable));
            written.map_err(FileError::new("cannot write", &path))?;
        }
        let script = self.what.script();
        let path = scripts.join(script.name);
        let mut command = Command::new(&path);
        command.args(script.options).args(&self.arch).stdin(Stdio::inherit());
        // What is advised to be run again is this command, not a script that is gone by then.
        if let Some(what) = self.what.to_possible_value() {
            command.env("BLOCKTIME_SETUP", format!("profiler setup {}", what.get_name()));
        }
        let status = command.status().map_err(FileError::new("cannot start", &path))?;
        if status.success() { Ok(()) } else { Err(CommandError::Setup { script: script.name, status }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_script_is_there_with_what_it_reads() {
        for what in What::value_variants() {
            let script = what.script();
            let (_, text) = FILES.iter().find(|(name, _)| *name == script.name).expect("a script");
            let read = text.lines().filter(|line| !line.trim_start().starts_with('#'));
            let read = read.flat_map(|line| line.split([' ', '(', ')', '"'])).filter_map(|word| word.strip_prefix("scripts/"));
            for name in read.filter(|name| name.ends_with(".c") || name.starts_with("private") || name.starts_with("setup")) {
                assert!(FILES.iter().any(|(file, _)| *file == name), "{} reads {name}", script.name);
            }
        }
    }
}
