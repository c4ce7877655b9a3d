//! The table itself.

use std::collections::HashMap;

use blocks::{Candidate, Space, TrunkPiece};

use crate::fault::{Fault, LISTED, LookupError};
use crate::header::{Header, Source};
use crate::row::{Kind, Row, TRUNK_PREFIX, trunk_key};
use crate::units::Micros;

/// A latency table whose own figures are sound: times above 0, no key twice. Whether it fits a space is another question,
/// asked by [`Table::validate`].
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Where it comes from.
    pub header: Header,
    rows: Vec<Row>,
    /// Where the row of a key is.
    places: HashMap<String, usize>,
}

impl Table {
    /// Makes a table of rows, in that order. A row that repeats another one exactly is dropped.
    ///
    /// # Errors
    /// Everything that is wrong with header and rows, at most a thousand faults.
    pub fn new(header: Header, rows: Vec<Row>) -> Result<Self, Vec<Fault>> {
        let faults = rows.iter().flat_map(|row| row.faults(0)).take(LISTED + 1).collect();
        let lines = vec![0; rows.len()];
        Self::from_lines(header, rows, &lines, faults)
    }

    /// [`Table::new`] of rows that stand in those lines of a file and were looked at one by one: `of_rows` is wrong with them.
    pub(crate) fn from_lines(header: Header, rows: Vec<Row>, lines: &[u64], of_rows: Vec<Fault>) -> Result<Self, Vec<Fault>> {
        let mut faults = header.faults();
        faults.extend(of_rows);
        let mut kept: Vec<Row> = Vec::with_capacity(rows.len());
        let mut first_lines = Vec::with_capacity(rows.len());
        let mut places: HashMap<String, usize> = HashMap::with_capacity(rows.len());
        for (row, &line) in rows.into_iter().zip(lines) {
            if faults.len() > LISTED {
                break;
            }
            match places.get(&row.key) {
                None => {
                    places.insert(row.key.clone(), kept.len());
                    kept.push(row);
                    first_lines.push(line);
                }
                // Compared as text, so that NaN equals NaN: it is reported as what it is.
                Some(&first) if format!("{:?}", kept[first]) == format!("{row:?}") => {}
                Some(&first) => faults.push(Fault::Duplicate { key: row.key, first: first_lines[first], line }),
            }
        }
        if faults.is_empty() { Ok(Self { header, rows: kept, places }) } else { Err(Fault::listed(faults)) }
    }

    /// All rows, in the file's order.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The row of that key.
    pub fn row(&self, key: &str) -> Option<&Row> {
        self.places.get(key).map(|&place| &self.rows[place])
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
        if space.trunk().is_some() && self.header.source != Source::Imported {
            let missing = TrunkPiece::ALL.map(trunk_key).into_iter().filter(|key| self.row(key).is_none());
            faults.extend(missing.map(|key| Fault::Missing { key }));
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// The row of that key.
    ///
    /// # Errors
    /// [`LookupError::Missing`].
    pub(crate) fn find(&self, key: &str) -> Result<&Row, LookupError> {
        self.row(key).ok_or_else(|| LookupError::Missing(key.to_string()))
    }

    /// A candidate's time; 0 for an identity.
    ///
    /// # Errors
    /// [`LookupError::Missing`].
    pub fn latency(&self, candidate: &Candidate) -> Result<Micros, LookupError> {
        Ok(self.find(&candidate.key())?.latency)
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
