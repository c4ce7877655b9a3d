//! `profiler check`: whole networks that the table never saw, predicted and measured.
//!
//! | module | what it holds |
//! |---|---|
//! | [`conditions`] | whether it was measured under conditions that allow a verdict |
//! | `repeated` | whether a simulated device repeats what the table says |
//! | [`report`] | what was found |
//! | [`shared`] | what the networks with the largest errors have in common |
//! | [`error`] | why a check gives no result, or fails |

pub mod conditions;
pub mod error;
mod repeated;
pub mod report;
pub mod shared;

pub use error::CheckError;

use std::path::PathBuf;

use blocks::{Primitive, SearchLayer, Space};
use indicatif::MultiProgress;
use luts::{LatencyModel, LookupError, Overwrite, Source, Table};

use crate::devices::identity::TableIdentity;
use crate::fit::readings::Readings;
use crate::measure::collect::{CollectError, Setting, Task};
use crate::measure::design;
use crate::measure::job::{JobFolder, Model};
use crate::measure::raw::{Purpose, RawFile, Request, Samples};
use crate::measure::subject::{Subject, architecture};
use crate::output::note;
use crate::protocol::Start;
use crate::stats::Median;
use conditions::{Anchor, Conditions};
use report::{Net, Report, slowdown};

/// What is to be checked.
#[derive(Clone, Debug)]
pub struct Check {
    /// The table's file.
    pub path: PathBuf,
    /// Table
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
    /// Write the result into the table's header.
    pub write: bool,
    /// Compare even with another device or engine than the table's.
    pub other_device: bool,
    /// Where the samples are kept, if at all.
    pub raw: Option<PathBuf>,
}

/// A network that the build measured too, and its time then.
type KnownNetwork = (Vec<Primitive>, luts::Anchor);

impl Check {
    /// Measures and compares; writes the result into the table unless told not to.
    ///
    /// # Errors
    /// [`CheckError`]. An error that is too large is no error here: see [`Report::verdict`].
    pub fn run(&self) -> Result<Report, CheckError> {
        let canary = self.table.header.canary.as_ref();
        if canary.is_none() && self.table.header.source != Source::Simulated {
            return Err(CheckError::NoCanary { path: self.path.clone() });
        }
        let known = self.table.header.fit.as_ref().map(|fit| fit.architectures.clone()).unwrap_or_default();
        let choices = design::unknown(&self.space, self.nets, self.seed, &known);
        if choices.len() < 2 {
            return Err(CheckError::AllKnown { path: self.path.clone() });
        }
        let anchors = self.anchors()?;
        let samples = self.measure(choices.iter().chain(anchors.iter().map(|(choice, _)| choice)))?;
        let report = self.compare(&samples, &choices, &anchors)?;
        if self.write && report.disturbances.is_empty() {
            self.write_into_header(&report)?;
        }
        Ok(report)
    }

