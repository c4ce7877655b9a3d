//! What models take on a device: to load, to run, of memory. From it their groups follow, and an estimate of the time before it is spent.

use std::collections::HashMap;

use crate::agent::runs::{WARMING_RUNS, WARMING_US, runs_of};
use crate::measure::subject::Subject;
use crate::protocol::{Event, Item, Plan, Took};

/// Most memory of an agent, in KiB: 1 GiB, …
const MOST_KIB: u64 = 1 << 20;
/// … and at most this share of what the device could give away.
const SHARE: f64 = 0.4;
/// What is planned with, in parts of it: models differ.
const CAREFUL: f64 = 0.85;
/// What is believed of an agent's figures: up to a day, and a terabyte.
const LONGEST_US: f64 = 86_400e6;
const LARGEST_KIB: u64 = 1 << 30;

/// What a model takes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Size {
    /// To be ready, in ms.
    pub load_ms: f64,
    /// To run once, in µs.
    pub run_us: f64,
    /// Of memory, in KiB.
    pub kib: f64,
}

/// What is known so far.
#[derive(Clone, Debug, Default)]
pub struct Sizes {
    models: HashMap<Subject, Size>,
    /// What the process has before its first model, in KiB.
    base_kib: u64,
    /// Resident memory of the process that runs, after the model before.
    last_kib: Option<u64>,
    /// What the device could give away at the start of the last process, in KiB.
    available_kib: Option<u64>,
    /// Whether an agent was killed, since its memory was too much.
    is_halved: bool,
}

impl Sizes {
    /// Takes in what an agent says.
    pub fn add(&mut self, event: &Event) {
        match event {
            Event::Start(start) => (self.available_kib, self.last_kib) = (start.available_kib, None),
            Event::Ready { id, took: Some(took), .. } => self.ready(Subject::from(id), *took),
            _ => {}
        }
    }

    fn ready(&mut self, subject: Subject, took: Took) {
        let within = |value: f64, most: f64| if value.is_finite() { value.clamp(0.0, most) } else { 0.0 };
        let resident_kib = took.resident_kib.min(LARGEST_KIB);
        let before = self.last_kib.replace(resident_kib);
        // The smallest model, alone, is as good as none.
        if subject == Subject::Overhead && before.is_none() {
            self.base_kib = resident_kib;
        }
        let known = self.models.get(&subject).map_or(0.0, |size| size.kib);
        // Memory that a model before gave back is used again; what a model took once it may take again.
        let kib = before.map_or(known, |before| known.max(resident_kib.saturating_sub(before) as f64));
        let (load_ms, run_us) = (within(took.load_ms, LONGEST_US * 1e-3), within(took.run_us, LONGEST_US));
        self.models.insert(subject, Size { load_ms, run_us, kib });
    }

    /// An agent was killed: from now on half the memory is used.
    pub fn halve_memory(&mut self) {
        self.is_halved = true;
    }

    /// Whether half the memory must do.
    pub fn is_halved(&self) -> bool {
        self.is_halved
    }

    /// What a model takes; of one that is not known the mean of the known ones of its kind, nothing where none is known.
    pub fn of(&self, subject: &Subject) -> Size {
        self.models.get(subject).copied().unwrap_or_else(|| self.mean(subject.is_network()))
    }

    /// The mean of the known networks, or of the known other models.
    fn mean(&self, of_networks: bool) -> Size {
        let of_kind: Vec<&Size> = self.models.iter().filter(|(s, _)| s.is_network() == of_networks).map(|(_, size)| size).collect();
        let mean = |value: fn(&Size) -> f64| of_kind.iter().map(|size| value(size)).sum::<f64>() / of_kind.len().max(1) as f64;
        Size { load_ms: mean(|size| size.load_ms), run_us: mean(|size| size.run_us), kib: mean(|size| size.kib) }
    }

    /// The mean time of a known network, in µs; `None` where none is known.
    pub fn network_us(&self) -> Option<f64> {
        let has_some = self.models.keys().any(Subject::is_network);
        has_some.then(|| self.mean(true).run_us)
    }

    /// Time of one sample of each of these, in ms.
    pub fn round_ms(&self, subjects: impl IntoIterator<Item = Subject>, plan: &Plan) -> f64 {
        let sample_us = |subject: Subject| {
            let run_us = self.of(&subject).run_us;
            warm_us(run_us) + runs_of(plan.sample_us, run_us) as f64 * run_us + plan.canary_us
        };
        subjects.into_iter().map(sample_us).sum::<f64>() * 1e-3
    }

    /// Time of loading each of these once, in ms.
    pub fn load_ms(&self, subjects: impl IntoIterator<Item = Subject>) -> f64 {
        subjects.into_iter().map(|subject| self.of(&subject).load_ms).sum()
    }

