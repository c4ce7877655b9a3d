//! What blocks are called in tables.

use std::collections::BTreeMap;

use super::fault::{FaultKind, FolderFault};
use super::shapes::shown;
use super::slots::Slot;
use crate::measurable::fixed_key;
use crate::onnx::block::Block;

/// Digits of a fingerprint that stand in a key.
const DIGITS: usize = 8;

/// Gives every candidate its key. Equal blocks have one key, by the name of the first of them.
pub fn give(slots: &mut [Slot], blocks: &[Block]) -> Vec<FolderFault> {
    // Of the layers' blocks by their fingerprints, and the other way round with the place of the first.
    let mut keys: BTreeMap<&str, String> = BTreeMap::new();
    let mut owners: BTreeMap<String, (&str, String)> = BTreeMap::new();
    let mut faults = Vec::new();
    for slot in slots {
        for i in 0..slot.candidates.len() {
            let name = slot.candidates[i].name.clone();
            let key = match slot.candidates[i].block {
                _ if !slot.is_searched => fixed_key(&name),
                None => format!("{name}@{}", shapes(&slot.inputs, &slot.outputs)),
                Some(block) => {
                    let fingerprint = blocks[block].fingerprint.as_str();
                    let new = || key(&name, &slot.inputs, &slot.outputs, fingerprint);
                    let key = keys.entry(fingerprint).or_insert_with(new).clone();
                    let (owner, other) = owners.entry(key.clone()).or_insert_with(|| (fingerprint, slot.name.clone()));
                    if *owner != fingerprint {
                        let other = other.clone();
                        faults.push(slot.place(&slot.candidates[i]).fault(FaultKind::Collision { key: key.clone(), other }));
                    }
                    key
                }
            };
            slot.candidates[i].key = key;
        }
    }
    faults
}

/// A block's key: `k3_e6@24x56x56-s2-32~5f0c2a91`.
fn key(name: &str, inputs: &[Vec<usize>], outputs: &[Vec<usize>], fingerprint: &str) -> String {
    format!("{name}@{}~{}", shapes(inputs, outputs), &fingerprint[..DIGITS.min(fingerprint.len())])
}

/// Shapes as they stand in a key: of feature maps input, stride and output channels, else the first input's dimensions.
fn shapes(inputs: &[Vec<usize>], outputs: &[Vec<usize>]) -> String {
    match (inputs, outputs) {
        ([x], [y]) if x.len() == 4 && y.len() == 4 => format!("{}-s{}-{}", shown(x), x[2].div_ceil(y[2]), y[1]),
        _ => format!("[{}]", inputs.first().map(|x| shown(x)).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::block::Port;
    use crate::space_folder::slots::Candidate;

    #[test]
    fn equal_digits_of_different_blocks_are_told() {
        let map = Port { name: "x".into(), dims: vec![1, 4, 8, 8] };
        let block = |fingerprint: &str| Block {
            ir_version: 8,
            opset: 17,
            inputs: vec![map.clone()],
            outputs: vec![map.clone()],
            graph: crate::onnx::schema::Graph::default(),
            fingerprint: fingerprint.to_string(),
            does_nothing: false,
        };
        let slot = |name: &str, block| Slot {
            name: name.to_string(),
            is_searched: true,
            candidates: vec![Candidate { name: "k3".into(), file: Some("f".into()), block: Some(block), key: String::new() }],
            sources: Vec::new(),
            inputs: vec![map.dims.clone()],
            outputs: vec![map.dims.clone()],
        };
        let blocks = [block("0123456789"), block("0123456700"), block("fedcba9876")];
        let mut slots = [slot("L1", 0), slot("L2", 0), slot("L3", 2)];
        assert_eq!(give(&mut slots, &blocks), []);
        assert_eq!(
            slots.each_ref().map(|s| &s.candidates[0].key[..]),
            ["k3@4x8x8-s1-4~01234567", "k3@4x8x8-s1-4~01234567", "k3@4x8x8-s1-4~fedcba98"]
        );
        let told = give(&mut [slot("L1", 0), slot("L2", 1)], &blocks);
        assert_eq!(told[0].to_string(), "layer 'L2', 'k3': has the key k3@4x8x8-s1-4~01234567 of another block, 'L1'; rename one");
    }
}
