//! Measures a space on one device or several devices of one model, and writes its table.

use std::path::{Path, PathBuf};

use indicatif::MultiProgress;
use luts::{Overwrite, Table};
use terminal::{note, note_text};

use super::collecting::Collecting;
use super::request::Build;
use crate::commands::error::CommandError;
use crate::commands::quantity::Count;
use crate::fit::plausibility;
use crate::fit::table::Plan;
use crate::measure::collect::planned;
use crate::measure::collect::{self, Sizes};
use crate::measure::design;
use crate::measure::expected::Judge;
use crate::measure::fleet::{self, Member, Sharing};
use crate::measure::job::Source;
use crate::measure::model::Model;
use crate::measure::raw::{self, Samples, partial};
use crate::measure::reserve::{Reserved, holder};
use crate::measure::subject::Subject;

/// Seed of the networks that are measured along with the blocks.
const DESIGN_SEED: u64 = 20;

impl Build<'_> {
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
        let members = fleet::plan(&self.devices, &self.raw_path(), &self.out, self.sharing)?;
        self.check_folder()?;
        // Before anything else: what another build is writing must not be resumed or replaced.
        let files = std::iter::once(&self.out).chain(members.iter().map(|member| &member.raw));
        let _reserved = files.map(|path| Reserved::take(path, &holder())).collect::<Result<Vec<_>, _>>()?;
        self.check_files(&members)?;
        let bars = MultiProgress::new();
        let earlier = self.earlier(&members[0])?;
        let judge = Judge::of(self.space, self.setting.host_library());
        let mut models = Model::parts(self.space);
        let sizes = if self.looks && !earlier.is_finished { self.look(&models, &judge, &bars)? } else { Sizes::default() };
        let count = match self.nets {
            Count::Exactly(count) => count,
            Count::Auto => earlier.nets.unwrap_or_else(|| planned::nets(sizes.network_us())),
        };
        let nets = design::balanced(self.space, count, DESIGN_SEED);
        let layers = self.space.layers();
        models.extend(nets.iter().map(|choice| Model::net(&layers, choice)));
        let mut setting = self.setting.clone();
        if sizes.network_us().is_some() {
            let subjects: Vec<Subject> = models.iter().map(|model| model.subject.clone()).collect();
            let (planned, told) = self.setting.planned(self.wanted, &sizes, &subjects)?;
            note(told);
            setting = planned;
        } else if earlier.is_finished && self.wanted.passes.is_none() {
            // As many as it has are enough.
            setting.passes = 1;
        }
        let source = Source { space: self.space, models: &models, judge: &judge, is_joined: !self.setting.device.is_simulated() };
        let collecting = Collecting { build: self, setting, source, sizes, bars };
        let samples = collecting.all(&members)?;
        let plan = Plan {
            space: self.space,
            points: self.points,
            reference: earlier.reference.or_else(|| judge.description.clone()),
            threads: self.setting.threads,
            precision: self.setting.plan.precision,
            models: &models,
            nets: &nets,
        };
        let table = match &samples[..] {
            [samples] => plan.table(samples, &members[0].raw)?,
            several => self.joined(&plan, &members, several)?,
        };
        for (key, share) in plausibility::too_fast(&table) {
            note(format_args!(
                "warning: {key} reaches {:.0} % of a Cortex-A53's peak, which is not possible: check the clock and the pinned CPUs",
                100.0 * share
            ));
        }
        table.write(&self.out, self.may_replace())?;
        Ok(table)
    }

    fn may_replace(&self) -> Overwrite {
        if self.overwrite || self.resume { Overwrite::Yes } else { Overwrite::No }
    }

    /// One table of several devices' samples. Where each did the whole work, each gets a table of its own too.
    fn joined(&self, plan: &Plan, members: &[Member], samples: &[Samples]) -> Result<Table, CommandError> {
        fleet::same_model(members, samples)?;
        let mut table = plan.table(&Samples::pool(samples), &members[0].raw)?;
        let mut single = Vec::new();
        if self.sharing == Sharing::Replicate {
            for (member, samples) in std::iter::zip(members, samples) {
                let own = plan.table(samples, &member.raw)?;
                own.write(&member.table, self.may_replace())?;
                note(format_args!("{}: {}", member.device, member.table.display()));
                single.push(own);
            }
        }
        table.header.units = Some(fleet::summary(self.sharing, samples, &single));
        note_text(&fleet::text(members, &single));
        Ok(table)
    }

    /// Refuses a table in a folder that is not there.
    fn check_folder(&self) -> Result<(), CommandError> {
        let folder = self.out.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if folder.is_dir() {
            return Ok(());
        }
        Err(CommandError::Usage(format!("there is no folder {} to write the table in; create it", folder.display())))
    }

    /// Refuses before anything is measured what would fail after it.
    fn check_files(&self, members: &[Member]) -> Result<(), CommandError> {
        if self.overwrite || self.resume {
            return Ok(());
        }
        let replicated = members.len() > 1 && self.sharing == Sharing::Replicate;
        let tables = std::iter::once(&self.out).chain(members.iter().filter(|_| replicated).map(|member| &member.table));
        if let Some(path) = tables.into_iter().find(|path| path.exists()) {
            return Err(luts::TableError::Exists { path: path.clone() }.into());
        }
        let raws = members.iter().flat_map(|member| [partial(&member.raw), member.raw.clone()]);
        match raws.into_iter().find(|path| path.exists()) {
            Some(path) => Err(CommandError::Usage(format!(
                "{} already exists: --resume continues it, --overwrite starts over",
                path.display()
            ))),
            None => Ok(()),
        }
    }

    /// What a build that is resumed has measured.
    fn earlier(&self, member: &Member) -> Result<Earlier, CommandError> {
        let part = partial(&member.raw);
        let there = [&part, &member.raw].into_iter().find(|path| path.exists());
        let Some(path) = there.filter(|_| self.resume) else { return Ok(Earlier::default()) };
        let request = raw::request(path)?;
        Ok(Earlier {
            is_finished: *path == member.raw,
            nets: Some(request.items.iter().filter(|item| Subject::from(*item).is_network()).count()),
            reference: request.reference,
        })
    }

    /// What the space's parts and a few networks take.
    fn look(&self, parts: &[Model], judge: &Judge, bars: &MultiProgress) -> Result<Sizes, CommandError> {
        self.setting.check_engine()?;
        Ok(collect::look(Source { space: self.space, models: parts, judge, is_joined: true }, &self.setting, bars, None)?)
    }
}

/// What a build that is resumed has measured; nothing of a new one.
#[derive(Default)]
struct Earlier {
    /// Whether everything is measured.
    is_finished: bool,
    /// Its whole networks.
    nets: Option<usize>,
    /// What computed its expected outputs.
    reference: Option<String>,
}
