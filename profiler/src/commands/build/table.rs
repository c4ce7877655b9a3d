//! Measures a space on one device or several units of it, and writes its table.

use std::path::{Path, PathBuf};
use std::thread;

use blocks::Space;
use indicatif::MultiProgress;
use luts::{Overwrite, Table};

use crate::commands::error::CommandError;
use crate::devices::Address;
use crate::fit::fitted::Plan;
use crate::fit::plausibility;
use crate::measure::collect::{self, CollectError, Setting, Task, holder};
use crate::measure::design;
use crate::measure::job::{JobFolder, Model};
use crate::measure::raw::{self, Kept, RawError, RawFile, Request, Samples, partial};
use crate::measure::reserve::Reserved;
use crate::measure::units::{self, Sharing, Unit};
use crate::output::{note, note_text};
use crate::stats::Median;

/// Seed of the networks that are measured along with the blocks.
const DESIGN_SEED: u64 = 20;

/// What is to be built.
#[derive(Clone, Debug)]
pub(super) struct Build {
    /// The space.
    pub space: Space,
    /// Landmarks of the networks.
    pub points: usize,
    /// Whole networks to measure along with the blocks.
    pub nets: usize,
    /// How to measure; the device in it is the first one.
    pub setting: Setting,
    /// The devices; several must be units of one model.
    pub devices: Vec<Address>,
    /// What several units do.
    pub sharing: Sharing,
    /// The table's file.
    pub out: PathBuf,
    /// The raw file; beside the table where not given.
    pub raw: Option<PathBuf>,
    /// Go on with an unfinished raw file.
    pub resume: bool,
    /// Replace files that are there.
    pub overwrite: bool,
}

impl Build {
    fn raw_path(&self) -> PathBuf {
        // Builds of before packed their samples wrote them here.
        let old = self.out.with_extension("raw.jsonl");
        let is_there = self.resume && (old.exists() || partial(&old).exists());
        self.raw.clone().unwrap_or_else(|| if is_there { old } else { raw::beside(&self.out) })
    }

    /// Measures, fits and writes.
    ///
    /// # Errors
    /// [`CommandError`].
    pub(super) fn run(&self) -> Result<Table, CommandError> {
        if let (Some(simulated), true) = (self.devices.iter().find(|device| device.is_simulated()), self.devices.len() > 1) {
            let reason = "is simulated and gives the same result each time: give only one --device";
            return Err(CommandError::Usage(format!("{simulated} {reason}")));
        }
        let units = units::plan(&self.devices, &self.raw_path(), &self.out, self.sharing)?;
        // First of all: what another build is writing must not be resumed or replaced.
        let files = std::iter::once(&self.out).chain(units.iter().map(|unit| &unit.raw));
        let _reserved = files.map(|path| Reserved::take(path, &holder())).collect::<Result<Vec<_>, _>>()?;
        self.check_files(&units)?;
        let nets = design::balanced(&self.space, self.nets, DESIGN_SEED);
        let mut models = Model::parts(&self.space, self.points);
        models.extend(nets.iter().map(|choice| Model::net(&self.space, choice, self.points)));
        let plan = Plan {
            space: &self.space,
            points: self.points,
            threads: self.setting.threads,
            precision: self.setting.plan.precision,
            models: &models,
            nets: &nets,
        };
        let samples = self.collect_all(&units, &models)?;
        let table = match &samples[..] {
            [samples] => plan.table(samples, &units[0].raw)?,
            several => self.joined(&plan, &units, several)?,
        };
        for (key, share) in plausibility::too_fast(&table) {
            note(format_args!(
                "warning: {key} reaches {:.0} % of a Cortex-A53's peak, which no kernel can: check the clock and the pinned CPUs",
                100.0 * share
            ));
        }
        table.write(&self.out, self.may_replace())?;
        Ok(table)
    }

    fn may_replace(&self) -> Overwrite {
        if self.overwrite || self.resume { Overwrite::Yes } else { Overwrite::No }
    }

    /// One table of several units' samples. Where each did the whole work, each gets a table of its own too.
    fn joined(&self, plan: &Plan, units: &[Unit], samples: &[Samples]) -> Result<Table, CommandError> {
        units::same_model(units, samples)?;
        let mut table = plan.table(&Samples::pool(samples), &units[0].raw)?;
        let mut single = Vec::new();
        if self.sharing == Sharing::Replicate {
            for (unit, samples) in std::iter::zip(units, samples) {
                let own = plan.table(samples, &unit.raw)?;
                own.write(&unit.table, self.may_replace())?;
                note(format_args!("{}: {}", unit.device, unit.table.display()));
                single.push(own);
            }
        }
        table.header.units = Some(units::summary(self.sharing, samples, &single));
        note_text(&units::text(units, &single));
        Ok(table)
    }

