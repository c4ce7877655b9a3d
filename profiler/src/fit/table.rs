//! From samples to a table: the fit, the rows, the header.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use blocks::Measurable;
use blocks::measurable::{CandidateInfo, LayerInfo, PartInfo, shapes_of_key};
use luts::{
    Anchor, Canary, Celsius, ClockBand, Fit, Header, Interval, Kind, Megahertz, Micros, Row, Shapes, Source, SpaceId, Table,
    TemperatureBand,
};

use super::posterior::{self, Fitted, Measured, Net, Noise, Part};
use super::readings::{Canaried, Readings};
use crate::devices::facts;
use crate::measure::choice::{Choice, architecture};
use crate::measure::model::Model;
use crate::measure::raw::{Kept, Samples};
use crate::measure::subject::Subject;
use crate::protocol::Start;
use crate::show::text;
use crate::stats::{median, quantile};

/// Networks that are measured again by a check: enough to know the device's state to a quarter of a percent; …
const ANCHORS: usize = 12;
/// … of networks that take so long, in µs, …
const LONG_US: f64 = 50_000.0;
/// … this many do: their times are known better.
const ANCHORS_OF_LONG: usize = 6;

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
    pub space: &'a dyn Measurable,
    /// Landmarks of the networks; of a space of primitives.
    pub points: Option<usize>,
    /// What computed the expected outputs; none where this program knows the blocks itself.
    pub reference: Option<String>,
    /// Threads of the engine.
    pub threads: usize,
    /// The relative half-width of every median's interval at which measuring was to end.
    pub precision: f64,
    /// All models: parts, the graph of one operation, whole networks.
    pub models: &'a [Model],
    /// The whole networks.
    pub nets: &'a [Choice],
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
        let readings = Readings::of(samples).ok_or_else(|| broken("holds no valid sample"))?;
        let measured = |subject: &Subject| -> Result<Measured, FitError> {
            readings.time(subject).ok_or_else(|| broken(&format!("has too few samples of '{subject}'")))
        };
        let parts: Vec<(&Subject, &PartInfo)> = models.iter().filter_map(Model::part).collect();
        let alone = alone(&parts, &measured)?;
        let layers = self.space.layers();
        let net = |choice: &Choice| {
            Ok(Net { parts: counts(&layers, &parts, choice), time: measured(&Subject::network(&layers, choice))? })
        };
        let whole = nets.iter().map(net).collect::<Result<Vec<_>, FitError>>()?;
        let fitted = posterior::fit(&alone, measured(&Subject::Overhead)?, &whole, layers.len(), readings.noise());
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
            merged_from: Vec::new(),
            points: self.points,
            threads: self.threads,
            cpus: start.cpus.clone(),
            // By the intervals that are stated, of the samples that count.
            stopped_by: canaried.map(|_| if is_precise() { "precision" } else { "budget" }.to_string()),
            reference: self.reference.clone(),
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
                architectures: nets.iter().map(|choice| architecture(&layers, choice)).collect(),
                anchors: self.anchors(&layers, &measured)?,
            }),
            checked: None,
        };
        let rows = rows(&layers, samples, &readings, &parts, &fitted.parts);
        Table::new(header, rows).map_err(|faults| FitError::Faults { faults, raw: raw.to_path_buf() })
    }

    /// The first networks that have a candidate of the space in every layer, with their times.
    fn anchors(&self, layers: &[LayerInfo], measured: &Measure) -> Result<Vec<Anchor>, FitError> {
        let is_own = |net: &&Choice| net.iter().all(Option::is_some);
        let anchor = |net: &Choice| {
            let time = measured(&Subject::network(layers, net))?;
            let (measured_us, standard_error) = (Micros(time.us), Some(time.error / time.us));
            Ok(Anchor { architecture: architecture(layers, net), measured_us, standard_error })
        };
        let all: Vec<Anchor> = self.nets.iter().filter(is_own).take(ANCHORS).map(anchor).collect::<Result<_, FitError>>()?;
        let is_long = median(all.iter().map(|anchor| anchor.measured_us.0)).is_some_and(|us| us > LONG_US);
        Ok(all.into_iter().take(if is_long { ANCHORS_OF_LONG } else { ANCHORS }).collect())
    }
}

