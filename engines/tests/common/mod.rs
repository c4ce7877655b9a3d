//! Graphs that an engine has to get right, and the plain reference result of each.

use blocks::onnx::{self, Batch, Options};
use blocks::{Builder, Candidate, Conv, Graph, Layer, Primitive, Shape, Weights, eval};
use engines::{Engine, EngineKind, Session, SessionOptions};

/// Values without any pattern, the same each time.
pub fn noise(n: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).max(1);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        f64::from(state) / f64::from(u32::MAX) * 2.0 - 1.0
    };
    (0..n).map(|_| next() as f32).collect()
}

/// A graph, as an ONNX file or what the engine takes instead, made ready in an engine.
pub fn session(engine: &dyn Engine, graph: &Graph, weights: &Weights, batch: Batch) -> Box<dyn Session> {
    let mut file = onnx::model(graph, weights, &Options { batch }).unwrap();
    let format = engine.info().name.parse::<EngineKind>().unwrap().format();
    if let Some(converter) = format.converter().unwrap() {
        let folder = tempfile::tempdir().unwrap();
        let (onnx, made) = (folder.path().join("a.onnx"), folder.path().join("made"));
        std::fs::write(&onnx, file).unwrap();
        converter.convert(&onnx, &made).unwrap_or_else(|e| panic!("{}: {e}", graph.name()));
        file = std::fs::read(&made).unwrap();
    }
    engine.load(&file, &SessionOptions::default()).unwrap_or_else(|e| panic!("{}: {e}", graph.name()))
}

fn place(names: &[&str], name: &str) -> usize {
    names.iter().position(|other| *other == name).unwrap_or_else(|| panic!("no {name} in {names:?}"))
}

/// A graph with weights and inputs, and its outputs by the plain formulas.
pub struct Case<'a> {
    graph: &'a Graph,
    weights: Weights,
    inputs: Vec<Vec<f32>>,
    /// What an engine must find.
    pub expected: Vec<Vec<f32>>,
}

impl<'a> Case<'a> {
    /// Makes up weights and inputs, the same each time.
    pub fn new(graph: &'a Graph) -> Self {
        let weights = Weights::for_measuring(graph, 7);
        let inputs: Vec<_> = graph.inputs().iter().zip(1..).map(|(&id, seed)| noise(graph.node(id).shape.volume(), seed)).collect();
        let expected = eval::evaluate(graph, &weights, &inputs).unwrap();
        Self { graph, weights, inputs, expected }
    }

    /// What an engine finds, in the graph's order: that of its second run, which must not depend on the first.
    pub fn run(&self, engine: &dyn Engine) -> Vec<Vec<f32>> {
        let mut session = session(engine, self.graph, &self.weights, Batch::Fixed(1));
        let inputs = session.inputs().iter().map(|port| place(&self.input_names(), &port.name));
        let inputs: Vec<_> = inputs.map(|i| self.inputs[i].clone()).collect();
        session.set_inputs(&inputs).unwrap();
        session.run().unwrap();
        session.run().unwrap();
        let found = session.read_outputs().unwrap();
        let names: Vec<_> = session.outputs().iter().map(|port| port.name.as_str()).collect();
        self.graph.outputs().iter().map(|(name, _)| found[place(&names, name)].clone()).collect()
    }

    fn input_names(&self) -> Vec<&str> {
        self.graph.inputs().into_iter().map(|id| self.graph.node(id).name.as_str()).collect()
    }
}

/// NNI's primitives at two shapes each, those of outer layers wherever they fit among four.
pub fn all_primitives() -> Vec<Graph> {
    let layers = [Layer { c_in: 16, c_out: 16, stride: 1, h: 10, w: 10 }, Layer { c_in: 12, c_out: 20, stride: 2, h: 13, w: 13 }];
    let outer = [Layer { c_in: 12, c_out: 12, stride: 2, h: 14, w: 14 }, Layer { c_in: 12, c_out: 12, stride: 7, h: 7, w: 7 }];
    let nni = Primitive::nni().flat_map(|primitive| layers.map(|layer| Candidate { primitive, layer }));
    let others = Primitive::outer().flat_map(|primitive| {
        let fits = move |layer: &Layer| primitive.misfit(layer).is_none();
        layers.into_iter().chain(outer).filter(fits).map(move |layer| Candidate { primitive, layer })
    });
    nni.chain(others).map(|candidate| candidate.graph()).collect()
}

/// What our own networks do not have: a lone batch norm, one value as two outputs, an input as an output, a fully connected
/// layer in the middle, a value called like an output.
pub fn unusual() -> Graph {
    let mut g = Builder::new("unusual");
    let x = g.input("x", Shape::new(3, 4, 5));
    let n = g.batch_norm(x, "norm");
    let c = g.conv(n, "conv_0", Conv::dense(3, 6, 3).padding(1));
    let after = g.batch_norm(c, "after");
    let sum = g.add(c, after);
    let mean = g.global_avg_pool(sum);
    let fc = g.linear(mean, "fc", 6);
    let gate = g.hard_sigmoid(fc);
    let y = g.mul(sum, gate);
    g.finish(&[("relu_1", y), ("again", y), ("same", x), ("fc", fc), ("conv", c)])
}
