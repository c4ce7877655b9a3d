//! What each candidate costs: µs of a table, or multiply-adds.

use std::path::PathBuf;

use blocks::Space;
use candle_core::{Device, Tensor};

use super::choice::few_within;
use super::device::{CostError, DeviceCosts};
use super::predicted::Predicted;
use super::provenance::Provenance;
use super::units::{Combine, LatencyScope, MACS, MICROS};

/// Costs of a space's candidates and of its trunk, on one device or several.
#[derive(Clone, Debug, PartialEq)]
pub struct Costs {
    tables: Vec<DeviceCosts>,
    combine: Combine,
    scope: LatencyScope,
    /// `µs` or `MAC`.
    pub unit: &'static str,
}

impl Costs {
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
        Self { tables: vec![DeviceCosts::from_macs(space, points)], combine: Combine::Max, scope, unit: MACS }
    }

    /// Where the times come from, a table each; empty for multiply-adds.
    pub fn provenances(&self) -> impl Iterator<Item = &Provenance> {
        self.tables.iter().filter_map(|t| t.table.as_ref().map(|(provenance, _)| provenance))
    }

    /// Lines about where the costs come from, with what must be known of them.
    pub fn describe(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for table in self.provenances() {
            lines.push(table.line());
            lines.extend(table.warnings());
            lines.extend(table.scaled.iter().map(|s| format!("note: {s}")));
        }
        let combine = if self.combine == Combine::Max { "largest" } else { "mean" };
        match self.provenances().count() {
            0 => lines.push("cost: multiply-adds (no latency table)".to_string()),
            1 => {}
            n => lines.push(format!("cost: the {combine} over {n} tables")),
        }
        lines
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
    /// `None` where nothing is that cheap.
    pub fn best(&self, scores: &[Vec<f32>], limit: Option<f64>) -> Option<Vec<usize>> {
        self.few(scores, limit, 1).into_iter().next()
    }

    /// The `count` networks with the largest Σ score within that limit, the best one first; fewer if there are no more. [`few_within`]
    /// says how.
    pub fn few(&self, scores: &[Vec<f32>], limit: Option<f64>, count: usize) -> Vec<Vec<usize>> {
        let Some(limit) = limit else { return few_within(scores, &[], &[], count) };
        if self.combine == Combine::Max {
            let costs: Vec<&[Vec<f64>]> = self.tables.iter().map(|t| t.candidates.as_slice()).collect();
            let limits: Vec<f64> = self.tables.iter().map(|t| limit - self.fixed(t)).collect();
            return few_within(scores, &costs, &limits, count);
        }
        let fixed = self.combined(self.tables.iter().map(|t| self.fixed(t)));
        few_within(scores, &[&self.means()], &[limit - fixed], count)
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
    pub fn predicted(&self, indices: &[usize]) -> Vec<Predicted> {
        let one = |t: &DeviceCosts| {
            let searched = t.searched(indices);
            let trunk = (!t.trunk.is_empty()).then(|| t.trunk_total());
            let prediction = t.table.as_ref().and_then(|(_, model)| model.predict(indices).ok());
            let interval = prediction.and_then(|p| p.interval).map(|interval| [interval.low.0, interval.high.0]);
            Predicted { searched, trunk, total: searched + trunk.unwrap_or(0.0), interval }
        };
        self.tables.iter().map(one).collect()
    }

    /// The costs as tensors, for [`CostTensors::expected`].
    ///
    /// # Errors
    /// candle fails.
    pub fn tensors(&self) -> candle_core::Result<CostTensors> {
        let width = self.tables[0].candidates.iter().map(Vec::len).max().unwrap_or(0);
        let row = |row: &Vec<f64>| (0..width).map(|k| row.get(k).map_or(0.0, |&c| c as f32)).collect::<Vec<_>>();
        let table = |t: &DeviceCosts| t.candidates.iter().map(row).collect::<Vec<_>>();
        let fixed: Vec<f32> = self.tables.iter().map(|t| self.fixed(t) as f32).collect();
        Ok(CostTensors {
            candidates: Tensor::new(self.tables.iter().map(table).collect::<Vec<_>>(), &Device::Cpu)?,
            fixed: Tensor::new(fixed, &Device::Cpu)?,
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
