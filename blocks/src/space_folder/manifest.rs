//! `space.toml`: what it may say, and its own faults.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::fault::{CANDIDATES, FaultKind, FolderFault, Place, SLOTS};

/// The source that is the network's input.
pub const INPUT: &str = "input";

/// A whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub format: String,
    pub schema: i64,
    pub kind: String,
    pub name: String,
    pub input: InputEntry,
    pub outputs: Option<Vec<String>>,
    /// Free: how the files were exported.
    #[serde(default)]
    pub export: toml::Table,
    #[serde(default)]
    pub slot: Vec<SlotEntry>,
}

/// One input called `input`, or several with names; shapes without the batch.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum InputEntry {
    One(Vec<usize>),
    Several(BTreeMap<String, Vec<usize>>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlotEntry {
    pub name: String,
    pub file: Option<String>,
    pub candidates: Option<Vec<CandidateEntry>>,
    pub inputs: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CandidateEntry {
    pub name: String,
    pub file: Option<String>,
    #[serde(default)]
    pub identity: bool,
}

impl Manifest {
    /// The inputs' names and dimensions, the batch included; several in the order of their names.
    pub fn inputs(&self) -> Vec<(String, Vec<usize>)> {
        let with_batch = |dims: &[usize]| [&[1], dims].concat();
        match &self.input {
            InputEntry::One(dims) => vec![(INPUT.to_string(), with_batch(dims))],
            InputEntry::Several(named) => named.iter().map(|(name, dims)| (name.clone(), with_batch(dims))).collect(),
        }
    }

    /// How the files were exported, as texts.
    pub fn exported(&self) -> BTreeMap<String, String> {
        let text = |value: &toml::Value| value.as_str().map_or_else(|| value.to_string(), str::to_string);
        self.export.iter().map(|(key, value)| (key.clone(), text(value))).collect()
    }

    /// Everything that is wrong without a look at another file.
    pub fn faults(&self) -> Vec<FolderFault> {
        let at = |kind| Place::Space.fault(kind);
        let mut faults = Vec::new();
        let schema = self.schema.to_string();
        let format = [("format", &self.format, "blocktime-space"), ("schema", &schema, "1"), ("kind", &self.kind, "onnx")];
        for (key, found, expected) in format.into_iter().filter(|(_, found, expected)| found != expected) {
            faults.push(at(FaultKind::Format { key, found: found.clone(), expected }));
        }
        faults.extend(name_fault(&self.name).map(at));
        let inputs = self.inputs();
        for (name, dims) in &inputs {
            let is_map = (2..=8).contains(&dims.len()) && dims.iter().all(|d| (1..=1 << 16).contains(d));
            let values = dims.iter().fold(1usize, |n, &d| n.saturating_mul(d));
            if !is_map || values > 1 << 28 {
                faults.push(at(FaultKind::Input(name.clone())));
            }
            faults.extend(name_fault(name).filter(|_| name != INPUT).map(at));
        }
        faults.extend(count_fault("slots", self.slot.len(), SLOTS).map(at));
        faults.extend(count_fault("inputs", inputs.len(), SLOTS).map(at));
        let mut known: BTreeSet<&str> = inputs.iter().map(|(name, _)| name.as_str()).collect();
        for slot in &self.slot {
            faults.extend(slot.faults());
            if !known.insert(&slot.name) {
                faults.push(slot.place().fault(FaultKind::Repeated(slot.name.clone())));
            }
        }
        faults
    }

    /// Whether it is too large to go on with.
    pub fn is_too_large(&self) -> bool {
        let is_wide = |slot: &SlotEntry| slot.candidates.as_ref().is_some_and(|all| all.len() > CANDIDATES);
        self.slot.len() > SLOTS || self.slot.iter().any(is_wide)
    }
}

impl SlotEntry {
    /// The place of the slot itself.
    pub fn place(&self) -> Place {
        Place::Slot(self.name.clone())
    }

    fn faults(&self) -> Vec<FolderFault> {
        let at = |kind| self.place().fault(kind);
        let mut faults: Vec<FolderFault> = name_fault(&self.name).map(at).into_iter().collect();
        if self.file.is_some() == self.candidates.is_some() {
            faults.push(at(FaultKind::Either("'file'", "'candidates'")));
        }
        let Some(candidates) = &self.candidates else { return faults };
        faults.extend(count_fault("candidates", candidates.len(), CANDIDATES).map(at));
        let mut known = BTreeSet::new();
        for candidate in candidates {
            let place = Place::Candidate { layer: self.name.clone(), name: candidate.name.clone() };
            faults.extend(name_fault(&candidate.name).map(|kind| place.fault(kind)));
            if candidate.file.is_some() == candidate.identity {
                faults.push(place.fault(FaultKind::Either("'file'", "'identity = true'")));
            }
            if !known.insert(&candidate.name) {
                faults.push(place.fault(FaultKind::Repeated(candidate.name.clone())));
            }
        }
        faults
    }
}

fn name_fault(name: &str) -> Option<FaultKind> {
    let is_plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    (!is_plain || !(1..=64).contains(&name.len()) || name == INPUT).then(|| FaultKind::Name(name.chars().take(80).collect()))
}

fn count_fault(what: &'static str, found: usize, most: usize) -> Option<FaultKind> {
    (!(1..=most).contains(&found)).then_some(FaultKind::Count { what, found, most })
}
