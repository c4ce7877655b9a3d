//! Job folders: every model as a file for the engine, its inputs, and the outputs expected.
//!
//! Weights are random but fixed: what is timed does not depend on them, and a result that is wrong shows. Expected outputs are
//! computed here, from the graph, by code that shares nothing with any engine.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use blocks::{Builder, Candidate, Graph, Primitive, Shape, Space, Weights, eval, onnx};
use engines::mnn::convert::{ConvertError, Converter};
use engines::{EngineKind, ModelFormat};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tempfile::TempDir;

use super::given::{self, Given, GivenError};
use super::subject::Subject;
use crate::devices::interrupt;
use crate::file_error::{FileError, temporary_folder};
use crate::protocol::{Input, Item, JOB_FILE, Job, Values};
use crate::random::Random;

/// Seed of weights and inputs.
const SEED: u64 = 1;
/// Why a job cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// What models are given.
    #[error(transparent)]
    Given(#[from] GivenError),
    /// A user's model that is not what it should be.
    #[error(transparent)]
    Model(#[from] onnx::FileError),
    /// A model that cannot be converted for the engine.
    #[error(transparent)]
    Convert(#[from] ConvertError),
    /// A block that cannot be written or computed: a fault of this program.
    #[error("cannot prepare '{id}': {reason}")]
    Prepare {
        /// The item.
        id: String,
        /// Why.
        reason: String,
    },
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}

impl JobError {
    /// The converter's refusal, of the user's file and not of the copy that it was given.
    fn of_model(self, file: &Path) -> Self {
        match self {
            Self::Convert(ConvertError::Refused { said, .. }) => ConvertError::Refused { path: file.to_path_buf(), said }.into(),
            other => other,
        }
    }
}

/// Something to be measured.
pub struct Model {
    /// What it is.
    pub subject: Subject,
    /// What it computes.
    pub graph: Graph,
    /// The candidate, of a block.
    pub candidate: Option<Candidate>,
}

impl Model {
    /// All blocks and trunk pieces of a space, alone, and the graph of a single operation.
    pub fn parts(space: &Space, points: usize) -> Vec<Self> {
        let mut g = Builder::new("overhead");
        let x = g.input("x", Shape::new(1, 1, 1));
        let y = g.relu(x);
        let overhead = Self { subject: Subject::Overhead, graph: g.finish(&[("y", y)]), candidate: None };
        let candidates = space.unique_candidates().into_iter().filter(|c| !c.primitive.is_identity(&c.layer));
        let blocks = candidates.map(|c| Self { subject: Subject::block(&c), graph: c.graph(), candidate: Some(c) });
        let pieces = space.trunk_pieces(points).into_iter();
        let pieces = pieces.map(|p| Self { subject: Subject::trunk(p.piece), graph: p.graph, candidate: None });
        std::iter::once(overhead).chain(blocks).chain(pieces).collect()
    }

    /// The network of a choice, as an app ships it.
    pub fn net(space: &Space, choice: &[Primitive], points: usize) -> Self {
        Self { subject: Subject::network(choice), graph: space.deployed(choice, points), candidate: None }
    }
}

/// A folder that holds a job and goes away with this value.
pub struct JobFolder {
    folder: TempDir,
    /// Items by name and file.
    pub items: Vec<Item>,
}

impl JobFolder {
    /// Writes the files of all models, for that engine.
    ///
    /// # Errors
    /// [`JobError::File`], [`JobError::Prepare`], [`JobError::Convert`], [`JobError::Interrupted`].
    pub fn prepare(models: &[Model], engine: EngineKind, bars: &MultiProgress) -> Result<Self, JobError> {
        let folder = temporary_folder("profiler-job-")?;
        let writer = Writer::new(engine, folder.path())?;
        let bar = bars.add(progress_bar(models.len()));
        let next = std::sync::atomic::AtomicUsize::new(0);
        let work = || {
            let mut made = Vec::new();
            loop {
                let i = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let Some(model) = models.get(i) else { return Ok(made) };
                if interrupt::requested() {
                    return Err(JobError::Interrupted);
                }
                made.push((i, writer.write(model, i)?));
                bar.inc(1);
            }
        };
        let workers = thread::available_parallelism().map_or(1, usize::from);
        let made = thread::scope(|scope| {
            let handles: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            let results = handles.into_iter().map(|h| h.join().unwrap_or_else(|e| std::panic::resume_unwind(e)));
            results.collect::<Result<Vec<_>, JobError>>()
        });
        bar.finish_and_clear();
        let made = made?;
        let mut items: Vec<(usize, Item)> = made.into_iter().flatten().collect();
        items.sort_by_key(|(i, _)| *i);
        Ok(Self { folder, items: items.into_iter().map(|(_, item)| item).collect() })
    }

    /// Copies a user's models, ONNX files or files of that engine's own format, with weights that lie beside them, and what is given as
    /// their inputs; the agent makes up the rest.
    ///
    /// # Errors
    /// [`JobError`].
    pub fn of_files(files: &[PathBuf], engine: EngineKind, given: &Given) -> Result<Self, JobError> {
        let folder = temporary_folder("profiler-job-")?;
        let writer = Writer::new(engine, folder.path())?;
        let mut values = Vec::new();
        for (k, (name, shape, value)) in given.inputs.iter().enumerate() {
            let values_of = |value: &engines::Value| {
                let file = format!("given{k}");
                given::write(value, &folder.path().join(&file))?;
                Ok::<_, JobError>(Values { file, element: value.element().to_string() })
            };
            let from = value.as_ref().map(values_of).transpose()?;
            values.push(Input { name: name.clone(), shape: shape.clone(), values: from });
        }
        let mut known = Vec::new();
        let mut items = Vec::new();
        for (i, path) in files.iter().enumerate() {
            let (model, names) = writer.copy(path, i)?;
            let has = |input: &&Input| names.as_ref().is_none_or(|names| names.contains(&input.name));
            let inputs = values.iter().filter(has).cloned().collect();
            let id = Subject::model(i, path.display()).to_string();
            items.push(Item { id, model, inputs, expected: Vec::new(), earlier: Vec::new(), cold: false });
            known.push((path.clone(), names));
        }
        given.check(&known)?;
        Ok(Self { folder, items })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes the job itself.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn write_job(&self, job: &Job) -> Result<(), FileError> {
        let path = self.folder.path().join(JOB_FILE);
        let text = serde_json::to_vec(job).map_err(std::io::Error::from);
        text.and_then(|text| fs::write(&path, text)).map_err(FileError::new("write", &path))
    }
}

fn progress_bar(models: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("preparing {bar:30} {pos} of {len}, about {eta} left");
    ProgressBar::new(models as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// What makes the engine's files, where it takes no ONNX.
pub(super) fn converter(engine: EngineKind) -> Result<Option<Converter>, ConvertError> {
    match engine.format() {
        ModelFormat::Onnx => Ok(None),
        ModelFormat::Mnn => Converter::find().map(Some),
    }
}

/// Writes the files of models into a folder.
struct Writer<'a> {
    folder: &'a Path,
    engine: EngineKind,
    /// Makes the engine's files, where it takes no ONNX.
    converter: Option<Converter>,
}

impl<'a> Writer<'a> {
    fn new(engine: EngineKind, folder: &'a Path) -> Result<Self, JobError> {
        Ok(Self { folder, engine, converter: converter(engine)? })
    }

    /// Writes a file and gives its name.
    fn file(&self, name: String, bytes: &[u8]) -> Result<String, FileError> {
        let path = self.folder.join(&name);
        fs::write(&path, bytes).map_err(FileError::new("write", &path))?;
        Ok(name)
    }

    /// Makes the engine's file of an ONNX file, which is in the folder only if that is the engine's.
    fn convert(&self, converter: &Converter, onnx: &Path, index: usize) -> Result<String, JobError> {
        let name = format!("{index}.mnn");
        converter.convert(onnx, &self.folder.join(&name))?;
        Ok(name)
    }

    /// Brings a user's model into the folder and gives its name there, and its inputs' names where the file tells them.
    fn copy(&self, path: &Path, index: usize) -> Result<(String, Option<Vec<String>>), JobError> {
        if self.converter.is_some() && files::has_ending(path, "mnn") {
            let bytes = fs::read(path).map_err(FileError::new("read", path))?;
            if let Some(found) = files::impostor(&bytes) {
                return Err(onnx::FileError::Impostor { path: path.to_path_buf(), found }.into());
            }
            return Ok((self.file(format!("{index}.mnn"), &bytes)?, None));
        }
        let model = onnx::read(path)?;
        let name = self.file(format!("{index}.onnx"), &model.bytes)?;
        let Some(converter) = &self.converter else { return Ok((name, model.inputs)) };
        let whole = self.folder.join(name);
        let converted = self.convert(converter, &whole, index).map_err(|e| e.of_model(path));
        fs::remove_file(&whole).map_err(FileError::new("remove", &whole))?;
        Ok((converted?, model.inputs))
    }

    /// Writes the files of one model.
    fn write(&self, model: &Model, index: usize) -> Result<Item, JobError> {
        let Model { subject, graph, .. } = model;
        let fault = |reason: String| JobError::Prepare { id: subject.to_string(), reason };
        let weights = Weights::for_measuring(graph, SEED);
        let bytes = onnx::model(graph, &weights, &onnx::Options::default()).map_err(|e| fault(e.to_string()))?;
        let onnx = self.file(format!("{index}.onnx"), &bytes)?;
        let file = match &self.converter {
            None => onnx,
            Some(converter) => {
                let onnx = self.folder.join(onnx);
                let converted = self.convert(converter, &onnx, index)?;
                // The device has no use for it.
                fs::remove_file(&onnx).map_err(FileError::new("remove", &onnx))?;
                converted
            }
        };
        let mut random = Random::new(SEED);
        let inputs: Vec<Vec<f32>> = graph.inputs().iter().map(|&x| random.values(graph.node(x).shape.volume())).collect();
        let expected = eval::evaluate(graph, &weights, &inputs).map_err(|e| fault(e.to_string()))?;
        let given = std::iter::zip(graph.inputs(), &inputs).enumerate().map(|(k, (x, values))| {
            let node = graph.node(x);
            let shape = vec![1, node.shape.c, node.shape.h, node.shape.w];
            let file = self.floats(format!("{index}.in{k}.f32"), values)?;
            let values = Some(Values { file, element: engines::Element::Float32.to_string() });
            Ok::<_, JobError>(Input { name: node.name.clone(), shape, values })
        });
        let output_names = graph.outputs().iter().map(|(name, _)| name.as_str());
        Ok(Item {
            id: subject.to_string(),
            model: file,
            inputs: given.collect::<Result<_, _>>()?,
            expected: self.values(index, "out", std::iter::zip(output_names, &expected).collect())?,
            earlier: Vec::new(),
            // Whole networks are for the fit.
            cold: subject.is_part(),
        })
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
