//! Interference: what other work on the same processor does to networks beyond what it does to the canary.
//!
//! Ratios of samples over canaries do not depend on the clock. But a virtual machine's core shares its execution units and caches
//! with others, and a network suffers from that by a few percent more than the canary:
//!
//! - **levels**: how much more depends on the canary's own slowdown, and is much the same for all models;
//! - **processes**: for seconds at a time, models are slowed while the canary, which lives in the first-level cache, is not; whole
//!   networks more than single blocks.
//!
//! Both are estimated from all steady samples ([`crate::steady`]) of a run together, of blocks and of networks each by themselves, and
//! taken out of each. Then one limit for all models says which samples count: those whose canary is near its idle time, or up to the
//! loudness at which every model has enough. A limit of each model's own would take loud samples from some models and idle ones from
//! others, and what they have in common would no longer show. On an idle phone all canaries and all processes are alike, and nothing is
//! left or taken out.

use std::collections::BTreeMap;

use super::cluster;
use crate::idle::NEAR;
use crate::measure::raw::{ItemSamples, Samples};
use crate::measure::subject::Subject;
use crate::protocol::Taken;
use crate::stats::{Median, median};

/// Samples that every model should have below the limit, if it has as many. Measuring asks for twelve by what it knows of the idle canary
/// then; a few of them may turn out a little too loud.
const ENOUGH: usize = 8;
/// Levels of the canary, each with as many samples.
const LEVELS: usize = 16;
/// Of them the idle ones, to which all others are compared.
const IDLE: usize = 2;
/// Least samples from which an effect is estimated, …
const LEAST: usize = 100;
/// … and of a model at the fastest levels and at another one, so that it tells the difference.
const LEAST_OF_MODEL: usize = 3;
/// Least models that must share an effect for it to be theirs and not each one's own.
const LEAST_MODELS: usize = 8;
/// Medians of the models and the effects are taken in turn; these many turns change them by less than 0.1 %.
const TURNS: usize = 4;

/// The samples that count, as an idle core would have given them.
#[derive(Clone, Debug, Default)]
pub struct IdleRatios {
    items: BTreeMap<Subject, Counted>,
    /// What was taken out of a sample that counts, where it was most; a share.
    pub most: f64,
    /// Whether there was enough to estimate it from: else nothing was taken out.
    pub is_estimated: bool,
    /// Largest canary that counts, in parts of its idle time.
    pub limit: f64,
    /// By how much wider intervals are than samples alone tell: of single blocks, of whole networks.
    widening: [Option<f64>; 2],
}

/// A model's samples that count.
#[derive(Clone, Debug, Default)]
struct Counted {
    /// Times in canary units, without the effect of interference.
    ratios: Vec<f64>,
    /// The places of their samples among the good ones.
    places: Vec<usize>,
    /// The process that took each.
    processes: Vec<usize>,
    /// How many of them were taken on an idle device.
    near: usize,
    /// Steady samples that were too loud to count.
    loud: usize,
}

/// A sample's logarithms, and where it belongs.
struct Point {
    item: usize,
    /// The sample's place among the item's good ones.
    place: usize,
    /// The process that took it, of whole networks or of single blocks: [`Point::of_net`] is the last bit.
    process: usize,
    ratio: f64,
    canary: f64,
}

impl Point {
    fn of_net(&self) -> usize {
        self.process % 2
    }
}

