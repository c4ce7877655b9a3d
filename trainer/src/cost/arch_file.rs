//! `arch.json`: what a search chose, and what that should cost.

use std::path::Path;

use blocks::Space;
use blocks::network::POINTS;
use files::FileError;
use serde::{Deserialize, Serialize};

use super::costs::Costs;
use super::predicted::Predicted;
use super::provenance::Provenance;
use super::units::{Combine, MACS, MICROS};
use crate::choose::Choose;
use crate::run::{read_json, to_json, write_atomically};

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
    pub trunk: Vec<TrunkCost>,
    /// `µs` or `MAC`.
    pub unit: String,
    /// Predicted cost of the chosen network; of several devices' as `combine` says.
    pub predicted: Predicted,
    /// What the network had to cost at most, where the search had a target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<f64>,
    /// How the network was chosen among those that the search found probable.
    #[serde(default, skip_serializing_if = "Choose::is_probable")]
    pub chosen_by: Choose,
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
    /// The chosen candidate: the most probable one, where no limit or choice says otherwise.
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
pub struct TrunkCost {
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
        let each = costs.predicted(indices);
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
            trunk: costs.trunk(&shares).into_iter().map(|(name, cost)| TrunkCost { name, cost }).collect(),
            unit: costs.unit.to_string(),
            predicted: Predicted::shared(&each, &shares),
            target: None,
            chosen_by: Choose::Probable,
            combine: several.then(|| costs.combine()),
            table: costs.provenances().next().cloned(),
            tables: tables.collect(),
        }
    }

    /// Writes it whole.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), FileError> {
        write_atomically(path, to_json(self, path)?.as_bytes())
    }

    /// Reads one.
    ///
    /// # Errors
    /// It is missing or holds something else.
    pub fn load(path: &Path) -> Result<Self, FileError> {
        let arch: Self = read_json(path, NOT_ONE)?;
        let fault = |what: String| Err(FileError::new(NOT_ONE, path)(std::io::Error::other(what)));
        if !POINTS.contains(&arch.points) {
            return fault(format!("it states {} landmarks, which is not possible", arch.points));
        }
        if ![MICROS, MACS].contains(&arch.unit.as_str()) {
            return fault(format!("its unit is {:?}, neither {MICROS} nor {MACS}", arch.unit));
        }
        Ok(arch)
    }
}

/// What is said before the path of another file.
const NOT_ONE: &str = "not an arch.json:";
