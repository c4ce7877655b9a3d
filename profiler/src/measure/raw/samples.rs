//! Samples, gathered from an agent's lines.

use std::collections::BTreeMap;

use super::rounded::{self, TIMES};
use crate::agent::runs::PARTS;
use crate::devices::conditions::held;
use crate::devices::facts;
use crate::devices::identity::Identity;
use crate::measure::subject::Subject;
use crate::protocol::{Event, Explanation, Sample, SampleFault, Shaped, Start};
use crate::stats::Median;
use crate::steady;

/// Samples of one item.
#[derive(Clone, Debug, Default)]
pub struct ItemSamples {
    /// Good samples, in order, as they are kept (to the digits that `rounded` states), without the item's name, which they all have.
    pub samples: Vec<Sample>,
    /// Which of the processes that measured, counted from 0, took each of them.
    pub processes: Vec<usize>,
    /// Left out, in the order of [`SampleFault::ALL`].
    pub faulty: [u64; SampleFault::ALL.len()],
    /// Runs with cold caches, in canary units.
    pub cold: Vec<f64>,
    /// Checksum of its outputs.
    pub checksum: Option<String>,
    /// Largest difference to the reference result, relative.
    pub error: Option<f64>,
    /// What a user's model was given.
    pub inputs: Vec<Shaped>,
    /// What came out of it.
    pub outputs: Vec<Shaped>,
    /// Remarks on that, for the user.
    pub notes: Vec<String>,
    /// Where the cycles of simulated runs went.
    pub explained: Vec<Explanation>,
    /// Parts of its samples in the first process, which stay what they are.
    pub parts: Option<u64>,
    /// Processes that measured it and ended by themselves.
    pub passes: usize,
}

impl ItemSamples {
    /// Places of the good samples that nothing disturbed within.
    pub fn steady(&self) -> impl Iterator<Item = usize> {
        let steady = steady::select(&self.samples.iter().map(|sample| (sample.ratio(), sample.spread)).collect::<Vec<_>>());
        steady.into_iter().enumerate().filter_map(|(place, steady)| steady.then_some(place))
    }

    /// Those samples in canary units.
    pub fn ratios(&self) -> Vec<f64> {
        self.steady().map(|place| self.samples[place].ratio()).collect()
    }
}

/// All that a raw file holds, gathered.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    /// Where and with what; of the last start.
    pub start: Option<Start>,
    /// By item.
    pub items: BTreeMap<Subject, ItemSamples>,
    /// Times of canaries, in µs a unit.
    pub canaries: Vec<f64>,
    /// Clocks seen in good samples, in MHz.
    pub mhz: Vec<f64>,
    /// The first temperature that was read, in °C, as the agent tells it.
    first_celsius: Option<f64>,
    /// Temperatures seen in good samples, in °C, in order.
    pub celsius: Vec<f64>,
    /// Time spent sampling, in ms, all sessions together.
    pub spent_ms: f64,
    /// Processes that ended by themselves. A pass over all items is one, or several where their models do not fit into memory together.
    pub passes: usize,
    /// Processes that measured, ended or not.
    pub processes: usize,
    session_ms: f64,
    /// Items of the process that measures.
    ready: Vec<Subject>,
}

/// In what two processes differ whose samples are to be one file's: a table of them states one device, unit, system and governor.
fn unlike(before: &Start, start: &Start) -> Vec<String> {
    // The number of threads is the request's.
    let [then, now] = [before, start].map(|start| Identity::of_agent(start, 1));
    let mut unlike = then.compare(&now).lines("then", "now");
    if before.cpus != start.cpus {
        unlike.push(format!("CPUs: {:?} (then), {:?} (now)", before.cpus, start.cpus));
    }
    let agent = |start: &Start| start.simulator.as_ref().map(|simulator| simulator.agent_sha256.clone());
    if agent(before) != agent(start) {
        unlike.push("agent: another build; its times cannot be mixed with those of the first".to_string());
    }
    let conditions = |start: &Start| {
        [
            ("unit", facts::serial_hash(start)),
            ("system", start.device.known.system.clone()),
            ("kernel", start.device.known.kernel.clone()),
            ("governor", start.governor.as_deref().map(|governor| held(governor).to_string())),
        ]
    };
    for ((what, then), (_, now)) in std::iter::zip(conditions(before), conditions(start)) {
        if let (Some(then), Some(now)) = (then, now)
            && then != now
        {
            unlike.push(format!("{what}: {then} (then), {now} (now)"));
        }
    }
    if before.canary != start.canary {
        unlike.push(format!("canary: {} (then), {} (now)", before.canary, start.canary));
    }
    unlike
}