    /// Deals models to processes that have at most so much memory, in KiB; without, what the device can give away decides. Each gets
    /// its share of the networks and of the other models, in the order in which they are given. Where nothing is known, to one.
    pub fn deal(&self, items: Vec<Item>, most_kib: Option<u64>) -> Vec<Vec<Item>> {
        let own = |available: u64| (available as f64 * SHARE).min(MOST_KIB as f64);
        let bound = most_kib.map(|kib| kib as f64).or(self.available_kib.map(own)).unwrap_or(f64::INFINITY);
        let bound = bound / if self.is_halved { 2.0 } else { 1.0 } * CAREFUL - self.base_kib as f64;
        let all: f64 = items.iter().map(|item| self.of(&Subject::from(&item.id)).kib).sum();
        let groups = (all / bound.max(1.0)).ceil().clamp(1.0, items.len().max(1) as f64) as usize;
        let is_network = |item: &Item| Subject::from(&item.id).is_network();
        // Networks are dealt first, the others behind them.
        let mut next = [items.iter().filter(|item| is_network(item)).count(), 0];
        let mut dealt: Vec<Vec<Item>> = vec![Vec::new(); groups];
        for item in items {
            let of_kind = &mut next[usize::from(is_network(&item))];
            dealt[*of_kind % groups].push(item);
            *of_kind += 1;
        }
        dealt
    }
}

/// Time of the runs that warm the caches before a sample, of a model whose run takes `run_us`.
fn warm_us(run_us: f64) -> f64 {
    let runs = (WARMING_US / run_us.max(0.1)).ceil().clamp(1.0, WARMING_RUNS as f64);
    runs * run_us
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Start, examples};

    fn ready(id: &str, run_us: f64, resident_kib: u64) -> Event {
        let took = Some(Took { load_ms: 10.0 * run_us * 1e-3, run_us, resident_kib });
        Event::Ready { id: id.to_string(), runs: 1, error: None, checksum: String::new(), took }
    }

    fn sizes() -> Sizes {
        let mut sizes = Sizes::default();
        let start = Start { available_kib: Some(1_000_000), ..examples::start() };
        let models = [ready("overhead", 1.0, 50_000), ready("a@1", 1000.0, 55_000), ready("b@1", 3000.0, 60_000)];
        let nets = [ready("net:a", 30_000.0, 90_000), ready("net:b", 10_000.0, 80_000)];
        [Event::Start(Box::new(start))].iter().chain(&models).chain(&nets).for_each(|event| sizes.add(event));
        sizes
    }

    #[test]
    fn unknown_models_are_like_the_known_ones_of_their_kind() {
        let sizes = sizes();
        assert_eq!(sizes.network_us(), Some(20_000.0));
        assert_eq!((sizes.of(&Subject::from("net:a")).kib, sizes.of(&Subject::from("net:b")).kib), (30_000.0, 0.0));
        assert_eq!(sizes.of(&Subject::from("net:c")), Size { load_ms: 200.0, run_us: 20_000.0, kib: 15_000.0 });
        assert_eq!(sizes.of(&Subject::from("b@1")).kib, 5_000.0);
        // One run that warms the caches, and a timed one; of the block two, and four.
        let plan = Plan { sample_us: 500.0, canary_us: 100.0, ..examples::plan() };
        let round = |id: &str| sizes.round_ms([Subject::from(id)], &plan);
        assert!((round("net:a") - 60.1).abs() < 1e-9 && (round("a@1") - 6.1).abs() < 1e-9, "{} {}", round("net:a"), round("a@1"));
        assert_eq!(Sizes::default().network_us(), None);
    }

    #[test]
    fn models_are_dealt_to_as_few_processes_as_hold_them() {
        let items: Vec<Item> = (0..40).map(|i| examples::item(&format!("net:{i}"))).chain([examples::item("a@1")]).collect();
        let mut sizes = sizes();
        // 40 % of a gigabyte, less a part for care and for the process: 290 MB, of 605 MB in all.
        let dealt = sizes.deal(items.clone(), None);
        assert_eq!(dealt.iter().map(Vec::len).collect::<Vec<_>>(), [14, 14, 13]);
        sizes.halve_memory();
        assert!(sizes.deal(items.clone(), None).len() > 4);
        assert_eq!(sizes.deal(items.clone(), Some(1)).len(), 41, "each alone");
        assert_eq!(Sizes::default().deal(items.clone(), None), [items]);
    }

    #[test]
    fn an_agents_odd_figures_do_no_harm() {
        let mut sizes = sizes();
        sizes.add(&ready("net:z", f64::NAN, u64::MAX));
        sizes.add(&ready("net:y", -1.0, 0));
        let items = vec![examples::item("net:z"), examples::item("net:q")];
        assert!(sizes.network_us().is_some_and(f64::is_finite));
        assert!(!sizes.deal(items, None).is_empty());
    }
}
