//! A file of NNI's with its nets found, and what it says of a search space.

use std::collections::BTreeMap;
use std::path::Path;

use blocks::{Graph, Primitive, Space};
use pickle::{Id, Object};

use super::import_error::ImportError;
use super::torch::{Tensor, TorchError, TorchFile};
use crate::run::{Checkpoint, PATH_ALPHA};

/// Where a checkpoint holds the two nets.
const NNI_BACKBONE: &str = "pfld_backbone";
const NNI_POSE: &str = "auxiliarynet";
/// Before each name, where the nets were trained on several devices.
const PARALLEL: &str = "module.";
/// PyTorch counts batches beside a batch norm's statistics; nothing needs the count.
const BATCH_COUNT: &str = ".num_batches_tracked";

/// The tensors of one net, by name.
pub(super) type Nets<'a> = BTreeMap<&'a str, Tensor<'a>>;

/// A file with its nets found.
pub(super) struct Source<'a> {
    pub(super) path: &'a Path,
    pub(super) file: TorchFile<'a>,
    pub(super) backbone: Nets<'a>,
    /// Not in every file: it is needed for training only.
    pub(super) pose: Option<Nets<'a>>,
}

impl<'a> Source<'a> {
    pub(super) fn read(path: &'a Path, bytes: &'a [u8]) -> Result<Self, ImportError> {
        let file = TorchFile::read(bytes).map_err(|source| ImportError::Torch { path: path.to_owned(), source })?;
        let mut source = Self { path, file, backbone: Nets::new(), pose: None };
        source.backbone = source.net(NNI_BACKBONE)?;
        source.pose = source.entry(NNI_POSE).map(|_| source.net(NNI_POSE)).transpose()?;
        Ok(source)
    }

    pub(super) fn fault(&self, reason: String) -> ImportError {
        ImportError::NotNnis { path: self.path.to_owned(), reason }
    }

    /// A fault of an object that is not what is needed; where it is something that is not read, with what it is.
    pub(super) fn unread(&self, id: Id, reason: &str) -> ImportError {
        let heap = self.file.heap();
        match heap.get(id) {
            Object::Unread(_) => self.fault(format!("{reason} ({})", heap.unfit(id, "").fault)),
            _ => self.fault(reason.to_string()),
        }
    }

    pub(super) fn torch(&self) -> impl Fn(TorchError) -> ImportError {
        let path = self.path.to_owned();
        move |source| ImportError::Torch { path: path.clone(), source }
    }

    pub(super) fn entry(&self, name: &str) -> Option<Id> {
        self.file.heap().entry(self.file.heap().root(), name)
    }

    /// The weights of a net, by their names without prefix.
    pub(super) fn net(&self, name: &str) -> Result<Nets<'a>, ImportError> {
        let heap = self.file.heap();
        let Some(id) = self.entry(name) else { return Err(self.fault(format!("it has no dict '{name}'"))) };
        let Object::Dict(entries) = heap.get(id) else {
            return Err(self.unread(id, &format!("'{name}' is not a dict of weights; save the net's state_dict()")));
        };
        let mut net = Nets::new();
        for &(key, value) in entries {
            let &Object::Text(key) = heap.get(key) else {
                return Err(self.unread(key, &format!("a name in '{name}' is not a string")));
            };
            if key.ends_with(BATCH_COUNT) {
                continue;
            }
            match self.file.tensor(value).map_err(self.torch())? {
                Some(tensor) => net.insert(key.strip_prefix(PARALLEL).unwrap_or(key), tensor),
                None => return Err(self.unread(value, &format!("'{}' in '{name}' is not a tensor", key.escape_debug()))),
            };
        }
        Ok(net)
    }

    /// Number of landmarks, which the last layer's weight tells.
    pub(super) fn points(&self) -> Result<usize, ImportError> {
        match self.backbone.get("fc.weight").and_then(|fc| fc.dims().first()) {
            Some(&n) if n > 0 && n.is_multiple_of(2) => Ok(n / 2),
            _ => Err(self.fault("it has no 'fc.weight' with two numbers per landmark".to_string())),
        }
    }

    pub(super) fn epoch(&self) -> usize {
        let epoch = self.entry("epoch").and_then(|id| self.file.heap().int(id));
        epoch.and_then(|epoch| usize::try_from(epoch).ok()).unwrap_or(0)
    }

    /// The choice that was written with a supernet, where there is one.
    pub(super) fn arch_sample(&self) -> Result<Option<Vec<String>>, ImportError> {
        let heap = self.file.heap();
        let Some(id) = self.entry("arch_sample") else { return Ok(None) };
        let names = match heap.get(id) {
            Object::None => return Ok(None),
            Object::List(names) | Object::Tuple(names) => names,
            _ => return Err(self.unread(id, "its 'arch_sample' is not a list")),
        };
        let name = |&id: &Id| {
            let name = heap.text(id).map(|name| name.into_owned());
            name.ok_or_else(|| self.unread(id, "a name in its 'arch_sample' is not a string"))
        };
        names.iter().map(name).collect::<Result<_, _>>().map(Some)
    }

    /// Whether a layer has the weights of one candidate, without an index.
    pub(super) fn is_subnet(&self, space: &Space) -> bool {
        (0..space.layers().len()).any(|layer| {
            let prefix = format!("blocks.{layer}.op.");
            self.backbone.range(prefix.as_str()..).next().is_some_and(|(name, _)| name.starts_with(&prefix))
        })
    }

    /// The candidates of a layer whose weights have the names and shapes of the file's.
    pub(super) fn fitting(&self, space: &Space, layer: usize, points: usize) -> Vec<Primitive> {
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
    pub(super) fn take(
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
    pub(super) fn take_architecture(
        &self,
        checkpoint: &mut Checkpoint,
        space: &Space,
        faults: &mut Vec<String>,
    ) -> Result<(), ImportError> {
        let width = space.layers().iter().map(|l| l.primitives.len()).max().unwrap_or(0);
        let mut rows = Vec::new();
        for (i, layer) in space.layers().iter().enumerate() {
            let name = format!("blocks.{i}.registered_module.path_alpha");
            let tensor = self.backbone.get(name.as_str()).filter(|t| *t.dims() == [layer.primitives.len()]);
            let Some(tensor) = tensor else {
                faults.push(format!("'{name}' is missing, or is not a row of {} numbers", layer.primitives.len()));
                continue;
            };
            rows.extend(self.file.values(tensor).map_err(self.torch())?);
            rows.resize((i + 1) * width, 0.0);
        }
        checkpoint.insert(PATH_ALPHA, &[space.layers().len(), width], rows);
        Ok(())
    }
}
