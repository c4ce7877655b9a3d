//! A folder as it is measured.

use super::folder::SpaceFolder;
use super::slots::{Candidate, Slot};
use crate::family::Family;
use crate::measurable::{CandidateInfo, FolderInfo, LayerInfo, Measurable, NetworkFile, PartId, PartInfo, SlotInfo};
use crate::onnx::OnnxError;
use crate::onnx::block::Block;

/// Operators that gate a map by a value that is computed from all of it.
const GATES: [&str; 4] = ["Mul", "GlobalAveragePool", "ReduceMean", "AveragePool"];
/// Operators that move values without computing anything.
const MOVES: [&str; 4] = ["Transpose", "Slice", "Gather", "Split"];

impl SpaceFolder {
    /// The slot, the candidate and the block of a part.
    fn block(&self, id: PartId) -> Option<(&Slot, &Candidate, &Block)> {
        let mut all = self.slots().iter().flat_map(|slot| slot.candidates.iter().map(move |candidate| (slot, candidate)));
        let (slot, candidate) = all.find(|(slot, candidate)| match id {
            PartId::Block(key) => slot.is_searched && candidate.key == key,
            PartId::Fixed(name) => !slot.is_searched && slot.name == name,
        })?;
        Some((slot, candidate, &self.blocks()[candidate.block?]))
    }
}

fn layer(slot: &Slot) -> LayerInfo {
    let candidate = |c: &Candidate| CandidateInfo { name: c.name.clone(), key: c.key.clone(), is_identity: c.block.is_none() };
    LayerInfo {
        name: slot.name.clone(),
        candidates: slot.candidates.iter().map(candidate).collect(),
        inputs: slot.inputs.clone(),
        outputs: slot.outputs.clone(),
        may_be_left_out: slot.inputs.len() == 1 && slot.inputs == slot.outputs,
        stage: None,
    }
}

impl Measurable for SpaceFolder {
    fn name(&self) -> &str {
        self.name()
    }

    fn hash(&self) -> String {
        self.hash()
    }

    fn layers(&self) -> Vec<LayerInfo> {
        self.layers().map(layer).collect()
    }

    fn fixed(&self) -> Vec<String> {
        self.slots().iter().filter(|slot| !slot.is_searched).map(|slot| slot.name.clone()).collect()
    }

    fn folder(&self) -> Option<FolderInfo> {
        let slot = |slot: &Slot| match slot.is_searched {
            true => SlotInfo::Layer(layer(slot)),
            false => SlotInfo::Fixed { name: slot.name.clone(), key: slot.candidates[0].key.clone() },
        };
        Some(FolderInfo {
            inputs: self.inputs().to_vec(),
            export: self.export().clone(),
            slots: self.slots().iter().map(slot).collect(),
        })
    }

    fn part(&self, id: PartId) -> Option<PartInfo> {
        let (slot, candidate, block) = self.block(id)?;
        let of_block = || Family::Block { is_gated: block.has(&GATES), moves: block.has(&MOVES) };
        Some(PartInfo {
            name: candidate.name.clone(),
            inputs: slot.inputs.clone(),
            outputs: slot.outputs.clone(),
            macs: block.macs(),
            params: block.parameters(),
            family: if slot.is_searched { of_block() } else { Family::Fixed },
        })
    }

    fn origin(&self, id: PartId) -> Option<String> {
        let (slot, candidate, _) = self.block(id)?;
        Some(format!("{} ({})", candidate.file.as_ref()?, slot.place(candidate)))
    }

    fn part_file(&self, id: PartId) -> Result<Option<NetworkFile>, OnnxError> {
        let file = |(_, _, block): (&Slot, &Candidate, &Block)| NetworkFile {
            bytes: block.file(),
            inputs: block.inputs.clone(),
            outputs: block.outputs.iter().map(|port| port.name.clone()).collect(),
            reference: None,
        };
        Ok(self.block(id).map(file))
    }

    fn network_file(&self, choice: &[Option<usize>]) -> Result<NetworkFile, OnnxError> {
        Ok(NetworkFile {
            bytes: self.network(choice),
            inputs: self.inputs().to_vec(),
            outputs: self.outputs.iter().map(|(port, _)| port.name.clone()).collect(),
            reference: None,
        })
    }
}
