//! One row of a table.

use std::str::FromStr;

pub use blocks::measurable::{FIXED_PREFIX as TRUNK_PREFIX, fixed_key as trunk_key, fixed_name as trunk_piece};

use crate::fault::Fault;
use crate::units::Micros;

/// What a row stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A candidate of the searched layers.
    Block,
    /// A candidate that does nothing and takes exactly 0.
    Identity,
    /// A piece of the fixed trunk.
    Trunk,
}

impl Kind {
    /// Its name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Identity => "identity",
            Self::Trunk => "trunk",
        }
    }
}

impl FromStr for Kind {
    type Err = ();

    fn from_str(s: &str) -> Result<Self, ()> {
        [Self::Block, Self::Identity, Self::Trunk].into_iter().find(|k| k.name() == s).ok_or(())
    }
}

/// Shapes of a block: input `c_in × h × w`, `c_out` output channels. A dimension that a value has not is 1; those behind the fourth count
/// into `w`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shapes {
    /// Input channels (a trunk piece with several inputs: of its first).
    pub c_in: usize,
    /// Output channels (of its first output).
    pub c_out: usize,
    /// Input pixels an output pixel steps over, along a side.
    pub stride: usize,
    /// Input height.
    pub h: usize,
    /// Input width.
    pub w: usize,
}

impl Shapes {
    /// Those of a part, from the dimensions of its inputs and outputs, the batch included.
    pub fn of(inputs: &[Vec<usize>], outputs: &[Vec<usize>]) -> Self {
        let map = |ports: &[Vec<usize>]| {
            let dims: Vec<usize> = ports.first().into_iter().flatten().skip(1).copied().collect();
            let at = |i: usize| dims.get(i).copied().unwrap_or(1);
            (at(0), at(1), dims.iter().skip(2).product::<usize>())
        };
        let ((c_in, h, w), (c_out, h_out, _)) = (map(inputs), map(outputs));
        Self { c_in, c_out, stride: h.div_ceil(h_out.max(1)), h, w }
    }
}

/// A 95 % confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: Micros,
    /// Upper end.
    pub high: Micros,
}

impl Interval {
    /// Half its width, in parts of `middle`.
    pub fn relative_half_width(&self, middle: Micros) -> f64 {
        (self.high - self.low).0 / (2.0 * middle.0)
    }
}

/// Spread of the single samples of the block's own graph: divided by their canaries, per-run overhead **included**.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantiles {
    /// Fastest.
    pub p0: Micros,
    /// Tenth percentile.
    pub p10: Micros,
    /// Median.
    pub p50: Micros,
    /// Ninetieth percentile.
    pub p90: Micros,
    /// Slowest.
    pub p100: Micros,
}

/// Samples left out, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Discarded {
    /// The canaries before and after differed too much: the clock changed, or interference began or ended.
    pub canary: u64,
    /// The process was moved to another CPU.
    pub moved: u64,
    /// The process was interrupted by another one, or stopped.
    pub preempted: u64,
    /// The device was too warm or too cold.
    pub temperature: u64,
    /// Something disturbed it within: its parts differed too much.
    pub unsteady: u64,
    /// The device was not idle: its canary took too long.
    pub loud: u64,
}

/// One measured block, or one piece of the trunk.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// A candidate's [key](blocks::Candidate::key), or `trunk:NAME`.
    pub key: String,
    /// What it stands for.
    pub kind: Kind,
    /// Name of the primitive; of a trunk's piece, its own name.
    pub primitive: String,
    /// Shapes.
    pub shapes: Shapes,
    /// Multiply-accumulate operations; absent where they cannot be counted, which only blocks of ONNX files can be.
    pub macs: Option<u64>,
    /// Trained parameters.
    pub params: u64,
    /// Its share of a whole network's time: what the search's loss uses.
    pub latency: Micros,
    /// 95 % interval of `latency`; absent where it is not known (imported) and for an identity.
    pub interval: Option<Interval>,
    /// Spread of the single samples; absent where it was not run.
    pub quantiles: Option<Quantiles>,
    /// Samples that the figures are of.
    pub samples: u64,
    /// Samples left out.
    pub discarded: Discarded,
    /// Time of a first run with cold caches, where measured.
    pub cold: Option<Micros>,
    /// Checksum of the outputs that were compared with the reference result, where it was run.
    pub checksum: Option<String>,
}

impl Row {
    /// A row of what was not run: no time, no samples, no operations. The caller then sets what it knows.
    pub fn unmeasured(key: String, kind: Kind, primitive: String, shapes: Shapes) -> Self {
        Self {
            key,
            kind,
            primitive,
            shapes,
            macs: Some(0),
            params: 0,
            latency: Micros(0.0),
            interval: None,
            quantiles: None,
            samples: 0,
            discarded: Discarded::default(),
            cold: None,
            checksum: None,
        }
    }

    /// What is wrong with the row's own figures (`line` is its place in the file, 0 where there is none).
    pub fn faults(&self, line: u64) -> Vec<Fault> {
        let mut faults = Vec::new();
        let key = || self.key.clone();
        if !is_plain(&self.key) || !is_plain(&self.primitive) {
            faults.push(Fault::BadKey { line, key: key() });
        }
        if (self.kind == Kind::Trunk) != self.key.starts_with(TRUNK_PREFIX) {
            faults.push(Fault::Field {
                line,
                key: key(),
                field: "kind",
                reason: "must be 'trunk' if the key begins with 'trunk:', and only then",
            });
        }
        if self.kind == Kind::Identity {
            if self.latency.0 != 0.0 || self.interval.is_some() {
                faults.push(Fault::Identity { line, key: key() });
            }
            return faults;
        }
        let (t, good) = (self.latency, |t: Micros| t.0.is_finite() && t.0 > 0.0);
        if !t.0.is_finite() {
            faults.push(Fault::NotANumber { line, key: key(), field: "latency_us" });
        } else if t.0 <= 0.0 {
            faults.push(Fault::NotPositive { line, key: key(), latency: t });
        }
        if let Some(Interval { low, high }) = self.interval {
            if !low.0.is_finite() || !high.0.is_finite() {
                faults.push(Fault::NotANumber { line, key: key(), field: "ci95" });
            } else if low.0 <= 0.0 {
                faults.push(Fault::IntervalReachesZero { line, key: key(), low });
            } else if good(t) && !(low <= t && t <= high) {
                faults.push(Fault::Field { line, key: key(), field: "ci95", reason: "does not contain the latency" });
            }
        }
        if let Some(Quantiles { p0, p10, p50, p90, p100 }) = self.quantiles {
            let all = [p0, p10, p50, p90, p100];
            if !all.iter().all(|t| good(*t)) || !all.is_sorted() {
                faults.push(Fault::Field { line, key: key(), field: "p0_us…p100_us", reason: "must rise, and be above 0" });
            }
        }
        if self.cold.is_some_and(|t| !good(t)) {
            faults.push(Fault::Field { line, key: key(), field: "cold_us", reason: "must be above 0" });
        }
        if self.checksum.as_ref().is_some_and(|c| !is_plain(c)) {
            faults.push(Fault::Field {
                line,
                key: key(),
                field: "checksum",
                reason: "contains characters that a table cannot hold",
            });
        }
        faults
    }
}

/// Whether a text can stand in a row as it is: printable ASCII without comma, quote, blank and `#`, and not empty.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && !b",\"'#".contains(&b))
}
