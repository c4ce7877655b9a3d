//! Processors and their clusters.
//!
//! A cluster is what a measurement is pinned to: processors of one kind that share a clock and a cache. Clocks alone do not tell:
//! the Snapdragon 625 has two clusters of the same cores at the same frequencies.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::files::Files;
use super::names;
use super::processor::{Parts, Processors};
use super::values::{LIMIT, hex, number};

const CPUS: &str = "/sys/devices/system/cpu/cpu";
/// Numbers of processors, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct CpuList(pub Vec<usize>);

impl CpuList {
    /// Reads the kernel's lists: `0-3,5`, or `0 1 2 3`.
    pub fn parse(text: &str) -> Option<Self> {
        // A set: however often a list repeats itself, it holds no more than there are processors.
        let mut cpus = BTreeSet::new();
        for part in text.split([',', ' ', '\n']).map(str::trim).filter(|part| !part.is_empty()) {
            let (from, to) = part.split_once('-').unwrap_or((part, part));
            let (from, to): (usize, usize) = (from.parse().ok()?, to.parse().ok()?);
            if to >= LIMIT || from > to {
                return None;
            }
            cpus.extend(from..=to);
        }
        (!cpus.is_empty()).then(|| Self(cpus.into_iter().collect()))
    }
}

impl fmt::Display for CpuList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.as_slice();
        while let Some(&first) = rest.first() {
            let length = rest.iter().enumerate().take_while(|&(i, &cpu)| cpu == first + i).count();
            let comma = if rest.len() == self.0.len() { "" } else { "," };
            match length {
                1 => write!(f, "{comma}{first}")?,
                _ => write!(f, "{comma}{first}-{}", first + length - 1)?,
            }
            rest = &rest[length..];
        }
        Ok(())
    }
}

impl Serialize for CpuList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CpuList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("'{text}' is not a list of processors")))
    }
}

/// Processors of one kind that share what matters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cluster {
    /// Their numbers.
    pub cpus: CpuList,
    /// Their core: `Cortex-A53`.
    pub core: Option<String>,
    /// What tells it from another processor of the same name: family, model, stepping; on Arm implementer, part, variant, revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processor: Option<String>,
    /// Its instruction sets that bear on arithmetic, separated by blanks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instruction_sets: Option<String>,
    /// Lowest frequency, in MHz.
    pub min_mhz: Option<f64>,
    /// Highest frequency, in MHz.
    pub max_mhz: Option<f64>,
    /// What the kernel's scheduler thinks a processor is worth: 1024 for the strongest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<u64>,
    /// What decides on the frequency.
    pub governor: Option<String>,
    /// Who shares the second cache with the first of them.
    pub shared_l2: Option<CpuList>,
}

/// What must be the same for two processors to be of one cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    /// Of the kernel's topology.
    together: Option<CpuList>,
    package: Option<u64>,
    shared_l2: Option<CpuList>,
    shared_clock: Option<CpuList>,
    part: Option<(u64, u64)>,
    max_khz: Option<u64>,
}

/// The processors that `threads` threads are best pinned to: all in one cluster, the strongest that has enough of those `allowed`;
/// of equal ones the last, and in it the last processors, since the first ones serve most interrupts.
///
/// Which is the strongest follows from the scheduler's capacity where the kernel has it, else by the highest frequency. Where no cluster
/// has enough processors, the last ones allowed.
pub fn choose(clusters: &[Cluster], allowed: &[usize], threads: usize) -> Vec<usize> {
    let last = |cpus: &[usize]| cpus[cpus.len().saturating_sub(threads)..].to_vec();
    let of = |cluster: &Cluster| cluster.cpus.0.iter().copied().filter(|cpu| allowed.contains(cpu)).collect::<Vec<_>>();
    let usable = clusters.iter().map(|cluster| (cluster, of(cluster))).filter(|(_, cpus)| cpus.len() >= threads);
    let strongest = usable.max_by(|(a, _), (b, _)| {
        let strength = |c: &Cluster| (c.capacity.unwrap_or(0), c.max_mhz.unwrap_or(0.0));
        let ((capacity_a, mhz_a), (capacity_b, mhz_b)) = (strength(a), strength(b));
        capacity_a.cmp(&capacity_b).then(mhz_a.total_cmp(&mhz_b))
    });
    strongest.map_or_else(|| last(allowed), |(_, cpus)| last(&cpus))
}

/// The clusters, by the number of their first processor.
pub(super) fn clusters(files: &Files) -> Vec<Cluster> {
    let processors = Processors::of(files);
    let parts = processors.parts();
    let mut cpus = files.numbered(CPUS);
    if cpus.is_empty() {
        let possible = files.text("/sys/devices/system/cpu/possible").and_then(CpuList::parse);
        cpus = possible.map_or_else(|| processors.numbers(), |list| list.0);
    }
    let mut kinds: Vec<(usize, Kind)> = cpus.iter().map(|&cpu| (cpu, kind(files, &parts, cpu))).collect();
    for i in 0..kinds.len() {
        if let Some(kind) = awake(&kinds, &kinds[i].1).cloned() {
            kinds[i].1 = kind;
        }
    }
    if let Some(part) = parts.of_all.filter(|_| all_alike(files, &kinds)) {
        kinds.iter_mut().for_each(|(_, kind)| kind.part = kind.part.or(Some(part)));
    }
    let mut found: BTreeMap<Kind, Vec<usize>> = BTreeMap::new();
    for (cpu, kind) in kinds {
        found.entry(kind).or_default().push(cpu);
    }
    let mut clusters: Vec<Cluster> = found.into_iter().map(|(kind, cpus)| cluster(files, &processors, kind, cpus)).collect();
    clusters.sort_by(|a, b| a.cpus.cmp(&b.cpus));
    clusters
}

