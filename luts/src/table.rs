//! The table itself.

use std::collections::{BTreeSet, HashMap};

use blocks::Candidate;
use blocks::measurable::CandidateInfo;

use crate::fault::{Fault, LISTED, LookupError};
use crate::folder::{NamedKey, Slot};
use crate::header::{Header, Source};
use crate::layout::{Layer, Layout};
use crate::row::{Kind, Row};
use crate::units::Micros;

/// A latency table whose own figures are sound: times above 0, no key twice; of a space of ONNX files a row for every key that its header
/// names. Whether it fits another space is another question, asked by [`Table::validate`].
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
            if row.macs.is_none() && header.space.folder.is_none() {
                let reason = "may be empty only in tables of a folder of ONNX files";
                faults.push(Fault::Field { line, key: row.key.clone(), field: "macs", reason });
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
        let stated = header.space.folder.iter().flat_map(|folder| folder.keys());
        let missing = stated.filter(|key| !places.contains_key(*key)).take(LISTED);
        faults.extend(missing.map(|key| Fault::Missing { key: key.to_string() }));
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

    /// The space as the table itself states it: one of ONNX files. `None` of a space of primitives.
    pub fn layout(&self) -> Option<Layout> {
        let folder = self.header.space.folder.as_ref()?;
        let is_identity = |key: &str| self.row(key).is_some_and(|row| row.kind == Kind::Identity);
        let candidate = |NamedKey { name, key }: &NamedKey| CandidateInfo {
            name: name.clone(),
            key: key.clone(),
            is_identity: is_identity(key),
        };
        let (mut layers, mut fixed) = (Vec::new(), Vec::new());
        for slot in &folder.slots {
            match slot {
                Slot::Fixed { key, .. } => fixed.push(key.clone()),
                Slot::Layer { name, candidates } => {
                    layers.push(Layer { name: name.clone(), candidates: candidates.iter().map(candidate).collect(), stage: None });
                }
            }
        }
        Some(Layout { name: self.header.space.name.clone(), hash: self.header.space.hash.clone(), layers, fixed })
    }

    /// Checks that the table was made for that space and has every key of it: candidates, and fixed pieces unless it was imported.
    ///
    /// # Errors
    /// Every fault found.
    pub fn validate(&self, space: impl Into<Layout>) -> Result<(), Vec<Fault>> {
        let space = space.into();
        let mut faults = Vec::new();
        if self.header.space.hash != space.hash {
            faults.push(Fault::WrongSpace {
                found_name: self.header.space.name.clone(),
                found: short(&self.header.space.hash),
                expected_name: space.name.clone(),
                expected: short(&space.hash),
            });
        }
        let mut seen = BTreeSet::new();
        let candidates = space.layers.iter().flat_map(|layer| &layer.candidates);
        for CandidateInfo { key, is_identity, .. } in candidates.filter(|candidate| seen.insert(candidate.key.as_str())) {
            let expected = if *is_identity { Kind::Identity } else { Kind::Block };
            match self.row(key) {
                None => faults.push(Fault::Missing { key: key.clone() }),
                Some(row) if row.kind != expected => {
                    faults.push(Fault::WrongKind { key: key.clone(), found: row.kind.name(), expected: expected.name() });
                }
                Some(_) => {}
            }
        }
        if self.header.source != Source::Imported {
            let missing = space.fixed.iter().filter(|key| self.row(key).is_none());
            faults.extend(missing.map(|key| Fault::Missing { key: key.clone() }));
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// The row of that key.
    ///
    /// # Errors
    /// [`LookupError::Missing`].
    pub fn find(&self, key: &str) -> Result<&Row, LookupError> {
        self.row(key).ok_or_else(|| LookupError::Missing(key.to_string()))
    }

    /// A candidate's time; 0 for an identity.
    ///
    /// # Errors
    /// [`LookupError::Missing`].
    pub fn latency(&self, candidate: &Candidate) -> Result<Micros, LookupError> {
        Ok(self.find(&candidate.key())?.latency)
    }
}

/// The first digits of a hash, which suffice for people.
pub(crate) fn short(hash: &str) -> String {
    hash.chars().take(12).collect()
}
