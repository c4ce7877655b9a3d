//! The table itself.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::BuildHasher;
use std::path::Path;

use blocks::{Candidate, Primitive, Space, TrunkPiece};
use hashbrown::hash_table::{Entry, HashTable};

use crate::fault::{Fault, LISTED, LookupError, TableError};
use crate::header::Header;
use crate::row::{Interval, Kind, Row, TRUNK_PREFIX, trunk_key};
use crate::units::Micros;

/// A latency table whose own figures are sound: times above 0, no key twice. Whether it fits a space is another question,
/// asked by [`Table::validate`].
#[derive(Clone, Debug)]
pub struct Table {
    /// Where it comes from.
    pub header: Header,
    rows: Vec<Row>,
    index: Index,
}

/// Hashes keys of rows.
pub(crate) type KeyHasher = hashbrown::DefaultHashBuilder;

/// What is known of a row beside itself.
pub(crate) struct Origin {
    /// Its line in the file, from 1; 0 where it comes from none.
    pub line: u64,
    /// Its key's hash.
    pub hash: u64,
}

/// Where the row of a key is. The keys themselves stand in the rows alone.
#[derive(Clone, Debug)]
struct Index {
    hasher: KeyHasher,
    places: HashTable<usize>,
}

impl Index {
    fn find(&self, rows: &[Row], key: &str) -> Option<usize> {
        self.places.find(self.hasher.hash_one(key), |&place| rows[place].key == key).copied()
    }

    /// Notes the row at `place`; the place of the row that has its key already, if there is one.
    fn insert(&mut self, rows: &[Row], origins: &[Origin], place: usize) -> Option<usize> {
        let same = |&other: &usize| rows[other].key == rows[place].key;
        match self.places.entry(origins[place].hash, same, |&other| origins[other].hash) {
            Entry::Occupied(first) => Some(*first.get()),
            Entry::Vacant(free) => {
                free.insert(place);
                None
            }
        }
    }
}

impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        self.header == other.header && self.rows == other.rows
    }
}

/// What a table says of one architecture.
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

impl Table {
    /// Makes a table of rows, in that order. A row that repeats another one exactly is dropped.
    ///
    /// # Errors
    /// Everything that is wrong with header and rows, at most a thousand faults.
    pub fn new(header: Header, rows: Vec<Row>) -> Result<Self, Vec<Fault>> {
        let hasher = KeyHasher::default();
        let origins: Vec<Origin> = rows.iter().map(|row| Origin { line: 0, hash: hasher.hash_one(&*row.key) }).collect();
        let faults = rows.iter().flat_map(|row| row.faults(0)).take(LISTED + 1).collect();
        Self::from_checked(header, rows, &origins, hasher, faults)
    }

    /// [`Table::new`] of rows that were looked at one by one: `of_rows` is wrong with them. `hasher` made their hashes.
    pub(crate) fn from_checked(
        header: Header,
        mut rows: Vec<Row>,
        origins: &[Origin],
        hasher: KeyHasher,
        of_rows: Vec<Fault>,
    ) -> Result<Self, Vec<Fault>> {
        let mut faults = header.faults();
        faults.extend(of_rows);
        let mut index = Index { hasher, places: HashTable::with_capacity(rows.len()) };
        let mut repeated = BTreeSet::new();
        for place in 0..rows.len() {
            if faults.len() > LISTED {
                break;
            }
            if let Some(first) = index.insert(&rows, origins, place) {
                let row = &rows[place];
                // Compared as text, so that NaN equals NaN: it is reported as what it is.
                if format!("{:?}", rows[first]) == format!("{row:?}") {
                    repeated.insert(place);
                } else {
                    faults.push(Fault::Duplicate { key: row.key.clone(), first: origins[first].line, line: origins[place].line });
                }
            }
        }
        if !faults.is_empty() {
            return Err(Fault::listed(faults));
        }
        if repeated.is_empty() {
            return Ok(Self { header, rows, index });
        }
        let mut place = 0..;
        rows.retain(|_| place.next().is_none_or(|place| !repeated.contains(&place)));
        Self::new(header, rows)
    }

