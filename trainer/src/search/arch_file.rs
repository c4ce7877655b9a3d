//! `arch.json`: what a search chose, and what that should cost.

use std::path::Path;

use blocks::Space;
use serde::{Deserialize, Serialize};

use super::cost::{Costs, Provenance};
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
    /// Predicted cost of the chosen network.
    pub predicted: Predicted,
    /// Where the costs come from; none for multiply-adds.
    pub table: Option<Provenance>,
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

/// Sums.
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

impl ArchFile {
    /// From the architecture's weights and probabilities (a row a layer).
    pub fn new(
        space: &Space,
        points: usize,
        epoch: usize,
        weights: &[Vec<f32>],
        probabilities: &[Vec<f32>],
        costs: &Costs,
    ) -> Self {
        let mut layers = Vec::new();
        let mut indices = Vec::new();
        for (i, layer) in space.layers().iter().enumerate() {
            let chosen = (1..weights[i].len()).fold(0, |best, k| if weights[i][k] > weights[i][best] { k } else { best });
            indices.push(chosen);
            let candidate = |(k, p): (usize, &blocks::Primitive)| CandidateChance {
                primitive: p.to_string(),
                path_alpha: weights[i][k],
                probability: probabilities[i][k],
                cost: costs.candidates[i][k],
            };
            layers.push(LayerChoice {
                layer: i + 1,
                chosen: layer.primitives[chosen].to_string(),
                cost: costs.candidates[i][chosen],
                candidates: layer.primitives.iter().enumerate().map(candidate).collect(),
            });
        }
        let searched = costs.of(&indices);
        let interval = costs.interval(space, &super::cost::primitives(space, &indices), points);
        let trunk = (!costs.trunk.is_empty()).then(|| costs.trunk_total());
        Self {
            space: space.name().to_string(),
            space_hash: space.hash(),
            points,
            epoch,
            choice: layers.iter().map(|l| l.chosen.clone()).collect(),
            layers,
            trunk: costs.trunk.iter().map(|(name, cost)| Piece { name: name.clone(), cost: *cost }).collect(),
            unit: costs.unit.to_string(),
            predicted: Predicted { searched, trunk, total: searched + trunk.unwrap_or(0.0), interval },
            table: costs.table.clone(),
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
        Ok(serde_json::from_str(&text).map_err(std::io::Error::other).map_err(FileError::new("not an arch.json:", path))?)
    }
}
