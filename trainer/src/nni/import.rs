//! From NNI's names and shapes to a checkpoint of this trainer.

use std::collections::BTreeMap;
use std::path::Path;

use blocks::{Graph, Primitive, Space};
use pickle::{Id, Object};

use super::import_error::{FILE_LIMIT, ImportError};
use super::torch::{Tensor, TorchError, TorchFile};
use crate::model::init;
use crate::run::{BACKBONE, Checkpoint, CheckpointError, FileError, Kind, Meta, PATH_ALPHA, POSE};

/// Faults that are listed.
const LISTED: usize = 8;

/// Where a checkpoint holds the two nets.
const NNI_BACKBONE: &str = "pfld_backbone";
const NNI_POSE: &str = "auxiliarynet";
/// Before each name, where the nets were trained on several devices.
const PARALLEL: &str = "module.";
/// PyTorch counts batches beside a batch norm's statistics; nothing needs the count.
const BATCH_COUNT: &str = ".num_batches_tracked";

/// What says which candidates a subnet has.
#[derive(Clone, Copy, Debug)]
pub enum Choice<'a> {
    /// Nothing but the shapes of its weights.
    Shapes,
    /// A name for each layer.
    Names(&'a [String]),
    /// The supernet it was chosen from: NNI's file, or one already imported (`.safetensors`).
    Supernet(&'a Path),
}

/// An import of one file.
#[derive(Clone, Copy, Debug)]
pub struct Import<'a> {
    /// NNI's file.
    pub path: &'a Path,
    /// Built-in name or file of the space that it was trained on.
    pub space: &'a str,
    /// For a subnet.
    pub choice: Choice<'a>,
}

/// What an import gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The checkpoint that the file stands for, a supernet's or a subnet's.
    pub checkpoint: Checkpoint,
    /// Whether the file held no pose net, so that a new one stands in the checkpoint.
    pub new_pose_net: bool,
}

/// The tensors of one net, by name.
type Nets<'a> = BTreeMap<&'a str, Tensor<'a>>;

/// A file with its nets found.
struct Source<'a> {
    path: &'a Path,
    file: TorchFile<'a>,
    backbone: Nets<'a>,
    /// Not in every file: it is needed for training only.
    pose: Option<Nets<'a>>,
}

