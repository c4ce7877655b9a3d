//! Whether two measurements are of one device and one engine: a table and a device, two tables, two runs of an agent.
//!
//! A time is that of a processor, in a cluster, in one build of an engine, with a precision and a number of threads; of another
//! one it says nothing. Names alone do not tell: virtual machines call very different processors alike. What one side does not state
//! (tables of earlier schemas state less) cannot be compared, and is said to be so.

use std::path::{Path, PathBuf};

use engines::EngineKind;
use luts::{Cluster, Device, EngineId, Header, Simulator, Source};
use serde::Serialize;

use super::facts;
use crate::hardware::CpuList;
use crate::protocol::Start;

/// What a measurement is of.
#[derive(Clone, Debug)]
pub struct Identity {
    /// What must be the same, by name; absent where it is not known.
    facts: Vec<(&'static str, Option<String>)>,
    /// The cluster that it was pinned to.
    cluster: Option<CpuList>,
}

/// Something that two measurements must have in common, and have not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What.
    pub what: &'static str,
    /// On the first side.
    pub first: String,
    /// On the second side.
    pub second: String,
}

/// Two measurements, compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// In what they differ; empty where they belong together as far as is known.
    pub differences: Vec<Difference>,
    /// What one of them does not state.
    pub unknown: Vec<&'static str>,
}

impl Identity {
    /// Of a table.
    pub fn of_table(header: &Header) -> Self {
        let this = Self::new(&header.device, &header.engine, &header.cpus, header.threads);
        this.on(header.source == Source::Simulated, header.simulator.as_ref())
    }

    /// Of an agent that is to run an engine in that many threads.
    pub fn of_agent(start: &Start, threads: usize) -> Self {
        let simulator = facts::simulator(start);
        let this = Self::new(&facts::device(start), &facts::engine(start), &start.cpus, threads);
        this.on(simulator.is_some(), simulator.as_ref())
    }

    /// The same with what simulated the device, if it was simulated.
    fn on(mut self, simulated: bool, simulator: Option<&Simulator>) -> Self {
        let kind = if simulated { "simulated" } else { "real" };
        let short = |hash: &str| hash.chars().take(12).collect::<String>();
        // Errors are reported, and the agent is compared by its times: the same engine compiled elsewhere differs by some tenths of a percent.
        let of = |field: &dyn Fn(&Simulator) -> String| simulator.map(field);
        self.facts.extend([
            ("kind of device", Some(kind.to_string())),
            ("simulated chip", of(&|s| format!("{}, files of SHA-256 {}…", s.chip, short(&s.chip_sha256)))),
            ("simulator", of(&|s| format!("model {}", s.model))),
            ("QEMU", of(&|s| format!("{} {}", s.qemu, short(&s.qemu_sha256)).trim_end().to_string())),
        ]);
        self
    }

    fn new(device: &Device, engine: &EngineId, cpus: &[usize], threads: usize) -> Self {
        // All fields are named, so that a new one is thought of here. System, kernel, memory and sensors may change with an update; units
        // of one model are compared on purpose.
        let Device { model, arch, soc, serial_hash: _, system: _, kernel: _, memory_mib: _, sensors: _, clusters: _ } = device;
        // The program's hash is of tables of schema 2: it changes with every commit, and says nothing of the engine.
        let EngineId { name, version, precision, library_sha256, build, program_sha256: _ } = engine;
        let pinned = facts::pinned_cluster(device, cpus);
        let of_cluster = |field: fn(&Cluster) -> &Option<String>| pinned.and_then(|cluster| field(cluster).clone());
        let crowded = if !cpus.is_empty() && cpus.len() < threads { format!(" on {} CPU(s)", cpus.len()) } else { String::new() };
        Self {
            facts: vec![
                ("device", Some(model.clone())),
                ("architecture", Some(arch.clone())),
                ("chip", soc.clone()),
                ("core", of_cluster(|c| &c.core)),
                ("processor", of_cluster(|c| &c.processor)),
                ("instruction sets", of_cluster(|c| &c.instruction_sets)),
                ("engine", Some(format!("{name} {version}"))),
                ("engine's library", library_sha256.clone()),
                ("engine's build", build.clone()),
                ("precision", precision.clone()),
                ("threads", Some(format!("{threads}{crowded}"))),
            ],
            cluster: pinned.and_then(|cluster| CpuList::parse(&cluster.cpus)),
        }
    }

    /// Compares two.
    pub fn compare(&self, other: &Self) -> Comparison {
        let mut comparison = Comparison::default();
        for ((what, first), (_, second)) in std::iter::zip(&self.facts, &other.facts) {
            match (first, second) {
                (Some(first), Some(second)) if first != second => {
                    comparison.differences.push(Difference { what, first: first.clone(), second: second.clone() });
                }
                (Some(_), None) | (None, Some(_)) => comparison.unknown.push(what),
                _ => {}
            }
        }
        match (&self.cluster, &other.cluster) {
            // Processors of a cluster may be switched off, and a virtual machine may have more of them: one in common is enough.
            (Some(first), Some(second)) if !first.0.iter().any(|cpu| second.0.contains(cpu)) => {
                let [first, second] = [first, second].map(|list| format!("CPUs {list}"));
                comparison.differences.push(Difference { what: "cluster", first, second });
            }
            (Some(_), None) | (None, Some(_)) => comparison.unknown.push("cluster"),
            _ => {}
        }
        comparison
    }
}

impl Comparison {
    /// The differences for people, a line each, with a name for each side.
    pub fn lines(&self, first: &str, second: &str) -> Vec<String> {
        self.differences.iter().map(|d| format!("{}: {} ({first}), {} ({second})", d.what, d.first, d.second)).collect()
    }
}

