//! What each candidate costs: µs of a table, or multiply-adds.

use std::path::{Path, PathBuf};

use blocks::network::TrunkPiece;
use blocks::{Candidate, Primitive, Space};
use candle_core::{Device, Tensor};
use luts::{LookupError, Source, Table, TableError, trunk_key};
use serde::{Deserialize, Serialize};

use super::absent;
use super::choice::best_within;
use super::provenance::Provenance;
use crate::run::{LatencyScope, PerfMetric, SearchConfig};

/// The unit of a table's times, as files and messages name it.
pub const MICROS: &str = "µs";
/// The unit of multiply-adds.
pub const MACS: &str = "MAC";

/// How the times of several devices become one cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Combine {
    /// That of the slowest device.
    Max,
    /// Their mean.
    Mean,
}

/// Costs of a space's candidates and of its trunk, on one device or several.
#[derive(Clone, Debug, PartialEq)]
pub struct Costs {
    tables: Vec<DeviceCosts>,
    combine: Combine,
    scope: LatencyScope,
    /// `µs` or `MAC`.
    pub unit: &'static str,
}

/// Costs on one device, or multiply-adds.
#[derive(Clone, Debug, PartialEq)]
struct DeviceCosts {
    /// A row a layer, in the order of its candidates.
    candidates: Vec<Vec<f64>>,
    /// The trunk's pieces; empty where they are not known (imported tables).
    trunk: Vec<(String, f64)>,
    /// Where they come from, and the table itself, which knows how sure it is of a network; none for multiply-adds.
    table: Option<(Provenance, Table)>,
}

impl DeviceCosts {
    fn trunk_total(&self) -> f64 {
        self.trunk.iter().map(|(_, cost)| cost).sum()
    }

    fn searched(&self, indices: &[usize]) -> f64 {
        self.candidates.iter().zip(indices).map(|(row, &k)| row[k]).sum()
    }
}

/// What a network costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Predicted {
    /// The searched layers.
    pub searched: f64,
    /// The trunk; none where the table has none.
    pub trunk: Option<f64>,
    /// Both.
    pub total: f64,
    /// Its 95 % interval; none where the table does not know it.
    #[serde(default)]
    pub interval: Option<[f64; 2]>,
}

impl Predicted {
    /// Σ share · figure.
    pub(super) fn shared(each: &[Self], shares: &[f64]) -> Self {
        let sum = |figure: &dyn Fn(&Self) -> Option<f64>| -> Option<f64> {
            each.iter().zip(shares).filter(|(_, share)| **share > 0.0).map(|(p, share)| Some(share * figure(p)?)).sum()
        };
        let end = |i: usize| sum(&|p| p.interval.map(|ends| ends[i]));
        Self {
            searched: sum(&|p| Some(p.searched)).unwrap_or(0.0),
            trunk: sum(&|p| p.trunk),
            total: sum(&|p| Some(p.total)).unwrap_or(0.0),
            interval: end(0).zip(end(1)).map(|(low, high)| [low, high]),
        }
    }
}

/// Costs cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum CostError {
    /// The table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// There is no such table.
    #[error("there is no table {}; {}", path.display(), absent::advice(path))]
    Absent {
        /// The path that was named.
        path: PathBuf,
    },
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
    #[error(
        "--latency-scope whole, which --target-us implies, needs the trunk's times, which {path} has not (it was imported); \
         --latency-scope searched counts the searched layers alone"
    )]
    NoTrunk {
        /// The table.
        path: String,
    },
}

impl Costs {
    /// What a search's configuration asks for.
    ///
    /// # Errors
    /// As [`CostError`] says.
    pub fn new(config: &SearchConfig, space: &Space, points: usize, allow_emulated: bool) -> Result<Self, CostError> {
        let scope = config.latency_scope;
        match config.perf_metric {
            PerfMetric::Flops => Ok(Self::from_macs(space, points, scope)),
            PerfMetric::Latency => Self::from_tables(&config.lut, config.combine, space, points, scope, allow_emulated),
        }
    }

