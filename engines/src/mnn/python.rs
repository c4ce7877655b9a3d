//! MNN's Python package as a runner, for programs that check a file and do not hold the engine.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use files::cache_folder;

use super::version::{VERSION, folder};

/// What it runs.
const SCRIPT: &str = include_str!("run.py");

/// Why there are no outputs.
#[derive(Debug, thiserror::Error)]
pub enum PythonError {
    /// The package is not where the script puts it.
    #[error("MNN's Python package was not found ({}); `profiler setup mnn` fetches version {VERSION}", .tried.display())]
    Missing {
        /// The place.
        tried: PathBuf,
    },
    /// A file of values.
    #[error("cannot {verb} {path}")]
    File {
        /// What was tried.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It does not run the model.
    #[error("MNN cannot run {path}: {said}")]
    Failed {
        /// The model.
        path: PathBuf,
        /// The end of what it said.
        said: String,
    },
}

/// The output of that name for each of the inputs, which lie one behind the other in `inputs`; each is of that `shape`, its batch
/// of 1 left out. One thread, precision high.
///
/// # Errors
/// [`PythonError`].
pub fn run(model: &Path, output: &str, inputs: &[f32], shape: &[usize]) -> Result<Vec<f32>, PythonError> {
    let python = folder(&cache_folder().unwrap_or_default()).join("python");
    if !python.is_file() {
        return Err(PythonError::Missing { tried: python });
    }
    let scratch = tempfile::tempdir().map_err(bad("make a folder in", &std::env::temp_dir()))?;
    let (given, found) = (scratch.path().join("in.f32"), scratch.path().join("out.f32"));
    let bytes: Vec<u8> = inputs.iter().flat_map(|v| v.to_le_bytes()).collect();
    std::fs::write(&given, bytes).map_err(bad("write", &given))?;
    let mut command = Command::new(&python);
    command.arg("-c").arg(SCRIPT).args([model, &given, &found]).arg(output).args(shape.iter().map(usize::to_string));
    let done = command.stdin(Stdio::null()).output().map_err(bad("start", &python))?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr);
        let said = said.lines().last().unwrap_or("it printed nothing").trim().to_string();
        return Err(PythonError::Failed { path: model.to_path_buf(), said });
    }
    let bytes = std::fs::read(&found).map_err(bad("read", &found))?;
    Ok(bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
}

fn bad(verb: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> PythonError {
    let path = path.to_path_buf();
    move |source| PythonError::File { verb, path, source }
}
