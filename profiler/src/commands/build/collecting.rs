//! The samples of a build: of one device, or of several devices of a model.

use std::thread;

use indicatif::MultiProgress;

use super::request::Build;
use crate::commands::error::CommandError;
use crate::measure::collect::{self, CollectError, Setting, Sizes, Task};
use crate::measure::fleet::{Member, Sharing};
use crate::measure::job::{JobFolder, Source};
use crate::measure::model::Model;
use crate::measure::raw::{self, Kept, RawError, RawFile, Request, Samples, partial};

/// What is to be measured, and how.
pub(super) struct Collecting<'a> {
    /// What is to be built.
    pub build: &'a Build<'a>,
    /// How, as it was planned.
    pub setting: Setting,
    /// The models.
    pub source: Source<'a>,
    /// What they take, as far as it is known.
    pub sizes: Sizes,
    /// Where progress is shown.
    pub bars: MultiProgress,
}

impl Collecting<'_> {
    /// All devices' samples, measured side by side. One that fails does not stop the others: what they have is kept.
    pub(super) fn all(&self, members: &[Member]) -> Result<Vec<Samples>, CommandError> {
        let sharers = if self.build.sharing == Sharing::Spread { members.len() } else { 1 };
        let one = |member: &Member| self.one(member, &self.setting.share(member.device.clone(), sharers));
        match members {
            [member] => Ok(vec![one(member)?]),
            several => thread::scope(|scope| {
                let running: Vec<_> = several.iter().map(|member| scope.spawn(move || one(member))).collect();
                let ended: Vec<_> =
                    running.into_iter().map(|thread| thread.join().unwrap_or_else(|e| std::panic::resume_unwind(e))).collect();
                ended.into_iter().collect()
            }),
        }
    }

    /// One device's samples: read, measured, or both.
    fn one(&self, member: &Member, setting: &Setting) -> Result<Samples, CommandError> {
        let Source { models, space, judge, .. } = self.source;
        let raw_path = member.raw.as_path();
        let request = Request {
            space: Some(space.hash()),
            points: self.build.points,
            reference: judge.description.clone(),
            ..setting.request(models.iter().map(|m| m.subject.to_string()).collect())
        };
        let mut samples = Samples::default();
        let mut raw = None;
        let part = partial(raw_path);
        if self.build.resume && (part.exists() || raw_path.exists()) {
            if !part.exists() {
                // Finished: only to be fitted again.
                RawFile::reopen(raw_path)?;
            }
            let (earlier, read) = raw::read(&part)?;
            refuse_other(&earlier, &request).map_err(|reason| RawError::Content { path: part.clone(), reason })?;
            samples = read;
            raw = Some(RawFile::append(raw_path)?);
        }
        let simulated = setting.device.is_simulated();
        let is_measured = |samples: &Samples, model: &Model| {
            if simulated {
                return collect::measured_exactly(samples, &model.subject, model.subject.is_part() && setting.plan.cold_runs > 0);
            }
            samples.has_median(&model.subject)
        };
        let is_enough = simulated || samples.passes >= setting.passes;
        if is_enough && models.iter().all(|model| is_measured(&samples, model)) {
            if let Some(raw) = raw {
                raw.finish()?;
            }
            return Ok(samples);
        }
        setting.check_engine()?;
        let folder = JobFolder::prepare(self.source, setting.engine, &self.bars)?;
        let raw = match raw {
            Some(raw) => raw,
            None => RawFile::create(raw_path, &request)?,
        };
        let (bars, sizes) = (self.bars.clone(), self.sizes.clone());
        let task = Task { setting, folder, samples, raw: Some(raw), bars, sizes, accept: None };
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

/// Refuses to resume what was measured for another request.
fn refuse_other(earlier: &Request, request: &Request) -> Result<(), String> {
    // Another judge says the same. How samples are made is compared below, as far as it is known.
    let (reference, sampling) = (earlier.reference.clone(), earlier.sampling.clone());
    if *earlier != (Request { reference, sampling, ..request.clone() }) {
        return Err("belongs to a build with another space, engine, device or options; --overwrite starts over".to_string());
    }
    let other = earlier.other_sampling(request);
    if !other.is_empty() {
        return Err(format!(
            "its samples were taken with other options: {}; use the same ones, or --overwrite to start over",
            other.join("; ")
        ));
    }
    Ok(())
}
