//! Passes over all models on a device with noise.
//!
//! Where a model's buffers happen to lie in memory changes its time by about a percent for as long as the process lives; so each pass has
//! processes of its own, with the models in another order: one, or several where the models do not fit into memory together.

use terminal::note;

use super::bounds::Bounds;
use super::error::CollectError;
use super::listener::Listener;
use super::progress::Progress;
use super::{Setting, Task, tell};
use crate::devices::Transport;
use crate::fit::interference::IdleRatios;
use crate::measure::job::JobFolder;
use crate::measure::raw::{RawFile, Samples, digits};
use crate::measure::subject::Subject;
use crate::protocol::{Hold, Item, Job, Plan, Taken};
use crate::random::Random;

/// How long a later process waits for CPUs on which another measures, in ms.
const LOCK_TIMEOUT_MS: u64 = 120_000;
/// Least time for the passes that a resumed task still lacks, and for one more than was planned.
const LEAST_MS: f64 = 3000.0;
/// What a pass beyond those aims at, in parts of the precision: another process may move a median away from where it was precise enough.
const SURELY: f64 = 0.8;
/// Most passes in parts of the planned ones, while a time that was planned does not give the precision.
const MOST: usize = 2;
/// The same while a model has too few samples for a median. On an unsteady device (a virtual machine on an Intel Xeon; ProxylessNAS and
/// Once-for-All) a quarter of the samples counted: the planned passes gave three or four of the six that a median needs.
const MOST_LACKING: usize = 4;

/// A task on its way.
struct Passes<'a> {
    setting: &'a Setting,
    folder: JobFolder<'a>,
    transport: Box<dyn Transport>,
    engine_lib: Option<String>,
    listener: Listener<'a>,
    /// What is known of the samples so far.
    idle: IdleRatios,
    /// Whether this is the first process: it waits for no other.
    is_first: bool,
}

impl Task<'_> {
    pub(super) fn run_passes(self) -> Result<(Samples, Option<RawFile>), CollectError> {
        let transport = self.setting.open()?;
        self.run_passes_on(transport)
    }

    pub(super) fn run_passes_on(self, mut transport: Box<dyn Transport>) -> Result<(Samples, Option<RawFile>), CollectError> {
        let Self { setting, folder, samples, raw, bars, sizes, accept } = self;
        let engine_lib = transport.library(setting.engine, setting.engine_lib.as_deref())?;
        tell(transport.as_mut());
        let subjects: Vec<Subject> = folder.items.iter().map(|item| Subject::from(&item.id)).collect();
        let (first, earlier_ms) = (samples.passes_over(&subjects), samples.spent_ms());
        // Where all passes were made, and that was not enough, a resumed build may take as much again.
        let whole = setting.plan.budget_ms as f64;
        let (last, budget_ms) = if first < setting.passes {
            (setting.passes, (whole - earlier_ms).max(LEAST_MS.min(whole)))
        } else {
            (first + setting.passes, whole)
        };
        let progress = Progress::Time { earlier_ms, budget_ms: budget_ms as u64 };
        let bar = bars.add(progress.bar()).with_prefix(setting.device.to_string());
        let idle = IdleRatios::of(&samples);
        let listener = Listener { sizes, ..Listener::new(samples, raw, bar, progress, subjects.into_iter().collect(), accept) };
        let mut passes = Passes { setting, folder, transport, engine_lib, listener, idle, is_first: true };
        let done = passes.all(first, last, budget_ms);
        passes.listener.bar.finish_and_clear();
        // What went wrong before is what the user must hear of.
        let cleaned = passes.transport.clean();
        done?;
        cleaned?;
        Ok((passes.listener.samples, passes.listener.raw))
    }
}

