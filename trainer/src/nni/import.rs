//! From a file of NNI's to a checkpoint of this trainer.

use std::path::Path;

use blocks::{Primitive, Space};
use files::FileError;

use super::import_error::{FILE_LIMIT, ImportError};
use super::source::Source;
use crate::model::init;
use crate::run::{BACKBONE, Checkpoint, CheckpointError, Kind, Meta, POSE};

/// Faults that are listed.
const LISTED: usize = 8;

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
    /// Whether the file held no pose network, so that a new one stands in the checkpoint.
    pub new_pose_net: bool,
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
            return Err(source.fault(format!("search space {space} has no trunk, so its blocks do not form a whole network")));
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
