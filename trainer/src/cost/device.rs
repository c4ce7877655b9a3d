//! What each candidate and each piece of the trunk costs on one device.

use std::path::{Path, PathBuf};

use blocks::network::TrunkPiece;
use blocks::{Candidate, Graph, Space};
use luts::{LookupError, Source, Table, TableError, trunk_key};

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
    /// Where they come from, and the table itself, which knows how sure it is of a network; none for multiply-adds.
    pub table: Option<(Provenance, Table)>,
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
        let table = Table::read_for(path, space).map_err(|e| match e {
            TableError::Read { path, source } if source.kind() == std::io::ErrorKind::NotFound => CostError::Absent { path },
            other => other.into(),
        })?;
        let shown = || path.display().to_string();
        if table.header.source == Source::Emulated && !allow_emulated {
            return Err(CostError::Emulated { path: shown() });
        }
        let has_trunk = space.trunk().is_some() && table.has_trunk();
        if scope == LatencyScope::Whole && space.trunk().is_some() && !has_trunk {
            return Err(CostError::NoTrunk { path: shown() });
        }
        let cost = |candidate: Candidate| table.latency(&candidate).map(|us| us.0);
        let candidates = space.layers().iter().map(|layer| layer.candidates().map(cost).collect()).collect::<Result<_, _>>()?;
        let factor = points as f64 / table.header.points as f64;
        let piece = |piece: TrunkPiece| {
            let row = table.row(&trunk_key(piece)).ok_or_else(|| LookupError::Missing(trunk_key(piece)))?;
            Ok((piece.name().to_string(), row.latency.0 * if piece == TrunkPiece::Fc { factor } else { 1.0 }))
        };
        let trunk =
            if has_trunk { TrunkPiece::ALL.into_iter().map(piece).collect::<Result<_, LookupError>>()? } else { Vec::new() };
        let header = &table.header;
        let scaled = (has_trunk && header.points != points)
            .then(|| format!("trunk:fc × {factor:.4}: measured for {} points, used for {points}", header.points));
        let provenance = Provenance::of(&table, scaled);
        Ok(Self { candidates, trunk, table: Some((provenance, table)) })
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