impl IdleRatios {
    /// Estimates the effect of interference, takes it out, and keeps the samples that count.
    pub fn of(samples: &Samples) -> Self {
        let of_item = |(item, (subject, own)): (usize, (&Subject, &ItemSamples))| {
            let of_net = usize::from(subject.is_network());
            let point = |place: usize| Point {
                item,
                place,
                process: 2 * own.processes[place] + of_net,
                ratio: own.samples[place].ratio().ln(),
                canary: own.samples[place].canary_us().ln(),
            };
            own.steady().map(point).collect::<Vec<_>>()
        };
        let points: Vec<Point> = samples.items.iter().enumerate().flat_map(of_item).collect();
        let idle = samples.canary_us().map_or(0.0, |(idle, _)| idle.ln());
        let near = idle + NEAR.ln();
        let effects = Effects::of(&points, samples.items.len(), 2 * samples.processes.max(1), near);
        let limit = limit(&points, samples.items.len(), near);
        let mut counted = vec![Counted::default(); samples.items.len()];
        let mut most = 0.0f64;
        for (point, level) in std::iter::zip(&points, effects.of_level) {
            let own = &mut counted[point.item];
            if point.canary > limit {
                own.loud += 1;
                continue;
            }
            own.ratios.push((point.ratio - level - effects.of_process[point.process]).exp());
            own.places.push(point.place);
            own.processes.push(point.process / 2);
            own.near += usize::from(point.canary <= near);
            most = if level.abs() > most.abs() { level } else { most };
        }
        let items: BTreeMap<Subject, Counted> = samples.items.keys().cloned().zip(counted).collect();
        let widening = [false, true].map(|of_net| {
            let own: Vec<_> = items.iter().filter(|(subject, _)| subject.is_network() == of_net).map(|(_, own)| own).collect();
            let parts = own.iter().map(|own| (&own.ratios[..], &own.processes[..]));
            (!own.is_empty()).then(|| cluster::widening(parts))
        });
        Self { items, most: most.exp_m1(), is_estimated: effects.are_estimated, limit: (limit - idle).exp(), widening }
    }

    /// An item's ratios in the order of the samples that they are of; none where it has none.
    pub fn item(&self, subject: &Subject) -> &[f64] {
        self.items.get(subject).map_or(&[], |own| &own.ratios)
    }

    /// An item's good samples as an agent counts them; those that count here without the effect of interference.
    pub fn taken(&self, samples: &Samples, subject: &Subject) -> Vec<Taken> {
        let Some(item) = samples.items.get(subject) else { return Vec::new() };
        let of = |sample: &crate::protocol::Sample| {
            let (ratio, canary_us) = (sample.ratio(), sample.canary_us());
            Taken { ratio, corrected: ratio, spread: sample.spread, canary_us }
        };
        let mut taken: Vec<Taken> = item.samples.iter().map(of).collect();
        let own = self.items.get(subject);
        for (&place, &ratio) in own.into_iter().flat_map(|own| std::iter::zip(&own.places, &own.ratios)) {
            taken[place].corrected = ratio;
        }
        taken
    }

    /// An item's median with an interval that knows of the processes' differences; `None` where too few samples count.
    pub fn median(&self, subject: &Subject) -> Option<Median> {
        Median::of(self.item(subject))
            .map(|median| median.widened(self.widening[usize::from(subject.is_network())].unwrap_or(cluster::USUAL)))
    }

    /// Whether each of these items' intervals is within this share of its median.
    pub fn are_precise<'a>(&self, subjects: impl IntoIterator<Item = &'a Subject>, precision: f64) -> bool {
        subjects.into_iter().all(|subject| self.median(subject).is_some_and(|median| median.relative_half_width() <= precision))
    }

    /// By how much wider intervals are than samples alone tell: of single blocks or of whole networks, the larger.
    pub fn widening(&self) -> f64 {
        self.widening.into_iter().flatten().reduce(f64::max).unwrap_or(cluster::USUAL)
    }

    /// How many of an item's samples that count were taken on an idle device.
    pub fn near(&self, subject: &Subject) -> usize {
        self.items.get(subject).map_or(0, |own| own.near)
    }

    /// How many of an item's steady samples were too loud to count.
    pub fn loud(&self, subject: &Subject) -> usize {
        self.items.get(subject).map_or(0, |own| own.loud)
    }
}

/// The largest canary that counts, as a logarithm: at least `near`, and so that each model has enough samples.
fn limit(points: &[Point], items: usize, near: f64) -> f64 {
    let mut canaries = vec![Vec::new(); items];
    points.iter().for_each(|point| canaries[point.item].push(point.canary));
    let enough = |own: &mut Vec<f64>| {
        own.sort_by(f64::total_cmp);
        own.get(ENOUGH - 1).or(own.last()).copied()
    };
    canaries.iter_mut().filter_map(enough).fold(near, f64::max)
}

/// What is to be taken from the logarithms.
struct Effects {
    /// Of each point, for its canary's level.
    of_level: Vec<f64>,
    /// Of each process.
    of_process: Vec<f64>,
    /// Whether any of them could be estimated.
    are_estimated: bool,
}

