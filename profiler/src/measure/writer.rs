//! Files of a job: models in the engine's format, inputs, expected outputs.

use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

use blocks::Measurable;
use blocks::measurable::NetworkFile;
use blocks::onnx;
use blocks::onnx::block::Port;
use engines::{ConvertError, Converter, Element, EngineKind};
use files::FileError;

use super::expected::{self, Judge};
use super::job_error::JobError;
use super::model::Model;
use super::recipe::Weights;
use crate::agent::joined::ENDING;
use crate::protocol::{Input, Item, Values};
use crate::random::Random;

/// Seed of inputs, and of weights that are made here.
const SEED: u64 = 1;

/// The converter's refusal, of the user's file and not of the copy that it was given.
fn of_model(error: JobError, file: impl Into<PathBuf>) -> JobError {
    match error {
        JobError::Convert(ConvertError::Refused { format, said, .. }) => {
            ConvertError::Refused { format, path: file.into(), said }.into()
        }
        other => other,
    }
}

/// Writes the files of models into a folder.
pub(super) struct Writer<'a> {
    folder: &'a Path,
    engine: EngineKind,
    /// Makes the engine's files, where it takes no ONNX.
    converter: Option<&'a dyn Converter>,
    /// What networks are made of on the device.
    weights: &'a Weights,
}

/// A model as it is written.
enum Form<'a> {
    /// As a file of its own.
    Whole(&'a [u8]),
    /// As a recipe, and the bytes that no block has.
    Recipe(String, Vec<u8>),
}

impl Form<'_> {
    /// Bytes of the file that is its own.
    fn len(&self) -> usize {
        match self {
            Self::Whole(bytes) => bytes.len(),
            Self::Recipe(_, glue) => glue.len(),
        }
    }
}

impl<'a> Writer<'a> {
    pub(super) fn new(engine: EngineKind, folder: &'a Path, converter: Option<&'a dyn Converter>, weights: &'a Weights) -> Self {
        Self { folder, engine, converter, weights }
    }

    /// Writes a file and gives its name.
    fn file(&self, name: String, bytes: &[u8]) -> Result<String, FileError> {
        let path = self.folder.join(&name);
        fs::write(&path, bytes).map_err(FileError::new("cannot write", &path))?;
        Ok(name)
    }