impl Samples {
    /// Takes an event in.
    ///
    /// # Errors
    /// Why the event does not belong to what is there: another engine or canary.
    pub fn add(&mut self, event: &Event) -> Result<(), String> {
        match event {
            Event::Start(start) => self.begin(start)?,
            Event::Ready { id, runs, error, checksum, .. } => {
                let item = self.items.entry(Subject::from(id)).or_default();
                item.parts.get_or_insert((*runs).clamp(1, PARTS));
                (item.error, item.checksum) = (error.map(rounded::digits), Some(checksum.clone()));
                self.ready.push(Subject::from(id));
            }
            Event::Described { id, inputs, outputs, notes } => {
                let item = self.items.entry(Subject::from(id)).or_default();
                (item.inputs, item.outputs, item.notes) = (inputs.clone(), outputs.clone(), notes.clone());
            }
            Event::FirstTemperature { celsius } => {
                self.first_celsius = self.first_celsius.or_else(|| rounded::first_temperature(*celsius));
            }
            Event::Sample(sample) => self.sample(sample)?,
            Event::Done { .. } => {
                self.passes += 1;
                for subject in std::mem::take(&mut self.ready) {
                    self.items.entry(subject).or_default().passes += 1;
                }
            }
            Event::Cold { id, us, canary_us } if TIMES.contains(us) && TIMES.contains(canary_us) => {
                let ratio = rounded::digits(*us) / rounded::digits(*canary_us);
                self.items.entry(Subject::from(id)).or_default().cold.push(ratio);
            }
            Event::Cold { id, .. } => return Err(format!("holds a cold run of '{id}' without a time")),
            Event::Explained(explanation) => {
                self.items.entry(Subject::from(&explanation.id)).or_default().explained.push(explanation.as_ref().clone());
            }
            Event::Loading { .. } | Event::Sampling | Event::Resting { .. } | Event::Round { .. } | Event::Failed { .. } => {}
        }
        Ok(())
    }

    /// A process begins to measure.
    fn begin(&mut self, start: &Start) -> Result<(), String> {
        if let Some(before) = &self.start {
            let unlike = unlike(before, start);
            if !unlike.is_empty() {
                return Err(format!(
                    "was measured on another device, with another engine or under other conditions; {}",
                    unlike.join("; ")
                ));
            }
        }
        self.start = Some(start.clone());
        self.processes += 1;
        self.spent_ms += self.session_ms;
        self.session_ms = 0.0;
        self.ready.clear();
        Ok(())
    }

    fn sample(&mut self, sample: &Sample) -> Result<(), String> {
        let id = &sample.id;
        if sample.at_ms > rounded::LONGEST_MS {
            return Err(format!("holds a sample of '{id}' at {:e} ms", sample.at_ms));
        }
        let kept = rounded::sample(sample);
        // The agent's clock never goes back by itself; a device whose clock does cannot time anything.
        if kept.at_ms < self.session_ms {
            let (from, to) = (self.session_ms, sample.at_ms);
            return Err(format!("its clock jumped back from {from:.1} to {to:.1} ms at a sample of '{id}'"));
        }
        self.session_ms = kept.at_ms;
        let item = self.items.entry(Subject::from(id)).or_default();
        match sample.fault {
            Some(fault) => {
                for (count, reason) in std::iter::zip(&mut item.faulty, SampleFault::ALL) {
                    *count += u64::from(reason == fault);
                }
            }
            None if [sample.us, sample.before_us, sample.after_us].iter().all(|us| TIMES.contains(us)) => {
                self.canaries.push(kept.canary_us());
                self.mhz.extend(kept.mhz);
                self.celsius.extend(kept.celsius);
                item.samples.push(Sample { id: String::new(), ..kept });
                item.processes.push(self.processes.saturating_sub(1));
            }
            None => return Err(format!("holds a sample of '{id}' without a time")),
        }
        Ok(())
    }

