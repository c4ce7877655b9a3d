//! Whole networks of a space.

use super::folder::SpaceFolder;
use super::slots::Slot;
use crate::onnx::join::{WiredBlock, Wiring};

impl SpaceFolder {
    /// The network of a choice as an ONNX file: in each layer one of its candidates, by its place, or nothing at all, where shapes allow
    /// that. The same choice gives the same bytes.
    pub fn network(&self, choice: &[Option<usize>]) -> Vec<u8> {
        let mut chosen = choice.iter();
        let wired = |slot: &Slot| {
            let candidate = if slot.is_searched { chosen.next().copied().flatten() } else { Some(0) };
            let block = candidate.and_then(|candidate| slot.candidates.get(candidate)?.block);
            WiredBlock { block: block.map(|block| &self.blocks()[block]), sources: slot.sources.clone() }
        };
        let slots = self.slots().iter().map(wired).collect();
        Wiring { name: self.name().to_string(), inputs: self.inputs().to_vec(), slots, outputs: self.outputs.clone() }.file()
    }
}
