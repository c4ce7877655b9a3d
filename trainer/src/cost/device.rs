//! What each candidate and each piece of the trunk costs on one device.

use std::path::{Path, PathBuf};

use blocks::{Graph, Space};
use luts::{LatencyModel, LookupError, Source, Table, TableError};

use super::absent;
use super::provenance::Provenance;
use super::units::LatencyScope;

/// Why costs cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum CostError {
    /// The table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The table is missing.
    #[error("there is no table {}; {}", path.display(), absent::advice(path))]
    Absent {
        /// The path that was named.
        path: PathBuf,
    },
    /// A row of the table.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The table is of a space of ONNX files.
    #[error(
        "{path} is a table of the space '{space}', whose blocks are ONNX files: the trainer searches spaces of built-in primitives only. \
         Search it in Python, with the package blocktime"
    )]
    Folder {
        /// The table.
        path: String,
        /// Its space.
        space: String,
    },
    /// The times are an emulator's.
    #[error("{path} was made in an emulator, whose times say nothing about a device; use it for tests only, with --allow-emulated")]
    Emulated {
        /// The table.
        path: String,
    },
    /// The table has no rows of the trunk.
    #[error(
        "--latency-scope whole (the default with --target-us) needs the trunk's times, which {path} does not have (it was imported); give \
         --latency-scope searched to count the searched layers only"
    )]
    NoTrunk {
        /// The table.
        path: String,
    },
}

/// Costs on one device, or multiply-adds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct DeviceCosts {
    /// A row a layer, in the order of its candidates.
    pub candidates: Vec<Vec<f64>>,
    /// The trunk's pieces; empty where they are not known (imported tables).
    pub trunk: Vec<(String, f64)>,
    /// Where they come from, and the table's model, which knows how sure it is of a network; none for multiply-adds.
    pub table: Option<(Provenance, LatencyModel)>,
}

impl DeviceCosts {
    /// Multiply-adds; the trunk's for `points` landmarks.
    pub fn from_macs(space: &Space, points: usize) -> Self {
        let macs = |graph: &Graph| graph.macs() as f64;
        Self {
            candidates: space.layers().iter().map(|layer| layer.candidates().map(|c| macs(&c.graph())).collect()).collect(),
            trunk: space.trunk_pieces(points).iter().map(|p| (p.piece.name().to_string(), macs(&p.graph))).collect(),
            table: None,
        }
    }

    /// Times of the table at `path`, which must be whole and made for `space`; the trunk's for `points` landmarks.
    pub fn from_table(
        path: &Path,
        space: &Space,
        points: usize,
        scope: LatencyScope,
        allow_emulated: bool,
    ) -> Result<Self, CostError> {
        let table = Table::read(path).map_err(|e| match e {
            TableError::Read { path, source } if source.kind() == std::io::ErrorKind::NotFound => CostError::Absent { path },
            other => other.into(),
        })?;
        let shown = || path.display().to_string();
        if table.header.space.folder.is_some() {
            return Err(CostError::Folder { path: shown(), space: table.header.space.name });
        }
        table.validate_file(space, path)?;
        if table.header.source == Source::Emulated && !allow_emulated {
            return Err(CostError::Emulated { path: shown() });
        }
        let model = LatencyModel::new(&table, space)?.for_points(points);
        if scope == LatencyScope::Whole && model.trunk().is_none() {
            return Err(CostError::NoTrunk { path: shown() });
        }
        let candidates = model.layers().map(|layer| layer.into_iter().map(|time| time.0).collect()).collect();
        let trunk: Vec<_> = model.trunk().into_iter().flatten().map(|(piece, time)| (piece.to_string(), time.0)).collect();
        let measured = table.header.points.filter(|&measured| !trunk.is_empty() && measured != points);
        let scaled = measured
            .map(|measured| format!("trunk:fc × {:.4}: measured for {measured} landmarks, used for {points}", model.fc_factor()));
        Ok(Self { candidates, trunk, table: Some((Provenance::of(&table, scaled), model)) })
    }

    /// The trunk's cost; 0 if it is not known.
    pub fn trunk_total(&self) -> f64 {
        self.trunk.iter().map(|(_, cost)| cost).sum()
    }

    /// The cost of the searched layers for a choice, an index a layer.
    pub fn searched(&self, indices: &[usize]) -> f64 {
        self.candidates.iter().zip(indices).map(|(row, &k)| row[k]).sum()
    }
}
