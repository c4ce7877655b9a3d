//! What each candidate costs: µs of a table, or multiply-adds.

use std::path::Path;

use blocks::network::TrunkPiece;
use blocks::{Candidate, Primitive, Space};
use candle_core::{Device, Tensor};
use luts::{LookupError, Source, Table, TableError, trunk_key};
use serde::{Deserialize, Serialize};

use crate::run::LatencyScope;

/// Costs of a space's candidates and of its trunk.
#[derive(Clone, Debug, PartialEq)]
pub struct Costs {
    /// A row a layer, in the order of its candidates.
    pub candidates: Vec<Vec<f64>>,
    /// The trunk's pieces; empty where they are not known (imported tables).
    pub trunk: Vec<(String, f64)>,
    /// `µs` or `MAC`.
    pub unit: &'static str,
    /// Where they come from; none for multiply-adds.
    pub table: Option<Provenance>,
    /// The table itself, which knows how sure it is of a network; none for multiply-adds.
    predictor: Option<Table>,
}

/// Where a table comes from, as arch.json and reports state it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// How the times were got: `measured`, `simulated`, `emulated`, `imported`.
    pub source: String,
    /// Of the table's content.
    pub sha256: String,
    /// Device and processor.
    pub device: String,
    /// Name and version of the engine.
    pub engine: String,
    /// Threads it used.
    pub threads: usize,
    /// When the table was made.
    pub date: String,
    /// Landmarks of the networks that were measured.
    pub points: usize,
    /// How `trunk:fc` was scaled, where this net has another number of landmarks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scaled: Option<String>,
}

/// Costs cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum CostError {
    /// The table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A figure.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// An emulator's times.
    #[error("{path} is emulated: it proves that the path works, its times mean nothing. --allow-emulated uses it all the same")]
    Emulated {
        /// The table.
        path: String,
    },
    /// No trunk rows for the whole's cost.
    #[error("--latency-scope whole needs the trunk's times, which {path} has not (it was imported); leave the flag away")]
    NoTrunk {
        /// The table.
        path: String,
    },
}

impl Costs {
    /// Times of the table at `path`, which must be whole and made for `space`; the trunk's for `points` landmarks.
    ///
    /// # Errors
    /// As [`CostError`] says.
    pub fn from_table(
        path: &Path,
        space: &Space,
        points: usize,
        scope: LatencyScope,
        allow_emulated: bool,
    ) -> Result<Self, CostError> {
        let table = Table::read_for(path, space)?;
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
        let device =
            [Some(header.device.model.clone()), header.device.soc.clone()].into_iter().flatten().collect::<Vec<_>>().join(", ");
        let provenance = Provenance {
            source: header.source.to_string(),
            sha256: table.digest(),
            device,
            engine: format!("{} {}", header.engine.name, header.engine.version),
            threads: header.threads,
            date: header.date.clone(),
            points: header.points,
            scaled,
        };
        Ok(Self { candidates, trunk, unit: "µs", table: Some(provenance), predictor: Some(table) })
    }

    /// Multiply-adds.
    pub fn from_macs(space: &Space, points: usize) -> Self {
        let macs = |graph: &blocks::Graph| graph.macs() as f64;
        Self {
            candidates: space.layers().iter().map(|layer| layer.candidates().map(|c| macs(&c.graph())).collect()).collect(),
            trunk: space.trunk_pieces(points).iter().map(|p| (p.piece.name().to_string(), macs(&p.graph))).collect(),
            unit: "MAC",
            table: None,
            predictor: None,
        }
    }

    /// Σ of the trunk; 0 where it is not known.
    pub fn trunk_total(&self) -> f64 {
        self.trunk.iter().map(|(_, cost)| cost).sum()
    }

    /// Cost of the cheapest subnet, without the trunk.
    pub fn cheapest(&self) -> f64 {
        self.candidates.iter().map(|row| row.iter().copied().fold(f64::INFINITY, f64::min)).sum()
    }

    /// Cost of the candidates of those indices, without the trunk.
    pub fn of(&self, indices: &[usize]) -> f64 {
        self.candidates.iter().zip(indices).map(|(row, &k)| row[k]).sum()
    }

    /// The 95 % interval of the time of a network with `points` landmarks; none where the table does not know it.
    pub fn interval(&self, space: &Space, choice: &[Primitive], points: usize) -> Option<[f64; 2]> {
        let prediction = self.predictor.as_ref()?.predict(space, choice, points).ok()?;
        prediction.interval.map(|interval| [interval.low.0, interval.high.0])
    }

    /// Σ probability · cost, without the trunk.
    pub fn expected(&self, probabilities: &[Vec<f32>]) -> f64 {
        let layer = |(costs, p): (&Vec<f64>, &Vec<f32>)| -> f64 { costs.iter().zip(p).map(|(c, &p)| c * f64::from(p)).sum() };
        self.candidates.iter().zip(probabilities).map(layer).sum()
    }

    /// The candidates' costs in the shape of the masks, 0 where a layer has fewer.
    ///
    /// # Errors
    /// candle fails.
    pub fn tensor(&self, device: &Device) -> candle_core::Result<Tensor> {
        let width = self.candidates.iter().map(Vec::len).max().unwrap_or(0);
        let row = |row: &Vec<f64>| (0..width).map(|k| row.get(k).map_or(0.0, |&c| c as f32)).collect::<Vec<_>>();
        Tensor::new(self.candidates.iter().map(row).collect::<Vec<_>>(), device)
    }
}

/// The primitives of those indices.
pub fn primitives(space: &Space, indices: &[usize]) -> Vec<Primitive> {
    space.layers().iter().zip(indices).map(|(layer, &k)| layer.primitives[k]).collect()
}