impl Effects {
    /// Of these points; canaries up to `near` are idle.
    fn of(points: &[Point], items: usize, processes: usize, near: f64) -> Self {
        let groups = |count: usize, of: &dyn Fn(&Point) -> usize| {
            let mut groups = vec![Vec::new(); count];
            points.iter().enumerate().for_each(|(i, point)| groups[of(point)].push(i));
            groups
        };
        let (by_item, by_process) = (groups(items, &|p| p.item), groups(processes, &|p| p.process));
        // Single blocks and networks each by themselves: even and odd places.
        let levels = [0, 1].map(|of_net| Levels::of(points, of_net, near));
        let telling = [0, 1].map(|of_net| -> Vec<usize> {
            let own = (of_net..processes).step_by(2);
            own.filter(|&p| tells(points, &by_process[p])).collect()
        });
        let mut are_estimated = telling.iter().any(|of_kind| of_kind.len() > 1);
        let (mut of_level, mut of_process) = (vec![0.0; points.len()], vec![0.0; processes]);
        for _ in 0..TURNS {
            for own in &levels {
                let ratio = |i: usize| points[i].ratio - of_process[points[i].process];
                for (level, effect) in own.effects(points, items, &ratio) {
                    are_estimated |= effect.is_some();
                    level.iter().for_each(|&i| of_level[i] = effect.unwrap_or(0.0));
                }
            }
            let own = |i: &usize| points[*i].ratio - of_level[*i] - of_process[points[*i].process];
            let centres: Vec<f64> = by_item.iter().map(|item| centre(item.iter().map(own))).collect();
            for of_kind in &telling {
                let ratio = |i: &usize| points[*i].ratio - of_level[*i] - centres[points[*i].item];
                let found: Vec<f64> = of_kind.iter().map(|&p| centre(by_process[p].iter().map(ratio))).collect();
                let usual = centre(found.iter().copied());
                std::iter::zip(of_kind, found).for_each(|(&p, effect)| of_process[p] = effect - usual);
            }
        }
        Self { of_level, of_process, are_estimated }
    }
}

/// Points of one kind by their canaries: the fastest, to which all others are compared, and the levels above them. No level holds both
/// idle and loud points: what is right for one half would be wrong for the other.
struct Levels {
    fastest: Vec<usize>,
    above: Vec<Vec<usize>>,
}

impl Levels {
    fn of(points: &[Point], of_net: usize, near: f64) -> Self {
        let mut own: Vec<usize> = (0..points.len()).filter(|&i| points[i].of_net() == of_net).collect();
        own.sort_by(|&a, &b| points[a].canary.total_cmp(&points[b].canary));
        let (idle, loud) = own.split_at(own.partition_point(|&i| points[i].canary <= near));
        let split = |own: &[usize]| -> Vec<Vec<usize>> {
            let count = (own.len() / LEAST).min(LEVELS);
            (0..count).map(|level| own[level * own.len() / count..(level + 1) * own.len() / count].to_vec()).collect()
        };
        let mut above = split(idle);
        let fastest = if above.len() > IDLE { above.drain(..IDLE).flatten().collect() } else { idle.to_vec() };
        if fastest.len() == idle.len() {
            above.clear();
        }
        above.extend(split(loud));
        Self { fastest, above }
    }

    /// How much slower models are at each level than at the fastest: the median over the models of what each differs by; none where too
    /// few models tell. A model tells by itself alone: where loud samples are those of a few models, their own centres are loud too.
    fn effects(&self, points: &[Point], items: usize, ratio: &dyn Fn(usize) -> f64) -> Vec<(&[usize], Option<f64>)> {
        let by_item = |group: &[usize]| {
            let mut own = vec![Vec::new(); items];
            group.iter().for_each(|&i| own[points[i].item].push(ratio(i)));
            own.into_iter().map(|own| (own.len() >= LEAST_OF_MODEL).then(|| centre(own.into_iter()))).collect::<Vec<_>>()
        };
        let idle = by_item(&self.fastest);
        let effect = |level: &Vec<usize>| {
            let own = std::iter::zip(&idle, by_item(level)).filter_map(|(idle, here)| Some(here? - (*idle)?));
            let differences: Vec<f64> = own.collect();
            (differences.len() >= LEAST_MODELS).then(|| centre(differences.into_iter()))
        };
        self.above.iter().map(|level| (&level[..], effect(level))).collect()
    }
}

