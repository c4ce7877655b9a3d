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

use blocks::Measurable;
use blocks::measurable::LayerInfo;
use indicatif::MultiProgress;
use luts::{LatencyModel, Overwrite, Source, Table};
use terminal::note;

use crate::devices::identity::TableIdentity;
use crate::fit::readings::Readings;
use crate::measure::choice::{self, Choice};
use crate::measure::collect::planned::Wanted;
use crate::measure::collect::{self, CollectError, Setting, Sizes, Task};
use crate::measure::design;
use crate::measure::expected::Judge;
use crate::measure::job::{JobFolder, Source as Made};
use crate::measure::model::Model;
use crate::measure::raw::{Purpose, RawFile, Request, Samples};
use crate::measure::subject::Subject;
use crate::protocol::Start;
use crate::stats::Median;
use conditions::{Anchor, Conditions};
use report::{Net, Report, slowdown};

/// What is to be checked.
pub struct Check<'a> {
    /// The table's file.
    pub path: PathBuf,
    /// Table
    pub table: Table,
    /// Its space.
    pub space: &'a dyn Measurable,
    /// Landmarks of the networks; of a space of primitives.
    pub points: Option<usize>,
    /// How many networks.
    pub nets: usize,
    /// Seed that draws them.
    pub seed: u64,
    /// How to measure.
    pub setting: Setting,
    /// Whether a few networks are looked at first, to plan the rest by what they take.
    pub looks: bool,
    /// What of the setting is wanted so, whatever they take.
    pub wanted: Wanted,
    /// Write the result into the table's header.
    pub write: bool,
    /// Compare even with another device or engine than the table's.
    pub other_device: bool,
    /// Where the samples are kept, if at all.
    pub raw: Option<PathBuf>,
}

/// A network that the build measured too, and its time then.
type KnownNetwork = (Choice, luts::Anchor);

