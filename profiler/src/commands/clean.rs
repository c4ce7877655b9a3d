//! `profiler clean`: removes everything that this program put on a device.

use std::path::PathBuf;

use clap::Args;
use terminal::note;

use super::error::CommandError;
use crate::devices::{self, Access, Address};
use crate::notices::with_notices;

#[derive(Args)]
pub(super) struct CleanArgs {
    #[arg(long, required = true, help = format!("{}. Can be repeated", Address::HELP_OF_REMOTE))]
    device: Vec<Address>,
    /// SSH key file [default: ssh-agent, then ~/.ssh]
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
}

impl CleanArgs {
    pub(super) fn run(self) -> Result<(), CommandError> {
        for address in &self.device {
            let access = Access { identity: self.identity.as_deref(), ..Access::default() };
            with_notices(|notices| devices::open(address, access, notices))?.remove_all()?;
            note(format_args!("{address}: removed"));
        }
        Ok(())
    }
}
