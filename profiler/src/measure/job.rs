//! Job folders: every model as a file for the engine, its inputs, and the outputs expected.
//!
//! Weights are fixed: what is timed does not depend on them, and a result that is wrong shows. A space of large networks does not fit
//! on disk, nor into a device's memory, all at once: beyond a bound, the files of networks are written only while they are measured.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use blocks::Measurable;
use engines::{Converter, EngineKind};
use files::{FileError, temporary_folder};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tempfile::TempDir;

use super::expected::Judge;
use super::given::{self, Given};
pub use super::job_error::JobError;
use super::model::{Model, ModelKind};
use super::parallel::in_parallel;
use super::recipe::Weights;
use super::subject::Subject;
use super::writer::Writer;
use crate::protocol::{Input, Item, JOB_FILE, Job, Values};

/// Most bytes of networks that stay in the folder from pass to pass.
const KEPT: usize = 256 << 20;

/// What a job's models are made of.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// The space.
    pub space: &'a dyn Measurable,
    /// The models.
    pub models: &'a [Model],
    /// What computes the expected outputs of blocks that this program does not know.
    pub judge: &'a Judge,
    /// Whether networks may be joined on the device, from the files of their blocks.
    pub is_joined: bool,
}

/// A folder that holds a job and goes away with this value.
pub struct JobFolder<'a> {
    folder: TempDir,
    engine: EngineKind,
    converter: Option<Box<dyn Converter>>,
    /// Where models come from that are not kept; none of a user's.
    source: Option<Source<'a>>,
    /// What networks are made of on the device.
    weights: Weights,
    /// Whether each item's model stays in the folder.
    kept: Vec<bool>,
    /// Items by name and file.
    pub items: Vec<Item>,
}

impl<'a> JobFolder<'a> {
    /// An empty one.
    fn new(engine: EngineKind, source: Option<Source<'a>>) -> Result<Self, JobError> {
        let (weights, kept, items) = (Weights::default(), Vec::new(), Vec::new());
        let (folder, converter) = (temporary_folder("profiler-job-")?, engine.format().converter()?);
        Ok(Self { folder, engine, converter, source, weights, kept, items })
    }

    /// Writes the files of all models, for that engine; networks only as far as they are kept.
    ///
    /// # Errors
    /// [`JobError::File`], [`JobError::Prepare`], [`JobError::Convert`], [`JobError::Interrupted`].
    pub fn prepare(source: Source<'a>, engine: EngineKind, bars: &MultiProgress) -> Result<Self, JobError> {
        Self::keeping(KEPT, source, engine, bars)
    }

    /// [`prepare`](Self::prepare), with so many bytes of networks kept.
    fn keeping(most: usize, source: Source<'a>, engine: EngineKind, bars: &MultiProgress) -> Result<Self, JobError> {
        let mut folder = Self::new(engine, Some(source))?;
        let Source { space, models, judge, is_joined } = source;
        let bar = bars.add(progress_bar(models.len()));
        let total = AtomicUsize::new(0);
        let is_network = |i: &usize| matches!(models[*i].kind, ModelKind::Network(_));
        let (networks, others): (Vec<usize>, Vec<usize>) = (0..models.len()).partition(is_network);
        let write = |folder: &Self, wanted: &[usize]| {
            let writer = folder.writer();
            in_parallel(wanted.len(), &|k| {
                let i = wanted[k];
                let kept = |bytes: usize| !is_network(&i) || total.fetch_add(bytes, Ordering::Relaxed) + bytes <= most;
                let item = writer.write(&models[i], i, space, judge, &kept)?;
                bar.inc(1);
                Ok((i, writer.has(&item), item))
            })
        };
        let mut made = write(&folder, &others)?;
        if is_joined && space.folder().is_some() && folder.converter.is_none() {
            folder.weights = folder.pieces(&others)?;
        }
        made.extend(write(&folder, &networks)?);
        bar.finish_and_clear();
        made.sort_by_key(|(i, ..)| *i);
        (folder.kept, folder.items) = made.into_iter().map(|(_, kept, item)| (kept, item)).unzip();
        Ok(folder)
    }

