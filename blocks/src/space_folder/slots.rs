//! The slots of a space: what may stand in each, and where its inputs come from.

use super::fault::{FaultKind, FolderFault, Place};
use super::manifest::{INPUT, Manifest, SlotEntry};
use crate::onnx::join::Source;

/// A fixed piece, or a searched layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Slot {
    /// Its name.
    pub name: String,
    /// Whether it is a layer; a fixed piece has one candidate, of the slot's own name.
    pub is_searched: bool,
    /// What may stand there, in the order of the architecture weights.
    pub candidates: Vec<Candidate>,
    /// Where its inputs come from.
    pub sources: Vec<Source>,
    /// Dimensions of its inputs, the batch included.
    pub inputs: Vec<Vec<usize>>,
    /// Dimensions of its outputs, the batch included.
    pub outputs: Vec<Vec<usize>>,
}

impl Slot {
    /// Where a candidate is.
    pub fn place(&self, candidate: &Candidate) -> Place {
        if self.is_searched {
            Place::Candidate { layer: self.name.clone(), name: candidate.name.clone() }
        } else {
            Place::Slot(self.name.clone())
        }
    }
}

/// What may stand in a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its name.
    pub name: String,
    /// Its file, as the space names it; none for an identity.
    pub file: Option<String>,
    /// Its block, by its place in [`super::SpaceFolder::blocks`]; none for an identity.
    pub block: Option<usize>,
    /// What it is called in tables.
    pub key: String,
}

/// The slots of a file, their blocks and shapes still open.
pub fn of(manifest: &Manifest) -> Vec<Slot> {
    manifest.slot.iter().map(slot).collect()
}

fn slot(entry: &SlotEntry) -> Slot {
    let candidate = |name: &str, file: &Option<String>| Candidate {
        name: name.to_string(),
        file: file.clone(),
        block: None,
        key: String::new(),
    };
    let candidates = match &entry.candidates {
        Some(candidates) => candidates.iter().map(|c| candidate(&c.name, &c.file)).collect(),
        None => vec![candidate(&entry.name, &entry.file)],
    };
    let (sources, inputs, outputs) = (Vec::new(), Vec::new(), Vec::new());
    Slot { name: entry.name.clone(), is_searched: entry.candidates.is_some(), candidates, sources, inputs, outputs }
}

/// Names and places of what a slot may read.
pub struct Sources<'a> {
    inputs: Vec<String>,
    slots: &'a [SlotEntry],
}

impl<'a> Sources<'a> {
    /// Those of a file.
    pub fn of(manifest: &'a Manifest) -> Self {
        Self { inputs: manifest.inputs().into_iter().map(|(name, _)| name).collect(), slots: &manifest.slot }
    }

    /// The sources of a slot: as it says, or else the first output of the slot before.
    ///
    /// # Errors
    /// Those that are not there.
    pub fn of_slot(&self, place: usize) -> Result<Vec<Source>, Vec<FolderFault>> {
        let entry = &self.slots[place];
        let Some(names) = &entry.inputs else {
            let before = place.checked_sub(1).map_or(Source::Input(0), |slot| Source::Slot { slot, output: 0 });
            return Ok(vec![before]);
        };
        let (mut sources, mut faults) = (Vec::new(), Vec::new());
        for name in names {
            match self.find(name, place) {
                Some(source) => sources.push(source),
                None => faults.push(entry.place().fault(FaultKind::Source(name.chars().take(80).collect()))),
            }
        }
        if faults.is_empty() { Ok(sources) } else { Err(faults) }
    }

    /// The source of that name before a slot.
    pub fn find(&self, name: &str, before: usize) -> Option<Source> {
        if let Some(input) = self.inputs.iter().position(|input| input == name) {
            return Some(Source::Input(input));
        }
        let (slot, output) = match name.split_once(':') {
            Some((slot, output)) => (slot, output.parse().ok()?),
            None => (name, 0),
        };
        let place = self.slots[..before].iter().position(|entry| entry.name == slot && slot != INPUT)?;
        Some(Source::Slot { slot: place, output })
    }

    /// What a source is called.
    pub fn name(&self, source: Source) -> String {
        match source {
            Source::Input(i) => self.inputs[i].clone(),
            Source::Slot { slot, output: 0 } => self.slots[slot].name.clone(),
            Source::Slot { slot, output } => format!("{}:{output}", self.slots[slot].name),
        }
    }
}
