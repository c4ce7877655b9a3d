//! `profiler check`: whole networks that the table never saw, predicted and measured.
//!
//! | module | what it holds |
//! |---|---|
//! | [`conditions`] | whether it was measured under conditions that allow a verdict |
//! | `repeated` | whether a simulated device repeats what the table says |
//! | [`shared`] | what the networks with the largest errors have in common |
//! | [`scatter`] | a check as a picture |

pub mod conditions;
mod repeated;
pub mod scatter;
pub mod shared;

use std::path::PathBuf;

use blocks::{Primitive, Space};
use indicatif::MultiProgress;
use luts::{Checked, Header, LatencyModel, Overwrite, Prediction, Source, Table};
use serde::Serialize;

use crate::devices::identity::TableIdentity;
use crate::error::HostError;
use crate::fit::readings::Readings;
use crate::measure::collect::{Setting, Task};
use crate::measure::design;
use crate::measure::job::{self, JobFolder, Model};
use crate::measure::raw::{Purpose, RawFile, Request, Samples};
use crate::protocol::Start;
use crate::show::picture::{Page, Section};
use crate::show::text;
use crate::stats::Median;
use conditions::{Anchor, Conditions};
use shared::Suspects;

/// Errors up to this are good ones.
const WITHIN: f64 = 0.05;
/// Networks named as the worst.
const WORST: usize = 5;
/// Candidates named as what they share.
const SUSPECTS: usize = 5;

/// What is to be checked.
#[derive(Clone, Debug)]
pub struct Check {
    /// The table's file.
    pub path: PathBuf,
    /// The table.
    pub table: Table,
    /// Its space.
    pub space: Space,
    /// Landmarks of the networks.
    pub points: usize,
    /// How many networks.
    pub nets: usize,
    /// Seed that draws them.
    pub seed: u64,
    /// How to measure.
    pub setting: Setting,
    /// Largest mean absolute error that passes.
    pub max_mape: f64,
    /// Write the result into the table's header.
    pub write: bool,
    /// Compare even with another device or engine than the table's.
    pub other_device: bool,
    /// Where the samples are kept, if at all.
    pub raw: Option<PathBuf>,
}

/// One network.
#[derive(Clone, Debug, Serialize)]
pub struct Net {
    /// Its primitives.
    pub architecture: String,
    /// By the table.
    pub predicted_us: f64,
    /// 95 % interval of the prediction, where the table gives one.
    pub predicted_ci95_us: Option<[f64; 2]>,
    /// By the device, relative to the table's canary.
    pub measured_us: f64,
    /// 95 % interval of the measured figure.
    pub measured_ci95_us: [f64; 2],
    /// (predicted − measured) / measured.
    pub error: f64,
    /// Standard error of the measured figure, relative.
    pub noise: f64,
    /// Whether the predicted interval holds the measured figure, the figure's own uncertainty allowed for.
    pub covered: bool,
}

impl Net {
    /// A network's prediction beside its figure, from which the device's state is taken out.
    fn new(architecture: String, prediction: &Prediction, measured: Median, conditions: Option<&Conditions>) -> Self {
        let predicted_us = prediction.total.0;
        let interval = prediction.interval.map(|i| [i.low.0, i.high.0]);
        let noise = measured.standard_error() / measured.value;
        // What separates the two is the prediction's error, the figure's, the state's, and what the sessions differ by.
        let covered = interval.is_some_and(|[low, high]| {
            let half = 0.5 * (high - low);
            let allowed = conditions.map_or(half, |conditions| {
                let own = 1.96 * noise.hypot(conditions.state_error).hypot(conditions.between_sessions()) * measured.value;
                half.hypot(own)
            });
            (measured.value - 0.5 * (low + high)).abs() <= allowed
        });
        Self {
            architecture,
            predicted_us,
            predicted_ci95_us: interval,
            measured_us: measured.value,
            measured_ci95_us: [measured.low, measured.high],
            error: predicted_us / measured.value - 1.0,
            noise,
            covered,
        }
    }
}

