//! What leaves the network.

use super::fault::{FaultKind, FolderFault, Place};
use super::manifest::Manifest;
use super::slots::{Slot, Sources};
use crate::onnx::block::Port;
use crate::onnx::join::Source;

/// The outputs of the network: as the file says, or all of the last slot.
pub fn find(manifest: &Manifest, slots: &[Slot], faults: &mut Vec<FolderFault>) -> Vec<(Port, Source)> {
    let last = slots.len() - 1;
    let sources = Sources::of(manifest);
    let found: Vec<_> = match &manifest.outputs {
        None => (0..slots[last].outputs.len()).map(|output| Source::Slot { slot: last, output }).collect(),
        Some(names) => {
            let mut found = Vec::new();
            for name in names {
                match sources.find(name, slots.len()) {
                    Some(source @ Source::Slot { .. }) if !found.contains(&source) => found.push(source),
                    _ => faults.push(Place::Space.fault(FaultKind::Source(name.chars().take(80).collect()))),
                }
            }
            found
        }
    };
    let port = |source: Source| {
        let Source::Slot { slot, output } = source else { return None };
        let dims = slots[slot].outputs.get(output).cloned();
        // Of a slot with faults no output is known.
        if dims.is_none() && !slots[slot].outputs.is_empty() {
            faults.push(Place::Space.fault(FaultKind::Source(sources.name(source))));
        }
        Some((Port { name: sources.name(source), dims: dims? }, source))
    };
    found.into_iter().filter_map(port).collect()
}
