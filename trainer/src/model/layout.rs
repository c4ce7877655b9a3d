//! Where each weight lies in the flat parameters and statistics.

use blocks::graph::{Param, ParamKind};
use blocks::weights::WeightError;
use blocks::{Graph, NodeId, Weights};

/// A weight and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Slot {
    /// Name, dimensions, role.
    pub param: Param,
    /// First value, in the trained parameters or in the statistics as its kind says.
    pub offset: usize,
}

/// The order of a graph's weights: node order, trained parameters and running statistics apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    trained: Vec<Slot>,
    stats: Vec<Slot>,
    trained_len: usize,
    stats_len: usize,
}

impl Layout {
    /// The layout of a graph's weights.
    pub fn new(graph: &Graph) -> Self {
        let mut layout = Self { trained: Vec::new(), stats: Vec::new(), trained_len: 0, stats_len: 0 };
        for param in graph.params() {
            let (slots, len) = if param.kind.is_trained() {
                (&mut layout.trained, &mut layout.trained_len)
            } else {
                (&mut layout.stats, &mut layout.stats_len)
            };
            let offset = *len;
            *len += param.len();
            slots.push(Slot { param, offset });
        }
        layout
    }

    /// The trained parameters, in order.
    pub fn trained(&self) -> &[Slot] {
        &self.trained
    }

    /// The running statistics, in order.
    pub fn stats(&self) -> &[Slot] {
        &self.stats
    }

    /// Number of trained values.
    pub fn trained_len(&self) -> usize {
        self.trained_len
    }

    /// Number of running statistics.
    pub fn stats_len(&self) -> usize {
        self.stats_len
    }

    /// Index in [`Layout::trained`] of a node's parameter of that kind.
    pub fn trained_index(&self, node: NodeId, kind: ParamKind) -> Option<usize> {
        find(&self.trained, node, kind)
    }

    /// Offset of a batch norm's running mean or variance.
    pub fn stats_offset(&self, node: NodeId, kind: ParamKind) -> Option<usize> {
        find(&self.stats, node, kind).map(|i| self.stats[i].offset)
    }

    /// Trained parameters and statistics, flat, from weights by name.
    pub(super) fn gather(&self, weights: &Weights) -> Result<(Vec<f32>, Vec<f32>), WeightError> {
        let flat = |slots: &[Slot], len: usize| {
            let mut values = Vec::with_capacity(len);
            for slot in slots {
                values.extend_from_slice(weights.get(&slot.param)?);
            }
            Ok(values)
        };
        Ok((flat(&self.trained, self.trained_len)?, flat(&self.stats, self.stats_len)?))
    }

    /// Weights by name from flat values.
    pub fn scatter(&self, trained: &[f32], stats: &[f32]) -> Weights {
        let named = |slot: &Slot, flat: &[f32]| (slot.param.name.clone(), flat[slot.offset..][..slot.param.len()].to_vec());
        let trained = self.trained.iter().map(|slot| named(slot, trained));
        Weights(trained.chain(self.stats.iter().map(|slot| named(slot, stats))).collect())
    }
}

/// Slots are in node order.
fn find(slots: &[Slot], node: NodeId, kind: ParamKind) -> Option<usize> {
    let first = slots.partition_point(|slot| slot.param.node < node);
    slots[first..].iter().take_while(|slot| slot.param.node == node).position(|slot| slot.param.kind == kind).map(|i| first + i)
}