    /// The weights of the models of these numbers, which are blocks; without any, of all blocks of the space, which are written for that.
    fn pieces(&self, blocks: &[usize]) -> Result<Weights, JobError> {
        let Some(Source { space, models, .. }) = self.source else { return Ok(Weights::default()) };
        let mut weights = Weights::default();
        for &i in blocks {
            weights.add(&format!("{i}.onnx"), &models[i].file(space)?.bytes);
        }
        if blocks.is_empty() {
            let writer = self.writer();
            for (i, model) in Model::parts(space).iter().enumerate() {
                writer.piece(&model.file(space)?, i, &mut weights)?;
            }
        }
        Ok(weights)
    }

    /// Writes those models of these items that are not there.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    pub fn provide(&self, items: &[Item]) -> Result<(), JobError> {
        let Some(Source { space, models, .. }) = self.source else { return Ok(()) };
        let writer = self.writer();
        let is_asked = |i: usize| items.iter().any(|item| item.id == self.items[i].id);
        let missing: Vec<usize> =
            (0..models.len()).filter(|&i| !self.kept[i] && is_asked(i) && !writer.has(&self.items[i])).collect();
        in_parallel(missing.len(), &|k| writer.model(&models[missing[k]], missing[k], space)).map(drop)
    }

    /// Where a user finds the block that an item is; none of other models.
    pub fn origin(&self, id: &str) -> Option<String> {
        self.source?.space.origin(Subject::from(id).part()?)
    }

    /// Removes the models that are not kept.
    ///
    /// # Errors
    /// [`JobError::File`].
    pub fn forget(&self) -> Result<(), JobError> {
        let writer = self.writer();
        let there = std::iter::zip(&self.items, &self.kept).filter(|(item, kept)| !**kept && writer.has(item));
        there.map(|(item, _)| item).try_for_each(|item| writer.remove(item))
    }

    fn writer(&self) -> Writer<'_> {
        Writer::new(self.engine, self.folder.path(), self.converter.as_deref(), &self.weights)
    }

    /// Copies a user's models, ONNX files or files of that engine's own format, with weights that lie beside them, and what is given as
    /// their inputs; the agent makes up the rest.
    ///
    /// # Errors
    /// [`JobError`].
    pub fn of_files(files: &[PathBuf], engine: EngineKind, given: &Given) -> Result<Self, JobError> {
        let mut folder = Self::new(engine, None)?;
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
            let (model, names) = folder.writer().copy(path, i)?;
            let has = |input: &&Input| names.as_ref().is_none_or(|names| names.contains(&input.name));
            let inputs = values.iter().filter(has).cloned().collect();
            let id = Subject::model(i, path.display()).to_string();
            items.push(Item { id, model, inputs, expected: Vec::new(), parts: None, earlier: Vec::new(), cold: false });
            known.push((path.clone(), names));
        }
        given.check(&known)?;
        folder.items = items;
        Ok(folder)
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
        text.and_then(|text| fs::write(&path, text)).map_err(FileError::new("cannot write", &path))
    }
}