impl Passes<'_> {
    /// All passes behind the `first`, up to the `last`; more while there is time and the precision is not reached.
    fn all(&mut self, first: usize, mut last: usize, budget_ms: f64) -> Result<(), CollectError> {
        let (planned, setting) = (last, self.setting);
        let earlier_ms = self.listener.samples.spent_ms();
        let (mut pass, mut left_ms, mut is_lacking) = (first, budget_ms, false);
        while pass < last {
            pass += 1;
            // An added pass has the time of a planned one, even if none is left.
            let share_ms = left_ms / (last - pass + 1) as f64;
            let share_ms = if is_lacking { share_ms.max(budget_ms / planned as f64) } else { share_ms };
            let plan = Plan {
                // What has been reached after this pass if each adds its share.
                precision: setting.plan.precision * if pass > planned { SURELY } else { (last as f64 / pass as f64).sqrt() },
                budget_ms: share_ms.max(1.0) as u64,
                min_samples: (setting.plan.min_samples * pass).div_ceil(last),
                widening: self.idle.widening(),
                ..setting.plan
            };
            self.one(pass, plan)?;
            self.idle = IdleRatios::of(&self.listener.samples);
            left_ms = budget_ms - (self.listener.samples.spent_ms() - earlier_ms);
            // Whether it is enough is judged by what processes differ, which the last one tells too: time that is left is spent on it.
            let is_enough = || left_ms < LEAST_MS || self.idle.are_precise(&self.listener.asked, setting.plan.precision);
            if pass == last && last < MOST_LACKING * planned {
                let was_lacking = is_lacking;
                is_lacking = setting.is_extended && self.is_lacking();
                if is_lacking && !was_lacking {
                    note(
                        "note: the device is unsteady, and some models have too few valid samples: the measurement continues beyond the planned time",
                    );
                }
                if is_lacking || last < MOST * planned && !is_enough() {
                    last += 1;
                }
            }
        }
        Ok(())
    }

    /// Whether a model has too few samples for a median.
    fn is_lacking(&self) -> bool {
        self.listener.asked.iter().any(|subject| !self.listener.samples.has_median(subject))
    }

    /// One pass: every model that lacks it, in groups that fit into memory, each with its share of the time.
    fn one(&mut self, pass: usize, plan: Plan) -> Result<(), CollectError> {
        let (samples, seed) = (&self.listener.samples, self.setting.seed_of(pass));
        let lacks = |item: &&Item| samples.passes_over([&Subject::from(&item.id)]) < pass;
        let known = |id: &String| self.idle.taken(samples, &Subject::from(id)).into_iter().map(short).collect();
        let parts = |id: &String| samples.items.get(&Subject::from(id)).and_then(|item| item.parts);
        let known = |item: &Item| Item { parts: parts(&item.id), earlier: known(&item.id), ..item.clone() };
        let mut items: Vec<Item> = self.folder.items.iter().filter(lacks).map(known).collect();
        Random::new(seed).shuffle(&mut items);
        let sizes = &self.listener.sizes;
        let round_ms = |items: &[Item]| sizes.round_ms(items.iter().map(|item| Subject::from(&item.id)), &plan);
        let whole_ms = round_ms(&items);
        let groups: Vec<(f64, Vec<Item>)> = sizes
            .deal(items, self.setting.memory_kib)
            .into_iter()
            .map(|group| (if whole_ms > 0.0 { round_ms(&group) / whole_ms } else { 1.0 }, group))
            .collect();
        for (share, group) in groups {
            let budget_ms = ((plan.budget_ms as f64 * share) as u64).max(1);
            self.group(seed, Plan { budget_ms, ..plan }, group)?;
        }
        Ok(())
    }

    /// A group in a process; in two where the kernel kills it while it loads models, which is tried once.
    fn group(&mut self, seed: u64, plan: Plan, items: Vec<Item>) -> Result<(), CollectError> {
        let done = self.process(seed, plan, &items);
        if done.is_ok() || self.listener.sizes.is_halved() || !self.listener.was_killed || items.len() < 2 {
            return done;
        }
        self.listener.sizes.halve_memory();
        let budget_ms = (plan.budget_ms / 2).max(1);
        items.chunks(items.len().div_ceil(2)).try_for_each(|half| self.process(seed, Plan { budget_ms, ..plan }, half))
    }

    /// A process of the agent's.
    fn process(&mut self, seed: u64, plan: Plan, items: &[Item]) -> Result<(), CollectError> {
        let samples = &self.listener.samples;
        let plan = Plan { idle_us: samples.canary_us().map(|(idle, _)| idle), ..plan };
        // The band lies around the first reading of all: a new one in each pass would drift with the device.
        let hold = Hold { start_celsius: samples.start_celsius(), ..self.setting.hold };
        // Between two processes another measurement may have begun: it has the CPUs for a pass at most, and is then waited for.
        let lock_timeout_ms = if std::mem::take(&mut self.is_first) { 0 } else { LOCK_TIMEOUT_MS };
        let job = Job { lock_timeout_ms, ..self.setting.job(seed, self.engine_lib.clone(), plan, hold, items.to_vec()) };
        let passes = samples.passes + 1;
        self.listener.begin(Bounds::of(&job));
        self.listener.process(&self.folder, self.transport.as_mut(), &job, passes)?;
        Ok(self.folder.forget()?)
    }
}

/// A sample with as many digits as decide anything: a job's file has tens of thousands.
fn short(taken: Taken) -> Taken {
    <[f64; 4]>::from(taken).map(digits).into()
}

#[cfg(test)]
mod tests {
    use super::super::made_up::{Weather, measured, measured_within};
    use super::*;
    use crate::agent::schedule::Schedule;
    use crate::protocol::{Event, Sample, examples};

