//! `trainer completions`: completions of the command line for a shell.

use clap::{Args, Command};
use clap_complete::{Shell, generate};

use super::error::Result;
use super::output::print_line;

#[derive(Args, Debug)]
#[command(after_help = "Example:
  trainer completions bash > ~/.local/share/bash-completion/completions/trainer")]
pub struct CompletionsArgs {
    /// Shell
    shell: Shell,
}

/// Prints the completions of that command line.
pub fn run(args: &CompletionsArgs, mut command: Command) -> Result<()> {
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    generate(args.shell, &mut command, name, &mut script);
    print_line(format_args!("{}", String::from_utf8_lossy(&script).trim_end()))
}