    /// Times of the tables at `paths`, which must be whole and made for `space`; the trunk's for `points` landmarks.
    ///
    /// # Errors
    /// As [`CostError`] says.
    pub fn from_tables(
        paths: &[PathBuf],
        combine: Combine,
        space: &Space,
        points: usize,
        scope: LatencyScope,
        allow_emulated: bool,
    ) -> Result<Self, CostError> {
        let read = |path: &PathBuf| DeviceCosts::from_table(path, space, points, scope, allow_emulated);
        let mut tables: Vec<DeviceCosts> = paths.iter().map(read).collect::<Result<_, _>>()?;
        // Sums with the trunk and sums without it cannot be compared.
        if tables.iter().any(|t| t.trunk.is_empty()) {
            tables.iter_mut().for_each(|t| t.trunk.clear());
        }
        Ok(Self { tables, combine, scope, unit: MICROS })
    }

    /// Multiply-adds.
    pub fn from_macs(space: &Space, points: usize, scope: LatencyScope) -> Self {
        let macs = |graph: &blocks::Graph| graph.macs() as f64;
        let costs = DeviceCosts {
            candidates: space.layers().iter().map(|layer| layer.candidates().map(|c| macs(&c.graph())).collect()).collect(),
            trunk: space.trunk_pieces(points).iter().map(|p| (p.piece.name().to_string(), macs(&p.graph))).collect(),
            table: None,
        };
        Self { tables: vec![costs], combine: Combine::Max, scope, unit: MACS }
    }

    /// Where the times come from, a table each; empty for multiply-adds.
    pub fn provenances(&self) -> impl Iterator<Item = &Provenance> {
        self.tables.iter().filter_map(|t| t.table.as_ref().map(|(provenance, _)| provenance))
    }

    /// How several devices' times become one.
    pub fn combine(&self) -> Combine {
        self.combine
    }

    /// One figure of the devices' figures.
    fn combined(&self, figures: impl Iterator<Item = f64>) -> f64 {
        match self.combine {
            Combine::Max => figures.fold(f64::NEG_INFINITY, f64::max),
            Combine::Mean => figures.sum::<f64>() / self.tables.len() as f64,
        }
    }

    /// What the search adds to the searched layers' cost: the trunk's where that is steered too.
    fn fixed(&self, table: &DeviceCosts) -> f64 {
        if self.scope == LatencyScope::Whole { table.trunk_total() } else { 0.0 }
    }

    /// What is steered can cost no less than this.
    pub fn cheapest(&self) -> f64 {
        let least = |row: &Vec<f64>| row.iter().copied().fold(f64::INFINITY, f64::min);
        self.combined(self.tables.iter().map(|t| self.fixed(t) + t.candidates.iter().map(least).sum::<f64>()))
    }

    /// What is steered, of the candidates of those indices.
    pub fn steered(&self, indices: &[usize]) -> f64 {
        self.combined(self.tables.iter().map(|t| self.fixed(t) + t.searched(indices)))
    }

    /// The whole network of the candidates of those indices; without the trunk where that is not known.
    pub fn network(&self, indices: &[usize]) -> f64 {
        self.combined(self.tables.iter().map(|t| t.trunk_total() + t.searched(indices)))
    }

    /// What is steered, as Σ probability · cost.
    pub fn expected(&self, probabilities: &[Vec<f32>]) -> f64 {
        let layer = |(costs, p): (&Vec<f64>, &Vec<f32>)| -> f64 { costs.iter().zip(p).map(|(c, &p)| c * f64::from(p)).sum() };
        let sum = |t: &DeviceCosts| self.fixed(t) + t.candidates.iter().zip(probabilities).map(layer).sum::<f64>();
        self.combined(self.tables.iter().map(sum))
    }

    /// The candidates (an index a layer) with the largest Σ score, what is steered costing at most `limit` where one is given;
    /// `None` where nothing is that cheap. [`best_within`] says how.
    pub fn best(&self, scores: &[Vec<f32>], limit: Option<f64>) -> Option<Vec<usize>> {
        let Some(limit) = limit else { return best_within(scores, &[], &[]) };
        if self.combine == Combine::Max {
            let costs: Vec<&[Vec<f64>]> = self.tables.iter().map(|t| t.candidates.as_slice()).collect();
            let limits: Vec<f64> = self.tables.iter().map(|t| limit - self.fixed(t)).collect();
            return best_within(scores, &costs, &limits);
        }
        let fixed = self.combined(self.tables.iter().map(|t| self.fixed(t)));
        best_within(scores, &[&self.means()], &[limit - fixed])
    }

