//! Whether an engine takes the blocks of a space, tried on this machine before any device is needed.

use std::fs;

use blocks::onnx::block::Block;
use blocks::space_folder::{FaultKind, FolderFault, SpaceFolder};
use engines::{ConvertError, Converter, Engine, EngineError, EngineKind, SessionOptions};
use files::{FileError, temporary_folder};

use super::expected::{Doubt, doubt};
use super::job::JobError;
use crate::random::Random;

/// Seed of the inputs.
const SEED: u64 = 1;

/// Why nothing could be tried.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// The engine is not here.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Its converter is not here, or does not work.
    #[error(transparent)]
    Job(#[from] JobError),
}

/// Loads every block of a space once, runs it, and gives all that the engine refuses or computes wrong.
///
/// # Errors
/// [`TrialError`], where the engine itself does not work.
pub fn faults(space: &SpaceFolder, kind: EngineKind) -> Result<Vec<FolderFault>, TrialError> {
    let engine = engines::open(kind, None)?;
    let converter = kind.format().converter().map_err(JobError::from)?;
    let mut tried = vec![false; space.blocks().len()];
    let mut faults = Vec::new();
    for (slot, candidate) in space.slots().iter().flat_map(|slot| slot.candidates.iter().map(move |c| (slot, c))) {
        let Some(place) = candidate.block.filter(|&place| !std::mem::replace(&mut tried[place], true)) else { continue };
        let block = &space.blocks()[place];
        let found = match file(block, converter.as_deref())? {
            Ok(file) => run(&*engine, &file, block).err(),
            Err(said) => Some(said),
        };
        faults.extend(
            found
                .map(|found| match found {
                    Found::Refused(said) => FaultKind::Refused {
                        engine: kind.name().to_string(),
                        file: candidate.file.clone().unwrap_or_default(),
                        said,
                    },
                    Found::Doubtful(Doubt::Flat) => FaultKind::Flat,
                    Found::Doubtful(Doubt::NotFinite) => FaultKind::NotFinite,
                })
                .map(|kind| slot.place(candidate).fault(kind)),
        );
    }
    Ok(faults)
}

/// What is wrong with a block in an engine.
enum Found {
    Refused(String),
    Doubtful(Doubt),
}

impl From<EngineError> for Found {
    fn from(error: EngineError) -> Self {
        Self::Refused(error.to_string())
    }
}

/// The block as the engine's file, or the converter's refusal.
fn file(block: &Block, converter: Option<&dyn Converter>) -> Result<Result<Vec<u8>, Found>, JobError> {
    let Some(converter) = converter else { return Ok(Ok(block.file())) };
    let folder = temporary_folder("profiler-trial-")?;
    let (onnx, made) = (folder.path().join("block.onnx"), folder.path().join("block"));
    fs::write(&onnx, block.file()).map_err(FileError::new("cannot write", &onnx))?;
    match converter.convert(&onnx, &made) {
        Ok(()) => Ok(Ok(fs::read(&made).map_err(FileError::new("cannot read", &made))?)),
        Err(ConvertError::Refused { said, .. }) => Ok(Err(Found::Refused(said))),
        Err(other) => Err(other.into()),
    }
}

/// Runs it once on random values.
fn run(engine: &dyn Engine, file: &[u8], block: &Block) -> Result<(), Found> {
    let mut session = engine.load(file, &SessionOptions::default())?;
    let mut random = Random::new(SEED);
    let volume = |name: &str| {
        let port = block.inputs.iter().find(|port| port.name == name);
        port.map_or(0, |port| port.dims.iter().product())
    };
    let values: Vec<Vec<f32>> = session.inputs().iter().map(|port| random.values(volume(&port.name))).collect();
    session.set_inputs(&values)?;
    session.run()?;
    if let Some(doubt) = session.read_outputs()?.iter().find_map(|output| doubt(output)) {
        return Err(Found::Doubtful(doubt));
    }
    Ok(())
}
