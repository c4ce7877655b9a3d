//! What samples say of each model: of a measured device a median with its interval, of a simulated one the mean of its runs.
//!
//! Simulated runs that follow each other differ by some tenths of a percent to two percent, in two or more modes: by which lines the caches
//! gave up. Nothing disturbs any of them, so that all count, and their mean is what a run takes in the long run; the median would jump from
//! one mode to another.

use luts::{Discarded, Micros, Quantiles};

use super::interference::IdleRatios;
use super::posterior::{Measured, Noise};
use crate::measure::raw::{ItemSamples, Samples};
use crate::measure::subject::Subject;
use crate::protocol::Sample;
use crate::stats::{Median, median, quantile};

/// The figures of all models.
pub struct Readings<'a> {
    samples: &'a Samples,
    kind: Kind,
}

enum Kind {
    /// Samples over canaries.
    Noisy(Canaried),
    /// Means of times as they are: a simulated device has no noise and no canary.
    Exact,
}

/// What is known of a device with noise.
pub struct Canaried {
    /// The samples that count.
    pub idle: IdleRatios,
    /// The canary's time while the device was idle, in µs.
    pub stated: f64,
    /// Its median.
    pub median: f64,
}

impl<'a> Readings<'a> {
    /// Of these samples; `None` where none is good.
    pub fn of(samples: &'a Samples) -> Option<Self> {
        let kind = if samples.is_simulated() {
            Kind::Exact
        } else {
            let (stated, median) = samples.canary_us()?;
            Kind::Noisy(Canaried { idle: IdleRatios::of(samples), stated, median })
        };
        Some(Self { samples, kind })
    }

    /// What is known of a device with noise; `None` for a simulated one.
    pub fn canaried(&self) -> Option<&Canaried> {
        match &self.kind {
            Kind::Noisy(canaried) => Some(canaried),
            Kind::Exact => None,
        }
    }

    /// Whether the times have noise.
    pub fn noise(&self) -> Noise {
        if self.canaried().is_some() { Noise::Present } else { Noise::Absent }
    }

    /// A model's time in µs and its interval, which has no width without noise; with noise by a canary that takes `stated`, or by the device's own idle one. `None` where too few samples
    /// count.
    pub fn median(&self, subject: &Subject, stated: Option<f64>) -> Option<Median> {
        match &self.kind {
            Kind::Noisy(own) => Some(own.idle.median(subject)?.scaled(stated.unwrap_or(own.stated))),
            Kind::Exact => {
                let value = mean(&self.samples.items.get(subject)?.samples)?;
                Some(Median { value, low: value, high: value })
            }
        }
    }

    /// A model's time and its standard error.
    pub fn time(&self, subject: &Subject) -> Option<Measured> {
        match &self.kind {
            Kind::Noisy(own) => {
                let median = own.idle.median(subject)?;
                Some(Measured { us: median.value * own.stated, error: median.standard_error() * own.stated })
            }
            Kind::Exact => self.median(subject, None).map(|median| Measured { us: median.value, error: 0.0 }),
        }
    }

    /// Whether each of these items' intervals is within this share of its median.
    pub fn are_precise<'b>(&self, subjects: impl IntoIterator<Item = &'b Subject>, precision: f64) -> bool {
        match &self.kind {
            Kind::Noisy(own) => own.idle.are_precise(subjects, precision),
            Kind::Exact => subjects.into_iter().all(|subject| self.median(subject, None).is_some()),
        }
    }

    /// How many samples count.
    pub fn count(&self, subject: &Subject) -> usize {
        match &self.kind {
            Kind::Noisy(own) => own.idle.item(subject).len(),
            Kind::Exact => self.item(subject).map_or(0, |item| item.samples.len()),
        }
    }

    /// Quantiles of the samples that count.
    pub fn quantiles(&self, subject: &Subject) -> Option<Quantiles> {
        let (mut sorted, factor) = match &self.kind {
            Kind::Noisy(own) => (own.idle.item(subject).to_vec(), own.stated),
            Kind::Exact => (self.item(subject)?.samples.iter().map(|sample| sample.us).collect(), 1.0),
        };
        sorted.sort_by(f64::total_cmp);
        if sorted.is_empty() {
            return None;
        }
        let at = |q| Micros(quantile(&sorted, q) * factor);
        Some(Quantiles { p0: at(0.0), p10: at(0.1), p50: at(0.5), p90: at(0.9), p100: at(1.0) })
    }

    /// Samples that do not count, by reason.
    pub fn discarded(&self, subject: &Subject) -> Discarded {
        let (Some(item), Some(own)) = (self.item(subject), self.canaried()) else { return Discarded::default() };
        let loud = own.idle.loud(subject);
        let steady = own.idle.item(subject).len() + loud;
        let [canary, moved, preempted, temperature] = item.faulty;
        let unsteady = item.samples.len().saturating_sub(steady) as u64;
        Discarded { canary, moved, preempted, temperature, unsteady, loud: loud as u64 }
    }

    /// Median of the runs with cold caches.
    pub fn cold(&self, subject: &Subject) -> Option<Micros> {
        let ratio = median(self.item(subject)?.cold.iter().copied())?;
        Some(Micros(ratio * self.canaried().map_or(1.0, |own| own.stated)))
    }

    fn item(&self, subject: &Subject) -> Option<&ItemSamples> {
        self.samples.items.get(subject)
    }
}

/// The mean of the samples' times; `None` where there are none.
fn mean(samples: &[Sample]) -> Option<f64> {
    (!samples.is_empty()).then(|| samples.iter().map(|sample| sample.us).sum::<f64>() / samples.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Event, Start, examples};

    #[test]
    fn the_mean_of_simulated_runs_is_the_time() {
        let start = Start { simulator: Some(examples::simulator("2")), ..examples::start() };
        let sample = examples::sample("a", 123.5);
        let mut samples = Samples::default();
        let slower = Sample { us: 130.5, ..sample.clone() };
        let cold = Event::Cold { id: "a".into(), us: 200.0, canary_us: 1.0 };
        for event in [Event::Start(Box::new(start)), Event::Sample(sample), Event::Sample(slower), cold] {
            samples.add(&event).unwrap();
        }
        let readings = Readings::of(&samples).unwrap();
        let a = Subject::from("a");
        assert_eq!(readings.time(&a), Some(Measured { us: 127.0, error: 0.0 }));
        assert_eq!(readings.median(&a, Some(7.0)), Some(Median { value: 127.0, low: 127.0, high: 127.0 }));
        assert_eq!((readings.count(&a), readings.cold(&a)), (2, Some(Micros(200.0))));
        assert!(readings.are_precise([&a], 1e-9) && !readings.are_precise([&Subject::from("b")], 0.5));
        assert_eq!(readings.quantiles(&a).map(|q| (q.p0, q.p100)), Some((Micros(123.5), Micros(130.5))));
    }
}