    /// Samples of ten models in three processes; in the second one a neighbour disturbs half of them within, in the third the canary too.
    fn made_up() -> Vec<Vec<Sample>> {
        let mut random = Random::new(6);
        let mut sample = |process: usize, i: usize| {
            let disturbed = process > 0 && random.unit() < 0.5;
            let canary = (1.0 + 0.01 * random.unit()) * if disturbed && process == 2 { 1.15 } else { 1.0 };
            let us = canary * (20 + i % 10) as f64 * (1.0 + 0.01 * random.unit()) * if disturbed { 1.3 } else { 1.0 };
            // Every other model is run once a sample.
            let spread = if i.is_multiple_of(2) { 0.0 } else { 0.01 * random.unit() + if disturbed { 0.2 } else { 0.001 } };
            let of = examples::sample(&format!("model {}", i % 10), us);
            Sample { at_ms: (100 * process + i) as f64, spread, before_us: canary, after_us: canary, ..of }
        };
        (0..3).map(|process| (0..80).map(|i| sample(process, i)).collect()).collect()
    }

    #[test]
    fn an_agent_counts_the_samples_that_the_fit_counts() {
        let mut samples = Samples::default();
        for process in made_up() {
            let before = IdleRatios::of(&samples);
            let subjects: Vec<Subject> = (0..10).map(|i| Subject::from(&format!("model {i}"))).collect();
            let items: Vec<Item> = subjects
                .iter()
                .map(|subject| Item { earlier: before.taken(&samples, subject), ..examples::item(&subject.to_string()) })
                .collect();
            let earlier_us = samples.canary_us().map(|(idle, _)| idle);
            samples.processes += 1;
            process.iter().for_each(|sample| samples.add(&Event::Sample(sample.clone())).unwrap());
            let mut all = samples.canaries.clone();
            all.sort_by(f64::total_cmp);
            let (idle, _) = samples.canary_us().unwrap();
            // The limit of both is the same here.
            assert!(earlier_us.is_none_or(|us| (us / idle - 1.0).abs() < 0.003));
            let after = IdleRatios::of(&samples);
            for (subject, item) in std::iter::zip(&subjects, items) {
                let near = after.near(subject);
                assert!(near > 0);
                let is_enough = |min_samples: usize| {
                    let plan = Plan { precision: f64::INFINITY, min_samples, idle_us: earlier_us, ..examples::plan() };
                    let mut schedule = Schedule::new(&Job { plan, ..examples::job(vec![item.clone()]) });
                    process.iter().filter(|s| s.id == item.id).for_each(|sample| schedule.record(0, sample));
                    schedule.next_round(0.0).is_none()
                };
                assert_eq!([near, near + 1].map(is_enough), [true, false], "{subject} in process {}", samples.processes);
            }
        }
    }

    /// A run that one process finds shorter than 10 ms and the next one longer.
    #[test]
    fn samples_of_a_model_have_parts_in_all_passes_or_in_none() {
        let of = |run_us| Weather { run_us, ..Weather::default() };
        for (first, later, parts) in [(1_000, 12_000, 4), (12_000, 1_000, 1)] {
            let folder = tempfile::tempdir().unwrap();
            let (jobs, done) = measured(folder.path(), &[of(first), of(later), of(first)], Samples::default());
            let given: Vec<Option<u64>> = jobs.iter().map(|job| job.items[0].parts).collect();
            assert_eq!(given, [None, Some(parts), Some(parts)]);
            let samples: Vec<Sample> = done.unwrap().items.into_values().flat_map(|item| item.samples).collect();
            assert!(samples.iter().all(|sample| (sample.spread > 0.0) == (parts > 1)), "{samples:?}");
        }
    }

    /// A device that is disturbed for as long as was planned.
    #[test]
    fn passes_are_added_while_a_model_lacks_samples_where_the_user_set_no_time() {
        let (steady, disturbed) = (Weather::default(), Weather { is_disturbed: true, ..Weather::default() });
        // Three passes are planned.
        let soon = [[disturbed; 3], [steady; 3]].concat();
        let late = [vec![disturbed; 8], vec![steady; 4]].concat();
        let never = vec![disturbed; 3 * MOST_LACKING];
        for (weather, is_extended, is_found) in
            [(&soon, false, false), (&soon, true, true), (&late, true, true), (&never, true, false)]
        {
            let folder = tempfile::tempdir().unwrap();
            let (jobs, done) = measured_within(folder.path(), weather, Samples::default(), 150, is_extended);
            assert_eq!(jobs.len() > 3, is_extended);
            let samples = done.unwrap();
            assert_eq!(samples.items.keys().all(|subject| samples.has_median(subject)), is_found, "{}", jobs.len());
            assert!(is_found || !is_extended || jobs.len() == never.len(), "{}", jobs.len());
        }
    }
}
