//! `profiler devices`: what is attached: this machine, every phone that adb knows, and boards that are named.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::error::CommandError;
use super::print;
#[cfg(not(target_os = "android"))]
use crate::devices::adb::Server;
use crate::devices::{self, Access, Address, Description, TransportError};
use crate::hardware::Knowledge;
use crate::notices::with_notices;

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

impl From<Description> for Listed {
    fn from(Description { device, knowledge, trouble }: Description) -> Self {
        Self { device, knowledge: Some(knowledge), trouble }
    }
}

/// Asks the devices named, or this machine and all attached phones where none is. `identity` is a key file for ssh.
///
/// # Errors
/// [`CommandError::Transport`] where a device that was named cannot be asked.
fn list(named: &[Address], identity: Option<&Path>) -> Result<Vec<Listed>, CommandError> {
    if named.is_empty() {
        let mut all = vec![Description::here().into()];
        all.extend(phones());
        return Ok(all);
    }
    named.iter().map(|address| Ok(described(address, identity)?)).collect()
}

/// Asks a device, and tells the user what there is to know of the way there.
fn described(address: &Address, identity: Option<&Path>) -> Result<Listed, TransportError> {
    let access = Access { identity, ..Access::default() };
    with_notices(|notices| devices::describe(address, access, notices)).map(Listed::from)
}

/// All attached phones; those that cannot be asked with the reason.
#[cfg(not(target_os = "android"))]
fn phones() -> Vec<Listed> {
    let unknown = |device: String, trouble: String| Listed { device, knowledge: None, trouble: Some(trouble) };
    let phone = |serial: String| {
        let address = Address::Adb(Some(serial));
        described(&address, None).unwrap_or_else(|e| unknown(address.to_string(), e.to_string()))
    };
    match Server::find().and_then(|server| Ok(server.attached()?)) {
        Ok(phones) => phones.into_iter().map(|attached| phone(attached.serial)).collect(),
        Err(e) => vec![unknown("adb".to_string(), e.to_string())],
    }
}

#[cfg(target_os = "android")]
fn phones() -> Vec<Listed> {
    Vec::new()
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
