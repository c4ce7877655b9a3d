//! From samples to a table: the fit, the rows, the header.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use blocks::{Candidate, Graph, Op, Primitive, Space};
use luts::{
    Anchor, Canary, Celsius, ClockBand, Discarded, Fit, Header, Interval, Kind, Megahertz, Micros, Row, Shapes, Source, SpaceId,
    Table, TemperatureBand,
};

use super::posterior::{self, Fitted, Measured, Net, Noise, Part};
use super::readings::{Canaried, Readings};
use crate::devices::facts;
use crate::measure::job::{self, Model, OVERHEAD};
use crate::measure::raw::{Kept, Samples};
use crate::protocol::Start;
use crate::show::text;
use crate::stats::quantile;

/// Networks that are measured again by a check: enough to know the device's state to a quarter of a percent.
const ANCHORS: usize = 12;

/// Why samples make no table.
#[derive(Debug, thiserror::Error)]
pub enum FitError {
    /// Samples are missing.
    #[error("{path}: {reason}")]
    Samples {
        /// The raw sample file.
        path: PathBuf,
        /// What is missing.
        reason: String,
    },
    /// The figures make no table.
    #[error(
        "the measured figures make no table:{}{}",
        .faults.iter().map(|f| format!("\n  {f}")).collect::<String>(),
        Kept::remark(Some(&Kept::of_build(.raw)))
    )]
    Faults {
        /// What is wrong.
        faults: Vec<luts::Fault>,
        /// Where the samples are.
        raw: PathBuf,
    },
}

/// What was measured, so that its samples can be fitted.
pub struct Plan<'a> {
    /// The space.
    pub space: &'a Space,
    /// Landmarks of the networks.
    pub points: usize,
    /// Threads of the engine.
    pub threads: usize,
    /// The relative half-width of every median's interval at which measuring was to end.
    pub precision: f64,
    /// All models: parts, the graph of one operation, whole networks.
    pub models: &'a [Model],
    /// The whole networks.
    pub nets: &'a [Vec<Primitive>],
}

