//! Measuring exported networks with the profiler.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use files::FileError;
use serde::Deserialize;

use crate::run::{Bench, read_json, sha256_of_file, to_json, write_atomically};

/// What networks are measured on.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Measure {
    /// The device, as `profiler bench --device` takes it.
    pub device: String,
    /// The engine; none: the profiler's default.
    pub engine: Option<String>,
    /// Threads of the engine.
    #[serde(default = "one")]
    pub threads: usize,
    /// The profiler; none: the one beside this program, else the one in PATH.
    pub profiler: Option<PathBuf>,
}

fn one() -> usize {
    1
}

/// Why networks cannot be measured.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// There is no profiler.
    #[error("cannot run {}; install the profiler beside the trainer, give its path (profiler = \"…\"), or leave out [[measure]]", .program.display())]
    NoProfiler {
        /// What was tried.
        program: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// It failed, and has said why.
    #[error("{0} failed")]
    Failed(String),
    /// It did not print a figure for each network.
    #[error("{command} did not print a latency for each network: {reason}")]
    Output {
        /// What was run.
        command: String,
        /// What is wrong.
        reason: String,
    },
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
}

impl Measure {
    /// Device, engine and threads, for people.
    pub fn name(&self) -> String {
        let engine = self.engine.as_ref().map(|engine| format!(", {engine}")).unwrap_or_default();
        format!("{}{engine}, {} thread{}", self.device, self.threads, if self.threads == 1 { "" } else { "s" })
    }

    /// Measures networks together, interleaved. The result is kept in `folder`: if one of these very networks is there, nothing is measured.
    ///
    /// # Errors
    /// There is no profiler, or it fails.
    pub fn run(&self, networks: &[PathBuf], folder: &Path) -> Result<Vec<Bench>, MeasureError> {
        let kept = folder.join(self.kept_as(networks)?);
        if kept.is_file() {
            return Ok(read_json(&kept, "cannot read")?);
        }
        let bench = self.bench(networks)?;
        std::fs::create_dir_all(folder).map_err(FileError::new("cannot make the folder", folder))?;
        write_atomically(&kept, to_json(&bench, &kept)?.as_bytes())?;
        Ok(bench)
    }

    /// The name of the file for its figures of these networks: trained again, or on a device with a similar name, they have others.
    fn kept_as(&self, networks: &[PathBuf]) -> Result<String, FileError> {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let hashes = networks.iter().map(|network| sha256_of_file(network)).collect::<Result<Vec<_>, _>>()?;
        let of = files::sha256(format!("{} {}", self.name(), hashes.join(" ")));
        Ok(format!("{}-{}.json", self.name().chars().map(plain).collect::<String>(), &of[..12]))
    }

    fn bench(&self, networks: &[PathBuf]) -> Result<Vec<Bench>, MeasureError> {
        let program = self.program();
        let mut command = Command::new(&program);
        command.arg("bench").args(networks).args(["--json", "--device", &self.device]);
        command.args(["--threads", &self.threads.to_string()]);
        if let Some(engine) = &self.engine {
            command.args(["--engine", engine]);
        }
        let shown = format!("{} bench --device {}", program.display(), self.device);
        let output = command.stderr(Stdio::inherit()).output().map_err(|source| MeasureError::NoProfiler { program, source })?;
        if !output.status.success() {
            return Err(MeasureError::Failed(shown));
        }
        let fault = |reason: String| MeasureError::Output { command: shown.clone(), reason };
        let bench: Vec<Bench> = serde_json::from_slice(&output.stdout).map_err(|e| fault(e.to_string()))?;
        if bench.len() == networks.len() { Ok(bench) } else { Err(fault(format!("{} figures", bench.len()))) }
    }

    fn program(&self) -> PathBuf {
        let name = format!("{}{}", terminal::program::name("profiler"), std::env::consts::EXE_SUFFIX);
        let beside = || std::env::current_exe().ok().map(|exe| exe.with_file_name(&name)).filter(|path| path.is_file());
        self.profiler.clone().or_else(beside).unwrap_or_else(|| name.clone().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_that_are_kept_are_of_these_networks_and_this_device() {
        let folder = tempfile::tempdir().unwrap();
        let network = folder.path().join("subnet.onnx");
        let on = |device: &str| Measure { device: device.into(), engine: None, threads: 1, profiler: None };
        let kept = |device: &str, weights: &str| {
            std::fs::write(&network, weights).unwrap();
            on(device).kept_as(std::slice::from_ref(&network)).unwrap()
        };
        let first = kept("adb:a-b", "one");
        assert!(first.starts_with("adb-a-b--1-thread-") && first.ends_with(".json"), "{first}");
        assert_eq!(kept("adb:a-b", "one"), first);
        assert_ne!(kept("adb:a-b", "two"), first);
        assert_ne!(kept("adb:a_b", "one"), first);
    }
}
