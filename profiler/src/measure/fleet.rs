//! Several devices of one model: they share the work, or each does all of it, which tells how much they differ.

use std::path::{Path, PathBuf};

use luts::{Kind, Table, Units};

use super::raw::Samples;
use crate::devices::{Address, facts};
use crate::stats::quantile;

/// What the devices of a fleet do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// Each takes its share of the samples of everything.
    Spread,
    /// Each measures everything for itself.
    Replicate,
}

impl Sharing {
    const fn name(self) -> &'static str {
        match self {
            Self::Spread => "spread",
            Self::Replicate => "replicate",
        }
    }
}

/// A device of a fleet, and its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The device.
    pub device: Address,
    /// Its raw samples.
    pub raw: PathBuf,
    /// Its own table, where it measures everything.
    pub table: PathBuf,
}

/// Why several devices do not make one table.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// One device under two places.
    #[error("{device} is given twice; --{sharing} needs different devices")]
    Twice {
        /// The device.
        device: Address,
        /// What they are to do.
        sharing: &'static str,
    },
    /// They are not of one model, or not measured with one engine.
    #[error("a table describes one device model, but {first} is {is} and {second} is {differs}: build one table for each")]
    OtherModel {
        /// A device.
        first: Address,
        /// What it is.
        is: String,
        /// Another device.
        second: Address,
        /// What that is.
        differs: String,
    },
}

/// The devices with their files: the table's own names for a single one, else with `.unitN` in them.
///
/// # Errors
/// [`FleetError::Twice`].
pub fn plan(devices: &[Address], raw: &Path, table: &Path, sharing: Sharing) -> Result<Vec<Member>, FleetError> {
    if let Some(twice) = devices.iter().enumerate().find(|(i, device)| devices[..*i].contains(device)).map(|(_, device)| device) {
        return Err(FleetError::Twice { device: twice.clone(), sharing: sharing.name() });
    }
    let numbered = |path: &Path, i: usize| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (stem, rest) = name.split_once('.').map_or((name.as_str(), String::new()), |(stem, rest)| (stem, format!(".{rest}")));
        path.with_file_name(format!("{stem}.unit{}{rest}", i + 1))
    };
    let member = |(i, device): (usize, &Address)| match devices.len() {
        1 => Member { device: device.clone(), raw: raw.to_path_buf(), table: table.to_path_buf() },
        _ => Member { device: device.clone(), raw: numbered(raw, i), table: numbered(table, i) },
    };
    Ok(devices.iter().enumerate().map(member).collect())
}

/// Checks that all devices are of one model, measured with one engine.
///
/// # Errors
/// [`FleetError::OtherModel`].
pub fn same_model(members: &[Member], samples: &[Samples]) -> Result<(), FleetError> {
    let starts: Vec<_> = std::iter::zip(members, samples).filter_map(|(member, s)| Some((member, s.start.as_ref()?))).collect();
    let Some(((first, a), rest)) = starts.split_first() else { return Ok(()) };
    for (member, b) in rest {
        let of = |start: &crate::protocol::Start| {
            let known = &start.device.known;
            let name = known.model.clone().or_else(|| known.soc.clone()).unwrap_or_else(|| "an unknown model".to_string());
            // Which processors does not matter, but of what kind they are.
            let pinned = |c: &&crate::hardware::Cluster| start.cpus.first().is_some_and(|cpu| c.cpus.0.contains(cpu));
            let cluster = known.clusters.iter().find(pinned);
            let core = cluster.and_then(|c| c.core.clone()).unwrap_or_else(|| "unknown cores".to_string());
            let mhz = cluster.and_then(|c| c.max_mhz).map(|mhz| format!(" of {mhz} MHz")).unwrap_or_default();
            format!("{name}, {core}{mhz}, with {} {}", start.engine.name, start.engine.version)
        };
        if of(a) != of(b) || a.engine != b.engine || a.canary != b.canary {
            return Err(FleetError::OtherModel {
                first: first.device.clone(),
                is: of(a),
                second: member.device.clone(),
                differs: of(b),
            });
        }
    }
    Ok(())
}

/// For the table's header; `single` are the devices' own tables, if each has one.
pub fn summary(sharing: Sharing, samples: &[Samples], single: &[Table]) -> Units {
    let spreads: Vec<f64> = spreads(single).into_iter().map(|(_, spread)| spread).collect();
    Units {
        mode: sharing.name().to_string(),
        count: samples.len(),
        serial_hashes: samples.iter().filter_map(|s| facts::serial_hash(s.start.as_ref()?)).collect(),
        median_spread: (!spreads.is_empty()).then(|| quantile(&spreads, 0.5)),
        largest_spread: spreads.last().copied(),
    }
}

/// Slowest device / fastest device − 1 of each row, smallest first. The devices' clocks are in it: it compares times, not ratios.
fn spreads(single: &[Table]) -> Vec<(String, f64)> {
    let Some(first) = single.first() else { return Vec::new() };
    let spread = |key: &str| {
        let times = || single.iter().filter_map(|table| table.row(key)).map(|row| row.latency.0);
        times().fold(f64::NEG_INFINITY, f64::max) / times().fold(f64::INFINITY, f64::min) - 1.0
    };
    let rows = first.rows().iter().filter(|row| row.kind != Kind::Identity);
    let mut all: Vec<_> = rows.map(|row| (row.key.clone(), spread(&row.key))).collect();
    all.sort_by(|(_, a), (_, b)| a.total_cmp(b));
    all
}

/// As text: how much the devices differ; empty if they shared the work.
pub fn text(members: &[Member], single: &[Table]) -> String {
    let spreads = spreads(single);
    let Some((key, largest)) = spreads.last() else { return String::new() };
    let values: Vec<f64> = spreads.iter().map(|(_, spread)| *spread).collect();
    let total = |table: &Table| table.rows().iter().map(|row| row.latency.0).sum::<f64>();
    let sums: Vec<_> =
        std::iter::zip(members, single).map(|(member, table)| format!("  {}: {:.1} µs", member.device, total(table))).collect();
    format!(
        "difference between devices (slowest / fastest − 1): median {:.1} %, largest {:.1} % ({key}); sum of all rows:\n{}\n",
        100.0 * quantile(&values, 0.5),
        100.0 * largest,
        sums.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_device_has_files_of_its_own() {
        let device = |serial: &str| Address::Adb(Some(serial.to_string()));
        let of = |devices: &[Address]| plan(devices, Path::new("l/x.raw.gz"), Path::new("l/x.csv"), Sharing::Spread);
        assert_eq!(of(&[device("a")]).unwrap()[0].raw, Path::new("l/x.raw.gz"));
        let two = of(&[device("a"), device("b")]).unwrap();
        assert_eq!((two[1].raw.as_path(), two[1].table.as_path()), (Path::new("l/x.unit2.raw.gz"), Path::new("l/x.unit2.csv")));
        let twice = of(&[device("a"), device("b"), device("a")]);
        assert!(matches!(twice, Err(FleetError::Twice { device: twice, .. }) if twice == device("a")));
    }
}