    /// The samples of several devices of one model as if all had run at the mean device's speed: each device's times are scaled so that
    /// its idle canary takes as long as all units' mean. Ratios stay as they are.
    pub fn pool(units: &[Self]) -> Self {
        let stated: Vec<f64> = units.iter().map(|unit| unit.canary_us().map_or(1.0, |(stated, _)| stated)).collect();
        let mean = stated.iter().sum::<f64>() / stated.len().max(1) as f64;
        let start = units.first().and_then(|unit| unit.start.clone());
        let mut pool = Self { start, first_celsius: units.iter().find_map(Self::start_celsius), ..Self::default() };
        for (unit, stated) in std::iter::zip(units, stated) {
            let factor = mean / stated;
            for (id, item) in &unit.items {
                let into = pool.items.entry(id.clone()).or_default();
                into.samples.extend(item.samples.iter().map(|s| Sample {
                    us: s.us * factor,
                    before_us: s.before_us * factor,
                    after_us: s.after_us * factor,
                    ..s.clone()
                }));
                into.processes.extend(item.processes.iter().map(|process| pool.processes + process));
                into.faulty.iter_mut().zip(item.faulty).for_each(|(sum, n)| *sum += n);
                into.cold.extend(&item.cold);
                into.checksum = into.checksum.take().or_else(|| item.checksum.clone());
                into.error = into.error.into_iter().chain(item.error).reduce(f64::max);
            }
            pool.canaries.extend(unit.canaries.iter().map(|us| us * factor));
            pool.mhz.extend(&unit.mhz);
            pool.celsius.extend(&unit.celsius);
            pool.processes += unit.processes;
        }
        pool
    }

    /// The first temperature of all, in °C, around which the band lies; in a file of before agents told it, that of the first good sample.
    /// None where no sensor has answered.
    pub fn start_celsius(&self) -> Option<f64> {
        self.first_celsius.or(self.celsius.first().copied())
    }

    /// Whether an item has enough samples for a median in canary units.
    pub fn has_median(&self, subject: &Subject) -> bool {
        self.items.get(subject).is_some_and(|item| Median::of(&item.ratios()).is_some())
    }

    /// How many passes over these items were made.
    pub fn passes_over<'a>(&self, subjects: impl IntoIterator<Item = &'a Subject>) -> usize {
        let passes = |subject| self.items.get(subject).map_or(0, |item| item.passes);
        subjects.into_iter().map(passes).min().unwrap_or_default()
    }

    /// Whether a simulated device gave them: they have no noise.
    pub fn is_simulated(&self) -> bool {
        self.start.as_ref().is_some_and(|start| start.simulator.is_some())
    }

    /// What to do about too few good samples, from why most were left out.
    pub fn advice(&self) -> String {
        let sums =
            SampleFault::ALL.iter().enumerate().map(|(i, fault)| (self.items.values().map(|s| s.faulty[i]).sum::<u64>(), fault));
        match sums.max_by_key(|(sum, _)| *sum) {
            Some((1.., SampleFault::Temperature)) => {
                "most samples were discarded because of temperature: let the device cool down, or increase --band".to_string()
            }
            Some((sum @ 1.., _)) => {
                format!("the device was busy ({sum} samples discarded) or --budget is too short")
            }
            _ => "--budget is too short".to_string(),
        }
    }

    /// Time spent sampling so far, in ms.
    pub fn spent_ms(&self) -> f64 {
        self.spent_ms + self.session_ms
    }

    /// The canary's time while the device was idle: the median of the fastest tenth. And its median over all.
    pub fn canary_us(&self) -> Option<(f64, f64)> {
        let mut sorted = self.canaries.clone();
        sorted.sort_by(f64::total_cmp);
        (!sorted.is_empty()).then(|| (crate::stats::quantile(&sorted, crate::idle::FASTEST), crate::stats::quantile(&sorted, 0.5)))
    }
}
