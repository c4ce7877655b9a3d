//! A search space as data: its layers, the candidates of each, and the keys that are measured. [`space_file`](crate::space_file) reads
//! one.

use std::collections::BTreeSet;
use std::fmt;

use crate::graph::{Builder, Graph};
use crate::layer::Layer;
use crate::primitive::Primitive;
use crate::shape::Shape;
use crate::trunk::Trunk;

/// One primitive at the shapes of one layer. Equal candidates at different positions are one measurement: one [key](Self::key).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Candidate {
    /// The kind of block.
    pub primitive: Primitive,
    /// The shapes.
    pub layer: Layer,
}

impl Candidate {
    /// What makes two candidates the same measurement: `mb_k3_res@32x14x14-s1-32`.
    pub fn key(&self) -> String {
        let Layer { c_in, c_out, stride, h, w } = self.layer;
        format!("{}@{c_in}x{h}x{w}-s{stride}-{c_out}", self.primitive)
    }

    /// The block alone, as a graph with input `x`, output `y` and weights called `op.…`.
    pub fn graph(&self) -> Graph {
        let mut g = Builder::new(self.key());
        let x = g.input("x", self.layer.input());
        let y = self.primitive.build(&mut g, "op", x, &self.layer);
        g.finish(&[("y", y)])
    }
}

/// A searched layer and its candidates.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchLayer {
    /// Its shapes.
    pub layer: Layer,
    /// What may stand there, in the order of the architecture weights.
    pub primitives: Vec<Primitive>,
    /// The stage it belongs to, counted from 0.
    pub stage: usize,
    /// The layers that it reads, counted from 0; several are joined along the channels. Empty for the first layer, which reads what stands
    /// before all layers.
    pub inputs: Vec<usize>,
}

impl SearchLayer {
    /// Its candidates, in order.
    pub fn candidates(&self) -> impl Iterator<Item = Candidate> + '_ {
        self.primitives.iter().map(|&primitive| Candidate { primitive, layer: self.layer })
    }
}

/// A checked search space.
#[derive(Clone, Debug, PartialEq)]
pub struct Space {
    pub(crate) name: String,
    pub(crate) input: Shape,
    pub(crate) layers: Vec<SearchLayer>,
    pub(crate) trunk: Option<Trunk>,
}

impl Space {
    /// Its name, as tables and checkpoints state it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Shape of the network's input.
    pub fn input(&self) -> Shape {
        self.input
    }

    /// The searched layers, in order.
    pub fn layers(&self) -> &[SearchLayer] {
        &self.layers
    }

    /// The fixed part around the searched layers, if there is one.
    pub fn trunk(&self) -> Option<&Trunk> {
        self.trunk.as_ref()
    }

    /// The layer that reads several others, if there is one.
    pub fn joining_layer(&self) -> Option<&SearchLayer> {
        self.layers.iter().find(|layer| layer.inputs.len() > 1)
    }

    /// All candidates with their layer's index (from 0), in order; equal ones are repeated.
    pub fn candidates(&self) -> impl Iterator<Item = (usize, Candidate)> + '_ {
        self.layers.iter().enumerate().flat_map(|(i, l)| l.candidates().map(move |c| (i, c)))
    }

    /// The different candidates, in order of first appearance: what is measured.
    pub fn unique_candidates(&self) -> Vec<Candidate> {
        let mut seen = BTreeSet::new();
        self.candidates().map(|(_, c)| c).filter(|c| seen.insert(c.key())).collect()
    }

    /// Reads a choice of one primitive a layer, by names.
    pub fn choice<S: AsRef<str>>(&self, names: &[S]) -> Result<Vec<Primitive>, String> {
        if names.len() != self.layers.len() {
            return Err(format!("{} names for the {} layers of space {}", names.len(), self.layers.len(), self.name));
        }
        std::iter::zip(names, &self.layers)
            .enumerate()
            .map(|(i, (name, layer))| {
                let name = name.as_ref();
                layer.primitives.iter().copied().find(|p| p.name() == name).ok_or_else(|| {
                    let known: Vec<_> = layer.primitives.iter().map(|p| p.name()).collect();
                    format!("layer {}: '{name}' is not among its candidates ({})", i + 1, known.join(", "))
                })
            })
            .collect()
    }

    /// SHA-256, in hex, of everything that decides what is measured: input, trunk, layers and candidates. The space's
    /// name, and the number of landmarks (which is not part of a space), are left out.
    pub fn hash(&self) -> String {
        let mut text = format!("input {}\n", self.input);
        if let Some(trunk) = &self.trunk {
            text += &format!("trunk {trunk}\n");
        }
        for (i, layer) in self.layers.iter().enumerate() {
            text += &format!("stage {}", layer.stage);
            if layer.inputs != chained(i) {
                let inputs: Vec<String> = layer.inputs.iter().map(|input| (input + 1).to_string()).collect();
                text += &format!(" inputs {}", inputs.join(","));
            }
            for candidate in layer.candidates() {
                text += &format!(" {}", candidate.key());
            }
            text.push('\n');
        }
        files::sha256(text)
    }
}

/// What layer `i`, from 0, reads unless the space says otherwise: the layer before it.
pub(crate) fn chained(i: usize) -> Vec<usize> {
    i.checked_sub(1).into_iter().collect()
}

impl fmt::Display for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
