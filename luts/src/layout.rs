//! A search space as a table is read for it: which candidates each layer has, and under which keys they stand.

use blocks::measurable::{CandidateInfo, LayerInfo, fixed_key};
use blocks::{Measurable, Space};

/// Layers and fixed pieces of a space. It comes from the space, or from a table that [states it itself](crate::Table::layout).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The space's name.
    pub name: String,
    /// Its hash.
    pub hash: String,
    /// The searched layers, in order.
    pub layers: Vec<Layer>,
    /// Keys of the fixed pieces, in execution order.
    pub fixed: Vec<String>,
}

/// A searched layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Its name.
    pub name: String,
    /// What may stand there, in the order of the architecture weights.
    pub candidates: Vec<CandidateInfo>,
    /// Its stage, from 0; none where the space has no stages, or a table does not tell them.
    pub stage: Option<usize>,
}

impl Layout {
    fn of(name: &str, hash: String, layers: Vec<LayerInfo>, fixed: Vec<String>) -> Self {
        let layer = |LayerInfo { name, candidates, stage, .. }| Layer { name, candidates, stage };
        Self { name: name.to_string(), hash, layers: layers.into_iter().map(layer).collect(), fixed }
    }
}

impl From<&Space> for Layout {
    fn from(space: &Space) -> Self {
        Self::of(space.name(), space.hash(), space.layer_infos(), space.fixed_keys())
    }
}

impl From<&dyn Measurable> for Layout {
    fn from(space: &dyn Measurable) -> Self {
        Self::of(space.name(), space.hash(), space.layers(), space.fixed().into_iter().map(fixed_key).collect())
    }
}

impl From<&Self> for Layout {
    fn from(layout: &Self) -> Self {
        layout.clone()
    }
}
