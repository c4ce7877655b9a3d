//! What a table states of a space of ONNX files: its layers, candidates and fixed pieces, so that the table can be used without the files.

use std::collections::{BTreeMap, BTreeSet};

use blocks::measurable::{FolderInfo, SlotInfo};
use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::row::TRUNK_PREFIX;

/// A space of ONNX files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Folder {
    /// Dimensions of the network's inputs by their names, without the batch.
    pub inputs: BTreeMap<String, Vec<usize>>,
    /// How the files were exported, in the space's own words: exporter, versions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub export: BTreeMap<String, String>,
    /// Fixed pieces and layers, in execution order.
    pub slots: Vec<Slot>,
}

/// A slot of a space: a name, and either a key or candidates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "SlotEntry", into = "SlotEntry")]
pub enum Slot {
    /// A fixed piece.
    Fixed {
        /// Its name.
        name: String,
        /// Its row's key.
        key: String,
    },
    /// A searched layer.
    Layer {
        /// Its name.
        name: String,
        /// What may stand there, in the order of the architecture weights.
        candidates: Vec<NamedKey>,
    },
}

/// A candidate's name and its row's key. A table holds them in one text, separated by a blank.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NamedKey {
    /// The name, as choices and the layer's other candidates have it.
    pub name: String,
    /// The key: equal blocks have one, whatever their names.
    pub key: String,
}

/// A slot as the header holds it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SlotEntry {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    candidates: Option<Vec<NamedKey>>,
}

impl Folder {
    /// What is wrong with the slots themselves; empty where nothing is.
    pub(crate) fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.slots.is_empty() {
            faults.push(Fault::Header { field: "space.folder.slots", reason: "must not be empty" });
        }
        let mut names = BTreeSet::new();
        for slot in &self.slots {
            let mut need = |ok: bool, reason: &'static str| {
                if !ok {
                    faults.push(Fault::Slot { slot: slot.name().to_string(), reason });
                }
            };
            need(names.insert(slot.name()), "stands twice");
            match slot {
                Slot::Fixed { key, .. } => {
                    need(key.starts_with(TRUNK_PREFIX), "is a fixed piece, but its key does not say 'trunk:'")
                }
                Slot::Layer { candidates, .. } => {
                    let own: BTreeSet<&str> = candidates.iter().map(|candidate| candidate.name.as_str()).collect();
                    need(!candidates.is_empty(), "has no candidates");
                    need(own.len() == candidates.len(), "has a candidate twice");
                    let is_fixed = |candidate: &NamedKey| candidate.key.starts_with(TRUNK_PREFIX);
                    need(!candidates.iter().any(is_fixed), "has a fixed piece among its candidates");
                }
            }
        }
        faults
    }

    /// Keys of all slots, each once.
    pub(crate) fn keys(&self) -> Vec<&str> {
        let mut seen = BTreeSet::new();
        let keys = self.slots.iter().flat_map(|slot| match slot {
            Slot::Fixed { key, .. } => vec![key.as_str()],
            Slot::Layer { candidates, .. } => candidates.iter().map(|candidate| candidate.key.as_str()).collect(),
        });
        keys.filter(|key| seen.insert(*key)).collect()
    }
}

impl From<FolderInfo> for Folder {
    fn from(info: FolderInfo) -> Self {
        let slot = |slot: SlotInfo| match slot {
            SlotInfo::Fixed { name, key } => Slot::Fixed { name, key },
            SlotInfo::Layer(layer) => {
                let candidates = layer.candidates.into_iter().map(|c| NamedKey { name: c.name, key: c.key });
                Slot::Layer { name: layer.name, candidates: candidates.collect() }
            }
        };
        let inputs = info.inputs.into_iter().map(|port| (port.name, port.dims.into_iter().skip(1).collect()));
        Self { inputs: inputs.collect(), export: info.export, slots: info.slots.into_iter().map(slot).collect() }
    }
}

impl Slot {
    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Fixed { name, .. } | Self::Layer { name, .. } => name,
        }
    }
}

impl TryFrom<SlotEntry> for Slot {
    type Error = String;

    fn try_from(SlotEntry { name, key, candidates }: SlotEntry) -> Result<Self, String> {
        match (key, candidates) {
            (Some(key), None) => Ok(Self::Fixed { name, key }),
            (None, Some(candidates)) => Ok(Self::Layer { name, candidates }),
            _ => Err(format!("slot '{name}' needs either 'key' or 'candidates'")),
        }
    }
}

impl From<Slot> for SlotEntry {
    fn from(slot: Slot) -> Self {
        match slot {
            Slot::Fixed { name, key } => Self { name, key: Some(key), candidates: None },
            Slot::Layer { name, candidates } => Self { name, key: None, candidates: Some(candidates) },
        }
    }
}

impl TryFrom<String> for NamedKey {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.split(' ').collect::<Vec<_>>()[..] {
            [name, key] if !name.is_empty() && !key.is_empty() => Ok(Self { name: name.to_string(), key: key.to_string() }),
            _ => Err(format!("'{text}' is not a candidate's name and its key, separated by a blank")),
        }
    }
}

impl From<NamedKey> for String {
    fn from(NamedKey { name, key }: NamedKey) -> Self {
        format!("{name} {key}")
    }
}
