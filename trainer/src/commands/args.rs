//! Arguments that several commands have.

use std::path::{Path, PathBuf};

use blocks::Space;
use clap::Args;

use super::error::{Error, Result};
use crate::compare::Finished;
use crate::run::RunFolder;
use crate::task::faces::FaceTask;

/// Which list of a data folder, and how its points are understood.
#[derive(Args, Clone, Debug)]
pub struct ListArgs {
    /// File name of the lists in train_data/ and test_data/ [default: list.txt]
    #[arg(long, value_name = "NAME")]
    pub list: Option<String>,
    /// Landmark scheme (TOML: count, nme_pair or nme_fixed_px, mirror) [default: points.toml in the data folder; 68, 98 and 106 landmarks are built in, 19 and 29 without mirroring]
    #[arg(long, value_name = "FILE")]
    pub points_file: Option<PathBuf>,
}

impl ListArgs {
    pub fn list(&self) -> &str {
        self.list.as_deref().unwrap_or(DEFAULT_LIST)
    }
}

/// What opening a network's file may need.
#[derive(Args, Clone, Debug)]
pub struct NetworkArgs {
    /// File of the search space, if it was moved since the training
    #[arg(long, value_name = "NAME|FILE")]
    pub space: Option<String>,
    /// Shared library of ONNX Runtime [default: ORT_DYLIB_PATH, then the cache folder]
    #[arg(long, value_name = "FILE")]
    pub engine_lib: Option<PathBuf>,
}

/// Name of the lists.
pub const DEFAULT_LIST: &str = "list.txt";

/// A path that stays the same, wherever the run is resumed from.
pub fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// A search space as a run remembers it: the file's place, or a name as it was typed.
pub fn remembered_space(given: &str) -> String {
    let is_file = !Space::is_built_in(given) && Path::new(given).is_file();
    if is_file { absolute(given.as_ref()).display().to_string() } else { given.to_string() }
}

/// Threads of the numeric work.
#[derive(Args, Clone, Copy, Debug)]
pub struct ThreadArgs {
    /// Number of threads; results do not depend on it [default: all CPUs]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

impl ThreadArgs {
    pub fn apply(self) -> Result<()> {
        let mut builder = rayon::ThreadPoolBuilder::new();
        if let Some(threads) = self.threads {
            if threads == 0 {
                return Err(Error::Usage("--threads must be at least 1".to_string()));
            }
            builder = builder.num_threads(threads);
        }
        builder.build_global().map_err(|e| Error::Usage(format!("cannot start threads: {e}")))
    }
}

/// Arguments of commands that train networks beside a finished run.
#[derive(Args, Debug)]
pub struct BesideArgs {
    /// Folder of a run whose search and finetune are finished
    #[arg(long, value_name = "RUN")]
    pub run: PathBuf,
    #[command(flatten)]
    threads: ThreadArgs,
    /// Train the networks again, also those that are finished
    #[arg(long)]
    overwrite: bool,
    /// Print the result as JSON, NME in per cent
    #[arg(long)]
    pub json: bool,
}

impl BesideArgs {
    /// The finished run; with --overwrite, without those networks beside it in `folder` that are `stale`.
    pub fn begin(&self, folder: &str, stale: impl Fn(&str) -> bool) -> Result<Finished<FaceTask>> {
        self.threads.apply()?;
        let finished = Finished::load(&RunFolder::new(&self.run))?;
        if self.overwrite {
            finished.clear(folder, stale)?;
        }
        Ok(finished)
    }
}
