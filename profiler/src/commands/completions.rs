//! `profiler completions`: completions of the command line for a shell.

use clap::{Args, Command};
use clap_complete::{Shell, generate};

use super::error::CommandError;
use crate::output::print_text;

#[derive(Args)]
pub(super) struct CompletionsArgs {
    /// Shell
    shell: Shell,
}

impl CompletionsArgs {
    /// Prints the completions of that command line.
    pub(super) fn run(self, mut command: Command) -> Result<(), CommandError> {
        let name = command.get_name().to_string();
        let mut script = Vec::new();
        generate(self.shell, &mut command, name, &mut script);
        print_text(&String::from_utf8_lossy(&script)).map_err(CommandError::Output)
    }
}