/// What was found; errors are shares.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Mean absolute error.
    pub mape: f64,
    /// Mean signed error.
    pub bias: f64,
    /// Share of networks within 5 %.
    pub within_5: f64,
    /// Share of networks within 10 %.
    pub within_10: f64,
    /// Largest absolute error.
    pub largest: f64,
    /// Agreement of the orders.
    pub kendall_tau: f64,
    /// Share of networks whose figure lies in the predicted 95 % interval.
    pub covered: f64,
    /// Median over the networks of the relative standard error of the measured figure.
    pub noise: f64,
    /// Mean signed error of the predictions against the figures as they were measured, with the device's state in them.
    pub bias_with_state: f64,
    /// The conditions: the device's state, which the networks' measured figures are without, and what may disturb. Absent of a simulated
    /// device, which has no state.
    #[serde(flatten)]
    pub conditions: Option<Conditions>,
    /// Why there is no verdict; empty where there is one.
    pub disturbances: Vec<String>,
    /// The networks with the largest errors, the largest first.
    pub worst: Vec<Net>,
    /// The candidates that they share.
    pub suspects: Suspects,
    /// The networks.
    pub nets: Vec<Net>,
}

impl Check {
    /// Measures and compares; writes the result into the table unless told not to.
    ///
    /// # Errors
    /// [`HostError`]. An error above `max_mape` is no error here: see [`Report::verdict`].
    pub fn run(&self) -> Result<Report, HostError> {
        let usage = |reason: &str| Err(HostError::Usage(format!("{} {reason}", self.path.display())));
        let canary = self.table.header.canary.as_ref();
        if canary.is_none() && self.table.header.source != Source::Simulated {
            return usage("states no canary, so that nothing can be compared with it");
        }
        let known = self.table.header.fit.as_ref().map(|fit| fit.architectures.clone()).unwrap_or_default();
        let choices = design::unknown(&self.space, self.nets, self.seed, &known);
        if choices.len() < 2 {
            return usage("was fitted to all architectures of its space; none is left to check it with");
        }
        let anchors = self.anchors()?;
        let all = choices.iter().chain(anchors.iter().map(|(choice, _)| choice));
        let models: Vec<Model> = all.map(|choice| Model::net(&self.space, choice, self.points)).collect();
        let identity = TableIdentity::new(&self.path, &self.table.header, self.other_device);
        identity.check_engine(self.setting.engine)?;
        let request = Request {
            purpose: Purpose::Check { table: self.table.digest(), seed: self.seed },
            space: Some(self.space.hash()),
            points: Some(self.points),
            ..self.setting.request(models.iter().map(|model| model.id.clone()).collect())
        };
        let raw = self.raw.as_deref().map(|path| RawFile::fresh(path, &request)).transpose()?;
        self.setting.check_engine()?;
        let accept = |start: &Start| identity.check(start, self.setting.threads);
        let bars = MultiProgress::new();
        let folder = JobFolder::prepare(&models, self.setting.engine, &bars)?;
        let task = Task { setting: &self.setting, folder, samples: Samples::default(), raw, bars, accept: Some(&accept) };
        let (samples, raw) = task.run()?;
        raw.map(RawFile::finish).transpose()?;
        let start = samples.start.as_ref();
        start.iter().for_each(|start| identity.tell(start, self.setting.threads));
        let readings = Readings::of(&samples).ok_or_else(|| too_few(&samples, Vec::new()))?;
        if readings.canaried().is_some() && canary.is_some_and(|canary| start.is_some_and(|s| s.canary != canary.kind)) {
            return usage("was measured with another kind of canary; build it again");
        }
        if self.table.header.source == Source::Measured && start.is_some_and(|s| !s.device.emulation.is_empty()) {
            return usage("was measured on hardware; this device is an emulator");
        }
        let stated = canary.map(|canary| canary.stated_us.0);
        let by_table = |choice: &Vec<Primitive>| {
            let id = job::net_id(choice);
            readings.median(&id, stated).ok_or_else(|| too_few(&samples, vec![id]))
        };
        let known = anchors.iter().map(|(choice, then)| Ok((then, by_table(choice)?))).collect::<Result<Vec<_>, HostError>>()?;
        let conditions = match readings.canaried() {
            Some(own) => {
                let anchor = |(then, now): &(&luts::Anchor, Median)| {
                    let (then_us, then_error) = (then.measured_us.0, then.standard_error.unwrap_or_default());
                    Anchor { then_us, then_error, now: *now }
                };
                let ids: Vec<String> = choices.iter().map(|choice| job::net_id(choice)).collect();
                Some(Conditions::of(&known.iter().map(anchor).collect::<Vec<_>>(), &own.quiet, &ids))
            }
            None => {
                if !self.other_device {
                    repeated::check(&self.path, &self.table.header, start, &known)?;
                }
                None
            }
        };
        let slowdown = slowdown(conditions.as_ref());
        let model = LatencyModel::new(&self.table, &self.space, self.points)?;
        let mut nets = Vec::new();
        for choice in &choices {
            let measured = by_table(choice)?.scaled(1.0 / slowdown);
            let prediction = model.predict(choice)?;
            nets.push(Net::new(job::architecture(choice), &prediction, measured, conditions.as_ref()));
        }
        let report = Report::of(nets, conditions);
        if self.write && report.disturbances.is_empty() {
            self.write_into_header(&report)?;
        }
        Ok(report)
    }

