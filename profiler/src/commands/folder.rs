//! Search spaces that are folders of ONNX files: listed, and tried in an engine.

use std::collections::{BTreeMap, BTreeSet};

use blocks::SpaceFolder;
use blocks::onnx::block::Block;
use blocks::space_folder::FolderError;
use engines::EngineKind;
use serde::Serialize;
use terminal::note;

use super::error::CommandError;
use crate::measure::trial;
use crate::show::text;

/// Tries every block of a space in an engine.
pub(super) fn try_in(engine: EngineKind, space: &SpaceFolder, path: &str) -> Result<(), CommandError> {
    let faults = trial::faults(space, engine)?;
    if faults.is_empty() {
        note(format_args!("{engine} runs all {} blocks", space.blocks().len()));
        return Ok(());
    }
    Err(FolderError::Faults { path: path.into(), faults }.into())
}

/// A candidate, or a fixed piece.
#[derive(Clone, Debug, Serialize)]
struct Entry {
    /// Searched layer, from 1; absent for a fixed piece.
    #[serde(skip_serializing_if = "Option::is_none")]
    layer: Option<usize>,
    /// The slot's name.
    slot: String,
    /// Its name.
    candidate: String,
    /// What it is called in tables.
    key: String,
    /// Whether it does nothing.
    identity: bool,
    /// Multiply-accumulate operations; absent where they cannot be counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    macs: Option<u64>,
    /// Values of its constants of floats.
    params: u64,
    /// Dimensions of its inputs, the batch left out.
    inputs: Vec<Vec<usize>>,
    /// Dimensions of its outputs, the batch left out.
    outputs: Vec<Vec<usize>>,
}

/// A space, laid out.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Listing {
    /// Its name.
    space: String,
    /// Its hash.
    hash: String,
    /// How it was exported.
    export: BTreeMap<String, String>,
    /// Version of the standard operators.
    opset: i64,
    /// Different keys among the candidates: what is measured, and identities.
    keys: usize,
    /// All candidates of all layers.
    candidates: Vec<Entry>,
    /// The fixed pieces.
    fixed: Vec<Entry>,
}

impl Listing {
    /// Lists a space.
    pub(super) fn of(space: &SpaceFolder) -> Self {
        let macs: Vec<Option<u64>> = space.blocks().iter().map(Block::macs).collect();
        let mut layer = 0;
        let (mut candidates, mut fixed) = (Vec::new(), Vec::new());
        for slot in space.slots() {
            layer += usize::from(slot.is_searched);
            let entries = slot.candidates.iter().map(|candidate| Entry {
                layer: slot.is_searched.then_some(layer),
                slot: slot.name.clone(),
                candidate: candidate.name.clone(),
                key: candidate.key.clone(),
                identity: candidate.block.is_none(),
                macs: candidate.block.map_or(Some(0), |block| macs[block]),
                params: candidate.block.map_or(0, |block| space.blocks()[block].parameters()),
                inputs: without_batch(&slot.inputs),
                outputs: without_batch(&slot.outputs),
            });
            if slot.is_searched { candidates.extend(entries) } else { fixed.extend(entries) }
        }
        Self {
            space: space.name().to_string(),
            hash: space.hash(),
            export: space.export().clone(),
            opset: space.blocks().first().map_or(0, |block| block.opset),
            keys: candidates.iter().map(|entry: &Entry| &entry.key).collect::<BTreeSet<_>>().len(),
            candidates,
            fixed,
        }
    }

    /// As text.
    pub(super) fn text(&self) -> String {
        let head = ["layer", "slot", "candidate", "input", "output", "MMAC", "params", "key"];
        let mut rows = vec![head.map(String::from).to_vec()];
        let shapes = |shapes: &[Vec<usize>]| shapes.iter().map(|dims| shape(dims)).collect::<Vec<_>>().join(" ");
        rows.extend(self.candidates.iter().chain(&self.fixed).map(|e| {
            let layer = e.layer.map_or("fixed".to_string(), |l| l.to_string());
            let macs = e.macs.map_or("?".to_string(), |macs| format!("{:.3}", macs as f64 * 1e-6));
            let (slot, name, key) = (e.slot.clone(), e.candidate.clone(), e.key.clone());
            vec![layer, slot, name, shapes(&e.inputs), shapes(&e.outputs), macs, e.params.to_string(), key]
        }));
        let layers = self.candidates.iter().filter_map(|c| c.layer).max().unwrap_or(0);
        format!(
            "{}\nspace {}: {layers} layers, {} candidates, {} keys; {} fixed pieces; opset {}\n",
            text::columns(&rows),
            self.space,
            self.candidates.len(),
            self.keys,
            self.fixed.len(),
            self.opset,
        )
    }
}

fn without_batch(shapes: &[Vec<usize>]) -> Vec<Vec<usize>> {
    shapes.iter().map(|dims| dims.iter().skip(1).copied().collect()).collect()
}

fn shape(dims: &[usize]) -> String {
    dims.iter().map(usize::to_string).collect::<Vec<_>>().join("x")
}