    /// Reads a table and checks its own figures; see [`crate::file`].
    ///
    /// # Errors
    /// [`TableError`]: not readable, not a table, another schema, cut off, or with faults, which are all listed.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, TableError> {
        crate::file::read(path.as_ref())
    }

    /// All rows, in the file's order.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The row of that key.
    pub fn row(&self, key: &str) -> Option<&Row> {
        self.index.find(&self.rows, key).map(|place| &self.rows[place])
    }

    /// Whether it has rows for a trunk at all; imported tables have not.
    pub fn has_trunk(&self) -> bool {
        self.rows.iter().any(|row| row.kind == Kind::Trunk)
    }

    /// Checks that the table was made for that space and has every key of it: candidates, and trunk pieces unless it was
    /// imported.
    ///
    /// # Errors
    /// Every fault found.
    pub fn validate(&self, space: &Space) -> Result<(), Vec<Fault>> {
        let mut faults = Vec::new();
        if self.header.space.hash != space.hash() {
            faults.push(Fault::WrongSpace {
                found_name: self.header.space.name.clone(),
                found: short(&self.header.space.hash),
                expected_name: space.name().to_string(),
                expected: short(&space.hash()),
            });
        }
        for candidate in space.unique_candidates() {
            let key = candidate.key();
            let expected = if candidate.primitive.is_identity(&candidate.layer) { Kind::Identity } else { Kind::Block };
            match self.row(&key) {
                None => faults.push(Fault::Missing { key }),
                Some(row) if row.kind != expected => {
                    faults.push(Fault::WrongKind { key, found: row.kind.name(), expected: expected.name() });
                }
                Some(_) => {}
            }
        }
        if space.trunk().is_some() && self.header.source != crate::Source::Imported {
            let missing = TrunkPiece::ALL.map(trunk_key).into_iter().filter(|key| self.row(key).is_none());
            faults.extend(missing.map(|key| Fault::Missing { key }));
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// Reads a table and [validates](Self::validate) it against a space.
    ///
    /// # Errors
    /// As [`Table::read`], and [`TableError::Faults`] where it does not fit the space.
    pub fn read_for(path: impl AsRef<Path>, space: &Space) -> Result<Self, TableError> {
        let table = Self::read(&path)?;
        table.validate(space).map_err(|faults| TableError::Faults { path: path.as_ref().into(), faults })?;
        Ok(table)
    }

    fn find(&self, key: &str) -> Result<&Row, LookupError> {
        self.row(key).ok_or_else(|| LookupError::Missing(key.to_string()))
    }

    /// A candidate's time; 0 for an identity.
    ///
    /// # Errors
    /// [`LookupError::Missing`].
    pub fn latency(&self, candidate: &Candidate) -> Result<Micros, LookupError> {
        Ok(self.find(&candidate.key())?.latency)
    }

    /// The trunk's rows for `points` landmarks, each with the factor that its time is taken with: `trunk:fc` grows with its
    /// output channels where the table was measured for another number of points.
    fn trunk_rows(&self, space: &Space, points: usize) -> Result<Vec<(&Row, f64)>, LookupError> {
        let pieces = if space.trunk().is_some() { TrunkPiece::ALL.as_slice() } else { &[] };
        let factor = |piece| if piece == TrunkPiece::Fc { points as f64 / self.header.points as f64 } else { 1.0 };
        pieces.iter().map(|&piece| Ok((self.find(&trunk_key(piece))?, factor(piece)))).collect()
    }

    /// Time of the whole trunk for `points` landmarks; 0 for a space without one.
    ///
    /// # Errors
    /// [`LookupError::Missing`] where a piece has no row (imported tables have none).
    pub fn trunk_total(&self, space: &Space, points: usize) -> Result<Micros, LookupError> {
        Ok(self.trunk_rows(space, points)?.into_iter().map(|(row, factor)| row.latency * factor).sum())
    }

    /// Time of the network that takes `choice[i]` in layer `i` and estimates `points` landmarks.
    ///
    /// The interval is that of the true time: it comes from the residual of whole networks predicted from others
    /// ([`crate::Fit::prediction_error`]), where the table was fitted to some; else
    /// the rows' uncertainties are added in quadrature (those of one key used twice: linearly).
    ///
    /// # Errors
    /// [`LookupError::Missing`], [`LookupError::Layers`].
    pub fn predict(&self, space: &Space, choice: &[Primitive], points: usize) -> Result<Prediction, LookupError> {
        let (expected, found) = (space.layers().len(), choice.len());
        if expected != found {
            return Err(LookupError::Layers { space: space.name().to_string(), expected, found });
        }
        let blocks = std::iter::zip(choice, space.layers())
            .map(|(&primitive, layer)| self.find(&Candidate { primitive, layer: layer.layer }.key()))
            .collect::<Result<Vec<_>, _>>()?;
        let layers: Vec<Micros> = blocks.iter().map(|row| row.latency).collect();
        let mut used: Vec<(&Row, f64)> = blocks.into_iter().map(|row| (row, 1.0)).collect();
        let mut trunk = None;
        if space.trunk().is_none() || self.has_trunk() {
            let rows = self.trunk_rows(space, points)?;
            trunk = Some(rows.iter().map(|(row, factor)| row.latency * *factor).sum::<Micros>());
            used.extend(rows);
        }
        let total = layers.iter().copied().sum::<Micros>() + trunk.unwrap_or_default();
        Ok(Prediction { layers, trunk, total, interval: self.interval_of(&used, total) })
    }

    fn interval_of(&self, used: &[(&Row, f64)], total: Micros) -> Option<Interval> {
        if let Some(fit) = &self.header.fit {
            let half = total * (1.96 * fit.prediction_error());
            return Some(Interval { low: total - half, high: total + half });
        }
        let mut widths: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
        for (row, factor) in used.iter().filter(|(row, _)| row.kind != Kind::Identity) {
            let Interval { low, high } = row.interval?;
            let width = widths.entry(&row.key).or_default();
            width.0 += factor * (row.latency - low).0;
            width.1 += factor * (high - row.latency).0;
        }
        let below = widths.values().map(|w| w.0 * w.0).sum::<f64>();
        let above = widths.values().map(|w| w.1 * w.1).sum::<f64>();
        Some(Interval { low: total - Micros(below.sqrt()), high: total + Micros(above.sqrt()) })
    }

    /// SHA-256, in hex, of the table's content without the `checked` entry, so that checking a table does not make it another.
    pub fn digest(&self) -> String {
        let unchecked = Self { header: Header { checked: None, ..self.header.clone() }, ..self.clone() };
        files::sha256(unchecked.to_text())
    }

    /// Names of the trunk's pieces in the table, in its order.
    pub fn trunk_names(&self) -> impl Iterator<Item = &str> {
        self.rows.iter().filter_map(|row| row.key.strip_prefix(TRUNK_PREFIX))
    }
}

/// The first digits of a hash, which suffice for people.
pub(crate) fn short(hash: &str) -> String {
    hash.chars().take(12).collect()
}