    /// Writes what was found into the table's header. The file is read again: what others have written meanwhile stays, and another table
    /// of that name is left alone.
    fn write_into_header(&self, report: &Report) -> Result<(), HostError> {
        let mut table = Table::read(&self.path)?;
        if table.digest() != self.table.digest() {
            let path = self.path.display();
            return Err(HostError::Usage(format!(
                "{path} has become another table while this check measured the one before: its header is left as it is; check it again"
            )));
        }
        table.header.checked = Some(report.summary(self.seed));
        table.write(&self.path, Overwrite::Yes)?;
        Ok(())
    }

    /// The table's anchors: networks and their times at the build. Of a table for another number of landmarks they are other
    /// networks.
    fn anchors(&self) -> Result<Vec<(Vec<Primitive>, luts::Anchor)>, HostError> {
        let fit = self.table.header.fit.iter().filter(|_| self.points == self.table.header.points);
        let anchor = |anchor: &luts::Anchor| {
            let primitives = anchor.architecture.split(' ').map(Primitive::from_name).collect::<Option<Vec<_>>>();
            let fits = primitives.filter(|choice| choice.len() == self.space.layers().len());
            let choice = fits.ok_or_else(|| {
                HostError::Usage(format!(
                    "{}: its anchor '{}' is no network of the space",
                    self.path.display(),
                    anchor.architecture
                ))
            })?;
            Ok((choice, anchor.clone()))
        };
        fit.flat_map(|fit| &fit.anchors).map(anchor).collect()
    }
}

fn too_few(samples: &Samples, ids: Vec<String>) -> HostError {
    HostError::TooFew { ids, advice: samples.advice(), raw: None }
}

/// How many times as long as at the build everything takes.
fn slowdown(conditions: Option<&Conditions>) -> f64 {
    1.0 + conditions.and_then(|conditions| conditions.state).unwrap_or_default()
}

impl Report {
    /// Sums the networks up; `conditions` are those of a device with noise.
    pub fn of(nets: Vec<Net>, conditions: Option<Conditions>) -> Self {
        let slowdown = slowdown(conditions.as_ref());
        let share = |test: &dyn Fn(&Net) -> bool| nets.iter().filter(|n| test(n)).count() as f64 / nets.len() as f64;
        let mean = |value: &dyn Fn(&Net) -> f64| nets.iter().map(value).sum::<f64>() / nets.len() as f64;
        let mut order: Vec<usize> = (0..nets.len()).collect();
        order.sort_by(|&a, &b| nets[b].error.abs().total_cmp(&nets[a].error.abs()));
        order.truncate(WORST);
        let errors: Vec<_> = nets.iter().map(|n| (n.architecture.split(' ').collect(), n.error)).collect();
        Self {
            worst: order.iter().map(|&i| nets[i].clone()).collect(),
            suspects: shared::find(&errors, &order),
            mape: mean(&|n| n.error.abs()),
            bias: mean(&|n| n.error),
            within_5: share(&|n| n.error.abs() <= WITHIN),
            within_10: share(&|n| n.error.abs() <= 0.1),
            largest: nets.iter().map(|n| n.error.abs()).fold(0.0, f64::max),
            kendall_tau: kendall_tau(&nets),
            covered: share(&|n| n.covered),
            noise: crate::stats::median(nets.iter().map(|n| n.noise)).unwrap_or_default(),
            bias_with_state: mean(&|n| (1.0 + n.error) / slowdown - 1.0),
            disturbances: conditions.as_ref().map(Conditions::disturbances).unwrap_or_default(),
            conditions,
            nets,
        }
    }