    /// The candidates' mean costs.
    fn means(&self) -> Vec<Vec<f64>> {
        let shares = vec![1.0 / self.tables.len() as f64; self.tables.len()];
        let layers = 0..self.tables[0].candidates.len();
        layers.map(|l| (0..self.tables[0].candidates[l].len()).map(|k| self.candidate(&shares, l, k)).collect()).collect()
    }

    /// What each device counts in a network's cost: all of them alike in a mean, else only the slowest.
    pub fn shares(&self, indices: &[usize]) -> Vec<f64> {
        let n = self.tables.len();
        if self.combine == Combine::Mean {
            return vec![1.0 / n as f64; n];
        }
        let totals: Vec<f64> = self.tables.iter().map(|t| t.trunk_total() + t.searched(indices)).collect();
        let slowest = (1..n).fold(0, |slowest, i| if totals[i] > totals[slowest] { i } else { slowest });
        (0..n).map(|i| if i == slowest { 1.0 } else { 0.0 }).collect()
    }

    /// The cost of a layer's candidate by those shares.
    pub fn candidate(&self, shares: &[f64], layer: usize, k: usize) -> f64 {
        self.tables.iter().zip(shares).map(|(t, share)| share * t.candidates[layer][k]).sum()
    }

    /// Names and costs of the trunk's pieces by those shares; empty where they are not known.
    pub fn trunk(&self, shares: &[f64]) -> Vec<(String, f64)> {
        let cost = |i: usize| self.tables.iter().zip(shares).map(|(t, share)| share * t.trunk[i].1).sum();
        self.tables[0].trunk.iter().enumerate().map(|(i, (name, _))| (name.clone(), cost(i))).collect()
    }

    /// What the network of those indices costs, on each device.
    pub fn predicted(&self, space: &Space, indices: &[usize], points: usize) -> Vec<Predicted> {
        let choice = primitives(space, indices);
        let one = |t: &DeviceCosts| {
            let searched = t.searched(indices);
            let trunk = (!t.trunk.is_empty()).then(|| t.trunk_total());
            let prediction = t.table.as_ref().and_then(|(_, table)| table.predict(space, &choice, points).ok());
            let interval = prediction.and_then(|p| p.interval).map(|interval| [interval.low.0, interval.high.0]);
            Predicted { searched, trunk, total: searched + trunk.unwrap_or(0.0), interval }
        };
        self.tables.iter().map(one).collect()
    }

    /// The costs as tensors, for [`CostTensors::expected`].
    ///
    /// # Errors
    /// candle fails.
    pub fn tensors(&self, device: &Device) -> candle_core::Result<CostTensors> {
        let width = self.tables[0].candidates.iter().map(Vec::len).max().unwrap_or(0);
        let row = |row: &Vec<f64>| (0..width).map(|k| row.get(k).map_or(0.0, |&c| c as f32)).collect::<Vec<_>>();
        let table = |t: &DeviceCosts| t.candidates.iter().map(row).collect::<Vec<_>>();
        let fixed: Vec<f32> = self.tables.iter().map(|t| self.fixed(t) as f32).collect();
        Ok(CostTensors {
            candidates: Tensor::new(self.tables.iter().map(table).collect::<Vec<_>>(), device)?,
            fixed: Tensor::new(fixed, device)?,
            combine: self.combine,
        })
    }
}

/// Costs in the shape of the masks.
#[derive(Clone, Debug)]
pub struct CostTensors {
    /// `[tables, layers, candidates]`, 0 where a layer has fewer.
    candidates: Tensor,
    /// `[tables]`.
    fixed: Tensor,
    combine: Combine,
}

impl CostTensors {
    /// What is steered (scalar), as Σ mask · cost, the masks being `[layers, candidates]`.
    ///
    /// # Errors
    /// candle fails.
    pub fn expected(&self, masks: &Tensor) -> candle_core::Result<Tensor> {
        let sums = (self.candidates.broadcast_mul(masks)?.sum((1, 2))? + &self.fixed)?;
        match self.combine {
            Combine::Max => sums.max(0),
            Combine::Mean => sums.mean(0),
        }
    }
}

impl DeviceCosts {
    fn from_table(path: &Path, space: &Space, points: usize, scope: LatencyScope, allow_emulated: bool) -> Result<Self, CostError> {
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
}

/// The primitives of those indices.
pub fn primitives(space: &Space, indices: &[usize]) -> Vec<Primitive> {
    space.layers().iter().zip(indices).map(|(layer, &k)| layer.primitives[k]).collect()
}
