//! `profiler man`: manual pages.

use std::fs;
use std::path::PathBuf;

use clap::{Args, Command};

use super::error::CommandError;
use super::print;
use crate::file_error::FileError;

#[derive(Args)]
pub(super) struct ManArgs {
    /// Folder to write the pages to; it is created if it does not exist
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

impl ManArgs {
    /// Writes a page for each command of that command line.
    pub(super) fn run(self, command: Command) -> Result<(), CommandError> {
        fs::create_dir_all(&self.folder).map_err(FileError::new("make", &self.folder))?;
        clap_mangen::generate_to(command, &self.folder).map_err(FileError::new("write pages to", &self.folder))?;
        print::path(&self.folder)
    }
}
