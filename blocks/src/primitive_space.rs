//! A space of primitives as it is measured: with networks for a number of landmarks.

use crate::measurable::{CandidateInfo, LayerInfo, Measurable, NetworkFile, PartId, PartInfo, Reference, fixed_key};
use crate::onnx::block::Port;
use crate::onnx::{self, OnnxError};
use crate::{Candidate, Family, Graph, NodeId, Primitive, SearchLayer, Shape, Space, Weights};

/// Seed of the weights: what is timed does not depend on them.
const SEED: u64 = 1;

/// A space and the landmarks of its networks.
#[derive(Clone, Debug, PartialEq)]
pub struct PrimitiveSpace {
    /// The space.
    pub space: Space,
    /// Landmarks of the networks.
    pub points: usize,
}

impl PrimitiveSpace {
    /// The graph of a part, and the candidate, of a candidate.
    fn graph(&self, id: PartId) -> Option<(Graph, Option<Candidate>)> {
        match id {
            PartId::Fixed(name) => {
                let pieces = self.space.trunk_pieces(self.points);
                pieces.into_iter().find(|piece| piece.piece.name() == name).map(|piece| (piece.graph, None))
            }
            PartId::Block(key) => {
                let candidates = self.space.unique_candidates();
                let candidate = candidates.into_iter().find(|c| c.key() == key && !c.primitive.is_identity(&c.layer))?;
                Some((candidate.graph(), Some(candidate)))
            }
        }
    }
}

impl Space {
    /// The searched layers, as the code that measures them or reads a table sees them.
    pub fn layer_infos(&self) -> Vec<LayerInfo> {
        let layer = |(i, layer): (usize, &SearchLayer)| {
            let candidate = |c: Candidate| CandidateInfo {
                name: c.primitive.name().to_string(),
                key: c.key(),
                is_identity: c.primitive.is_identity(&c.layer),
            };
            let nothing = Primitive::from_name("skip").is_some_and(|skip| skip.is_identity(&layer.layer));
            LayerInfo {
                name: format!("L{}", i + 1),
                candidates: layer.candidates().map(candidate).collect(),
                inputs: vec![map(layer.layer.input())],
                outputs: vec![map(layer.layer.output())],
                may_be_left_out: nothing,
                stage: Some(layer.stage),
            }
        };
        self.layers().iter().enumerate().map(layer).collect()
    }

    /// Keys of the fixed pieces, in execution order.
    pub fn fixed_keys(&self) -> Vec<String> {
        self.fixed_pieces().into_iter().map(fixed_key).collect()
    }
}

impl Measurable for PrimitiveSpace {
    fn name(&self) -> &str {
        self.space.name()
    }

    fn hash(&self) -> String {
        self.space.hash()
    }

    fn layers(&self) -> Vec<LayerInfo> {
        self.space.layer_infos()
    }

    fn fixed(&self) -> Vec<String> {
        self.space.fixed_pieces().into_iter().map(|piece| piece.name().to_string()).collect()
    }

    fn part(&self, id: PartId) -> Option<PartInfo> {
        let (graph, candidate) = self.graph(id)?;
        let (PartId::Block(own) | PartId::Fixed(own)) = id;
        let name = candidate.as_ref().map_or(own, |c| c.primitive.name());
        Some(PartInfo {
            name: name.to_string(),
            inputs: graph.inputs().iter().map(|&id| dims(&graph, id)).collect(),
            outputs: graph.outputs().iter().map(|(_, id)| dims(&graph, *id)).collect(),
            macs: Some(graph.macs()),
            params: graph.parameter_count() as u64,
            family: candidate.map_or(Family::Fixed, |c| c.primitive.family()),
        })
    }

    fn part_file(&self, id: PartId) -> Result<Option<NetworkFile>, OnnxError> {
        self.graph(id).map(|(graph, _)| file(graph)).transpose()
    }

    fn network_file(&self, choice: &[Option<usize>]) -> Result<NetworkFile, OnnxError> {
        let nothing = Primitive::from_name("skip");
        let layers = std::iter::zip(choice, self.space.layers());
        let primitive = |(place, layer): (&Option<usize>, &SearchLayer)| {
            place.map_or(nothing, |place| layer.primitives.get(place).copied()).unwrap_or(layer.primitives[0])
        };
        file(self.space.deployed(&layers.map(primitive).collect::<Vec<_>>(), self.points))
    }
}

/// A graph with weights for measuring, as a file.
///
/// # Errors
/// [`OnnxError`], where it cannot be written.
pub fn file(graph: Graph) -> Result<NetworkFile, OnnxError> {
    let weights = Weights::for_measuring(&graph, SEED);
    Ok(NetworkFile {
        bytes: onnx::model(&graph, &weights, &onnx::Options::default())?,
        inputs: graph.inputs().iter().map(|&id| Port { name: graph.node(id).name.clone(), dims: dims(&graph, id) }).collect(),
        outputs: graph.outputs().iter().map(|(name, _)| name.clone()).collect(),
        reference: Some(Reference::new(graph, weights)),
    })
}

fn dims(graph: &Graph, id: NodeId) -> Vec<usize> {
    map(graph.node(id).shape)
}

/// The dimensions of one image's map.
fn map(shape: Shape) -> Vec<usize> {
    vec![1, shape.c, shape.h, shape.w]
}