    /// Refuses before anything is measured what would fail after it.
    fn check_files(&self, units: &[Unit]) -> Result<(), CommandError> {
        let folder = self.out.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !folder.is_dir() {
            return Err(CommandError::Usage(format!("there is no folder {} to write the table in", folder.display())));
        }
        if self.overwrite || self.resume {
            return Ok(());
        }
        let replicated = units.len() > 1 && self.sharing == Sharing::Replicate;
        let tables = std::iter::once(&self.out).chain(units.iter().filter(|_| replicated).map(|unit| &unit.table));
        if let Some(path) = tables.into_iter().find(|path| path.exists()) {
            return Err(luts::TableError::Exists { path: path.clone() }.into());
        }
        let raws = units.iter().flat_map(|unit| [partial(&unit.raw), unit.raw.clone()]);
        match raws.into_iter().find(|path| path.exists()) {
            Some(path) => Err(CommandError::Usage(format!(
                "{} already exists: --resume continues it, --overwrite starts over",
                path.display()
            ))),
            None => Ok(()),
        }
    }

    /// All units' samples, measured side by side. One that fails does not stop the others: what they have is kept.
    fn collect_all(&self, units: &[Unit], models: &[Model]) -> Result<Vec<Samples>, CommandError> {
        let bars = MultiProgress::new();
        let sharers = if self.sharing == Sharing::Spread { units.len() } else { 1 };
        let one = |unit: &Unit| self.collect(unit, &self.setting.share(unit.device.clone(), sharers), models, &bars);
        match units {
            [unit] => Ok(vec![one(unit)?]),
            several => thread::scope(|scope| {
                let running: Vec<_> = several.iter().map(|unit| scope.spawn(move || one(unit))).collect();
                let ended: Vec<_> =
                    running.into_iter().map(|unit| unit.join().unwrap_or_else(|e| std::panic::resume_unwind(e))).collect();
                ended.into_iter().collect()
            }),
        }
    }

    /// One unit's samples: read, measured, or both.
    fn collect(&self, unit: &Unit, setting: &Setting, models: &[Model], bars: &MultiProgress) -> Result<Samples, CommandError> {
        let raw_path = unit.raw.as_path();
        let request = Request {
            space: Some(self.space.hash()),
            points: Some(self.points),
            ..setting.request(models.iter().map(|m| m.subject.to_string()).collect())
        };
        let mut samples = Samples::default();
        let mut raw = None;
        let part = partial(raw_path);
        if self.resume && (part.exists() || raw_path.exists()) {
            if !part.exists() {
                // Finished: only to be fitted again.
                RawFile::reopen(raw_path)?;
            }
            let (earlier, read) = raw::read(&part)?;
            if earlier != request {
                let reason =
                    "belongs to a build with another space, engine, device or options; --overwrite starts over".to_string();
                return Err(RawError::Content { path: part, reason }.into());
            }
            samples = read;
            raw = Some(RawFile::append(raw_path)?);
        }
        let simulated = setting.device.is_simulated();
        let is_measured = |samples: &Samples, model: &Model| {
            if simulated {
                return collect::measured_exactly(samples, &model.subject, model.subject.is_part() && setting.plan.cold_runs > 0);
            }
            samples.items.get(&model.subject).is_some_and(|item| Median::of(&item.ratios()).is_some())
        };
        let is_enough = simulated || samples.passes >= setting.passes;
        if is_enough && models.iter().all(|model| is_measured(&samples, model)) {
            if let Some(raw) = raw {
                raw.finish()?;
            }
            return Ok(samples);
        }
        setting.check_engine()?;
        let folder = JobFolder::prepare(models, setting.engine, bars)?;
        let raw = match raw {
            Some(raw) => raw,
            None => RawFile::create(raw_path, &request)?,
        };
        let task = Task { setting, folder, samples, raw: Some(raw), bars: bars.clone(), accept: None };
        let (samples, raw) = task.run()?;
        let ids: Vec<_> =
            models.iter().filter(|model| !is_measured(&samples, model)).map(|model| model.subject.to_string()).collect();
        if !ids.is_empty() {
            return Err(CollectError::TooFew { ids, advice: samples.advice(), raw: Some(Kept::of_build(&part)) }.into());
        }
        if let Some(raw) = raw {
            raw.finish()?;
        }
        Ok(samples)
    }
}