    /// Whether the mean absolute error is small enough.
    ///
    /// # Errors
    /// [`HostError::Disturbed`] where the conditions allow no verdict, [`HostError::CheckFailed`].
    pub fn verdict(&self, max_mape: f64) -> Result<(), HostError> {
        if !self.disturbances.is_empty() {
            return Err(HostError::Disturbed { reasons: self.disturbances.clone() });
        }
        if self.mape <= max_mape {
            return Ok(());
        }
        let (found, allowed) = (100.0 * self.mape, 100.0 * max_mape);
        Err(HostError::CheckFailed(format!("the mean absolute error is {found:.2} %, more than {allowed} %")))
    }

    fn summary(&self, seed: u64) -> Checked {
        Checked {
            date: self.conditions.as_ref().map(|_| text::now()),
            nets: self.nets.len(),
            seed,
            mape: self.mape,
            bias: self.bias,
            within_5: self.within_5,
            within_10: self.within_10,
            kendall_tau: self.kendall_tau,
            state: self.conditions.as_ref().and_then(|conditions| conditions.state),
            bias_with_state: self.conditions.as_ref().map(|_| self.bias_with_state),
            covered: Some(self.covered),
        }
    }

    /// For people: a line a network, the sums, the worst networks and what they share.
    pub fn text(&self) -> String {
        format!(
            "{}\n{}\n\nlargest errors:\n{}\n{}",
            text::columns(&rows(&self.nets)),
            self.sums(),
            text::columns(&rows(&self.worst)),
            self.suspected()
        )
    }

    /// As a picture; the table's header says where it was measured.
    pub fn page(&self, header: &Header) -> Page {
        let section = |heading: &str, notes: String, rows| Section {
            heading: heading.to_string(),
            notes: notes.lines().map(String::from).collect(),
            rows,
        };
        let sections = vec![
            section("Largest errors", String::new(), rows(&self.worst)),
            section("What they share", self.remark(), self.suspects()),
            section("All networks", self.sums(), rows(&self.nets)),
        ];
        Page { drawing: scatter::draw(self, header), sections }
    }

    fn sums(&self) -> String {
        format!(
            "mean absolute error {:.2} %, bias {:+.2} %, largest error {:.2} %, within 5 %: {:.0} %, within 10 %: {:.0} %, Kendall tau {:.3}\n\
             the predicted 95 % interval holds {:.0} % of the networks; {}",
            100.0 * self.mape,
            100.0 * self.bias,
            100.0 * self.largest,
            100.0 * self.within_5,
            100.0 * self.within_10,
            self.kendall_tau,
            100.0 * self.covered,
            self.circumstances()
        )
    }

    /// What the figures were measured under.
    fn circumstances(&self) -> String {
        let Some(conditions) = &self.conditions else { return "the device is simulated: figures are without noise".to_string() };
        let state = conditions.state.map(|state| {
            format!(
                "\nthe device is {} slower than when the table was built (networks measured then and now, standard error {:.2} %); figures \
                 are without it, with it the bias is {:+.2} %",
                text::percent(state),
                100.0 * conditions.state_error,
                100.0 * self.bias_with_state
            )
        });
        format!(
            "standard error of a network's own figure: {:.2} %; samples on a quiet device: {:.0} a network{}",
            100.0 * self.noise,
            conditions.quiet_samples,
            state.unwrap_or_default()
        )
    }

    fn suspected(&self) -> String {
        let rows = self.suspects();
        let table = if rows.len() > 1 { text::columns(&rows) } else { String::new() };
        format!("what they share: {}\n{table}", self.remark())
    }

    /// How much is to be made of the candidates listed.
    fn remark(&self) -> String {
        match self.suspects.by_chance {
            Some(chance) => format!(
                "mean error, less the bias, of the networks that hold a candidate at a layer; \
                 chance alone gives a mean as far off as the first in {:.0} % of cases",
                100.0 * chance
            ),
            None => "no candidate stands in several of the networks".to_string(),
        }
    }

    /// Rows of the candidates that the worst networks share, the first of which is the head.
    fn suspects(&self) -> Vec<Vec<String>> {
        let head = ["candidate", "layer", "networks", "of the worst", "mean error less bias", "standard error", "ratio"];
        let rows = self.suspects.candidates.iter().take(SUSPECTS).map(|s| {
            vec![
                s.candidate.clone(),
                s.layer.to_string(),
                s.nets.to_string(),
                s.worst.to_string(),
                format!("{:+.2} %", 100.0 * s.mean_residual),
                format!("{:.2} %", 100.0 * s.standard_error),
                format!("{:+.1}", s.z()),
            ]
        });
        std::iter::once(head.map(String::from).to_vec()).chain(rows).collect()
    }
}

