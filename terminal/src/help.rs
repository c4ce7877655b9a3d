//! Completions and manual pages, made from the command line's description.

use clap::Command;

use crate::program;

/// The command line under the name that the program is installed by, in its examples too.
pub fn installed(command: Command, name: &'static str) -> Command {
    let name = program::name(name).into_owned();
    renamed(command).bin_name(name.clone()).display_name(name)
}

/// Names the programs in the text behind the help of each command.
fn renamed(mut command: Command) -> Command {
    if let Some(text) = command.get_after_help().map(ToString::to_string) {
        command = command.after_help(program::named(&text).into_owned());
    }
    command.mut_subcommands(renamed)
}

#[cfg(not(target_os = "android"))]
pub use made::{Completions, Manual};

/// A phone needs neither.
#[cfg(not(target_os = "android"))]
mod made {
    use std::path::PathBuf;
    use std::{fs, io};

    use clap::{Args, Command};
    use clap_complete::Shell;
    use files::FileError;

    use crate::lines::print_text;

    /// Which completions to print.
    #[derive(Args, Debug)]
    pub struct Completions {
        /// Shell
        shell: Shell,
    }

    impl Completions {
        /// Prints the completions of that command line.
        ///
        /// # Errors
        /// Standard output takes no more.
        pub fn print(&self, mut command: Command) -> io::Result<()> {
            let name = command.get_bin_name().unwrap_or(command.get_name()).to_string();
            let mut script = Vec::new();
            clap_complete::generate(self.shell, &mut command, name, &mut script);
            print_text(&String::from_utf8_lossy(&script))
        }
    }

    /// Where to write the manual.
    #[derive(Args, Debug)]
    pub struct Manual {
        /// Folder to write the pages to; it is created if it does not exist
        #[arg(value_name = "DIR")]
        pub folder: PathBuf,
    }

    impl Manual {
        /// Writes a page for each command of that command line.
        ///
        /// # Errors
        /// The folder cannot be made, or a page cannot be written.
        pub fn write(&self, command: Command) -> Result<(), FileError> {
            fs::create_dir_all(&self.folder).map_err(FileError::new("cannot make the folder", &self.folder))?;
            clap_mangen::generate_to(command, &self.folder).map_err(FileError::new("cannot write pages to", &self.folder))
        }
    }
}