fn progress_bar(models: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("preparing {bar:30} {pos} of {len}, about {eta} left");
    ProgressBar::new(models as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

#[cfg(test)]
mod tests {
    use blocks::{PrimitiveSpace, Space};

    use super::*;
    use crate::agent::joined;
    use crate::measure::design;

    #[test]
    fn networks_that_are_not_kept_are_written_again() {
        let space = PrimitiveSpace { space: Space::load("pfld").unwrap(), points: 106 };
        let layers = space.layers();
        let nets = design::balanced(&space, 2, 1);
        let models: Vec<Model> = nets.iter().map(|choice| Model::net(&layers, choice)).collect();
        let source = Source { space: &space, models: &models, judge: &Judge::default(), is_joined: true };
        let prepare = |most| JobFolder::keeping(most, source, EngineKind::OnnxRuntime, &MultiProgress::new()).unwrap();
        let read = |folder: &JobFolder, i: usize| fs::read(folder.path().join(&folder.items[i].model)).ok();
        let (kept, folder) = (prepare(KEPT), prepare(0));
        assert_eq!(kept.items, folder.items);
        assert!(read(&kept, 1).is_some() && read(&folder, 1).is_none());
        assert!(folder.items.iter().all(|item| folder.path().join(&item.expected[0]).exists()));
        folder.provide(&folder.items[1..]).unwrap();
        assert_eq!((read(&folder, 0), read(&folder, 1)), (None, read(&kept, 1)));
        for folder in [&folder, &kept] {
            folder.forget().unwrap();
        }
        assert!(read(&folder, 1).is_none() && read(&kept, 1).is_some());
    }

    #[test]
    fn networks_are_joined_from_their_blocks() {
        use support::onnx::{element, floats, model, node, port};

        let home = tempfile::tempdir().unwrap();
        let mut text = "format = \"blocktime-space\"\nschema = 1\nkind = \"onnx\"\nname = \"own\"\ninput = [4, 8, 8]\n".to_string();
        for (name, operator, first) in [("mul", "Mul", 1.0), ("add", "Add", 2.0)] {
            let values: Vec<f32> = (0..256u16).map(|i| f32::from(i) + first).collect();
            let map = |name| port(name, element::FLOAT32, "1,4,8,8");
            let weights = [floats("w", &[1, 4, 8, 8], &values)];
            let file = model(&[node(operator, &["x", "w"], &["y"], &[])], &weights, &[map("x")], &[map("y")]);
            fs::write(home.path().join(name), file).unwrap();
        }
        for layer in 1..=3 {
            let candidates = ["mul", "add"].map(|name| format!("{{ name = \"{name}\", file = \"{name}\" }}"));
            text += &format!("[[slot]]\nname = \"L{layer}\"\ncandidates = [{}]\n", candidates.join(", "));
        }
        fs::write(home.path().join("space.toml"), text).unwrap();
        let space = blocks::SpaceFolder::load(home.path()).unwrap();
        let layers = Measurable::layers(&space);
        let nets = [Model::net(&layers, &[Some(0), Some(1), None]), Model::net(&layers, &[Some(1), Some(1), Some(0)])];
        let all: Vec<Model> = Model::parts(&space).into_iter().chain(nets.clone()).collect();
        // With the blocks, and alone, as a check has them.
        for models in [&all[..], &nets[..]] {
            let source = Source { space: &space, models, judge: &Judge::default(), is_joined: true };
            let folder = JobFolder::prepare(source, EngineKind::OnnxRuntime, &MultiProgress::new()).unwrap();
            let whole = JobFolder::prepare(Source { is_joined: false, ..source }, EngineKind::OnnxRuntime, &MultiProgress::new());
            for (item, whole_item) in std::iter::zip(&folder.items, &whole.as_ref().unwrap().items) {
                assert_eq!(item.model.ends_with(joined::ENDING), Subject::from(&item.id).is_network(), "{}", item.model);
                let own = fs::read(whole.as_ref().unwrap().path().join(&whole_item.model)).unwrap();
                assert_eq!(joined::read(folder.path(), &item.model).unwrap(), own);
            }
            // Nothing is left of networks that are not kept: neither the recipe nor what only it needs.
            let folder = JobFolder::keeping(0, source, EngineKind::OnnxRuntime, &MultiProgress::new()).unwrap();
            let names = || {
                let entries = fs::read_dir(folder.path()).unwrap();
                entries.map(|entry| entry.unwrap().file_name()).collect::<std::collections::BTreeSet<_>>()
            };
            let before = names();
            folder.provide(&folder.items).unwrap();
            assert_eq!(names().len(), before.len() + 2 * nets.len());
            folder.forget().unwrap();
            assert_eq!(names(), before);
        }
    }
}