impl Check<'_> {
    /// Measures and compares. What was found is not kept yet: see [`keep`](Self::keep).
    ///
    /// # Errors
    /// [`CheckError`]. An error that is too large is no error here: see [`Report::verdict`].
    pub fn run(&self) -> Result<(Report, Option<RawFile>), CheckError> {
        let canary = self.table.header.canary.as_ref();
        if canary.is_none() && self.table.header.source != Source::Simulated {
            return Err(CheckError::NoCanary { path: self.path.clone() });
        }
        let known = self.table.header.fit.as_ref().map(|fit| fit.architectures.clone()).unwrap_or_default();
        let choices = design::unknown(self.space, self.nets, self.seed, &known);
        if choices.len() < 2 {
            return Err(CheckError::AllKnown { path: self.path.clone() });
        }
        let layers = self.space.layers();
        let anchors = self.anchors(&layers)?;
        let nets = choices.iter().map(|places| choice::full(places)).chain(anchors.iter().map(|(choice, _)| choice.clone()));
        let (samples, raw) = self.measure(&nets.map(|choice| Model::net(&layers, &choice)).collect::<Vec<_>>())?;
        RawFile::finish_on_error(raw, self.compare(&samples, &layers, &choices, &anchors))
    }

    /// Finishes the raw samples, and writes what was found into the table unless told not to, or disturbed. It comes last: where there is
    /// no room for a file, the figures are known all the same.
    ///
    /// # Errors
    /// [`CheckError`].
    pub fn keep(&self, report: &Report, raw: Option<RawFile>) -> Result<(), CheckError> {
        raw.map(RawFile::finish).transpose()?;
        if self.write && report.disturbances.is_empty() {
            self.write_into_header(report)?;
        }
        Ok(())
    }

    /// Measures these networks, on the table's device only unless told otherwise.
    fn measure(&self, models: &[Model]) -> Result<(Samples, Option<RawFile>), CheckError> {
        let identity = TableIdentity::new(&self.path, &self.table.header, self.other_device);
        identity.check_engine(self.setting.engine)?;
        let judge = Judge::of(self.space, self.setting.host_library());
        let made = Made { space: self.space, models, judge: &judge, is_joined: !self.setting.device.is_simulated() };
        let request = Request {
            purpose: Purpose::Check { table: self.table.digest(), seed: self.seed },
            space: Some(self.space.hash()),
            points: self.points,
            reference: judge.description.clone(),
            ..self.setting.request(models.iter().map(|model| model.subject.to_string()).collect())
        };
        let raw = self.raw.as_deref().map(|path| RawFile::fresh(path, &request)).transpose()?;
        self.setting.check_engine()?;
        let accept = |start: &Start| identity.check(start, self.setting.threads);
        let bars = MultiProgress::new();
        let (mut setting, mut sizes) = (self.setting.clone(), Sizes::default());
        if self.looks {
            sizes = collect::look(Made { models: &[Model::overhead()], ..made }, &setting, &bars, Some(&accept))?;
        }
        if sizes.network_us().is_some() {
            let subjects: Vec<Subject> = models.iter().map(|model| model.subject.clone()).collect();
            let told;
            (setting, told) = setting.planned(self.wanted, &sizes, &subjects)?;
            note(told);
        }
        let folder = JobFolder::prepare(made, setting.engine, &bars)?;
        let samples = Samples::default();
        let task = Task { setting: &setting, folder, samples, raw, bars, sizes, accept: Some(&accept) };
        let (samples, raw) = task.run()?;
        let start = samples.start.as_ref();
        start.iter().flat_map(|start| identity.remarks(start, self.setting.threads)).for_each(note);
        Ok((samples, raw))
    }

    /// Compares the figures of the networks with the table's predictions, and those of the anchors with the build's.
    fn compare(
        &self,
        samples: &Samples,
        layers: &[LayerInfo],
        choices: &[Vec<usize>],
        anchors: &[KnownNetwork],
    ) -> Result<Report, CheckError> {
        let (canary, start) = (self.table.header.canary.as_ref(), samples.start.as_ref());
        let readings = Readings::of(samples).ok_or_else(|| too_few(samples, Vec::new()))?;
        if readings.canaried().is_some() && canary.is_some_and(|canary| start.is_some_and(|s| s.canary != canary.kind)) {
            return Err(CheckError::OtherCanary { path: self.path.clone() });
        }
        if self.table.header.source == Source::Measured && start.is_some_and(|s| !s.device.emulation.is_empty()) {
            return Err(CheckError::Emulator { path: self.path.clone() });
        }
        let stated = canary.map(|canary| canary.stated_us.0);
        let by_table = |choice: &Choice| {
            let subject = Subject::network(layers, choice);
            readings.median(&subject, stated).ok_or_else(|| too_few(samples, vec![subject.to_string()]))
        };
        let own: Vec<Choice> = choices.iter().map(|places| choice::full(places)).collect();
        let known = anchors.iter().map(|(choice, then)| Ok((then, by_table(choice)?))).collect::<Result<Vec<_>, CollectError>>()?;
        let conditions = match readings.canaried() {
            Some(canaried) => {
                let anchor = |(then, now): &(&luts::Anchor, Median)| {
                    let (then_us, then_error) = (then.measured_us.0, then.standard_error.unwrap_or_default());
                    Anchor { then_us, then_error, now: *now }
                };
                let subjects: Vec<Subject> = own.iter().map(|choice| Subject::network(layers, choice)).collect();
                Some(Conditions::of(&known.iter().map(anchor).collect::<Vec<_>>(), &canaried.idle, &subjects))
            }
            None => {
                if !self.other_device {
                    repeated::check(&self.path, &self.table.header, start, &known)?;
                }
                None
            }
        };
        let slowdown = slowdown(conditions.as_ref());
        let model = LatencyModel::new(&self.table, self.space)?;
        let model = self.points.into_iter().fold(model, LatencyModel::for_points);
        let mut nets = Vec::new();
        for (places, choice) in std::iter::zip(choices, &own) {
            let measured = by_table(choice)?.scaled(1.0 / slowdown);
            let prediction = model.predict(places)?;
            nets.push(Net::new(choice::architecture(layers, choice), &prediction, measured, conditions.as_ref()));
        }
        Ok(Report::of(nets, conditions))
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
    fn anchors(&self, layers: &[LayerInfo]) -> Result<Vec<KnownNetwork>, CheckError> {
        let fit = self.table.header.fit.iter().filter(|_| self.points == self.table.header.points);
        let anchor = |anchor: &luts::Anchor| {
            let unread = || CheckError::Anchor { path: self.path.clone(), architecture: anchor.architecture.clone() };
            Ok((choice::read(layers, &anchor.architecture).ok_or_else(unread)?, anchor.clone()))
        };
        fit.flat_map(|fit| &fit.anchors).map(anchor).collect()
    }
}

fn too_few(samples: &Samples, ids: Vec<String>) -> CollectError {
    CollectError::TooFew { ids, advice: samples.advice(), raw: None }
}
