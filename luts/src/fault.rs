//! Everything that can be wrong with a table.

use std::path::PathBuf;

use crate::units::Micros;

/// Faults listed before the rest is summed up in one line.
pub(crate) const LISTED: usize = 1000;

/// One thing wrong with a table. Lines count from 1; 0 stands for a table that is not a file.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Fault {
    /// A candidate or trunk piece of the space has no row.
    #[error("{key}: missing")]
    Missing {
        /// The key.
        key: String,
    },
    /// The table was made for another space.
    #[error("made for the search space '{found_name}' (hash {found}), not for '{expected_name}' (hash {expected})")]
    WrongSpace {
        /// Name in the table.
        found_name: String,
        /// Hash in the table.
        found: String,
        /// Name asked for.
        expected_name: String,
        /// Hash asked for.
        expected: String,
    },
    /// Two rows of one key disagree.
    #[error("{key}: appears twice, with different values{}", both(*.first, *.line))]
    Duplicate {
        /// The key.
        key: String,
        /// Line of the first row.
        first: u64,
        /// Line of the second row.
        line: u64,
    },
    /// NaN, or infinite.
    #[error("{key}: {field} is not a number{}", at(*.line))]
    NotANumber {
        /// Where.
        line: u64,
        /// The key.
        key: String,
        /// The column.
        field: &'static str,
    },
    /// A time of zero or below.
    #[error("{key}: latency {latency} is not above 0{}", at(*.line))]
    NotPositive {
        /// Where.
        line: u64,
        /// The key.
        key: String,
        /// The time.
        latency: Micros,
    },
    /// The interval holds 0: the block was not told apart from nothing.
    #[error("{key}: its 95 % interval reaches down to {low}{}; measure it longer", at(*.line))]
    IntervalReachesZero {
        /// Where.
        line: u64,
        /// The key.
        key: String,
        /// The interval's lower end.
        low: Micros,
    },
    /// An identity that takes time, or a block called identity.
    #[error("{key}: an identity takes exactly 0 and has no interval{}", at(*.line))]
    Identity {
        /// Where.
        line: u64,
        /// The key.
        key: String,
    },
    /// A row called identity, though the candidate computes something, or the other way round.
    #[error("{key}: is kind '{found}' in the table, but must be '{expected}'")]
    WrongKind {
        /// The key.
        key: String,
        /// In the table.
        found: &'static str,
        /// By the space.
        expected: &'static str,
    },
    /// A key that cannot stand in a table.
    #[error("{key:?} is not a valid key{}", at(*.line))]
    BadKey {
        /// Where.
        line: u64,
        /// What stands there.
        key: String,
    },
    /// Another column that makes no sense.
    #[error("{key}: {field} {reason}{}", at(*.line))]
    Field {
        /// Where.
        line: u64,
        /// The key.
        key: String,
        /// The column.
        field: &'static str,
        /// What is wrong.
        reason: &'static str,
    },
    /// A header's entry that makes no sense.
    #[error("header: {field} {reason}")]
    Header {
        /// Which.
        field: &'static str,
        /// What is wrong.
        reason: &'static str,
    },
    /// A header's entry that would control the terminal it is shown on.
    #[error("header: {entry} contains control characters")]
    ControlCharacters {
        /// Which: `device.model`; for a name, the section that it is in.
        entry: String,
    },
    /// A slot in the header that makes no sense.
    #[error("header: slot '{slot}' {reason}")]
    Slot {
        /// Its name.
        slot: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// More faults than are worth listing.
    #[error("and more; only the first {listed} are listed")]
    More {
        /// How many were listed.
        listed: usize,
    },
}

impl Fault {
    /// Sums up all faults behind the first thousand in one.
    pub(crate) fn listed(mut faults: Vec<Self>) -> Vec<Self> {
        if faults.len() > LISTED {
            faults.truncate(LISTED);
            faults.push(Self::More { listed: LISTED });
        }
        faults
    }
}

/// Where a fault is, for a table that is a file.
fn at(line: u64) -> String {
    if line == 0 { String::new() } else { format!(" (line {line})") }
}

fn both(first: u64, second: u64) -> String {
    if second == 0 { String::new() } else { format!(" (lines {first} and {second})") }
}

fn listed(faults: &[Fault]) -> String {
    faults.iter().map(|f| format!("\n  {f}")).collect()
}

/// Why a table cannot be read, written or used.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The file cannot be read.
    #[error("cannot read the latency table {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write the latency table {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// There is one already.
    #[error("{path} already exists; replace it with --overwrite")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Something else altogether.
    #[error("{path} is not a latency table: {reason}")]
    NotATable {
        /// The file.
        path: PathBuf,
        /// How it shows.
        reason: String,
    },
    /// A later program's table.
    #[error(
        "{path} is a latency table of schema {found}, this program reads schema {known}; update the program or rebuild the table"
    )]
    Schema {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// The header is not TOML, or not a table's header.
    #[error("the header of the latency table {path} is not valid:\n{source}")]
    Header {
        /// The file.
        path: PathBuf,
        /// Where and what (lines count without the `# `).
        source: Box<toml::de::Error>,
    },
    /// The end is missing.
    #[error("the latency table {path} is truncated: {reason}; build it again or copy it again")]
    Truncated {
        /// The file.
        path: PathBuf,
        /// How it shows.
        reason: String,
    },
    /// A line that is no row.
    #[error("{path}:{line}: {reason}")]
    Row {
        /// The file.
        path: PathBuf,
        /// Where.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// Read, but it cannot be trusted; all faults at once.
    #[error("the latency table {path} is not valid:{}", listed(.faults))]
    Faults {
        /// The file.
        path: PathBuf,
        /// All that was found.
        faults: Vec<Fault>,
    },
}

/// Why a table gives no figure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// No such row.
    #[error("the latency table has no row for {0}")]
    Missing(String),
    /// A choice that is not one candidate a layer.
    #[error("space {space} has {expected} layers, but {found} candidates are given")]
    Layers {
        /// Space's name.
        space: String,
        /// Its layers.
        expected: usize,
        /// Candidates given.
        found: usize,
    },
    /// A place that no candidate has.
    #[error("layer {layer} has no candidate {place}; there are {candidates}, counted from 0")]
    Place {
        /// The layer, from 1.
        layer: usize,
        /// The place asked for.
        place: usize,
        /// The layer's candidates.
        candidates: usize,
    },
}
