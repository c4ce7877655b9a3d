//! `profiler setup`: brings what a measurement needs and this program does not hold.
//!
//! The scripts are part of the program, so that an installed one has them too. They work from a folder that holds each other.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use engines::{Delivery, EngineKind, Setup};
use files::{FileError, temporary_folder};

use super::error::CommandError;

/// The scripts that belong to no engine, and what they read, by their names in `scripts/`.
const FILES: [(&str, &str); 4] = [
    ("setup-aarch64.sh", include_str!("../../../scripts/setup-aarch64.sh")),
    ("setup-simulator.sh", include_str!("../../../scripts/setup-simulator.sh")),
    ("private-apt.sh", include_str!("../../../scripts/private-apt.sh")),
    ("dl_find_object.c", include_str!("../../../scripts/dl_find_object.c")),
];

#[derive(Args)]
pub(super) struct SetupArgs {
    /// What to fetch
    what: What,
    /// Architecture of an engine's library, x86_64 or aarch64 [default: this machine's]
    arch: Option<String>,
}

/// What can be brought into the cache folder.
#[derive(Clone, Copy, Debug)]
enum What {
    /// What an engine needs.
    Engine(EngineKind, &'static Setup),
    /// A cross compiler.
    Aarch64,
    /// The emulator.
    Simulator,
}

impl ValueEnum for What {
    fn value_variants<'a>() -> &'a [Self] {
        static ALL: LazyLock<Vec<What>> = LazyLock::new(|| {
            let needs = |engine: EngineKind| Some(What::Engine(engine, engine.entry().setup.as_ref()?));
            EngineKind::ALL.into_iter().filter_map(needs).chain([What::Aarch64, What::Simulator]).collect()
        });
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self {
            Self::Engine(_, setup) => setup.fetches,
            Self::Aarch64 => "Cross compiler for agents of ARMv8 devices, on an x86-64 Debian or Ubuntu",
            Self::Simulator => "Emulator for simulated devices",
        };
        Some(PossibleValue::new(self.name()).help(help))
    }
}

impl What {
    fn name(self) -> &'static str {
        match self {
            Self::Engine(engine, _) => engine.name(),
            Self::Aarch64 => "aarch64",
            Self::Simulator => "simulator",
        }
    }

    /// Its script and the options of that.
    fn script(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Engine(_, setup) => (setup.script, &[]),
            Self::Aarch64 => ("setup-aarch64.sh", &[]),
            // The plugin is compiled from the project's sources; an installed program holds it.
            Self::Simulator => ("setup-simulator.sh", &["--emulator"]),
        }
    }

    /// Whether there is one for each architecture.
    fn has_architectures(self) -> bool {
        matches!(self, Self::Engine(engine, _) if matches!(engine.entry().delivery, Delivery::Library(_)))
    }
}

/// All scripts and what they read: name and text.
fn all_files() -> impl Iterator<Item = (&'static str, &'static str)> {
    let of_engine = |engine: EngineKind| engine.entry().setup.as_ref().map(|setup| (setup.script, setup.text));
    EngineKind::ALL.into_iter().filter_map(of_engine).chain(FILES)
}

impl SetupArgs {
    pub(super) fn run(self) -> Result<(), CommandError> {
        if let (Some(arch), false) = (&self.arch, self.what.has_architectures()) {
            let takers = What::value_variants().iter().filter(|what| what.has_architectures());
            let takers: Vec<_> = takers.map(|what| format!("`profiler setup {}`", what.name())).collect();
            return Err(CommandError::Usage(format!("'{arch}': only {} takes an architecture", takers.join(" or "))));
        }
        let folder = temporary_folder("profiler-setup-")?;
        let scripts = folder.path().join("scripts");
        fs::create_dir(&scripts).map_err(FileError::new("cannot make", &scripts))?;
        for (name, text) in all_files() {
            let path = scripts.join(name);
            // The scripts run each other.
            let executable = fs::Permissions::from_mode(0o755);
            let written = fs::write(&path, text).and_then(|()| fs::set_permissions(&path, executable));
            written.map_err(FileError::new("cannot write", &path))?;
        }
        let (script, options) = self.what.script();
        let path = scripts.join(script);
        let mut command = Command::new(&path);
        command.args(options).args(&self.arch).stdin(Stdio::inherit());
        // What is advised to be run again is this command, not a script that is gone by then.
        command.env("BLOCKTIME_SETUP", format!("{} setup {}", terminal::program::name("profiler"), self.what.name()));
        let status = command.status().map_err(FileError::new("cannot start", &path))?;
        if status.success() { Ok(()) } else { Err(CommandError::Setup { script, status }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_script_is_there_with_what_it_reads() {
        for what in What::value_variants() {
            let (script, _) = what.script();
            let (_, text) = all_files().find(|(name, _)| *name == script).expect("a script");
            let read = text.lines().filter(|line| !line.trim_start().starts_with('#'));
            let read = read.flat_map(|line| line.split([' ', '(', ')', '"'])).filter_map(|word| word.strip_prefix("scripts/"));
            for name in read.filter(|name| name.ends_with(".c") || name.starts_with("private") || name.starts_with("setup")) {
                assert!(all_files().any(|(file, _)| file == name), "{script} reads {name}");
            }
        }
    }
}
