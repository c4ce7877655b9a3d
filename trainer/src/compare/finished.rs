//! A finished run, which others are compared with.

use std::path::PathBuf;

use blocks::Space;
use files::FileError;

use super::error::CompareError;
use super::trainings::{Ended, ended};
use crate::console::note;
use crate::cost::ArchFile;
use crate::run::{RunFolder, sha256_of_file};
use crate::task::{Split, Task};
use crate::train::{FinetuneConfig, RunConfig, SearchConfig};

/// A finished run: a search, and the finetune of what it chose.
pub struct Finished<T: Task> {
    /// Its folder.
    pub folder: RunFolder,
    /// What was searched.
    pub search: SearchConfig<T>,
    /// How the choice was trained.
    pub finetune: FinetuneConfig<T>,
    /// What was chosen.
    pub arch: ArchFile,
    /// The search space.
    pub space: Space,
    /// How the finetune ended.
    pub ended: Ended,
}

impl<T: Task> Finished<T> {
    /// The run in `folder`.
    ///
    /// # Errors
    /// It is not finished, the finetune is of another network, or a file that it read has changed.
    pub fn load(folder: &RunFolder) -> Result<Self, CompareError> {
        let root = folder.root().to_owned();
        let unfinished = |training| CompareError::Unfinished { folder: root.clone(), training };
        let run = RunConfig::<T>::load(&folder.file("config.toml"))?;
        let arch = folder.file("arch.json");
        let search = run.search.filter(|_| arch.is_file()).ok_or_else(|| unfinished("search"))?;
        let (finetune, ended) = run.finetune.zip(ended::<T>(folder)?).ok_or_else(|| unfinished("finetune"))?;
        let (space, arch) = (Space::load(&search.space)?, ArchFile::load(&arch)?);
        if finetune.choice != arch.choice {
            return Err(CompareError::OtherNetwork(root));
        }
        let finished = Self { folder: folder.clone(), search, finetune, arch, space, ended };
        finished.verify()?;
        if finished.finetune.hold_back == 0.0 && finished.finetune.task.list_sha256(Split::Test).is_none() {
            note(format_args!(
                "note: the finetune in {} did not record its test list, so it cannot be compared; make sure that it is the same",
                root.display()
            ));
        }
        Ok(finished)
    }

    /// Refuses files that changed since the run read them: what is trained with other ones does not compare with it. A missing file is
    /// reported by the code that needs it.
    pub(super) fn verify(&self) -> Result<(), CompareError> {
        let Self { search, finetune, .. } = self;
        let changed = |what| Err(CompareError::Changed { what, folder: self.folder.root().to_owned() });
        for task in [&search.task, &finetune.task] {
            if let Some(what) = task.changed()? {
                return changed(what);
            }
        }
        let tables = search.lut.iter().zip(&search.lut_sha256);
        for (path, sha256) in tables.chain(finetune.supernet.iter().zip(&finetune.supernet_sha256)) {
            if path.is_file() && sha256_of_file(path)? != *sha256 {
                return changed(path.display().to_string());
            }
        }
        Ok(())
    }

    /// The folder of something that belongs to the run: `baselines/random-1`, `sweep/beta-3`.
    pub(super) fn inner(&self, path: &str) -> RunFolder {
        RunFolder::new(&self.folder.file(path))
    }

    /// The searched network's indices in the space.
    pub(super) fn indices(&self) -> Result<Vec<usize>, CompareError> {
        let choice = self.space.choice(&self.arch.choice).map_err(CompareError::Choice)?;
        let index = |(layer, p): (&blocks::SearchLayer, &blocks::Primitive)| layer.primitives.iter().position(|q| q == p);
        Ok(self.space.layers().iter().zip(&choice).filter_map(index).collect())
    }

    /// Removes the folders that `chosen` names in one of the run's folders (`baselines`, `sweep`), so that their trainings start again.
    ///
    /// # Errors
    /// They cannot be removed.
    pub fn clear(&self, folder: &str, chosen: impl Fn(&str) -> bool) -> Result<(), FileError> {
        let Ok(entries) = self.folder.file(folder).read_dir() else { return Ok(()) };
        let paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        for path in paths {
            let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            if path.is_dir() && chosen(&name) {
                std::fs::remove_dir_all(&path).map_err(FileError::new("cannot remove", &path))?;
            }
        }
        Ok(())
    }
}
