//! Conditions that a table was measured under, as far as its header states them: where two tables' times are to be one table's, they
//! must be alike.

use luts::{Cluster, Device, EngineId, Header, Simulator};

use super::facts::pinned_cluster;
use super::identity::Difference;

/// How far apart two tables' clocks, or two canaries' times, may be: more is another state of the device. A share.
const STATE: f64 = 0.05;

/// Everything that may change a block's time and differs between two tables. Temperatures are not asked: they act through the clock.
pub fn differences(a: &Header, b: &Header) -> Vec<Difference> {
    let (x, y) = (stated(a), stated(b));
    let mut found: Vec<Difference> = std::iter::zip(x, y)
        .filter(|((_, first), (_, second))| first != second)
        .map(|((what, first), (_, second))| Difference { what, first, second })
        .collect();
    let mhz = |h: &Header| h.clock.as_ref().map(|clock| clock.median_mhz.0);
    let canary = |h: &Header| h.canary.as_ref().map(|canary| canary.stated_us.0);
    let states = [("clocks", mhz(a), mhz(b), "MHz"), ("canaries' times", canary(a), canary(b), "µs")];
    for (what, first, second, unit) in states {
        if let (Some(first), Some(second)) = (first, second)
            && first.max(second) > (1.0 + STATE) * first.min(second)
        {
            found.push(Difference { what, first: format!("{first:.4} {unit}"), second: format!("{second:.4} {unit}") });
        }
    }
    found
}

/// What must be the very same, by name. All fields are named, so that a new one is thought of here.
fn stated(header: &Header) -> Vec<(&'static str, String)> {
    let Device { model, arch, soc, serial_hash, system, kernel, memory_mib: _, sensors: _, clusters: _ } = &header.device;
    let EngineId { name, version, precision, library_sha256, build, program_sha256 } = &header.engine;
    let or = |value: &Option<String>, none: &str| value.clone().unwrap_or_else(|| none.to_string());
    let units = match &header.units {
        Some(units) => units.serial_hashes.join(" "),
        None => or(serial_hash, "not known"),
    };
    vec![
        ("search spaces", format!("{} {}", header.space.name, header.space.hash)),
        ("sources", header.source.to_string()),
        ("profiler versions", header.profiler.clone()),
        ("devices", model.clone()),
        ("architectures", arch.clone()),
        ("systems on chip", or(soc, "not known")),
        ("units", units),
        ("systems", or(system, "not known")),
        ("kernels", or(kernel, "not known")),
        ("clusters", cluster(header)),
        ("governors", header.governor.as_deref().map_or("not known", held).to_string()),
        ("threads", header.threads.to_string()),
        ("landmarks", header.points.map_or("none".to_string(), |points| points.to_string())),
        ("engines", format!("{name} {version}")),
        ("precisions", or(precision, "the engine's own")),
        ("engine libraries", or(library_sha256, "none")),
        ("engine builds", or(build, "none")),
        ("engine programs", or(program_sha256, "none")),
        ("simulators", header.simulator.as_ref().map_or("none".to_string(), simulator)),
        ("canaries", header.canary.as_ref().map_or("none", |canary| canary.kind.as_str()).to_string()),
    ]
}

/// A simulator in words, with the agent that ran in it: simulated times differ with each.
fn simulator(simulator: &Simulator) -> String {
    let Simulator { chip, chip_sha256, model, qemu, qemu_sha256, agent_sha256, errors: _ } = simulator;
    format!("{chip} {chip_sha256:.12}, model {model}, QEMU {qemu} {qemu_sha256:.12}, agent {agent_sha256:.12}")
}

/// The cluster in words; the processors' numbers where the cluster is not known.
fn cluster(header: &Header) -> String {
    let Some(Cluster { cpus, core, processor, instruction_sets, min_mhz, max_mhz, shared_l2: _ }) =
        pinned_cluster(&header.device, &header.cpus)
    else {
        return if header.cpus.is_empty() { "not pinned".to_string() } else { format!("CPUs {:?}", header.cpus) };
    };
    let core = core.as_deref().or(processor.as_deref()).unwrap_or("unknown cores");
    let sets = instruction_sets.as_ref().map(|sets| format!(" with {sets}")).unwrap_or_default();
    let clocks = match (min_mhz, max_mhz) {
        (Some(min), Some(max)) => format!(" of {min} to {max}"),
        (_, Some(max)) => format!(" of {max}"),
        _ => String::new(),
    };
    format!("CPUs {cpus}, {core}{sets}{clocks}")
}

/// What decided on the clock while measuring, of a governor as an agent describes it; what was set before does not matter.
pub fn held(governor: &str) -> &str {
    governor.split_once(" (was ").map_or(governor, |(set, _)| set)
}
