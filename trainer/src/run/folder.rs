//! The folder of a run: where its files are, and who may write them.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use files::FileError;

use super::metrics::EpochKind;
use crate::parallel;

/// The two trainings of a run; each writes checkpoints into a folder of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Training {
    /// `supernet/`.
    Search,
    /// `subnet/`.
    Finetune,
}

impl Training {
    /// Its folder in the run's.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Search => "supernet",
            Self::Finetune => "subnet",
        }
    }

    /// The command that does it.
    pub fn command(self) -> &'static str {
        match self {
            Self::Search => "search",
            Self::Finetune => "finetune",
        }
    }

    /// Whether a row of the metrics with that kind of epoch belongs to it.
    pub fn owns(self, epoch: EpochKind) -> bool {
        (self == Self::Finetune) == (epoch == EpochKind::Finetune)
    }
}

/// A run's folder.
#[derive(Clone, Debug)]
pub struct RunFolder {
    root: PathBuf,
}

/// A run's folder cannot be used as asked.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// There is a run in it.
    #[error("{} already holds a {}; continue it with --resume, start again with --overwrite, or give another --out", .folder.display(), .training.folder())]
    Occupied {
        /// The run's folder.
        folder: PathBuf,
        /// What it holds.
        training: Training,
    },
    /// There is nothing to resume.
    #[error("{} is missing, so there is nothing to resume; to start, leave out --resume", .checkpoint.display())]
    NothingToResume {
        /// What a resumed run would start from.
        checkpoint: PathBuf,
    },
    /// Another process writes to it.
    #[error("another trainer is writing to {}; wait until it ends, or give another --out", .folder.display())]
    Busy {
        /// The run's folder.
        folder: PathBuf,
    },
    /// Files.
    #[error(transparent)]
    File(#[from] FileError),
}

/// A run's folder that is this process's alone, until this is dropped or the process ends. Of several processes that train together,
/// the first holds it for all.
#[derive(Debug)]
#[must_use = "the folder is locked as long as this lives"]
pub struct FolderLock(#[allow(dead_code, reason = "held, not read")] Option<File>);

/// What a finetune leaves, and what its network is compared with.
const OF_FINETUNE: [&str; 10] = [
    "subnet",
    "evaluation.json",
    "subnet.onnx",
    "measured.json",
    "measured",
    "report.html",
    "baselines",
    "sweep",
    "pareto.csv",
    "pareto.svg",
];

impl RunFolder {
    /// The folder at `root`, which need not exist yet.
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Its path.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// A checkpoint: `last`, `best`, or a number of epochs.
    pub fn checkpoint(&self, training: Training, which: impl std::fmt::Display) -> PathBuf {
        self.root.join(training.folder()).join(format!("checkpoint_{which}.safetensors"))
    }

    /// Whether a training may begin here; changes nothing.
    ///
    /// # Errors
    /// The folder holds such a training already and neither `resume` nor `overwrite` is given, or there is nothing to resume.
    pub fn check(&self, training: Training, resume: bool, overwrite: bool) -> Result<(), FolderError> {
        let last = self.checkpoint(training, "last");
        if resume {
            return if last.is_file() { Ok(()) } else { Err(FolderError::NothingToResume { checkpoint: last }) };
        }
        let occupied = self.root.join(training.folder()).read_dir().is_ok_and(|mut entries| entries.next().is_some());
        if occupied && !overwrite { Err(FolderError::Occupied { folder: self.root.clone(), training }) } else { Ok(()) }
    }

    /// Makes the folder ready for a training that [`RunFolder::check`] allows: what an earlier one left is removed, unless it is
    /// resumed. A new search removes the finetune of the old one too, a new finetune leaves the search; both remove what the old network
    /// was compared with. No other process can do the same before the lock is dropped.
    ///
    /// # Errors
    /// It cannot be written, or another process is writing to it.
    pub fn prepare(&self, training: Training, resume: bool) -> Result<FolderLock, FolderError> {
        // Of several processes that train together, the first changes the folder, once all have looked at it.
        parallel::wait_for_all();
        if !parallel::is_first() {
            return Ok(FolderLock(None));
        }
        let lock = self.lock()?;
        let folder = self.root.join(training.folder());
        if !resume {
            let of_search: &[&str] = if training == Training::Search {
                &["supernet", "metrics.csv", "arch.json", "candidates.csv", "choice"]
            } else {
                &[]
            };
            let stale = of_search.iter().chain(&OF_FINETUNE);
            for path in stale.map(|name| self.root.join(name)).filter(|path| path.exists()) {
                let removed = if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
                removed.map_err(FileError::new("cannot remove", &path))?;
            }
        }
        std::fs::create_dir_all(&folder).map_err(FileError::new("cannot make the folder", &folder))?;
        Ok(FolderLock(Some(lock)))
    }

    fn lock(&self) -> Result<File, FolderError> {
        std::fs::create_dir_all(&self.root).map_err(FileError::new("cannot make the folder", &self.root))?;
        let path = self.root.join("lock");
        let file = File::create(&path).map_err(FileError::new("cannot write", &path))?;
        match file.try_lock() {
            // A file system without locks protects nothing, but is no reason not to train.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(FolderError::Busy { folder: self.root.clone() }),
        }
    }
}
