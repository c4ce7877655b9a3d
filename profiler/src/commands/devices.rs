//! `profiler devices`: what is attached: this machine, every phone that adb knows, and boards that are named.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::error::CommandError;
use super::print;
use crate::devices::Address;
use crate::hardware::{Files, Knowledge};

#[derive(Args)]
pub(super) struct DevicesArgs {
    /// Device to ask [default: this machine and all attached phones]. Can be repeated
    #[arg(long)]
    device: Vec<Address>,
    /// SSH key file [default: ssh-agent, then ~/.ssh]
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl DevicesArgs {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let listed = list(&self.device, self.identity.as_deref())?;
        print::result(self.json, &listed, || text(&listed))
    }
}

/// A device, or why nothing is known of it.
#[derive(Debug, Serialize)]
struct Listed {
    /// What `--device` takes.
    device: String,
    /// What is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    knowledge: Option<Knowledge>,
    /// What is in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<String>,
}

/// Asks the devices named, or this machine and all phones attached where none is. `identity` is a key file for ssh.
///
/// # Errors
/// [`CommandError::Transport`] where a device that was named cannot be asked.
fn list(named: &[Address], identity: Option<&Path>) -> Result<Vec<Listed>, CommandError> {
    if named.is_empty() {
        let mut all = vec![here()];
        remote::phones(&mut all);
        return Ok(all);
    }
    let one = |address: &Address| match address {
        Address::Local => Ok(here()),
        Address::Adb(_) | Address::Ssh(_) | Address::Simulated(_) => {
            remote::one(address, identity).map_err(CommandError::Transport)
        }
    };
    named.iter().map(one).collect()
}

fn here() -> Listed {
    Listed { device: "local".to_string(), knowledge: Some(Knowledge::of(&Files::here())), trouble: None }
}

#[cfg(not(target_os = "android"))]
mod remote {
    use std::path::Path;
    use std::time::Duration;

    use super::{Address, Files, Knowledge, Listed};
    use crate::devices::adb::{Adb, Server};
    use crate::devices::remote::Shell;
    use crate::devices::simulated::{self, SimulationError};
    use crate::devices::ssh::Ssh;
    use crate::devices::{Notice, TransportError};
    use crate::output::note;

    /// How long a device may take to show its files.
    const LIMIT: Duration = Duration::from_secs(30);

    pub(super) fn phones(all: &mut Vec<Listed>) {
        let found = Server::find().and_then(|server| Ok(server.attached()?));
        match found {
            Ok(phones) => {
                for phone in phones {
                    let address = Address::Adb(Some(phone.serial));
                    all.push(one(&address, None).unwrap_or_else(|e| Listed {
                        device: address.to_string(),
                        knowledge: None,
                        trouble: Some(e.to_string()),
                    }));
                }
            }
            Err(e) => all.push(Listed { device: "adb".to_string(), knowledge: None, trouble: Some(e.to_string()) }),
        }
    }

    pub(super) fn one(address: &Address, identity: Option<&Path>) -> Result<Listed, TransportError> {
        match address {
            Address::Local => Ok(super::here()),
            Address::Adb(serial) => ask(told(|notices| Ok(Adb::open(serial.as_deref(), notices)?))?),
            Address::Ssh(target) => ask(told(|notices| Ok(Ssh::open(target, identity, notices)?))?),
            Address::Simulated(chip) => Ok(chip_of(chip)?),
        }
    }

    /// A chip, and what is missing to simulate it.
    fn chip_of(name: &str) -> Result<Listed, SimulationError> {
        let chip = simulator::Chip::find(name)?;
        let trouble = simulated::emulator().err().map(|e| e.to_string());
        let device = Address::Simulated(name.to_string()).to_string();
        Ok(Listed { device, knowledge: Some(simulated::device::knowledge(&chip)), trouble })
    }

    /// Opens a device and tells the user what there is to know of that.
    fn told<S>(open: impl FnOnce(&mut Vec<Notice>) -> Result<S, TransportError>) -> Result<S, TransportError> {
        let mut notices = Vec::new();
        let opened = open(&mut notices);
        notices.iter().for_each(note);
        opened
    }

    fn ask(mut shell: impl Shell) -> Result<Listed, TransportError> {
        let text = shell.output("show what it is", &Files::command(), LIMIT)?;
        Ok(Listed { device: shell.name(), knowledge: Some(Knowledge::of(&Files::parse(&text))), trouble: None })
    }
}

#[cfg(target_os = "android")]
mod remote {
    use std::path::Path;

    use super::{Address, Listed};
    use crate::devices::TransportError;

    pub(super) fn phones(_: &mut Vec<Listed>) {}

    pub(super) fn one(address: &Address, _: Option<&Path>) -> Result<Listed, TransportError> {
        Err(TransportError::Unavailable { address: address.clone() })
    }
}

/// The list as text.
fn text(devices: &[Listed]) -> String {
    let mut text = String::new();
    for device in devices {
        // Writing to a String does not fail.
        let _ = describe(&mut text, device);
    }
    text
}

fn describe(text: &mut String, listed: &Listed) -> std::fmt::Result {
    writeln!(text, "{}", listed.device)?;
    if let Some(trouble) = &listed.trouble {
        writeln!(text, "  {trouble}")?;
    }
    let Some(known) = &listed.knowledge else { return Ok(()) };
    let mut line = |name: &str, value: Option<String>| match value {
        Some(value) => writeln!(text, "  {name:<12}{value}"),
        None => Ok(()),
    };
    line("model", known.model.clone())?;
    line("chip", known.soc.clone())?;
    line("system", known.system.clone())?;
    line("kernel", known.kernel.clone())?;
    line("memory", known.memory_mib.map(|mib| format!("{mib} MiB")))?;
    for cluster in &known.clusters {
        let mut words = vec![cluster.cpus.to_string()];
        words.extend(cluster.core.clone());
        match (cluster.min_mhz, cluster.max_mhz) {
            (Some(min), Some(max)) => words.push(format!("{min:.1} to {max:.1} MHz")),
            (None, Some(max)) => words.push(format!("up to {max:.1} MHz")),
            _ => {}
        }
        words.extend(cluster.governor.as_ref().map(|governor| format!("governor {governor}")));
        words.extend(cluster.shared_l2.as_ref().map(|cpus| format!("L2 of {cpus}")));
        line("CPUs", Some(words.join(", ")))?;
    }
    for sensor in &known.sensors {
        line("sensor", Some(format!("{} {:.1} °C", sensor.kind, sensor.celsius)))?;
    }
    Ok(())
}
