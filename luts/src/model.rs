//! The latency of any network of a space, as one table gives it.

use std::collections::BTreeMap;

use crate::fault::LookupError;
use crate::layout::Layout;
use crate::row::{Interval, Kind, Row, trunk_piece};
use crate::table::Table;
use crate::units::Micros;

/// The fixed piece whose output grows with the landmarks.
const FC: &str = "trunk:fc";

/// Times of all parts that a network of a space is made of: of each candidate of each searched layer, and of the trunk, the fixed part. A
/// network takes the sum of its parts' times.
#[derive(Clone, Debug, PartialEq)]
pub struct LatencyModel {
    space: String,
    layers: Vec<Vec<Part>>,
    trunk: Option<Vec<Part>>,
    /// Landmarks of the networks that were measured, and of those that are predicted; none of a space without landmarks.
    points: Option<(usize, usize)>,
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
    /// What the table says of that space's networks.
    ///
    /// # Errors
    /// [`LookupError::Missing`] where a candidate has no row, or a piece of a trunk that the table has in part.
    pub fn new(table: &Table, space: impl Into<Layout>) -> Result<Self, LookupError> {
        let space = space.into();
        let parts = |keys: &mut dyn Iterator<Item = &String>| keys.map(|key| Ok(Part::of(table.find(key)?))).collect();
        let layers = space.layers.iter().map(|layer| parts(&mut layer.candidates.iter().map(|candidate| &candidate.key)));
        let layers = layers.collect::<Result<_, LookupError>>()?;
        let has_trunk = space.fixed.is_empty() || table.has_trunk();
        Ok(Self {
            layers,
            trunk: if has_trunk { Some(parts(&mut space.fixed.iter())?) } else { None },
            space: space.name,
            points: table.header.points.map(|points| (points, points)),
            prediction_error: table.header.fit.as_ref().map(crate::Fit::prediction_error),
        })
    }

    /// The same for networks of that many landmarks: the time of `trunk:fc`, whose output grows with them, is scaled where the table was
    /// measured for another number. A table of a space without landmarks stays as it is.
    #[must_use]
    pub fn for_points(mut self, points: usize) -> Self {
        if let Some((_, now)) = &mut self.points {
            let factor = points as f64 / *now as f64;
            self.trunk.iter_mut().flatten().filter(|part| part.key == FC).for_each(|part| part.scale(factor));
            *now = points;
        }
        self
    }

    /// The times of each searched layer's candidates, in their order in the space.
    pub fn layers(&self) -> impl Iterator<Item = Vec<Micros>> + '_ {
        self.layers.iter().map(|layer| layer.iter().map(|part| part.latency).collect())
    }

    /// Names and times of the trunk's pieces; empty for a space without a trunk, `None` where the table has none of it (imported).
    pub fn trunk(&self) -> Option<Vec<(&str, Micros)>> {
        let trunk = self.trunk.as_ref()?;
        Some(trunk.iter().map(|part| (trunk_piece(&part.key).unwrap_or(&part.key), part.latency)).collect())
    }

    /// The trunk's time; 0 for a space without a trunk, `None` where the table has none of it (imported).
    pub fn trunk_total(&self) -> Option<Micros> {
        self.trunk.as_ref().map(|trunk| trunk.iter().map(|part| part.latency).sum())
    }

    /// What the time of `trunk:fc` was multiplied by: landmarks asked for, in parts of those measured.
    pub fn fc_factor(&self) -> f64 {
        self.points.map_or(1.0, |(measured, now)| now as f64 / measured as f64)
    }

    /// Time of the network that takes the candidate at place `choice[i]`, from 0, in layer `i`.
    ///
    /// The interval is that of the true time. It comes from the residual of whole networks predicted from others
    /// ([`Fit::prediction_error`](crate::Fit::prediction_error)), where the table was fitted to some; else the rows' uncertainties are
    /// added in quadrature (those of one key used twice: linearly).
    ///
    /// # Errors
    /// [`LookupError::Layers`], [`LookupError::Place`].
    pub fn predict(&self, choice: &[usize]) -> Result<Prediction, LookupError> {
        let (expected, found) = (self.layers.len(), choice.len());
        if expected != found {
            return Err(LookupError::Layers { space: self.space.clone(), expected, found });
        }
        let part = |(i, &place): (usize, &usize)| {
            let none = || LookupError::Place { layer: i + 1, place, candidates: self.layers[i].len() };
            self.layers[i].get(place).ok_or_else(none)
        };
        let mut parts = choice.iter().enumerate().map(part).collect::<Result<Vec<_>, _>>()?;
        let layers: Vec<Micros> = parts.iter().map(|part| part.latency).collect();
        let trunk = self.trunk_total();
        let total = layers.iter().copied().sum::<Micros>() + trunk.unwrap_or_default();
        parts.extend(self.trunk.iter().flatten());
        Ok(Prediction { layers, trunk, total, interval: self.interval(&parts, total) })
    }

    fn interval(&self, parts: &[&Part], total: Micros) -> Option<Interval> {
        if let Some(error) = self.prediction_error {
            let half = total * (1.96 * error);
            return Some(around(total, half, half));
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
        Some(around(total, Micros(below.sqrt()), Micros(above.sqrt())))
    }
}

/// The interval that reaches so far below and above a time; what takes time takes no less than none.
fn around(total: Micros, below: Micros, above: Micros) -> Interval {
    Interval { low: Micros((total - below).0.max(0.0)), high: total + above }
}

impl Part {
    /// The row's time and interval. An identity takes exactly 0.
    fn of(row: &Row) -> Self {
        let reach = match row.interval {
            _ if row.kind == Kind::Identity => Some((0.0, 0.0)),
            Some(Interval { low, high }) => Some(((row.latency - low).0, (high - row.latency).0)),
            None => None,
        };
        Self { key: row.key.clone(), latency: row.latency, reach }
    }

    fn scale(&mut self, factor: f64) {
        self.latency = self.latency * factor;
        self.reach = self.reach.map(|(below, above)| (factor * below, factor * above));
    }
}