impl Plan<'_> {
    /// Fits the samples into a table; `raw` is the file that they are in, for messages.
    ///
    /// # Errors
    /// [`FitError::Samples`] where samples are missing, [`FitError::Faults`] where the figures make no table.
    pub fn table(&self, samples: &Samples, raw: &Path) -> Result<Table, FitError> {
        let Self { models, nets, .. } = self;
        let broken = |reason: &str| FitError::Samples { path: raw.to_path_buf(), reason: reason.to_string() };
        let start = samples.start.as_ref().ok_or_else(|| broken("does not say where it was measured"))?;
        let readings = Readings::of(samples).ok_or_else(|| broken("holds no good sample"))?;
        let measured = |id: &str| -> Result<Measured, FitError> {
            readings.time(id).ok_or_else(|| broken(&format!("has too few samples of '{id}'")))
        };
        let parts: Vec<&Model> =
            models.iter().filter(|m| m.id != OVERHEAD && !nets.iter().any(|n| job::net_id(n) == m.id)).collect();
        let index: BTreeMap<&str, usize> = parts.iter().enumerate().map(|(i, m)| (m.id.as_str(), i)).collect();
        // What stands behind `@` are a block's shapes; the trunk's pieces have none.
        let group = |m: &Model| m.id.split_once('@').map(|(_, shapes)| shapes.to_string());
        let groups: BTreeSet<_> = parts.iter().map(|m| group(m)).collect();
        let part = |m: &&Model| {
            let group = groups.iter().position(|g| *g == group(m)).unwrap_or_default();
            Ok(Part { alone: measured(&m.id)?, group, kin: kin(m) })
        };
        let alone = parts.iter().map(part).collect::<Result<Vec<_>, FitError>>()?;
        let whole = nets.iter().map(|choice| {
            let mut counts = vec![0.0; parts.len()];
            let blocks =
                std::iter::zip(choice, self.space.layers()).map(|(&primitive, l)| Candidate { primitive, layer: l.layer }.key());
            let trunk = parts.iter().filter(|m| m.id.starts_with(luts::TRUNK_PREFIX)).map(|m| m.id.clone());
            for id in blocks.chain(trunk) {
                // Identities are no parts: they take no time.
                if let Some(&i) = index.get(id.as_str()) {
                    counts[i] += 1.0;
                }
            }
            Ok(Net { parts: counts, time: measured(&job::net_id(choice))? })
        });
        let whole = whole.collect::<Result<Vec<_>, FitError>>()?;
        let fitted = posterior::fit(&alone, measured(OVERHEAD)?, &whole, readings.noise());
        let fitted = fitted.ok_or_else(|| broken("its figures cannot be fitted"))?;
        let noise = whole.iter().map(|net| (net.time.error / net.time.us).powi(2)).sum::<f64>() / whole.len().max(1) as f64;
        let canaried = readings.canaried();
        let is_precise = || readings.are_precise(models.iter().map(|m| &m.id), self.precision);
        let header = Header {
            source: match (&start.simulator, start.device.emulation.is_empty()) {
                (Some(_), _) => Source::Simulated,
                (None, true) => Source::Measured,
                (None, false) => Source::Emulated,
            },
            date: canaried.map(|_| text::now()),
            profiler: env!("CARGO_PKG_VERSION").to_string(),
            method: method(canaried, &fitted, nets.len()),
            points: self.points,
            threads: self.threads,
            cpus: start.cpus.clone(),
            // By the intervals that are stated, of the samples that count.
            stopped_by: canaried.map(|_| if is_precise() { "precision" } else { "budget" }.to_string()),
            space: SpaceId { name: self.space.name().to_string(), hash: self.space.hash() },
            device: facts::device(start),
            engine: facts::engine(start),
            simulator: facts::simulator(start),
            canary: canaried.map(|own| Canary {
                kind: start.canary.clone(),
                stated_us: Micros(own.stated),
                median_us: Micros(own.median),
            }),
            governor: start.governor.clone(),
            clock: clock(samples, start),
            temperature: temperature(samples),
            units: None,
            fit: Some(Fit {
                residual: printed(fitted.residual, readings.noise(), RESIDUAL),
                noise: Some(noise.sqrt()),
                architectures: nets.iter().map(|n| job::architecture(n)).collect(),
                anchors: self.anchors(&measured)?,
            }),
            checked: None,
        };
        let rows = self.rows(samples, &readings, &parts, &fitted.parts);
        Table::new(header, rows).map_err(|faults| FitError::Faults { faults, raw: raw.to_path_buf() })
    }

    /// The first networks that have a candidate of the space in every layer, with their times.
    fn anchors(&self, measured: &dyn Fn(&str) -> Result<Measured, FitError>) -> Result<Vec<Anchor>, FitError> {
        let is_own = |net: &&Vec<Primitive>| {
            std::iter::zip(net.iter(), self.space.layers()).all(|(primitive, layer)| layer.primitives.contains(primitive))
        };
        let anchor = |net: &Vec<Primitive>| {
            let time = measured(&job::net_id(net))?;
            let (measured_us, standard_error) = (Micros(time.us), Some(time.error / time.us));
            Ok(Anchor { architecture: job::architecture(net), measured_us, standard_error })
        };
        self.nets.iter().filter(is_own).take(ANCHORS).map(anchor).collect()
    }

    /// All rows in the space's order: blocks and identities, then the trunk.
    fn rows(&self, samples: &Samples, readings: &Readings, parts: &[&Model], fitted: &[Measured]) -> Vec<Row> {
        let primitives: BTreeMap<String, Candidate> = self.space.unique_candidates().into_iter().map(|c| (c.key(), c)).collect();
        let identities = primitives.iter().filter(|(_, c)| c.primitive.is_identity(&c.layer)).map(|(key, c)| Row {
            key: key.clone(),
            kind: Kind::Identity,
            primitive: c.primitive.name().to_string(),
            shapes: shapes(&c.graph()),
            macs: 0,
            params: 0,
            latency: Micros(0.0),
            interval: None,
            quantiles: None,
            samples: 0,
            discarded: Discarded::default(),
            cold: None,
            checksum: None,
        });
        let measured = std::iter::zip(parts, fitted).map(|(model, latency)| {
            let half = 1.96 * latency.error;
            let us = |us: f64| Micros(printed(us, readings.noise(), NANOSECONDS));
            let piece = model.id.strip_prefix(luts::TRUNK_PREFIX);
            Row {
                key: model.id.clone(),
                kind: if piece.is_some() { Kind::Trunk } else { Kind::Block },
                primitive: piece.or_else(|| primitives.get(&model.id).map(|c| c.primitive.name())).unwrap_or_default().to_string(),
                shapes: shapes(&model.graph),
                macs: model.graph.macs(),
                params: model.graph.parameter_count() as u64,
                latency: us(latency.us),
                interval: Some(Interval { low: us(latency.us - half), high: us(latency.us + half) }),
                quantiles: readings.quantiles(&model.id),
                samples: readings.count(&model.id) as u64,
                discarded: readings.discarded(&model.id),
                cold: readings.cold(&model.id),
                checksum: samples.items.get(&model.id).and_then(|item| item.checksum.clone()),
            }
        });
        identities.chain(measured).collect()
    }
}

