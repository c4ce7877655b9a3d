//! ONNX files as landmark networks, those of other programs too.

use std::path::Path;

use engines::{Dim, Element, EngineError, EngineKind, Port, Session, SessionOptions, Value};

use super::error::FaceError;
use super::evaluate::Network;

/// What a landmark network takes.
const NEEDED: &str = "float32 [batch, 3, side, side] with a fixed side";

/// An ONNX file in ONNX Runtime.
pub struct Onnx {
    session: Box<dyn Session>,
    side: usize,
    /// Which of the outputs is the landmarks.
    output: usize,
    points: usize,
    /// Pictures that it runs on at once; any number without.
    batch: Option<usize>,
    /// For messages.
    shown: String,
}

impl Onnx {
    /// Opens the file at `path`, with weights that lie beside it; `library` is ONNX Runtime's, else the usual places are searched.
    ///
    /// # Errors
    /// There is no engine, it refuses the file, or the file is no landmark network.
    pub fn open(path: &Path, library: Option<&Path>) -> Result<Self, FaceError> {
        Self::from_bytes(&blocks::onnx::read(path)?.bytes, path, library)
    }

    /// The same from memory; `path` stands in messages.
    ///
    /// # Errors
    /// As [`Onnx::open`].
    pub fn from_bytes(bytes: &[u8], path: &Path, library: Option<&Path>) -> Result<Self, FaceError> {
        let engine = engines::open(EngineKind::OnnxRuntime, library)?;
        let shown = path.display().to_string();
        let session = engine
            .load(bytes, &SessionOptions::default())
            .map_err(|source| FaceError::Run { path: shown.clone(), source: Box::new(source) })?;
        let fault = |reason: String| FaceError::NoLandmarks { path: shown.clone(), reason };
        let [input] = session.inputs() else {
            let inputs: Vec<_> = session.inputs().iter().map(Port::to_string).collect();
            return Err(fault(format!("it must have one input, {NEEDED}, but it has {}: {}", inputs.len(), inputs.join("; "))));
        };
        let side = match input.dims[..] {
            [_, Dim::Fixed(3), Dim::Fixed(side), Dim::Fixed(width)] if side == width && side > 0 => side,
            _ => 0,
        };
        if side == 0 || input.element != Some(Element::Float32) {
            return Err(fault(format!("its input must be {NEEDED}; it is {input}")));
        }
        let fixed = match input.dims[0] {
            Dim::Fixed(0) => return Err(fault(format!("its input must be {NEEDED}; it is {input}"))),
            Dim::Fixed(n) => Some(n),
            Dim::Open(_) => None,
        };
        let mut network = Self { session, side, output: 0, points: 0, batch: fixed, shown };
        network.look()?;
        Ok(network)
    }

    /// Finds the landmarks among the outputs by running the network, since the shapes that a file states need not be true.
    fn look(&mut self) -> Result<(), FaceError> {
        // Two pictures, since the shape for one says nothing of where the batch is; a file may say that it takes any batch, and take one.
        let tries = match self.batch {
            Some(fixed) => vec![fixed],
            None => vec![2, 1],
        };
        let mut said = None;
        for batch in tries {
            let values = match self.run(&vec![0.5; batch * 3 * self.side * self.side], batch) {
                Ok(values) => values,
                Err(e) => {
                    said = Some(e.to_string());
                    continue;
                }
            };
            let found: Vec<(usize, usize)> =
                values.iter().enumerate().filter_map(|(i, value)| Some((i, points(value.as_ref()?, batch)?))).collect();
            if let [(output, points)] = found[..] {
                (self.output, self.points) = (output, points);
                self.batch = if batch == 2 && self.batch.is_none() { None } else { Some(batch) };
                return Ok(());
            }
            let shown = |(port, value): (&Port, &Option<Value>)| {
                let shape = value.as_ref().map(|value| format!("{} {:?}", value.element(), value.shape()));
                format!("'{}' {}", port.name, shape.unwrap_or_else(|| "no numbers".to_string()))
            };
            let outputs = std::iter::zip(self.session.outputs(), &values).map(shown).collect::<Vec<_>>().join(", ");
            said = Some(format!(
                "exactly one output must be [batch, 2 × points], that is [{batch}, 2 × points] for {batch} picture{}; its outputs are {outputs}",
                if batch == 1 { "" } else { "s" }
            ));
        }
        Err(FaceError::NoLandmarks { path: self.shown.clone(), reason: said.unwrap_or_default() })
    }

    fn run(&mut self, images: &[f32], batch: usize) -> Result<Vec<Option<Value>>, EngineError> {
        let value = Value::floats(vec![batch, 3, self.side, self.side], images);
        self.session.feed(&value.into_iter().collect::<Vec<_>>())?;
        self.session.run()?;
        self.session.results()
    }

    /// Side of its input in pixels.
    pub fn side(&self) -> usize {
        self.side
    }

    /// Number of its landmarks.
    pub fn points(&self) -> usize {
        self.points
    }
}

/// How many landmarks of a picture an output holds, two numbers each; none where it is something else, as the feature map that some
/// files give for a pose network.
fn points(output: &Value, batch: usize) -> Option<usize> {
    let is_fraction = matches!(output.element(), Element::Float32 | Element::Float64 | Element::Float16 | Element::Bfloat16);
    match output.shape() {
        [n, values, rest @ ..] if *n == batch && *values > 0 && values.is_multiple_of(2) && rest.iter().all(|&n| n == 1) => {
            is_fraction.then_some(values / 2)
        }
        _ => None,
    }
}

impl Network for Onnx {
    fn landmarks(&mut self, images: &[f32], n: usize) -> Result<Vec<f32>, FaceError> {
        let pixels = 3 * self.side * self.side;
        let step = self.batch.unwrap_or(n).max(1);
        let wanted = 2 * self.points;
        let mut landmarks = Vec::with_capacity(n * wanted);
        for part in images.chunks(step * pixels) {
            let faces = part.len() / pixels;
            // A file that fixes its batch gets that many; the last ones are grey and their landmarks are left out.
            let mut part = part.to_vec();
            part.resize(step * pixels, 0.5);
            let found =
                self.run(&part, step).map_err(|source| FaceError::Run { path: self.shown.clone(), source: Box::new(source) })?;
            let found = found.into_iter().nth(self.output).flatten().map(|value| value.to_floats()).unwrap_or_default();
            if found.len() != step * wanted {
                let path = self.shown.clone();
                return Err(FaceError::Outputs { path, found: found.len(), pictures: step, wanted });
            }
            landmarks.extend_from_slice(&found[..faces * wanted]);
        }
        Ok(landmarks)
    }
}
