//! Device and engine as a table's header states them.

use luts::{Cluster, Device, EngineId, Megahertz, Simulator};

use crate::hardware::CpuList;
use crate::protocol::{EngineFacts, Start};

/// What simulated the device, and how near it came to real ones.
pub fn simulator(start: &Start) -> Option<Simulator> {
    let facts = start.simulator.as_ref()?;
    Some(Simulator {
        chip: facts.chip.clone(),
        chip_sha256: facts.chip_sha256.clone(),
        model: facts.simulator.clone(),
        qemu: facts.qemu.clone(),
        qemu_sha256: facts.qemu_sha256.clone(),
        agent_sha256: facts.agent_sha256.clone(),
        errors: model_errors(),
    })
}

#[cfg(not(target_os = "android"))]
fn model_errors() -> Vec<luts::ModelError> {
    let error = |compared: simulator::Compared| luts::ModelError {
        what: compared.what,
        count: compared.count,
        mape: compared.mape,
        bias: compared.bias,
        largest: compared.largest,
        kendall_tau: compared.kendall_tau,
    };
    simulator::validation().into_iter().map(error).collect()
}

#[cfg(target_os = "android")]
fn model_errors() -> Vec<luts::ModelError> {
    Vec::new()
}

/// The engine as tables state it.
pub fn engine(start: &Start) -> EngineId {
    let EngineFacts { name, version, precision, library_sha256, build } = start.engine.clone();
    EngineId { name, version, precision, library_sha256, build, program_sha256: None }
}

/// The device as tables state it.
pub fn device(start: &Start) -> Device {
    let known = &start.device.known;
    let cluster = |c: &crate::hardware::Cluster| Cluster {
        cpus: c.cpus.to_string(),
        core: c.core.clone(),
        processor: c.processor.clone(),
        instruction_sets: c.instruction_sets.clone(),
        min_mhz: c.min_mhz.map(Megahertz),
        max_mhz: c.max_mhz.map(Megahertz),
        shared_l2: c.shared_l2.as_ref().map(ToString::to_string),
    };
    Device {
        model: known.model.clone().or_else(|| known.soc.clone()).unwrap_or_else(|| "unknown".to_string()),
        arch: start.device.arch.clone(),
        soc: known.soc.clone(),
        serial_hash: serial_hash(start),
        system: known.system.clone(),
        kernel: known.kernel.clone(),
        memory_mib: known.memory_mib,
        sensors: known.sensors.iter().map(|sensor| sensor.kind.clone()).collect(),
        clusters: known.clusters.iter().map(cluster).collect(),
    }
}

/// The first digits of the serial number's hash: they tell units apart without naming them.
pub fn serial_hash(start: &Start) -> Option<String> {
    start.device.serial.as_ref().map(|serial| files::sha256(serial)[..16].to_string())
}

/// The cluster of the processors that were measured on; absent where it is not known.
pub fn pinned_cluster<'a>(device: &'a Device, cpus: &[usize]) -> Option<&'a Cluster> {
    let first = cpus.first()?;
    let holds = |cluster: &&Cluster| CpuList::parse(&cluster.cpus).is_some_and(|list| list.0.contains(first));
    device.clusters.iter().find(holds)
}