    /// Measures the networks of these choices, on the table's device only unless told otherwise.
    fn measure<'a>(&self, choices: impl Iterator<Item = &'a Vec<Primitive>>) -> Result<Samples, CheckError> {
        let models: Vec<Model> = choices.map(|choice| Model::net(&self.space, choice, self.points)).collect();
        let identity = TableIdentity::new(&self.path, &self.table.header, self.other_device);
        identity.check_engine(self.setting.engine)?;
        let request = Request {
            purpose: Purpose::Check { table: self.table.digest(), seed: self.seed },
            space: Some(self.space.hash()),
            points: Some(self.points),
            ..self.setting.request(models.iter().map(|model| model.subject.to_string()).collect())
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
        start.iter().flat_map(|start| identity.remarks(start, self.setting.threads)).for_each(note);
        Ok(samples)
    }

    /// Compares the figures of the networks with the table's predictions, and those of the anchors with the build's.
    fn compare(&self, samples: &Samples, choices: &[Vec<Primitive>], anchors: &[KnownNetwork]) -> Result<Report, CheckError> {
        let (canary, start) = (self.table.header.canary.as_ref(), samples.start.as_ref());
        let readings = Readings::of(samples).ok_or_else(|| too_few(samples, Vec::new()))?;
        if readings.canaried().is_some() && canary.is_some_and(|canary| start.is_some_and(|s| s.canary != canary.kind)) {
            return Err(CheckError::OtherCanary { path: self.path.clone() });
        }
        if self.table.header.source == Source::Measured && start.is_some_and(|s| !s.device.emulation.is_empty()) {
            return Err(CheckError::Emulator { path: self.path.clone() });
        }
        let stated = canary.map(|canary| canary.stated_us.0);
        let by_table = |choice: &Vec<Primitive>| {
            let subject = Subject::network(choice);
            readings.median(&subject, stated).ok_or_else(|| too_few(samples, vec![subject.to_string()]))
        };
        let known = anchors.iter().map(|(choice, then)| Ok((then, by_table(choice)?))).collect::<Result<Vec<_>, CollectError>>()?;
        let conditions = match readings.canaried() {
            Some(own) => {
                let anchor = |(then, now): &(&luts::Anchor, Median)| {
                    let (then_us, then_error) = (then.measured_us.0, then.standard_error.unwrap_or_default());
                    Anchor { then_us, then_error, now: *now }
                };
                let subjects: Vec<Subject> = choices.iter().map(|choice| Subject::network(choice)).collect();
                Some(Conditions::of(&known.iter().map(anchor).collect::<Vec<_>>(), &own.quiet, &subjects))
            }
            None => {
                if !self.other_device {
                    repeated::check(&self.path, &self.table.header, start, &known)?;
                }
                None
            }
        };
        let slowdown = slowdown(conditions.as_ref());
        let model = LatencyModel::new(&self.table, &self.space)?.for_points(self.points);
        let mut nets = Vec::new();
        for choice in choices {
            let measured = by_table(choice)?.scaled(1.0 / slowdown);
            let prediction = model.predict(&self.places(choice)?)?;
            nets.push(Net::new(architecture(choice), &prediction, measured, conditions.as_ref()));
        }
        Ok(Report::of(nets, conditions))
    }

    /// A choice's candidates by their places in the layers.
    fn places(&self, choice: &[Primitive]) -> Result<Vec<usize>, LookupError> {
        let place = |(primitive, layer): (&Primitive, &SearchLayer)| {
            let place = layer.primitives.iter().position(|candidate| candidate == primitive);
            place.ok_or_else(|| LookupError::Missing(primitive.to_string()))
        };
        std::iter::zip(choice, self.space.layers()).map(place).collect()
    }

    /// Writes what was found into the table's header. The file is read again: what others have written meanwhile stays, and another table
    /// of that name is left alone.
    fn write_into_header(&self, report: &Report) -> Result<(), CheckError> {
        let mut table = Table::read(&self.path)?;
        if table.digest() != self.table.digest() {
            return Err(CheckError::Replaced { path: self.path.clone() });
        }
        table.header.checked = Some(report.summary(self.seed));
        table.write(&self.path, Overwrite::Yes)?;
        Ok(())
    }

    /// The table's anchors: networks and their times at the build. Of a table for another number of landmarks they are other
    /// networks.
    fn anchors(&self) -> Result<Vec<KnownNetwork>, CheckError> {
        let fit = self.table.header.fit.iter().filter(|_| Some(self.points) == self.table.header.points);
        let anchor = |anchor: &luts::Anchor| {
            let primitives = anchor.architecture.split(' ').map(Primitive::from_name).collect::<Option<Vec<_>>>();
            let fits = primitives.filter(|choice| choice.len() == self.space.layers().len());
            let choice =
                fits.ok_or_else(|| CheckError::Anchor { path: self.path.clone(), architecture: anchor.architecture.clone() })?;
            Ok((choice, anchor.clone()))
        };
        fit.flat_map(|fit| &fit.anchors).map(anchor).collect()
    }
}

fn too_few(samples: &Samples, ids: Vec<String>) -> CollectError {
    CollectError::TooFew { ids, advice: samples.advice(), raw: None }
}