/// How often each part is in the network of a choice. Identities are no parts: they take no time. Fixed pieces are in every network, once.
fn counts(layers: &[LayerInfo], parts: &[(&Subject, &PartInfo)], choice: &[Option<usize>]) -> Vec<f64> {
    let mut chosen: HashMap<&str, f64> = HashMap::new();
    for (layer, place) in std::iter::zip(layers, choice) {
        if let Some(place) = *place {
            *chosen.entry(&layer.candidates[place].key).or_default() += 1.0;
        }
    }
    let count = |(subject, _): &(&Subject, &PartInfo)| match subject {
        Subject::Block(key) => chosen.get(key.as_str()).copied().unwrap_or_default(),
        _ => 1.0,
    };
    parts.iter().map(count).collect()
}

/// All rows: identities, then blocks and fixed pieces in the space's order.
fn rows(
    layers: &[LayerInfo],
    samples: &Samples,
    readings: &Readings,
    parts: &[(&Subject, &PartInfo)],
    fitted: &[Measured],
) -> Vec<Row> {
    let candidates = layers.iter().flat_map(|layer| layer.candidates.iter().map(move |candidate| (layer, candidate)));
    let nothings: BTreeMap<&str, (&LayerInfo, &CandidateInfo)> =
        candidates.filter(|(_, candidate)| candidate.is_identity).map(|found| (found.1.key.as_str(), found)).collect();
    let identities = nothings.into_iter().map(|(key, (layer, candidate))| {
        Row::unmeasured(key.to_string(), Kind::Identity, candidate.name.clone(), Shapes::of(&layer.inputs, &layer.outputs))
    });
    let measured = std::iter::zip(parts, fitted).map(|((subject, info), latency)| {
        let half = 1.96 * latency.error;
        let us = |us: f64| Micros(printed(us, readings.noise(), NANOSECONDS));
        Row {
            key: subject.to_string(),
            kind: if matches!(subject, Subject::Trunk(_)) { Kind::Trunk } else { Kind::Block },
            primitive: info.name.clone(),
            shapes: Shapes::of(&info.inputs, &info.outputs),
            macs: info.macs,
            params: info.params,
            latency: us(latency.us),
            interval: Some(Interval { low: us((latency.us - half).max(0.0)), high: us(latency.us + half) }),
            quantiles: readings.quantiles(subject),
            samples: readings.count(subject) as u64,
            discarded: readings.discarded(subject),
            cold: readings.cold(subject),
            checksum: samples.items.get(subject).and_then(|item| item.checksum.clone()),
        }
    });
    identities.chain(measured).collect()
}

/// Gives a model's time.
type Measure<'a> = dyn Fn(&Subject) -> Result<Measured, FitError> + 'a;

/// The parts' own times, and what they share: blocks of the same shapes are a group, as are the fixed pieces; what a block does beside
/// computing, such as a gate, makes it cost more in a network than alone, or less, so that such blocks are a family.
fn alone(parts: &[(&Subject, &PartInfo)], measured: &Measure) -> Result<Vec<Part>, FitError> {
    let groups: Vec<Option<&str>> = parts.iter().map(|(subject, _)| shapes(subject)).collect();
    let part = |((subject, info), shapes): (&(&Subject, &PartInfo), &Option<&str>)| {
        let group = groups.iter().position(|other| other == shapes).unwrap_or_default();
        Ok(Part { alone: measured(subject)?, group, family: info.family })
    };
    std::iter::zip(parts, &groups).map(part).collect()
}

/// The shapes of a block; none of a fixed piece.
fn shapes(subject: &Subject) -> Option<&str> {
    if let Subject::Block(key) = subject { shapes_of_key(key) } else { None }
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
        Some(Canaried { idle, .. }) => format!(
            "medians of samples over canaries up to {:.2} times their idle time, {}, intervals {:.2} times as wide as those of the samples alone, because processes differ; {fit} {nets} whole networks \
             (likeliest tau {tau}, rho {rho})",
            idle.limit,
            match idle.is_estimated {
                true => format!("without interference on the core (at most {:+.1} %)", 100.0 * idle.most),
                false => "with what interference on the core there was (too few models or samples to estimate it)".to_string(),
            },
            idle.widening(),
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
    Some(TemperatureBand { start_c: Celsius(samples.start_celsius()?), min_c: extreme(f64::min)?, max_c: extreme(f64::max)? })
}