/// What tells, beside its shapes, how a part alone is wrong as a guess: blocks with a gate (squeeze-and-excitation) cost more in a
/// network than alone, the others less.
fn kin(model: &Model) -> usize {
    let gated = || model.graph.nodes().iter().any(|node| node.op == Op::Mul);
    if model.id.starts_with(luts::TRUNK_PREFIX) { 0 } else { 1 + usize::from(gated()) }
}

/// Parts of a µs that the times of a simulated table are printed to, and parts of one that its residual is.
const NANOSECONDS: f64 = 1e3;
const RESIDUAL: f64 = 1e6;

/// A fitted figure as it is printed: without noise to few enough digits that no host's rounding shows.
fn printed(value: f64, noise: Noise, steps: f64) -> f64 {
    match noise {
        Noise::Present => value,
        Noise::Absent => (value * steps).round() / steps,
    }
}

/// How the times came to be, in words.
fn method(canaried: Option<&Canaried>, fitted: &Fitted, nets: usize) -> String {
    let Fitted { tau, rho, .. } = fitted;
    let fit = "blocks alone minus one operation's overhead as a prior, fitted to";
    match canaried {
        Some(Canaried { quiet, .. }) => format!(
            "medians of samples over canaries up to {:.2} times their quiet time, without a neighbour's effect on the core (at most \
             {:+.1} %), intervals {:.2} times as wide as samples alone tell, since processes differ; {fit} {nets} whole networks \
             (likeliest tau {tau}, rho {rho})",
            quiet.limit,
            100.0 * quiet.most,
            quiet.widening(),
        ),
        None => {
            format!("means of simulated runs, after one that warms the caches; {fit} {nets} whole networks (tau {tau}, rho {rho})")
        }
    }
}

/// The clocks seen. An emulator's are none of a processor.
fn clock(samples: &Samples, start: &Start) -> Option<ClockBand> {
    if start.simulator.is_some() {
        // The chip's, which never changes.
        let mhz = start.device.known.clusters.first().and_then(|cluster| cluster.max_mhz).map(Megahertz)?;
        return Some(ClockBand { min_mhz: mhz, median_mhz: mhz, max_mhz: mhz });
    }
    let mut mhz = samples.mhz.clone();
    mhz.sort_by(f64::total_cmp);
    if mhz.is_empty() || !start.device.emulation.is_empty() {
        return None;
    }
    let at = |q| Megahertz(quantile(&mhz, q));
    Some(ClockBand { min_mhz: at(0.0), median_mhz: at(0.5), max_mhz: at(1.0) })
}

fn temperature(samples: &Samples) -> Option<TemperatureBand> {
    let celsius = &samples.celsius;
    let extreme = |pick: fn(f64, f64) -> f64| celsius.iter().copied().reduce(pick).map(Celsius);
    Some(TemperatureBand { start_c: Celsius(*celsius.first()?), min_c: extreme(f64::min)?, max_c: extreme(f64::max)? })
}

fn shapes(graph: &Graph) -> Shapes {
    let input = graph.inputs().first().map(|&x| graph.node(x).shape);
    let output = graph.outputs().first().map(|(_, y)| graph.node(*y).shape);
    match (input, output) {
        (Some(x), Some(y)) => Shapes { c_in: x.c, c_out: y.c, stride: x.h.div_ceil(y.h), h: x.h, w: x.w },
        _ => Shapes::default(),
    }
}
