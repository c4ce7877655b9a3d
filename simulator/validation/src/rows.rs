//! tract's published times of its kernels, which of them are compared, and what was simulated.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::problem::Problem;

/// Whatever is chosen by lot is chosen by this seed.
const SEED: u64 = 53;
/// Kernels of each streaming shape that are compared, where nothing else is asked for.
pub const STREAMING_KERNELS: usize = 3;
/// Half of the board's second-level cache.
const WARM_BYTES: usize = 256 * 1024;

/// What is compared by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Set {
    /// Operands and result fit into half of the second-level cache.
    Warm,
    /// They do not.
    Streaming,
    /// Matrix × vector.
    Vector,
}

impl Set {
    /// All sets.
    pub const ALL: [Self; 3] = [Self::Warm, Self::Streaming, Self::Vector];

    /// What it is called in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Warm => "warm",
            Self::Streaming => "streaming",
            Self::Vector => "vector",
        }
    }
}

/// A published time.
#[derive(Clone, Debug)]
pub struct Row {
    /// The kernel's name in tract.
    pub kernel: String,
    /// Rows of A and C.
    pub m: usize,
    /// Columns of A, rows of B.
    pub k: usize,
    /// Columns of B and C.
    pub n: usize,
    /// What it belongs to.
    pub set: Set,
    /// Seconds.
    pub published: f64,
}

impl Row {
    /// A number that is the same in every run, for each purpose another.
    pub fn lot(&self, purpose: &str) -> u64 {
        lot(&format!("{purpose} {} {} {} {}", self.kernel, self.m, self.k, self.n))
    }

    /// Whether the model's figures may be fitted on it: a third of the shapes, by lot. The others only judge.
    pub fn is_fitted(&self) -> bool {
        lot(&format!("fit {} {} {}", self.m, self.k, self.n)).is_multiple_of(3)
    }

    /// The shape.
    pub fn shape(&self) -> [usize; 3] {
        [self.m, self.k, self.n]
    }
}

/// FNV-1a, mixed once more.
fn lot(text: &str) -> u64 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325 ^ SEED, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    let mixed = (hash ^ hash >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    mixed ^ mixed >> 33
}

/// All rows of `cortex_a53.txt` and `cortex_a53_mmv.txt`: `kernel mr nr m k n seconds`.
pub fn published(folder: &Path) -> Result<Vec<Row>, Problem> {
    let mut rows = Vec::new();
    for (file, vector) in [("cortex_a53.txt", false), ("cortex_a53_mmv.txt", true)] {
        let path = folder.join(file);
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        for line in text.lines() {
            let row = row(line, vector).ok_or_else(|| format!("{file}: '{line}' is no row"))?;
            rows.push(row);
        }
    }
    Ok(rows)
}

fn row(line: &str, vector: bool) -> Option<Row> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [kernel, _mr, _nr, m, k, n, seconds] = words[..] else { return None };
    let (m, k, n): (usize, usize, usize) = (m.parse().ok()?, k.parse().ok()?, n.parse().ok()?);
    let set = match 4 * (m * k + k * n + m * n) {
        _ if vector => Set::Vector,
        bytes if bytes <= WARM_BYTES => Set::Warm,
        _ => Set::Streaming,
    };
    Some(Row { kernel: kernel.to_owned(), m, k, n, set, published: seconds.parse().ok()? })
}

/// The rows that are compared: all but streaming ones, and of these some kernels of each shape, by lot.
pub fn choose(rows: Vec<Row>, streaming: usize) -> Vec<Row> {
    let mut by_shape: BTreeMap<[usize; 3], Vec<Row>> = BTreeMap::new();
    let mut chosen = Vec::new();
    for row in rows {
        match row.set {
            Set::Streaming => by_shape.entry(row.shape()).or_default().push(row),
            Set::Warm | Set::Vector => chosen.push(row),
        }
    }
    for mut rows in by_shape.into_values() {
        rows.sort_by_key(|row| row.lot("streaming"));
        chosen.extend(rows.into_iter().take(streaming));
    }
    chosen
}

/// A published time and a simulated one.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The published one.
    pub row: Row,
    /// Seconds.
    pub simulated: f64,
}

impl Pair {
    /// How much of the published time the simulated one has too much.
    pub fn error(&self) -> f64 {
        self.simulated / self.row.published - 1.0
    }
}

/// Joins rows with lines `kernel m k n seconds`; rows without a line are left out.
pub fn pairs(rows: Vec<Row>, simulated: &str) -> Result<Vec<Pair>, Problem> {
    let mut seconds = BTreeMap::new();
    for line in simulated.lines() {
        let (key, time) = line.rsplit_once(' ').ok_or_else(|| format!("'{line}' is no result"))?;
        seconds.insert(key, time.parse::<f64>().map_err(|error| format!("'{line}': {error}"))?);
    }
    let mut pairs = Vec::new();
    for row in rows {
        let key = format!("{} {} {} {}", row.kernel, row.m, row.k, row.n);
        if let Some(simulated) = seconds.get(key.as_str()) {
            pairs.push(Pair { row, simulated: *simulated });
        }
    }
    if pairs.is_empty() { Err("none of the results is of a published row".into()) } else { Ok(pairs) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_by_bytes_and_file() {
        let line = "arm64simd_mmm_f32_8x8_gen 8 8 128 128 128 0.001";
        assert_eq!(row(line, false).unwrap().set, Set::Warm);
        assert_eq!(row("arm64simd_mmm_f32_8x8_gen 8 8 512 128 128 0.001", false).unwrap().set, Set::Streaming);
        assert_eq!(row(line, true).unwrap().set, Set::Vector);
        assert!(row("arm64simd_mmm_f32_8x8_gen 8 8 128 128 0.001", false).is_none());
    }

    #[test]
    fn lots_are_even_and_the_same_in_every_run() {
        let rows: Vec<Row> = (1..3000).filter_map(|m| row(&format!("x_8x8_gen 8 8 {m} 700 100 0.1"), false)).collect();
        let fitted = rows.iter().filter(|row| row.is_fitted()).count();
        assert!((900..1100).contains(&fitted), "{fitted}");
        assert_eq!(lot("fit 1 2 3"), lot("fit 1 2 3"));
        assert_ne!(lot("fit 1 2 3"), lot("fit 1 2 4"));
    }

    #[test]
    fn results_are_joined_by_kernel_and_shape() {
        let rows = vec![row("a_8x8_gen 8 8 1 2 3 0.5", false).unwrap(), row("b_8x8_gen 8 8 1 2 3 0.5", false).unwrap()];
        let pairs = pairs(rows, "b_8x8_gen 1 2 3 6e-1\n").unwrap();
        assert_eq!(pairs.len(), 1);
        assert!((pairs[0].error() - 0.2).abs() < 1e-12);
    }
}
