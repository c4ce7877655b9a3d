//! QEMU and the plugin on this machine.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::EmulatorError;
use crate::run::{Prepared, Run};

/// The version of QEMU whose plugin API is known.
const QEMU: &str = "7.2";
/// The plugin's file.
const PLUGIN: &str = "libsimulator_plugin.so";
/// Names the plugin's file where it lies elsewhere.
pub const PLUGIN_VARIABLE: &str = "BLOCKTIME_SIMULATOR_PLUGIN";

/// What runs programs: for the header of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The model of the simulator: results of two are not to be mixed.
    pub simulator: String,
    /// QEMU's version.
    pub qemu: String,
    /// SHA-256 of QEMU and its libraries, as the set-up noted it; empty for one on the PATH.
    pub qemu_sha256: String,
}

/// QEMU with plugins, and the simulator's plugin.
#[derive(Clone, Debug)]
pub struct Emulator {
    qemu: PathBuf,
    plugin: PathBuf,
    identity: Identity,
}

impl Emulator {
    /// Looks in the cache folder, where scripts/setup-simulator.sh puts both, then for QEMU on the PATH and for the plugin beside this program.
    ///
    /// # Errors
    /// [`EmulatorError`] where either is missing or unfit.
    pub fn find(cache: Option<&Path>) -> Result<Self, EmulatorError> {
        let own = cache.map(|cache| cache.join("simulator/qemu/qemu-aarch64"));
        let on_path = std::env::var_os("PATH")
            .map(|path| std::env::split_paths(&path).map(|folder| folder.join("qemu-aarch64")).collect::<Vec<_>>())
            .unwrap_or_default();
        let brought = own.as_ref().filter(|own| own.is_file());
        let qemu = brought.cloned().or_else(|| on_path.into_iter().find(|file| file.is_file()));
        let Some(qemu) = qemu else {
            let tried = own.map(|own| format!("{}, ", own.display())).unwrap_or_default();
            return Err(EmulatorError::NoQemu { tried: format!("{tried}qemu-aarch64 on the PATH") });
        };
        let version = version(&qemu)?;
        if version != QEMU && !version.starts_with(&format!("{QEMU}.")) {
            return Err(EmulatorError::Version { path: qemu, version });
        }
        check_plugins(&qemu)?;
        let qemu_sha256 = match brought.and_then(|qemu| noted_hash(qemu)) {
            Some(noted) => noted,
            None => ::files::sha256_of(&qemu).map_err(EmulatorError::file("read", &qemu))?,
        };
        let identity = Identity { simulator: simulator::MODEL.to_string(), qemu: version, qemu_sha256 };
        Ok(Self { qemu, plugin: plugin(cache)?, identity })
    }

    /// What it is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Makes all ready to run a program.
    ///
    /// # Errors
    /// [`EmulatorError`] where the program cannot be run, or files cannot be written.
    pub fn prepare(&self, run: &Run) -> Result<Prepared, EmulatorError> {
        Prepared::new(&self.qemu, &self.plugin, run)
    }
}

/// The hash of what the set-up brought, which it noted beside QEMU.
fn noted_hash(qemu: &Path) -> Option<String> {
    let noted = std::fs::read_to_string(qemu.parent()?.join("identity")).ok()?;
    noted.split([' ', ':', '\n']).find(|word| is_sha256(word)).map(str::to_owned)
}

fn is_sha256(word: &str) -> bool {
    word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The version that it says.
fn version(qemu: &Path) -> Result<String, EmulatorError> {
    let start = |source| EmulatorError::Start { path: qemu.to_owned(), source };
    let said = Command::new(qemu).arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).output().map_err(start)?;
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    // qemu-aarch64 version 7.2.17 (Debian …)
    let version = said.lines().next().unwrap_or_default().split_whitespace().skip_while(|word| *word != "version").nth(1);
    Ok(version.unwrap_or("of an unknown version").to_owned())
}

/// Whether it takes plugins: one that was built without has no such option.
fn check_plugins(qemu: &Path) -> Result<(), EmulatorError> {
    let start = |source| EmulatorError::Start { path: qemu.to_owned(), source };
    let help = Command::new(qemu).arg("--help").stdin(Stdio::null()).stderr(Stdio::null()).output().map_err(start)?;
    let has = String::from_utf8_lossy(&help.stdout).contains("-plugin");
    if has { Ok(()) } else { Err(EmulatorError::NoPlugins { path: qemu.to_owned() }) }
}

/// The plugin's file: where the variable says, beside this program, or in the cache.
fn plugin(cache: Option<&Path>) -> Result<PathBuf, EmulatorError> {
    let named = std::env::var_os(PLUGIN_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
    let beside = std::env::current_exe().ok().and_then(|program| program.parent().map(|folder| folder.join(PLUGIN)));
    let cached = cache.map(|cache| cache.join("simulator/plugin").join(PLUGIN));
    let places: Vec<PathBuf> = match named {
        Some(named) => vec![named],
        // One that lies beside the program may be left from an earlier build; it says so itself when it is loaded.
        None => cached.into_iter().chain(beside).collect(),
    };
    let tried = places.iter().map(|place| place.display().to_string()).collect::<Vec<_>>().join(", ");
    places.into_iter().find(|place| place.is_file()).ok_or(EmulatorError::NoPlugin { tried })
}