impl Import<'_> {
    /// Reads the file.
    ///
    /// # Errors
    /// As [`ImportError`] says.
    pub fn read(&self) -> Result<Imported, ImportError> {
        let space = Space::load(self.space).map_err(CheckpointError::from)?;
        let bytes = bytes(self.path)?;
        self.of_source(&Source::read(self.path, &bytes)?, &space)
    }

    fn of_source(&self, source: &Source<'_>, space: &Space) -> Result<Imported, ImportError> {
        let points = source.points()?;
        let is_subnet = source.is_subnet(space);
        if !is_subnet && !matches!(self.choice, Choice::Shapes) {
            return Err(ImportError::NoSubnet { path: self.path.to_owned() });
        }
        let mut checkpoint = Checkpoint::new(Meta {
            kind: if is_subnet { Kind::Subnet } else { Kind::Supernet },
            space: self.space.to_string(),
            space_hash: space.hash(),
            points,
            epoch: source.epoch(),
            ..Meta::blank()
        });
        let backbone = if is_subnet {
            let choice = self.subnet_choice(source, space, points)?;
            checkpoint.meta.choice = Some(choice.iter().map(ToString::to_string).collect());
            space.subnet(&choice, points)
        } else {
            checkpoint.meta.choice = source.arch_sample()?.map(|names| checked(space, &names, self.path)).transpose()?;
            space.supernet(points)
        };
        let Some(pose) = space.pose_net() else {
            return Err(source.fault(format!("search space {space} has no trunk, so that it makes no whole network")));
        };
        let mut faults = Vec::new();
        source.take(&mut checkpoint, BACKBONE, &backbone, &source.backbone, &mut faults)?;
        match &source.pose {
            Some(net) => source.take(&mut checkpoint, POSE, &pose, net, &mut faults)?,
            None => checkpoint.insert_weights(POSE, &pose, &init::pose_net(&pose, 0)),
        }
        if !is_subnet {
            source.take_architecture(&mut checkpoint, space, &mut faults)?;
        }
        if faults.is_empty() {
            return Ok(Imported { checkpoint, new_pose_net: source.pose.is_none() });
        }
        let more = faults.len().saturating_sub(LISTED);
        faults.truncate(LISTED);
        if more > 0 {
            faults.push(format!("and {more} more"));
        }
        Err(ImportError::Misfit { path: self.path.to_owned(), space: self.space.to_string(), faults })
    }

    /// The candidates of a subnet.
    fn subnet_choice(&self, source: &Source<'_>, space: &Space, points: usize) -> Result<Vec<Primitive>, ImportError> {
        let reason = |reason| ImportError::Choice { path: self.path.to_owned(), reason };
        let fitting: Vec<Vec<Primitive>> = (0..space.layers().len()).map(|i| source.fitting(space, i, points)).collect();
        let choice = match self.choice {
            Choice::Names(names) => space.choice(names).map_err(reason)?,
            Choice::Supernet(path) => self.choice_of_supernet(space, path)?,
            Choice::Shapes => {
                let layers: Vec<String> = fitting
                    .iter()
                    .enumerate()
                    .filter(|(_, fitting)| fitting.len() > 1)
                    .map(|(i, fitting)| format!("layer {}: {}", i + 1, listed(fitting, " or ")))
                    .collect();
                if !layers.is_empty() {
                    return Err(ImportError::Ambiguous { path: self.path.to_owned(), layers });
                }
                let first = |(i, fitting): (usize, &Vec<Primitive>)| {
                    fitting.first().copied().ok_or_else(|| reason(format!("layer {}: its weights fit no candidate", i + 1)))
                };
                return fitting.iter().enumerate().map(first).collect();
            }
        };
        for (i, (primitive, fitting)) in std::iter::zip(&choice, &fitting).enumerate() {
            if !fitting.contains(primitive) {
                let known = if fitting.is_empty() { "no candidate".to_string() } else { listed(fitting, " or ") };
                return Err(reason(format!("layer {}: its weights are not those of '{primitive}'; they fit {known}", i + 1)));
            }
        }
        Ok(choice)
    }

    fn choice_of_supernet(&self, space: &Space, path: &Path) -> Result<Vec<Primitive>, ImportError> {
        let needed = "give the supernet that the subnet was chosen from (--supernet)";
        let checkpoint = if files::has_ending(path, "safetensors") {
            Checkpoint::load(path)?
        } else {
            let bytes = bytes(path)?;
            let source = Source::read(path, &bytes)?;
            // Asked first: as a subnet it would be refused for what its own shapes leave open.
            if source.is_subnet(space) {
                return Err(CheckpointError::Kind { path: path.to_owned(), found: Kind::Subnet, needed }.into());
            }
            Import { path, choice: Choice::Shapes, ..*self }.of_source(&source, space)?.checkpoint
        };
        checkpoint.require(path, Kind::Supernet, needed)?;
        checkpoint.space(path, Some(self.space))?;
        Ok(checkpoint.chosen(path, space)?)
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>, ImportError> {
    let failed = |e| FileError::new("cannot read the checkpoint", path)(e);
    let bytes = files::read_start(path, FILE_LIMIT + 1).map_err(failed)?;
    if bytes.len() as u64 > FILE_LIMIT {
        return Err(ImportError::TooLong { path: path.to_owned() });
    }
    Ok(bytes)
}

fn listed(primitives: &[Primitive], between: &str) -> String {
    primitives.iter().map(|p| p.name()).collect::<Vec<_>>().join(between)
}

/// Names, once they are known to be a choice.
fn checked(space: &Space, names: &[String], path: &Path) -> Result<Vec<String>, ImportError> {
    space.choice(names).map_err(|reason| ImportError::Choice { path: path.to_owned(), reason })?;
    Ok(names.to_vec())
}

impl<'a> Source<'a> {
    fn read(path: &'a Path, bytes: &'a [u8]) -> Result<Self, ImportError> {
        let file = TorchFile::read(bytes).map_err(|source| ImportError::Torch { path: path.to_owned(), source })?;
        let mut source = Self { path, file, backbone: Nets::new(), pose: None };
        source.backbone = source.net(NNI_BACKBONE)?;
        source.pose = source.entry(NNI_POSE).map(|_| source.net(NNI_POSE)).transpose()?;
        Ok(source)
    }

    fn fault(&self, reason: String) -> ImportError {
        ImportError::NotNnis { path: self.path.to_owned(), reason }
    }

    /// A fault of an object that is not what is needed; where it is something that is not read, with what it is.
    fn unread(&self, id: Id, reason: &str) -> ImportError {
        let heap = self.file.heap();
        match heap.get(id) {
            Object::Unread(_) => self.fault(format!("{reason} ({})", heap.unfit(id, "").fault)),
            _ => self.fault(reason.to_string()),
        }
    }

    fn torch(&self) -> impl Fn(TorchError) -> ImportError {
        let path = self.path.to_owned();
        move |source| ImportError::Torch { path: path.clone(), source }
    }

    fn entry(&self, name: &str) -> Option<Id> {
        self.file.heap().entry(self.file.heap().root(), name)
    }

    /// The weights of a net, by their names without prefix.
    fn net(&self, name: &str) -> Result<Nets<'a>, ImportError> {
        let heap = self.file.heap();
        let Some(id) = self.entry(name) else { return Err(self.fault(format!("it has no dict '{name}'"))) };
        let Object::Dict(entries) = heap.get(id) else {
            return Err(self.unread(id, &format!("'{name}' is no dict of weights; save the net's state_dict()")));
        };
        let mut net = Nets::new();
        for &(key, value) in entries {
            let &Object::Text(key) = heap.get(key) else {
                return Err(self.unread(key, &format!("a name in '{name}' is no string")));
            };
            if key.ends_with(BATCH_COUNT) {
                continue;
            }
            match self.file.tensor(value).map_err(self.torch())? {
                Some(tensor) => net.insert(key.strip_prefix(PARALLEL).unwrap_or(key), tensor),
                None => return Err(self.unread(value, &format!("'{}' in '{name}' is no tensor", key.escape_debug()))),
            };
        }
        Ok(net)
    }

    /// Number of landmarks, which the last layer's weight tells.
    fn points(&self) -> Result<usize, ImportError> {
        match self.backbone.get("fc.weight").and_then(|fc| fc.dims().first()) {
            Some(&n) if n > 0 && n.is_multiple_of(2) => Ok(n / 2),
            _ => Err(self.fault("it has no 'fc.weight' of two numbers a landmark".to_string())),
        }
    }

    fn epoch(&self) -> usize {
        let epoch = self.entry("epoch").and_then(|id| self.file.heap().int(id));
        epoch.and_then(|epoch| usize::try_from(epoch).ok()).unwrap_or(0)
    }

    /// The choice that was written with a supernet, where there is one.
    fn arch_sample(&self) -> Result<Option<Vec<String>>, ImportError> {
        let heap = self.file.heap();
        let Some(id) = self.entry("arch_sample") else { return Ok(None) };
        let names = match heap.get(id) {
            Object::None => return Ok(None),
            Object::List(names) | Object::Tuple(names) => names,
            _ => return Err(self.unread(id, "its 'arch_sample' is no list")),
        };
        let name = |&id: &Id| {
            let name = heap.text(id).map(|name| name.into_owned());
            name.ok_or_else(|| self.unread(id, "a name in its 'arch_sample' is no string"))
        };
        names.iter().map(name).collect::<Result<_, _>>().map(Some)
    }

    /// Whether a layer has the weights of one candidate, without an index.
    fn is_subnet(&self, space: &Space) -> bool {
        (0..space.layers().len()).any(|layer| {
            let prefix = format!("blocks.{layer}.op.");
            self.backbone.range(prefix.as_str()..).next().is_some_and(|(name, _)| name.starts_with(&prefix))
        })
    }

    /// The candidates of a layer whose weights have the names and shapes of the file's.
    fn fitting(&self, space: &Space, layer: usize, points: usize) -> Vec<Primitive> {
        let prefix = format!("blocks.{layer}.op.");
        let found: BTreeMap<&str, &[usize]> = self
            .backbone
            .range(prefix.as_str()..)
            .take_while(|(name, _)| name.starts_with(&prefix))
            .map(|(n, t)| (*n, t.dims()))
            .collect();
        let mut choice: Vec<Primitive> = space.layers().iter().map(|l| l.primitives[0]).collect();
        let mut fits = |&primitive: &Primitive| {
            choice[layer] = primitive;
            let params = space.subnet(&choice, points).params();
            let of_layer: BTreeMap<&str, &[usize]> =
                params.iter().filter(|p| p.name.starts_with(&prefix)).map(|p| (p.name.as_str(), p.dims.as_slice())).collect();
            of_layer == found
        };
        space.layers()[layer].primitives.iter().copied().filter(|p| fits(p)).collect()
    }

    /// Puts a net's weights into the checkpoint; what is missing, too many or of another shape is added to `faults`.
    fn take(
        &self,
        checkpoint: &mut Checkpoint,
        name: &str,
        graph: &Graph,
        net: &Nets<'a>,
        faults: &mut Vec<String>,
    ) -> Result<(), ImportError> {
        let params = graph.params();
        for param in &params {
            match net.get(param.name.as_str()) {
                None => faults.push(format!("'{}' is missing", param.name)),
                Some(tensor) if tensor.dims() != param.dims => {
                    faults.push(format!("'{}' is {:?}, not {:?}", param.name, tensor.dims(), param.dims));
                }
                Some(tensor) => {
                    let values = self.file.values(tensor).map_err(self.torch())?;
                    checkpoint.insert(format!("{name}.{}", param.name), &param.dims, values);
                }
            }
        }
        let known: std::collections::BTreeSet<&str> = params.iter().map(|p| p.name.as_str()).collect();
        let strange = net.keys().filter(|key| !known.contains(*key) && !key.ends_with(".path_alpha"));
        faults.extend(strange.map(|key| format!("'{}' is in the file only", key.escape_debug())));
        Ok(())
    }

    /// Puts the architecture's weights into the checkpoint, a row a layer as wide as the widest.
    fn take_architecture(&self, checkpoint: &mut Checkpoint, space: &Space, faults: &mut Vec<String>) -> Result<(), ImportError> {
        let width = space.layers().iter().map(|l| l.primitives.len()).max().unwrap_or(0);
        let mut rows = Vec::new();
        for (i, layer) in space.layers().iter().enumerate() {
            let name = format!("blocks.{i}.registered_module.path_alpha");
            let tensor = self.backbone.get(name.as_str()).filter(|t| *t.dims() == [layer.primitives.len()]);
            let Some(tensor) = tensor else {
                faults.push(format!("'{name}' is missing, or is no row of {}", layer.primitives.len()));
                continue;
            };
            rows.extend(self.file.values(tensor).map_err(self.torch())?);
            rows.resize((i + 1) * width, 0.0);
        }
        checkpoint.insert(PATH_ALPHA, &[space.layers().len(), width], rows);
        Ok(())
    }
}
