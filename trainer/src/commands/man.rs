//! `trainer man`: manual pages.

use std::fs;
use std::path::PathBuf;

use clap::{Args, Command};

use super::error::Result;
use super::output::print_line;
use crate::run::FileError;

#[derive(Args, Debug)]
#[command(after_help = "Example:
  trainer man ~/.local/share/man/man1")]
pub struct ManArgs {
    /// Folder to write the pages to; it is created if it does not exist
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Writes a page for each command of that command line.
pub fn run(args: &ManArgs, command: Command) -> Result<()> {
    fs::create_dir_all(&args.folder).map_err(FileError::new("cannot make the folder", &args.folder))?;
    clap_mangen::generate_to(command, &args.folder).map_err(FileError::new("cannot write pages to", &args.folder))?;
    print_line(format_args!("{}", args.folder.display()))
}