/// A row a network, the first of which is the head.
fn rows(nets: &[Net]) -> Vec<Vec<String>> {
    let head = ["architecture", "predicted µs", "measured µs", "error", "noise"].map(String::from).to_vec();
    let rows = nets.iter().map(|n| {
        vec![
            n.architecture.clone(),
            format!("{:.1}", n.predicted_us),
            format!("{:.1}", n.measured_us),
            text::percent(n.error),
            format!("±{:.1} %", 100.0 * n.noise),
        ]
    });
    std::iter::once(head).chain(rows).collect()
}

/// Kendall's τ of predicted against measured: agreeing minus disagreeing pairs, over all pairs.
fn kendall_tau(nets: &[Net]) -> f64 {
    let mut balance = 0.0;
    let mut pairs = 0.0;
    for (i, a) in nets.iter().enumerate() {
        for b in &nets[i + 1..] {
            let product = (a.predicted_us - b.predicted_us) * (a.measured_us - b.measured_us);
            balance += if product == 0.0 { 0.0 } else { product.signum() };
            pairs += 1.0;
        }
    }
    if pairs == 0.0 { 0.0 } else { balance / pairs }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(predicted_us: f64, measured_us: f64) -> Net {
        let error = predicted_us / measured_us - 1.0;
        let measured_ci95_us = [0.99 * measured_us, 1.01 * measured_us];
        let architecture = format!("a b{predicted_us}");
        Net {
            architecture,
            predicted_us,
            predicted_ci95_us: None,
            measured_us,
            measured_ci95_us,
            error,
            noise: 0.01,
            covered: true,
        }
    }

    #[test]
    fn sums_are_those_of_the_networks() {
        let undisturbed = |state| Some(Conditions { state, quiet_samples: 30.0, limit: 1.1, ..Conditions::default() });
        let report = Report::of(vec![net(104.0, 100.0), net(188.0, 200.0), net(360.0, 300.0)], undisturbed(Some(0.01)));
        assert!((report.mape - (0.04 + 0.06 + 0.2) / 3.0).abs() < 1e-12);
        assert!((report.bias - (0.04 - 0.06 + 0.2) / 3.0).abs() < 1e-12);
        assert!((report.within_5 - 1.0 / 3.0).abs() < 1e-12 && (report.within_10 - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!(report.kendall_tau, 1.0);
        assert_eq!(Report::of(vec![net(1.0, 3.0), net(2.0, 2.0), net(3.0, 1.0)], undisturbed(None)).kendall_tau, -1.0);
        // The same against the figures as they were taken, 1 % higher.
        assert!((report.bias_with_state - ((1.04 + 0.94 + 1.2) / 3.0 / 1.01 - 1.0)).abs() < 1e-12);
        assert_eq!(report.verdict(0.11).map_err(|e| e.exit_code()), Ok(()));
        assert_eq!(report.verdict(0.09).map_err(|e| e.exit_code()), Err(1));
        let disturbed = Report::of(report.nets, undisturbed(Some(0.05)));
        assert_eq!(disturbed.verdict(0.11).map_err(|e| e.exit_code()), Err(5));
        // A simulated device is never disturbed, and has no state.
        let simulated = Report::of(disturbed.nets, None);
        assert!(simulated.verdict(0.11).is_ok() && (simulated.bias_with_state - simulated.bias).abs() < 1e-12);
        assert!(serde_json::to_value(&simulated).unwrap().get("state").is_none() && (simulated.largest - 0.2).abs() < 1e-12);
    }

    #[test]
    fn the_worst_come_first_and_every_output_names_them() {
        let nets: Vec<Net> =
            (0..8u32).map(|i| net(100.0 + f64::from(i * i) * if i % 2 == 0 { 1.0 } else { -1.0 }, 100.0)).collect();
        let report = Report::of(nets, Some(Conditions::default()));
        let errors: Vec<f64> = report.worst.iter().map(|n| (100.0 * n.error).round()).collect();
        assert_eq!(errors, [-49.0, 36.0, -25.0, 16.0, -9.0]);
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["worst"].as_array().map(Vec::len), Some(5));
        assert!(json["suspects"]["candidates"].is_array());
        let text = report.text();
        assert!(text.contains("largest errors") && text.contains("what they share"), "{text}");
    }
}
