//! From samples to a table: the fit, the rows, the header.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use blocks::{Candidate, Graph, Layer, Primitive, Space};
use luts::{
    Anchor, Canary, Celsius, ClockBand, Discarded, Fit, Header, Interval, Kind, Megahertz, Micros, Row, Shapes, Source, SpaceId,
    Table, TemperatureBand,
};

use super::posterior::{self, Fitted, Measured, Net, Noise, Part};
use super::readings::{Canaried, Readings};
use crate::devices::facts;
use crate::measure::job::Model;
use crate::measure::raw::{Kept, Samples};
use crate::measure::subject::{Subject, architecture};
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
        "the measurements do not form a valid table:{}{}",
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
        let start = samples.start.as_ref().ok_or_else(|| broken("does not name its device"))?;
        let readings = Readings::of(samples).ok_or_else(|| broken("holds no good sample"))?;
        let measured = |subject: &Subject| -> Result<Measured, FitError> {
            readings.time(subject).ok_or_else(|| broken(&format!("has too few samples of '{subject}'")))
        };
        let parts: Vec<&Model> = models.iter().filter(|m| m.subject.is_part()).collect();
        let alone = alone(&parts, &measured)?;
        let whole =
            nets.iter().map(|choice| Ok(Net { parts: self.counts(&parts, choice), time: measured(&Subject::network(choice))? }));
        let whole = whole.collect::<Result<Vec<_>, FitError>>()?;
        let fitted = posterior::fit(&alone, measured(&Subject::Overhead)?, &whole, readings.noise());
        let fitted = fitted.ok_or_else(|| broken("its figures cannot be fitted"))?;
        let noise = whole.iter().map(|net| (net.time.error / net.time.us).powi(2)).sum::<f64>() / whole.len().max(1) as f64;
        let canaried = readings.canaried();
        let is_precise = || readings.are_precise(models.iter().map(|m| &m.subject), self.precision);
        let header = Header {
            source: match (&start.simulator, start.device.emulation.is_empty()) {
                (Some(_), _) => Source::Simulated,
                (None, true) => Source::Measured,
                (None, false) => Source::Emulated,
            },
            date: canaried.map(|_| text::now()),
            profiler: env!("CARGO_PKG_VERSION").to_string(),
            method: method(canaried, &fitted, nets.len()),
            points: Some(self.points),
            threads: self.threads,
            cpus: start.cpus.clone(),
            // By the intervals that are stated, of the samples that count.
            stopped_by: canaried.map(|_| if is_precise() { "precision" } else { "budget" }.to_string()),
            reference: None,
            space: SpaceId::from(self.space),
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
                architectures: nets.iter().map(|n| architecture(n)).collect(),
                anchors: self.anchors(&measured)?,
            }),
            checked: None,
        };
        let rows = self.rows(samples, &readings, &parts, &fitted.parts);
        Table::new(header, rows).map_err(|faults| FitError::Faults { faults, raw: raw.to_path_buf() })
    }

    /// How often each part is in the network of a choice.
    fn counts(&self, parts: &[&Model], choice: &[Primitive]) -> Vec<f64> {
        let layers = std::iter::zip(choice, self.space.layers());
        let blocks: Vec<Subject> = layers.map(|(&primitive, l)| Subject::block(&Candidate { primitive, layer: l.layer })).collect();
        // Identities are no parts: they take no time. The trunk is in every network, once.
        let count = |part: &&Model| match &part.subject {
            Subject::Trunk(_) => 1.0,
            subject => blocks.iter().filter(|block| *block == subject).count() as f64,
        };
        parts.iter().map(count).collect()
    }

    /// The first networks that have a candidate of the space in every layer, with their times.
    fn anchors(&self, measured: &Measure) -> Result<Vec<Anchor>, FitError> {
        let is_own = |net: &&Vec<Primitive>| {
            std::iter::zip(net.iter(), self.space.layers()).all(|(primitive, layer)| layer.primitives.contains(primitive))
        };
        let anchor = |net: &Vec<Primitive>| {
            let time = measured(&Subject::network(net))?;
            let (measured_us, standard_error) = (Micros(time.us), Some(time.error / time.us));
            Ok(Anchor { architecture: architecture(net), measured_us, standard_error })
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
            macs: Some(0),
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
            let subject = &model.subject;
            let (kind, primitive) = match (subject, &model.candidate) {
                (Subject::Trunk(piece), _) => (Kind::Trunk, piece.clone()),
                (_, candidate) => (Kind::Block, candidate.as_ref().map(|c| c.primitive.name()).unwrap_or_default().to_string()),
            };
            Row {
                key: subject.to_string(),
                kind,
                primitive,
                shapes: shapes(&model.graph),
                macs: Some(model.graph.macs()),
                params: model.graph.parameter_count() as u64,
                latency: us(latency.us),
                interval: Some(Interval { low: us(latency.us - half), high: us(latency.us + half) }),
                quantiles: readings.quantiles(subject),
                samples: readings.count(subject) as u64,
                discarded: readings.discarded(subject),
                cold: readings.cold(subject),
                checksum: samples.items.get(subject).and_then(|item| item.checksum.clone()),
            }
        });
        identities.chain(measured).collect()
    }
}

/// Gives a model's time.
type Measure<'a> = dyn Fn(&Subject) -> Result<Measured, FitError> + 'a;

/// The parts' own times, and what they share: blocks of the same shapes are a group, as is the trunk; a block with a gate costs more in a
/// network than alone, the others less, so that both are a kin, and the trunk another.
fn alone(parts: &[&Model], measured: &Measure) -> Result<Vec<Part>, FitError> {
    let layers: Vec<Option<Layer>> = parts.iter().map(|m| m.candidate.as_ref().map(|c| c.layer)).collect();
    let part = |(model, layer): (&&Model, &Option<Layer>)| {
        let group = layers.iter().position(|other| other == layer).unwrap_or_default();
        let kin = model.candidate.as_ref().map_or(0, |c| 1 + usize::from(c.primitive.is_gated()));
        Ok(Part { alone: measured(&model.subject)?, group, kin })
    };
    std::iter::zip(parts, &layers).map(part).collect()
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

/// How the times were computed, as text for the header.
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