/// Whether a process's points are enough, and of enough models, to tell its effect.
fn tells(points: &[Point], own: &[usize]) -> bool {
    let models: std::collections::BTreeSet<usize> = own.iter().map(|&i| points[i].item).collect();
    own.len() >= LEAST && models.len() >= LEAST_MODELS
}

/// The median; 0 where there are no values.
fn centre(values: impl Iterator<Item = f64>) -> f64 {
    median(values).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Event, Sample, examples};
    use crate::random::Random;

    fn subject(text: &str) -> Subject {
        Subject::from(text)
    }

    /// Samples of 20 models; at times interference makes the canary `slower` and the models by that times `beyond`. In the last of six
    /// processes all models are slower by `later`.
    fn made_up(count: usize, busy: f64, slower: f64, beyond: f64, later: f64) -> Samples {
        of_models(20, count, busy, slower, beyond, later)
    }

    fn of_models(models: usize, count: usize, busy: f64, slower: f64, beyond: f64, later: f64) -> Samples {
        let mut random = Random::new(5);
        let mut samples = Samples::default();
        for at in 0..count {
            samples.processes = 1 + 6 * at / count;
            let process = if samples.processes == 6 { later } else { 1.0 };
            let item = random.below(models);
            let disturbed = random.unit() < busy;
            let canary = 2.0 * (1.0 + 0.01 * random.unit()) * if disturbed { slower } else { 1.0 };
            let us = canary
                * (10.0 + item as f64)
                * (1.0 + 0.02 * (random.unit() - 0.5))
                * process
                * if disturbed { beyond } else { 1.0 };
            let sample = examples::sample(&format!("model {item}"), us);
            let sample = Sample { at_ms: at as f64, spread: 0.01, before_us: canary, after_us: canary, ..sample };
            samples.add(&Event::Sample(sample)).unwrap();
        }
        samples
    }

    fn largest_error(samples: &Samples) -> f64 {
        let idle = IdleRatios::of(samples);
        let error = |i: usize| centre(idle.item(&subject(&format!("model {i}"))).iter().copied()) / (10.0 + i as f64) - 1.0;
        (0..20).map(|i| error(i).abs()).fold(0.0, f64::max)
    }

    #[test]
    fn interference_that_comes_and_goes_does_not_move_the_medians() {
        for busy in [0.2, 0.5, 0.8] {
            // Near the idle canary, what interference adds is taken out; far from it, the samples are left out.
            for (slower, taken_out) in [(1.08, 0.06), (1.3, 0.0)] {
                let samples = made_up(8000, busy, slower, 1.06, 1.1);
                let plain = centre(samples.items[&subject("model 3")].ratios().into_iter()) / 13.0 - 1.0;
                assert!(busy < 0.4 || plain > 0.01, "{plain}");
                assert!(largest_error(&samples) < 0.004, "{busy} {slower}: {}", largest_error(&samples));
                let most = IdleRatios::of(&samples).most;
                assert!((most - taken_out).abs() < 0.005, "{busy} {slower}: {most}");
            }
        }
    }

    fn sample(id: &str, us: f64, canary: f64) -> Event {
        Event::Sample(Sample { spread: 0.01, before_us: canary, after_us: canary, ..examples::sample(id, us) })
    }

    /// Forty models of thirty samples, blocks and networks. Of every other network only six are idle, of all others all. Interference
    /// makes the canary 1.3 times slower, blocks by that times 1.04, networks by that times 1.1.
    fn unlike_models() -> (Samples, Vec<(Subject, f64)>) {
        let mut random = Random::new(8);
        let mut samples = Samples::default();
        samples.processes = 1;
        let mut truths = Vec::new();
        for item in 0..40 {
            let of_net = item % 2 == 1;
            let (id, beyond) = if of_net { (format!("net:{item}"), 1.1) } else { (format!("block {item}"), 1.04) };
            let truth = 10.0 + f64::from(item);
            for taken in 0..30 {
                let loud = item % 4 == 1 && taken >= 6;
                let canary = 2.0 * (1.0 + 0.01 * random.unit()) * if loud { 1.3 } else { 1.0 };
                let us = canary * truth * (1.0 + 0.005 * (random.unit() - 0.5)) * if loud { beyond } else { 1.0 };
                samples.add(&sample(&id, us, canary)).unwrap();
            }
            truths.push((subject(&id), truth));
        }
        (samples, truths)
    }

    #[test]
    fn models_of_which_unlike_shares_were_disturbed_are_treated_alike() {
        let (samples, truths) = unlike_models();
        let idle = IdleRatios::of(&samples);
        assert!(truths.iter().all(|(id, _)| idle.item(id).len() >= ENOUGH));
        assert!((1.3..1.32).contains(&idle.limit) && (idle.most - 0.1).abs() < 0.005, "{} {}", idle.limit, idle.most);
        let error = |(id, truth): &(Subject, f64)| centre(idle.item(id).iter().copied()) / truth - 1.0;
        let largest = truths.iter().map(|t| error(t).abs()).fold(0.0, f64::max);
        assert!(largest < 0.004, "{largest}");
        // As they were taken, these networks seem 10 % slower.
        let disturbed: Vec<_> = truths.iter().skip(1).step_by(4).collect();
        let plain = |(id, truth): &&(Subject, f64)| centre(samples.items[id].ratios().into_iter()) / truth - 1.0;
        assert!(disturbed.iter().all(|t| plain(t) > 0.09));
        let mean = disturbed.iter().map(|t| error(t)).sum::<f64>() / disturbed.len() as f64;
        assert!(mean.abs() < 0.002, "{mean}");
    }

    #[test]
    fn one_limit_holds_for_all_models() {
        let (mut samples, _) = unlike_models();
        // Without the disturbed networks nothing loud is needed, so nothing loud counts.
        samples.items.retain(|subject, _| !subject.is_network());
        for canary in [2.0, 2.6, 2.7] {
            samples.add(&sample("block 2", 12.0 * canary, canary)).unwrap();
        }
        let idle = IdleRatios::of(&samples);
        assert!((idle.limit - NEAR).abs() < 1e-9);
        assert_eq!(
            (idle.item(&subject("block 2")).len(), idle.near(&subject("block 2")), idle.loud(&subject("block 2"))),
            (31, 31, 2)
        );
        // A model whose idle samples are not enough moves the limit for all.
        for canary in [2.0, 2.6, 2.7] {
            samples.add(&sample("block x", 50.0 * canary, canary)).unwrap();
        }
        let idle = IdleRatios::of(&samples);
        assert_eq!(
            (idle.item(&subject("block 2")).len(), idle.near(&subject("block 2")), idle.loud(&subject("block 2"))),
            (33, 31, 0)
        );
    }

    #[test]
    fn disturbed_samples_do_not_count() {
        let mut samples = made_up(8000, 0.0, 1.0, 1.0, 1.0);
        for item in samples.items.values_mut() {
            for sample in item.samples.iter_mut().step_by(2) {
                (sample.us, sample.spread) = (1.5 * sample.us, 0.5);
            }
        }
        assert!(largest_error(&samples) < 0.004, "{}", largest_error(&samples));
    }

    #[test]
    fn without_interference_or_with_few_samples_next_to_nothing_is_taken_out() {
        let undisturbed = IdleRatios::of(&made_up(8000, 0.0, 1.0, 1.0, 1.0));
        assert!(undisturbed.is_estimated && undisturbed.most.abs() < 0.003);
        let few = made_up(100, 0.5, 1.3, 1.06, 1.0);
        let idle = IdleRatios::of(&few);
        assert!(!idle.is_estimated && idle.most == 0.0);
        assert_eq!(idle.item(&subject("model 0")).len(), few.items[&subject("model 0")].samples.len());
        let close = |(a, b): (&f64, f64)| (a / b - 1.0).abs() < 1e-12;
        assert!(few.items.iter().all(|(id, item)| std::iter::zip(idle.item(id), item.ratios()).all(close)));
        assert_eq!(idle.item(&subject("nobody")), [0.0; 0]);
    }

    /// What seven models share may be each one's own.
    #[test]
    fn what_fewer_than_eight_models_share_is_left_in_and_that_is_known() {
        for (models, is_estimated) in [(7, false), (8, true)] {
            let idle = IdleRatios::of(&of_models(models, 8000, 0.5, 1.08, 1.06, 1.0));
            assert_eq!((idle.is_estimated, idle.most > 0.05), (is_estimated, is_estimated), "{models}: {}", idle.most);
        }
    }
}