    /// How a model is written: a network as a recipe where it is made of blocks that are there.
    fn form<'b>(&self, model: &Model, bytes: &'b [u8], index: usize) -> Form<'b> {
        let is_network = model.subject.is_network() && self.converter.is_none();
        let recipe = if is_network { self.weights.recipe(bytes, &glue(index)) } else { None };
        recipe.map_or(Form::Whole(bytes), |(recipe, glue)| Form::Recipe(recipe, glue))
    }

    /// What a model's file in the engine's format is called.
    fn name(&self, index: usize) -> String {
        format!("{index}.{}", self.engine.format().ending())
    }

    /// Makes the engine's file of an ONNX file, which is in the folder only if that is the engine's.
    fn convert(&self, converter: &dyn Converter, onnx: &Path, index: usize) -> Result<String, JobError> {
        let name = self.name(index);
        converter.convert(onnx, &self.folder.join(&name))?;
        Ok(name)
    }

    /// Brings a user's model into the folder and gives its name there, and its inputs' names where the file tells them.
    pub(super) fn copy(&self, path: &Path, index: usize) -> Result<(String, Option<Vec<String>>), JobError> {
        if self.converter.is_some() && files::has_ending(path, self.engine.format().ending()) {
            let bytes = fs::read(path).map_err(FileError::new("cannot read", path))?;
            if let Some(found) = files::impostor(&bytes) {
                return Err(onnx::FileError::Impostor { path: path.to_path_buf(), found }.into());
            }
            return Ok((self.file(self.name(index), &bytes)?, None));
        }
        let model = onnx::read(path)?;
        let name = self.file(format!("{index}.onnx"), &model.bytes)?;
        let Some(converter) = self.converter else { return Ok((name, model.inputs)) };
        let whole = self.folder.join(name);
        let converted = self.convert(converter, &whole, index).map_err(|e| of_model(e, path));
        fs::remove_file(&whole).map_err(FileError::new("cannot remove", &whole))?;
        Ok((converted?, model.inputs))
    }

    /// Writes a model's inputs and expected outputs; the model itself where its bytes are `kept`.
    pub(super) fn write(
        &self,
        model: &Model,
        index: usize,
        space: &dyn Measurable,
        judge: &Judge,
        kept: &dyn Fn(usize) -> bool,
    ) -> Result<Item, JobError> {
        let file = model.file(space)?;
        let mut random = Random::new(SEED);
        let inputs: Vec<Vec<f32>> = file.inputs.iter().map(|port| random.values(port.dims.iter().product())).collect();
        let engine = file.reference.is_none().then(|| judge.open()).flatten();
        let fault = |reason: String| JobError::Prepare { model: model.title(space), reason };
        let expected = expected::outputs(&file, &inputs, engine.as_deref()).map_err(fault)?;
        let form = self.form(model, &file.bytes, index);
        let name = match &form {
            Form::Recipe(..) => format!("{index}{ENDING}"),
            Form::Whole(_) => self.name(index),
        };
        if kept(form.len()) {
            self.put(form, index).map_err(|e| of_model(e, model.title(space)))?;
        }
        let given = std::iter::zip(&file.inputs, &inputs).enumerate().map(|(k, (Port { name, dims }, values))| {
            let file = self.floats(format!("{index}.in{k}.f32"), values)?;
            let values = Some(Values { file, element: Element::Float32.to_string() });
            Ok::<_, JobError>(Input { name: name.clone(), shape: dims.clone(), values })
        });
        Ok(Item {
            id: model.subject.to_string(),
            model: name,
            inputs: given.collect::<Result<_, _>>()?,
            expected: self.values(index, "out", std::iter::zip(file.outputs.iter().map(String::as_str), &expected).collect())?,
            parts: None,
            earlier: Vec::new(),
            // Whole networks are for the fit.
            cold: model.subject.is_part(),
        })
    }

    /// Writes the file of a model in the engine's format.
    pub(super) fn model(&self, model: &Model, index: usize, space: &dyn Measurable) -> Result<(), JobError> {
        let file = model.file(space)?;
        self.put(self.form(model, &file.bytes, index), index).map_err(|e| of_model(e, model.title(space)))
    }

    fn put(&self, form: Form, index: usize) -> Result<(), JobError> {
        let bytes = match form {
            Form::Whole(bytes) => bytes,
            Form::Recipe(recipe, own) => {
                self.file(glue(index), &own)?;
                self.file(format!("{index}{ENDING}"), recipe.as_bytes())?;
                return Ok(());
            }
        };
        let onnx = self.file(format!("{index}.onnx"), bytes)?;
        let Some(converter) = self.converter else { return Ok(()) };
        let onnx = self.folder.join(onnx);
        self.convert(converter, &onnx, index)?;
        // The device has no use for it.
        Ok(fs::remove_file(&onnx).map_err(FileError::new("cannot remove", &onnx))?)
    }

    /// Writes a block that is no model of the job, only a part of its networks, and takes its weights in.
    pub(super) fn piece(&self, file: &NetworkFile, index: usize, weights: &mut Weights) -> Result<(), JobError> {
        weights.add(&self.file(format!("piece{index}.onnx"), &file.bytes)?, &file.bytes);
        Ok(())
    }

    /// Whether a model's file is there.
    pub(super) fn has(&self, item: &Item) -> bool {
        self.folder.join(&item.model).exists()
    }

    /// Removes a model's file, and of a network with a recipe what it has of its own.
    pub(super) fn remove(&self, item: &Item) -> Result<(), JobError> {
        let own = item.model.strip_suffix(ENDING).map(glue);
        for name in own.iter().chain([&item.model]) {
            let path = self.folder.join(name);
            fs::remove_file(&path).map_err(FileError::new("cannot remove", &path))?;
        }
        Ok(())
    }

    /// Writes the values of outputs, a file each, and gives the files' names in the order of the engine's sessions.
    fn values(&self, index: usize, kind: &str, mut ports: Vec<(&str, &Vec<f32>)>) -> Result<Vec<String>, FileError> {
        if self.engine.ports_by_name() {
            ports.sort_by_key(|(name, _)| *name);
        }
        let one = |(k, (_, values)): (usize, (&str, &Vec<f32>))| self.floats(format!("{index}.{kind}{k}.f32"), values);
        ports.into_iter().enumerate().map(one).collect()
    }

    fn floats(&self, name: String, values: &[f32]) -> Result<String, FileError> {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.file(name, &bytes)
    }
}

/// What the file is called that holds what a network has of its own, by the network's number.
fn glue(index: impl Display) -> String {
    format!("{index}.glue")
}
