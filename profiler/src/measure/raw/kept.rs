//! Samples that are kept where a command fails.

use std::path::{Path, PathBuf};

/// A file that holds the samples so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The file.
    pub path: PathBuf,
    /// Whether the command can resume from them.
    pub resumes: bool,
}

impl Kept {
    /// Of a build, which can.
    pub fn of_build(path: &Path) -> Self {
        Self { path: path.to_path_buf(), resumes: true }
    }

    /// What an error says of it, behind its own words; nothing where no samples are kept.
    pub fn remark(kept: Option<&Self>) -> String {
        let Some(Self { path, resumes }) = kept else { return String::new() };
        let next = if *resumes { "; use --resume to continue" } else { "" };
        format!("\nthe samples so far are in {}{next}", path.display())
    }
}