/// A device or an engine that is not the table's.
#[derive(Debug, thiserror::Error)]
#[error(
    "{path} was measured on another device or engine:{}\nNothing was written. `profiler build` measures a table of this device; \
     --other-device checks this one anyway and does not change its header",
    .differences.iter().map(|line| format!("\n  {line}")).collect::<String>()
)]
pub struct OtherDevice {
    /// Table
    pub path: PathBuf,
    /// In what they differ, a line each.
    pub differences: Vec<String>,
}

/// A table that a device is held against.
pub struct TableIdentity<'a> {
    path: &'a Path,
    header: &'a Header,
    identity: Identity,
    /// Whether another device or engine is allowed.
    any: bool,
}

impl<'a> TableIdentity<'a> {
    /// The table at `path`; with `any`, nothing is refused.
    pub fn new(path: &'a Path, header: &'a Header, any: bool) -> Self {
        Self { path, header, identity: Identity::of_table(header), any }
    }

    /// Refuses another engine, before anything is prepared for it.
    ///
    /// # Errors
    /// [`OtherDevice`].
    pub fn check_engine(&self, engine: EngineKind) -> Result<(), OtherDevice> {
        let name = &self.header.engine.name;
        if name.parse() == Ok(engine) {
            return Ok(());
        }
        self.refuse(vec![format!("engine: {name} (the table), {engine} (--engine)")])
    }

    /// Refuses another device or engine, before anything is measured on it.
    ///
    /// # Errors
    /// [`OtherDevice`].
    pub fn check(&self, start: &Start, threads: usize) -> Result<(), OtherDevice> {
        self.refuse(self.compare(start, threads).lines("the table", "here"))
    }

    /// What the user should know, a line each: what differs where that is allowed, and what could not be compared.
    pub fn remarks(&self, start: &Start, threads: usize) -> Vec<String> {
        let comparison = self.compare(start, threads);
        let differs = |line| format!("warning: the device or engine is not the table's: {line}");
        let mut remarks: Vec<String> = comparison.lines("the table", "here").into_iter().map(differs).collect();
        if !comparison.unknown.is_empty() {
            let unknown = comparison.unknown.join(", ");
            remarks.push(format!("not compared: {unknown} (not stated by the table or by the device)"));
        }
        let units = self.header.units.as_ref().map(|units| units.serial_hashes.as_slice()).unwrap_or_default();
        let mut known = units.iter().chain(&self.header.device.serial_hash).peekable();
        if let Some(unit) = facts::serial_hash(start)
            && known.peek().is_some()
            && !known.any(|known| *known == unit)
        {
            remarks.push("this is another device of the same model: expect a difference of a few per cent".to_string());
        }
        remarks
    }

    fn compare(&self, start: &Start, threads: usize) -> Comparison {
        self.identity.compare(&Identity::of_agent(start, threads))
    }

    fn refuse(&self, differences: Vec<String>) -> Result<(), OtherDevice> {
        if differences.is_empty() || self.any {
            return Ok(());
        }
        Err(OtherDevice { path: self.path.to_path_buf(), differences })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(processor: Option<&str>) -> Device {
        let cluster = |cpus: &str| Cluster {
            cpus: cpus.into(),
            core: Some("Cortex-A53".into()),
            processor: processor.map(String::from),
            ..Cluster::default()
        };
        Device {
            model: "Phone".into(),
            arch: "aarch64".into(),
            clusters: vec![cluster("0-3"), cluster("4-7")],
            ..Device::default()
        }
    }

    fn engine(build: Option<&str>) -> EngineId {
        EngineId { name: "mnn".into(), version: "3.6.1".into(), build: build.map(String::from), ..EngineId::default() }
    }

    fn compared(first: &Identity, second: &Identity) -> (Vec<&'static str>, Vec<&'static str>) {
        let comparison = first.compare(second);
        (comparison.differences.iter().map(|d| d.what).collect(), comparison.unknown)
    }

    #[test]
    fn what_differs_is_told_from_what_is_not_known() {
        let first = Identity::new(&device(Some("revision 4")), &engine(Some("a")), &[7], 1);
        assert_eq!(compared(&first, &first), (vec![], vec![]));
        let other = Identity::new(&device(Some("revision 3")), &engine(Some("b")), &[7], 2);
        assert_eq!(compared(&first, &other), (vec!["processor", "engine's build", "threads"], vec![]));
        let earlier = Identity::new(&device(None), &engine(None), &[7], 1);
        assert_eq!(compared(&first, &earlier), (vec![], vec!["processor", "engine's build"]));
        assert_eq!(compared(&earlier, &earlier), (vec![], vec![]));
        let lines = first.compare(&other).lines("the table", "here");
        assert_eq!(lines[0], "processor: revision 4 (the table), revision 3 (here)");
    }

    #[test]
    fn clusters_of_equal_cores_are_two() {
        let on = |cpus: &[usize], threads| Identity::new(&device(None), &engine(None), cpus, threads);
        assert_eq!(compared(&on(&[7], 1), &on(&[4], 1)), (vec![], vec![]));
        assert_eq!(compared(&on(&[7], 1), &on(&[3], 1)), (vec!["cluster"], vec![]));
        assert_eq!(compared(&on(&[7], 1), &on(&[], 1)), (vec![], vec!["core", "cluster"]));
        // More threads than CPUs for them are another measurement than one CPU each.
        assert_eq!(compared(&on(&[6, 7], 4), &on(&[4, 5, 6, 7], 4)), (vec!["threads"], vec![]));
    }
}
