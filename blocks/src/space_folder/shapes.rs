//! Shapes along the wires of a space.

use std::collections::{BTreeMap, BTreeSet};

use super::fault::{FaultKind, FolderFault, Place};
use super::manifest::Manifest;
use super::slots::{Candidate, Slot, Sources};
use crate::onnx::block::{Block, Port};
use crate::onnx::join::Source;

/// Finds the sources and shapes of all slots, and everything that does not fit.
pub fn find(manifest: &Manifest, slots: &mut [Slot], blocks: &[Block], faults: &mut Vec<FolderFault>) {
    let sources = Sources::of(manifest);
    let inputs = manifest.inputs();
    for place in 0..slots.len() {
        let (before, rest) = slots.split_at_mut(place);
        let slot = &mut rest[0];
        match sources.of_slot(place) {
            Ok(found) => slot.sources = found,
            Err(told) => {
                faults.extend(told);
                continue;
            }
        }
        // None of a slot that has faults itself, or no such output.
        let shape = |source: &Source| match *source {
            Source::Input(i) => Some(inputs[i].1.clone()),
            Source::Slot { slot, output } => before[slot].outputs.get(output).cloned(),
        };
        for source in &slot.sources {
            if let Source::Slot { slot: from, .. } = *source
                && !before[from].outputs.is_empty()
                && shape(source).is_none()
            {
                faults.push(Place::Slot(slot.name.clone()).fault(FaultKind::Source(sources.name(*source))));
            }
        }
        let given: Option<Vec<_>> = slot.sources.iter().map(shape).collect();
        let told = Fitting { slot, blocks, given: given.as_deref(), sources: &sources }.faults();
        faults.extend(told);
        slot.outputs = outputs(slot, blocks, given.as_deref());
        slot.inputs = given.unwrap_or_default();
    }
}

/// The outputs' shapes that the others must have: of the first candidate that has a block, else of its input.
fn outputs(slot: &Slot, blocks: &[Block], given: Option<&[Vec<usize>]>) -> Vec<Vec<usize>> {
    match slot.candidates.iter().find_map(|candidate| candidate.block) {
        Some(block) => dims(&blocks[block].outputs),
        None if slot.candidates.iter().any(is_nothing) => given.unwrap_or_default().to_vec(),
        None => Vec::new(),
    }
}

fn dims(ports: &[Port]) -> Vec<Vec<usize>> {
    ports.iter().map(|port| port.dims.clone()).collect()
}

/// Whether a candidate does nothing; one without a block may also be one whose file has faults.
fn is_nothing(candidate: &Candidate) -> bool {
    candidate.file.is_none()
}

/// A slot and what it is given.
struct Fitting<'a> {
    slot: &'a Slot,
    blocks: &'a [Block],
    given: Option<&'a [Vec<usize>]>,
    sources: &'a Sources<'a>,
}

impl Fitting<'_> {
    fn faults(&self) -> Vec<FolderFault> {
        let candidates = &self.slot.candidates;
        let first = candidates.iter().find_map(|c| c.block.map(|block| (c, dims(&self.blocks[block].outputs))));
        let mut faults = Vec::new();
        for candidate in candidates {
            let at = |kind| self.slot.place(candidate).fault(kind);
            match candidate.block {
                Some(block) => {
                    faults.extend(self.inputs(&self.blocks[block]).into_iter().map(at));
                    let given = dims(&self.blocks[block].outputs);
                    if let Some((first, expected)) = first.as_ref().filter(|(_, expected)| *expected != given) {
                        let (given, expected) = (shown_all(&given), shown_all(expected));
                        faults.push(at(FaultKind::Outputs { given, first: first.name.clone(), expected }));
                    }
                }
                None if is_nothing(candidate) => {
                    let expected = first.as_ref().map(|(_, expected)| expected.as_slice()).or(self.given);
                    let fits = |given: &[Vec<usize>]| given.len() == 1 && expected.is_none_or(|expected| expected == given);
                    if let Some(given) = self.given.filter(|given| !fits(given)) {
                        let expected = shown_all(expected.unwrap_or_default());
                        faults.push(at(FaultKind::Nothing { given: shown_all(given), expected }));
                    }
                }
                None => {}
            }
        }
        faults
    }

    /// A block's inputs that are not what its slot is given.
    fn inputs(&self, block: &Block) -> Vec<FaultKind> {
        let Some(given) = self.given else { return Vec::new() };
        if block.inputs.len() != given.len() {
            return vec![FaultKind::Inputs { takes: block.inputs.len(), wired: given.len() }];
        }
        let wires = std::iter::zip(&block.inputs, std::iter::zip(given, &self.slot.sources));
        let differ = wires.filter(|(port, (given, _))| port.dims != **given);
        let told = differ.map(|(port, (given, source))| FaultKind::Chain {
            takes: shown(&port.dims),
            source_name: self.sources.name(*source),
            gives: shown(given),
        });
        told.collect()
    }
}

/// Outputs and inputs that nothing reads and that are no output of the network.
pub fn unused(manifest: &Manifest, slots: &[Slot], outputs: &[Source]) -> Vec<FolderFault> {
    let used: BTreeSet<Source> = slots.iter().flat_map(|slot| &slot.sources).chain(outputs).copied().collect();
    let mut faults = Vec::new();
    for (i, (name, _)) in manifest.inputs().iter().enumerate() {
        if !used.contains(&Source::Input(i)) {
            faults.push(Place::Space.fault(FaultKind::Unused(format!("the input '{name}'"))));
        }
    }
    for (place, slot) in slots.iter().enumerate() {
        for output in (0..slot.outputs.len()).filter(|&output| !used.contains(&Source::Slot { slot: place, output })) {
            faults.push(Place::Slot(slot.name.clone()).fault(FaultKind::Unused(format!("output {output} of '{}'", slot.name))));
        }
    }
    faults
}

/// The version of the operators that most blocks have, and the candidates whose blocks have another one.
pub fn opsets(slots: &[Slot], blocks: &[Block]) -> Vec<FolderFault> {
    let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
    for block in blocks {
        *counts.entry(block.opset).or_default() += 1;
    }
    let Some((&others, _)) = counts.iter().max_by_key(|(opset, count)| (**count, **opset)) else { return Vec::new() };
    let mut told = BTreeSet::new();
    let mut faults = Vec::new();
    for (slot, candidate) in slots.iter().flat_map(|slot| slot.candidates.iter().map(move |c| (slot, c))) {
        let Some(block) = candidate.block.filter(|&block| blocks[block].opset != others && told.insert(block)) else { continue };
        let file = candidate.file.clone().unwrap_or_default();
        faults.push(slot.place(candidate).fault(FaultKind::Opset { file, opset: blocks[block].opset, others }));
    }
    faults
}

/// A shape without its batch.
pub fn shown(dims: &[usize]) -> String {
    dims.iter().skip(1).map(usize::to_string).collect::<Vec<_>>().join("x")
}

fn shown_all(shapes: &[Vec<usize>]) -> String {
    shapes.iter().map(|dims| shown(dims)).collect::<Vec<_>>().join(" and ")
}
