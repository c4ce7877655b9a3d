//! The outputs that an engine must give.
//!
//! Of a space's own primitives, this program computes them by code that shares nothing with any engine. Of anybody's ONNX files it cannot:
//! ONNX Runtime on this machine does, told not to optimise, so that each operator is computed as it stands in the file. Without one here
//! nothing is expected: then outputs are only checked to be finite and to stay as they are.

use std::path::{Path, PathBuf};

use blocks::Measurable;
use blocks::measurable::NetworkFile;
use engines::{Engine, EngineKind, SessionOptions};

/// What is said where nothing computes them.
const NONE: &str = "none";
/// Outputs that differ by less than this, over all, are no map: nothing could be compared with them.
const RANGE: f32 = 1e-5;

/// What computes right outputs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judge {
    /// ONNX Runtime's library on this machine; none where there is none that can be loaded, or none is needed.
    library: Option<PathBuf>,
    /// What it is, for a table's header; absent where this program knows all blocks itself.
    pub description: Option<String>,
}

impl Judge {
    /// What a space needs: nothing where this program knows its blocks; else ONNX Runtime, from the library that is named, or one in the
    /// usual places.
    pub fn of(space: &dyn Measurable, library: Option<&Path>) -> Self {
        if space.folder().is_none() {
            return Self::default();
        }
        let engine = engines::open(EngineKind::OnnxRuntime, library).ok();
        let info = engine.as_ref().map(|engine| engine.info());
        Self {
            library: info.and_then(|info| info.library.clone()),
            description: Some(info.map_or(NONE.to_string(), |info| format!("{info}, unoptimised, host"))),
        }
    }

    /// Ready to compute in this thread.
    pub(super) fn open(&self) -> Option<Box<dyn Engine>> {
        engines::open(EngineKind::OnnxRuntime, Some(self.library.as_deref()?)).ok()
    }
}

/// The outputs of a model for these inputs, in its file's order; none where nothing here can compute them.
///
/// # Errors
/// What is wrong with the model, in words.
pub(super) fn outputs(file: &NetworkFile, inputs: &[Vec<f32>], engine: Option<&dyn Engine>) -> Result<Vec<Vec<f32>>, String> {
    if let Some(reference) = &file.reference {
        return reference.outputs(inputs).map_err(|e| e.to_string());
    }
    let Some(engine) = engine else { return Ok(Vec::new()) };
    let run = || {
        let mut session = engine.load(&file.bytes, &SessionOptions { optimised: false, ..SessionOptions::default() })?;
        session.set_inputs(inputs)?;
        session.run()?;
        session.read_outputs()
    };
    let outputs = run().map_err(|e: engines::EngineError| e.to_string())?;
    outputs.iter().try_for_each(|output| doubt(output).map_or(Ok(()), |doubt| Err(doubt.to_string())))?;
    Ok(outputs)
}

/// What makes an output unfit to be compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Doubt {
    /// It holds infinities, or what is no number.
    #[error("its outputs are not finite; check its weights")]
    NotFinite,
    /// All its values are the same.
    #[error("its outputs are all equal; check its weights")]
    Flat,
}

/// Whether an output can be compared with.
pub(super) fn doubt(output: &[f32]) -> Option<Doubt> {
    if !output.iter().all(|value| value.is_finite()) {
        return Some(Doubt::NotFinite);
    }
    let (low, high) = output.iter().fold((f32::MAX, f32::MIN), |(low, high), &v| (low.min(v), high.max(v)));
    (output.len() > 1 && high - low < RANGE).then_some(Doubt::Flat)
}
