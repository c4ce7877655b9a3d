//! A chip as tables and listings state it. Nothing in it is the host's.

use std::path::Path;

use emulator::Emulator;
use files::FileError;
use simulator::Chip;

use super::error::SimulationError;
use crate::hardware::{Cluster, CpuList, Knowledge};
use crate::protocol::{DeviceFacts, SimulatorFacts};

/// The one processor that is simulated.
pub const CPU: usize = 0;

/// What is known of a chip.
pub fn knowledge(chip: &Chip) -> Knowledge {
    let mhz = f64::from(chip.clock_mhz);
    let cluster = Cluster {
        cpus: CpuList(vec![CPU]),
        core: Some(core_name(&chip.core.name)),
        processor: None,
        instruction_sets: None,
        min_mhz: Some(mhz),
        max_mhz: Some(mhz),
        capacity: None,
        governor: None,
        shared_l2: None,
    };
    Knowledge { model: Some(chip.description.clone()), clusters: vec![cluster], ..Knowledge::default() }
}

/// The device that an agent on a chip runs on.
pub(super) fn facts(chip: &Chip) -> DeviceFacts {
    DeviceFacts { known: knowledge(chip), arch: "aarch64".to_string(), ..DeviceFacts::default() }
}

/// What simulates it, and which agent.
pub(super) fn simulator(chip: &Chip, emulator: &Emulator, agent: &Path) -> Result<SimulatorFacts, SimulationError> {
    let identity = emulator.identity();
    Ok(SimulatorFacts {
        chip: chip.name.clone(),
        chip_sha256: chip_sha256(chip),
        simulator: identity.simulator.clone(),
        qemu: identity.qemu.clone(),
        qemu_sha256: identity.qemu_sha256.clone(),
        agent_sha256: files::sha256_of(agent).map_err(FileError::new("cannot read", agent))?,
    })
}

/// SHA-256 of the texts of the chip's file and of its core's, each behind its length.
fn chip_sha256(chip: &Chip) -> String {
    let bytes = chip.texts.iter().flat_map(|text| [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat());
    files::sha256(bytes.collect::<Vec<u8>>())
}

/// A core's name as people write it: `Cortex-A53` for `cortex-a53`.
fn core_name(name: &str) -> String {
    let part = |part: &str| {
        let mut letters = part.chars();
        letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
    };
    name.split('-').map(part).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chip_is_told_without_the_host() {
        let chip = Chip::find("sd625").unwrap();
        let known = knowledge(&chip);
        assert_eq!(known.clusters[0].core.as_deref(), Some("Cortex-A53"));
        assert_eq!(known.clusters[0].max_mhz, Some(f64::from(chip.clock_mhz)));
        assert!(known.kernel.is_none() && known.memory_mib.is_none() && known.system.is_none());
        let other = Chip { texts: [format!("{} ", chip.texts[0]), chip.texts[1].clone()], ..chip.clone() };
        assert_ne!(chip_sha256(&chip), chip_sha256(&other));
    }
}
