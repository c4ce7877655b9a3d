//! The latency of any network of a space, as one table gives it.

use std::collections::BTreeMap;

use blocks::{Candidate, Primitive, Space, TrunkPiece};

use crate::fault::LookupError;
use crate::row::{Interval, Kind, Row, trunk_key};
use crate::table::Table;
use crate::units::Micros;

/// Times of all parts that a network of a space is made of: of each candidate of each searched layer, and of the trunk, the fixed part. A
/// network takes the sum of its parts' times.
#[derive(Clone, Debug, PartialEq)]
pub struct LatencyModel {
    space: String,
    layers: Vec<Vec<(Primitive, Part)>>,
    trunk: Option<Vec<(TrunkPiece, Part)>>,
    fc_factor: f64,
    prediction_error: Option<f64>,
}

/// The time of a candidate or of a piece of the trunk.
#[derive(Clone, Debug, PartialEq)]
struct Part {
    /// Of the row. Parts of one key share its error.
    key: String,
    latency: Micros,
    /// How far its 95 % interval reaches below and above, in µs; absent where the row has none.
    reach: Option<(f64, f64)>,
}

/// What one network takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// Each searched layer's time.
    pub layers: Vec<Micros>,
    /// The trunk's time; absent where the table has no trunk (imported).
    pub trunk: Option<Micros>,
    /// Sum of all.
    pub total: Micros,
    /// 95 % interval of the total; absent where a row has none.
    pub interval: Option<Interval>,
}

impl LatencyModel {
    /// What the table says of that space's networks for `points` landmarks. The time of `trunk:fc`, whose output grows with the landmarks,
    /// is scaled where the table was measured for another number of them.
    ///
    /// # Errors
    /// [`LookupError::Missing`] where a candidate has no row, or a piece of a trunk that the table has in part.
    pub fn new(table: &Table, space: &Space, points: usize) -> Result<Self, LookupError> {
        let candidate = |candidate: Candidate| Ok((candidate.primitive, Part::of(table.find(&candidate.key())?, 1.0)));
        let layers = space.layers().iter().map(|layer| layer.candidates().map(candidate).collect());
        let fc_factor = points as f64 / table.header.points as f64;
        let piece = |piece: TrunkPiece| {
            let factor = if piece == TrunkPiece::Fc { fc_factor } else { 1.0 };
            Ok((piece, Part::of(table.find(&trunk_key(piece))?, factor)))
        };
        let trunk = match space.trunk() {
            Some(_) if !table.has_trunk() => None,
            Some(_) => Some(TrunkPiece::ALL.into_iter().map(piece).collect::<Result<_, LookupError>>()?),
            None => Some(Vec::new()),
        };
        Ok(Self {
            space: space.name().to_string(),
            layers: layers.collect::<Result<_, LookupError>>()?,
            trunk,
            fc_factor,
            prediction_error: table.header.fit.as_ref().map(crate::Fit::prediction_error),
        })
    }

    /// The times of each searched layer's candidates, in their order in the space.
    pub fn layers(&self) -> impl Iterator<Item = Vec<Micros>> + '_ {
        self.layers.iter().map(|layer| layer.iter().map(|(_, part)| part.latency).collect())
    }

    /// The trunk's pieces and their times; empty for a space without a trunk, `None` where the table has none of it (imported).
    pub fn trunk(&self) -> Option<Vec<(TrunkPiece, Micros)>> {
        let trunk = self.trunk.as_ref()?;
        Some(trunk.iter().map(|(piece, part)| (*piece, part.latency)).collect())
    }

    /// The trunk's time; 0 for a space without a trunk, `None` where the table has none of it (imported).
    pub fn trunk_total(&self) -> Option<Micros> {
        self.trunk.as_ref().map(|trunk| trunk.iter().map(|(_, part)| part.latency).sum())
    }

    /// What the time of `trunk:fc` was multiplied by: landmarks asked for, in parts of those measured.
    pub fn fc_factor(&self) -> f64 {
        self.fc_factor
    }

    /// Time of the network that takes `choice[i]` in layer `i`.
    ///
    /// The interval is that of the true time. It comes from the residual of whole networks predicted from others
    /// ([`Fit::prediction_error`](crate::Fit::prediction_error)), where the table was fitted to some; else the rows' uncertainties are
    /// added in quadrature (those of one key used twice: linearly).
    ///
    /// # Errors
    /// [`LookupError::Layers`]; [`LookupError::Missing`] where a primitive is none of its layer's candidates.
    pub fn predict(&self, choice: &[Primitive]) -> Result<Prediction, LookupError> {
        let (expected, found) = (self.layers.len(), choice.len());
        if expected != found {
            return Err(LookupError::Layers { space: self.space.clone(), expected, found });
        }
        let mut parts = (0..found).map(|layer| self.part(layer, choice[layer])).collect::<Result<Vec<_>, _>>()?;
        let layers: Vec<Micros> = parts.iter().map(|part| part.latency).collect();
        let trunk = self.trunk_total();
        let total = layers.iter().copied().sum::<Micros>() + trunk.unwrap_or_default();
        parts.extend(self.trunk.iter().flatten().map(|(_, part)| part));
        Ok(Prediction { layers, trunk, total, interval: self.interval(&parts, total) })
    }

    fn part(&self, layer: usize, primitive: Primitive) -> Result<&Part, LookupError> {
        let part = self.layers[layer].iter().find(|(candidate, _)| *candidate == primitive).map(|(_, part)| part);
        part.ok_or_else(|| LookupError::Missing(format!("{primitive} in layer {}", layer + 1)))
    }

    fn interval(&self, parts: &[&Part], total: Micros) -> Option<Interval> {
        if let Some(error) = self.prediction_error {
            let half = total * (1.96 * error);
            return Some(Interval { low: total - half, high: total + half });
        }
        let mut widths: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
        for part in parts {
            let (below, above) = part.reach?;
            let width = widths.entry(&part.key).or_default();
            width.0 += below;
            width.1 += above;
        }
        let below = widths.values().map(|w| w.0 * w.0).sum::<f64>();
        let above = widths.values().map(|w| w.1 * w.1).sum::<f64>();
        Some(Interval { low: total - Micros(below.sqrt()), high: total + Micros(above.sqrt()) })
    }
}

impl Part {
    /// The row's time and interval, multiplied by a factor. An identity takes exactly 0.
    fn of(row: &Row, factor: f64) -> Self {
        let reach = match row.interval {
            _ if row.kind == Kind::Identity => Some((0.0, 0.0)),
            Some(Interval { low, high }) => Some((factor * (row.latency - low).0, factor * (high - row.latency).0)),
            None => None,
        };
        Self { key: row.key.clone(), latency: row.latency * factor, reach }
    }
}
