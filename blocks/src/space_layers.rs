//! The searched layers of a space's file, checked one by one.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::layer::Layer;
use crate::primitive::Primitive;
use crate::shape::Shape;
use crate::space::{SearchLayer, chained};
use crate::space_fault::{LIMIT, LISTED, SpaceFault, SpaceFaultKind, SpacePlace};

/// A stage as files hold it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StageFile {
    candidates: Vec<String>,
    layers: Vec<LayerFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LayerFile {
    c_in: usize,
    c_out: usize,
    stride: usize,
    h: usize,
    w: usize,
    /// Layers that it reads, counted from 1; without them, the layer before.
    inputs: Option<Vec<usize>>,
}

/// Layers of all stages; appends what is wrong with them to `faults`.
pub(crate) fn read_layers(stages: &[StageFile], faults: &mut Vec<SpaceFault>) -> Vec<SearchLayer> {
    let mut reader = Reader { layers: Vec::new(), outputs: Vec::new(), faults };
    for (s, stage) in stages.iter().enumerate() {
        if !reader.stage(s, stage) {
            break;
        }
    }
    reader.whole();
    reader.layers
}

struct Reader<'a> {
    layers: Vec<SearchLayer>,
    /// What each layer gives; none where its own shapes make no sense.
    outputs: Vec<Option<Shape>>,
    faults: &'a mut Vec<SpaceFault>,
}

impl Reader<'_> {
    /// Whether to read on.
    fn stage(&mut self, s: usize, stage: &StageFile) -> bool {
        let at = SpacePlace::Stage(s + 1);
        if stage.candidates.is_empty() || stage.layers.is_empty() {
            self.faults.push(at.fault(SpaceFaultKind::EmptyStage));
        }
        let mut primitives = Vec::new();
        for name in &stage.candidates {
            if self.is_enough() {
                return false;
            }
            match Primitive::from_name(name) {
                None => self.faults.push(at.fault(SpaceFaultKind::Unknown { name: name.clone(), near: near(name) })),
                Some(p) if primitives.contains(&p) => self.faults.push(at.fault(SpaceFaultKind::Twice(p))),
                Some(p) => primitives.push(p),
            }
        }
        for layer in &stage.layers {
            if self.layers.len() == LIMIT {
                self.faults.push(SpacePlace::File.fault(SpaceFaultKind::TooManyLayers));
                return false;
            }
            if self.is_enough() {
                return false;
            }
            self.layer(s, layer, &primitives);
        }
        true
    }

    fn layer(&mut self, s: usize, file: &LayerFile, primitives: &[Primitive]) {
        let i = self.layers.len();
        let at = SpacePlace::Layer { layer: i + 1, stage: s + 1 };
        let &LayerFile { c_in, c_out, stride, h, w, .. } = file;
        let layer = Layer { c_in, c_out, stride, h, w };
        let inputs = self.inputs(at, file.inputs.as_deref());
        let mut output = None;
        if [c_in, c_out, h, w].iter().any(|n| !(1..=LIMIT).contains(n)) {
            self.faults.push(at.fault(SpaceFaultKind::Shapes));
        } else if !(1..=2).contains(&stride) && (stride == 0 || !primitives.iter().all(|p| p.is_pool())) {
            self.faults.push(at.fault(SpaceFaultKind::Stride(stride)));
        } else {
            if let Some(given) = self.joined(at, &inputs).filter(|&given| given != layer.input()) {
                let is_chained = inputs == chained(i);
                self.faults.push(at.fault(SpaceFaultKind::Chain { input: layer.input(), given, is_chained }));
            }
            for &primitive in primitives {
                if let Some(misfit) = primitive.misfit(&layer) {
                    self.faults.push(at.fault(SpaceFaultKind::Misfit { primitive, misfit }));
                }
            }
            output = Some(layer.output());
        }
        self.outputs.push(output);
        self.layers.push(SearchLayer { layer, primitives: primitives.to_vec(), stage: s, inputs });
    }

    /// The layers that the next one reads, counted from 0: those given, or the one before.
    fn inputs(&mut self, at: SpacePlace, given: Option<&[usize]>) -> Vec<usize> {
        let i = self.layers.len();
        let Some(given) = given else { return chained(i) };
        let are_before = !given.is_empty() && given.iter().all(|&input| (1..=i).contains(&input));
        let is_second_join = given.len() > 1 && self.layers.iter().any(|layer| layer.inputs.len() > 1);
        if !are_before {
            self.faults.push(at.fault(SpaceFaultKind::Inputs(given.to_vec())));
        } else if is_second_join {
            self.faults.push(at.fault(SpaceFaultKind::SecondJoin));
        } else {
            return given.iter().map(|input| input - 1).collect();
        }
        chained(i)
    }

    /// What these layers give, joined along the channels; none of no layers, or where one of them makes no sense.
    fn joined(&mut self, at: SpacePlace, inputs: &[usize]) -> Option<Shape> {
        let shapes = inputs.iter().map(|&input| self.outputs[input]).collect::<Option<Vec<Shape>>>()?;
        let first = *shapes.first()?;
        if shapes.iter().any(|shape| (shape.h, shape.w) != (first.h, first.w)) {
            self.faults.push(at.fault(SpaceFaultKind::Join));
            return None;
        }
        Some(Shape { c: shapes.iter().map(|shape| shape.c).sum(), ..first })
    }

    /// What can be said of all layers only.
    fn whole(&mut self) {
        if self.layers.is_empty() && self.faults.is_empty() {
            self.faults.push(SpacePlace::File.fault(SpaceFaultKind::NoStages));
        }
        let read: BTreeSet<usize> = self.layers.iter().flat_map(|layer| layer.inputs.iter().copied()).collect();
        let unread = (0..self.layers.len().saturating_sub(1)).find(|i| !read.contains(i));
        if let Some(i) = unread.filter(|_| self.faults.is_empty()) {
            let at = SpacePlace::Layer { layer: i + 1, stage: self.layers[i].stage + 1 };
            self.faults.push(at.fault(SpaceFaultKind::Unread));
        }
    }

    /// Whether more faults are worth listing; says so once.
    fn is_enough(&mut self) -> bool {
        let is_enough = self.faults.len() >= LISTED;
        if is_enough {
            self.faults.push(SpacePlace::File.fault(SpaceFaultKind::More));
        }
        is_enough
    }
}

/// A known primitive of nearly that name.
fn near(name: &str) -> Option<Primitive> {
    // Longer names are near none.
    let name: String = name.chars().take(64).collect();
    let distance = |p: &Primitive| strsim::levenshtein(p.name(), &name);
    Primitive::all().min_by_key(distance).filter(|p| distance(p) <= 3)
}