/// Of a processor that is switched off, the kernel shows little more than whose clock it shares: it is of the kind of those.
fn awake<'a>(kinds: &'a [(usize, Kind)], kind: &Kind) -> Option<&'a Kind> {
    let shared = kind.shared_clock.as_ref().filter(|_| kind.says_nothing_else())?;
    let mut others = kinds.iter().filter(|(cpu, _)| shared.0.contains(cpu)).map(|(_, other)| other);
    others.find(|other| !other.says_nothing_else() && other.shared_clock == kind.shared_clock && other.max_khz == kind.max_khz)
}

/// Whether nothing speaks against all processors being of one core: older kernels name a single one.
fn all_alike(files: &Files, kinds: &[(usize, Kind)]) -> bool {
    let capacity = |cpu| files.line(&at(cpu, "cpu_capacity")).and_then(|text| number(&text));
    let one = |mut values: Vec<u64>| {
        values.sort_unstable();
        values.dedup();
        values.len() <= 1
    };
    one(kinds.iter().filter_map(|(_, kind)| kind.max_khz).collect())
        && one(kinds.iter().filter_map(|(cpu, _)| capacity(*cpu)).collect())
        && kinds.iter().all(|(_, kind)| kind.part.is_none())
}

impl Kind {
    /// Whether only its clock is known.
    fn says_nothing_else(&self) -> bool {
        self.together.is_none() && self.package.is_none() && self.shared_l2.is_none() && self.part.is_none()
    }
}

fn at(cpu: usize, name: &str) -> String {
    format!("{CPUS}{cpu}/{name}")
}

fn kind(files: &Files, parts: &Parts, cpu: usize) -> Kind {
    // A list without the processor itself lies; one with it alone says nothing (some kernels give that for everything).
    let list = |name: &str| files.text(&at(cpu, name)).and_then(CpuList::parse).filter(|l| l.0.contains(&cpu) && l.0.len() > 1);
    Kind {
        together: list("topology/cluster_cpus_list").or_else(|| list("topology/core_siblings_list")),
        package: files.line(&at(cpu, "topology/physical_package_id")).and_then(|id| number(&id)),
        shared_l2: list("cache/index2/shared_cpu_list"),
        shared_clock: list("cpufreq/related_cpus"),
        part: midr(files, cpu).or_else(|| parts.of_each.get(&cpu).copied()),
        max_khz: khz(files, cpu, "cpuinfo_max_freq"),
    }
}

fn cluster(files: &Files, processors: &Processors, kind: Kind, cpus: Vec<usize>) -> Cluster {
    let first = cpus.first().copied().unwrap_or_default();
    Cluster {
        core: kind.part.map(|(implementer, part)| names::core(implementer, part)),
        // One that is switched off does not say.
        processor: cpus.iter().find_map(|&cpu| processors.identity(cpu, register(files, cpu))),
        instruction_sets: cpus.iter().find_map(|&cpu| processors.instruction_sets(cpu)),
        min_mhz: khz(files, first, "cpuinfo_min_freq").map(|khz| khz as f64 / 1e3),
        max_mhz: kind.max_khz.map(|khz| khz as f64 / 1e3),
        capacity: files.line(&at(first, "cpu_capacity")).and_then(|text| number(&text)).filter(|n| (1..=1024).contains(n)),
        governor: files.line(&at(first, "cpufreq/scaling_governor")),
        shared_l2: files
            .text(&at(first, "cache/index2/shared_cpu_list"))
            .and_then(CpuList::parse)
            .filter(|list| list.0.contains(&first)),
        cpus: CpuList(cpus),
    }
}

/// A frequency between 1 MHz and 20 GHz.
fn khz(files: &Files, cpu: usize, name: &str) -> Option<u64> {
    let khz = number(&files.line(&at(cpu, &format!("cpufreq/{name}")))?)?;
    (1_000..=20_000_000).contains(&khz).then_some(khz)
}

/// The register that says what an Arm processor is, where the kernel shows it.
fn register(files: &Files, cpu: usize) -> Option<u64> {
    hex(&files.line(&at(cpu, "regs/identification/midr_el1"))?).filter(|&midr| midr != 0)
}

/// Implementer and part from that register.
fn midr(files: &Files, cpu: usize) -> Option<(u64, u64)> {
    register(files, cpu).map(|midr| (midr >> 24 & 0xff, midr >> 4 & 0xfff))
}
