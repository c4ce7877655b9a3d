//! `arch.json`: what a search chose, and what that should cost.

use std::path::Path;

use blocks::Space;
use blocks::network::POINTS;
use serde::{Deserialize, Serialize};

use super::cost::{Combine, Costs, MACS, MICROS, Predicted};
use super::provenance::Provenance;
use crate::error::Result;
use crate::run::{FileError, write_atomically};

/// The file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArchFile {
    /// Name of the search space.
    pub space: String,
    /// Its [`Space::hash`].
    pub space_hash: String,
    /// Number of landmarks.
    pub points: usize,
    /// Epochs of the search when this was written.
    pub epoch: usize,
    /// The chosen primitives, a name a layer.
    pub choice: Vec<String>,
    /// A searched layer each.
    pub layers: Vec<LayerChoice>,
    /// The trunk's pieces and their costs; empty where the table has none.
    pub trunk: Vec<Piece>,
    /// `µs` or `MAC`.
    pub unit: String,
    /// Predicted cost of the chosen network; of several devices' as `combine` says.
    pub predicted: Predicted,
    /// What the network had to cost at most, where the search had a target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<f64>,
    /// How several devices' times become one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub combine: Option<Combine>,
    /// Where the costs come from, the first table of several; none for multiply-adds.
    pub table: Option<Provenance>,
    /// All tables, where there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<TablePrediction>,
}

/// A searched layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerChoice {
    /// From 1.
    pub layer: usize,
    /// The most probable candidate.
    pub chosen: String,
    /// Its cost.
    pub cost: f64,
    /// All, in the space's order.
    pub candidates: Vec<CandidateChance>,
}

/// A candidate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CandidateChance {
    /// Its name.
    pub primitive: String,
    /// Its architecture weight.
    pub path_alpha: f32,
    /// softmax of the weights.
    pub probability: f32,
    /// What it costs.
    pub cost: f64,
}

/// A trunk piece.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Piece {
    /// Its name.
    pub name: String,
    /// What it costs.
    pub cost: f64,
}

/// A table, and what it predicts for the chosen network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TablePrediction {
    /// Where the times come from.
    pub table: Provenance,
    /// The network's time on that device.
    pub predicted: Predicted,
}

impl ArchFile {
    /// Of the chosen `indices`, with the architecture's weights and probabilities (a row a layer).
    pub fn new(
        space: &Space,
        points: usize,
        epoch: usize,
        indices: &[usize],
        weights: &[Vec<f32>],
        probabilities: &[Vec<f32>],
        costs: &Costs,
    ) -> Self {
        let shares = costs.shares(indices);
        let mut layers = Vec::new();
        for (i, (layer, &chosen)) in space.layers().iter().zip(indices).enumerate() {
            let candidate = |(k, p): (usize, &blocks::Primitive)| CandidateChance {
                primitive: p.to_string(),
                path_alpha: weights[i][k],
                probability: probabilities[i][k],
                cost: costs.candidate(&shares, i, k),
            };
            layers.push(LayerChoice {
                layer: i + 1,
                chosen: layer.primitives[chosen].to_string(),
                cost: costs.candidate(&shares, i, chosen),
                candidates: layer.primitives.iter().enumerate().map(candidate).collect(),
            });
        }
        let each = costs.predicted(space, indices, points);
        let several = each.len() > 1;
        let tables = costs.provenances().zip(&each).filter(|_| several);
        let tables = tables.map(|(table, predicted)| TablePrediction { table: table.clone(), predicted: predicted.clone() });
        Self {
            space: space.name().to_string(),
            space_hash: space.hash(),
            points,
            epoch,
            choice: layers.iter().map(|l| l.chosen.clone()).collect(),
            layers,
            trunk: costs.trunk(&shares).into_iter().map(|(name, cost)| Piece { name, cost }).collect(),
            unit: costs.unit.to_string(),
            predicted: Predicted::shared(&each, &shares),
            target: None,
            combine: several.then(|| costs.combine()),
            table: costs.provenances().next().cloned(),
            tables: tables.collect(),
        }
    }

    /// Writes it whole.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let text =
            serde_json::to_string_pretty(self).map_err(std::io::Error::other).map_err(FileError::new("cannot write", path))?;
        Ok(write_atomically(path, (text + "\n").as_bytes())?)
    }

    /// Reads one.
    ///
    /// # Errors
    /// It is not there or something else.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(FileError::new("cannot read", path))?;
        let read = || -> std::io::Result<Self> {
            // Without the byte-order mark of an editor.
            let arch: Self = serde_json::from_str(text.trim_start_matches('\u{feff}'))?;
            if !POINTS.contains(&arch.points) {
                return Err(std::io::Error::other(format!("it says that it is of {} landmarks", arch.points)));
            }
            if ![MICROS, MACS].contains(&arch.unit.as_str()) {
                return Err(std::io::Error::other(format!("its unit is {:?}, neither {MICROS} nor {MACS}", arch.unit)));
            }
            Ok(arch)
        };
        Ok(read().map_err(FileError::new("not an arch.json:", path))?)
    }
}
