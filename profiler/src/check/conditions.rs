//! Whether a check was measured under conditions in which its figures say something of the table.
//!
//! A check compares two sessions of a device: the build's and its own. Anchors, networks that both measured, tell what has changed in
//! between. A change that all anchors share, the device's *state*, can be taken out, if it is small. One that anchors do not share cannot:
//! then the difference between prediction and measurement is due to interference or the clock, not the table, and there is no verdict.

use serde::Serialize;

use crate::fit::interference::IdleRatios;
use crate::measure::subject::Subject;
use crate::show::text;
use crate::stats::{Median, median};

/// Largest state that is taken out, as a share: beyond, the device is another one than it was.
pub const LARGEST_STATE: f64 = 0.02;
/// Largest standard error of the state: one that is hardly known would be taken out of figures that it is not in.
const LARGEST_STATE_ERROR: f64 = 2.0 * LARGEST_STATE;
/// Standard errors of the state that it must be beyond: where little precision is asked for, chance alone goes farther.
const SURE: f64 = 2.0;
/// Anchors' slowdowns may differ among each other by this many times what their own noise explains, …
const NOISE_FACTOR: f64 = 2.0;
/// … or by this share, whatever their noise: what does not add up in a network differs from session to session by as much.
const LEAST_SPREAD: f64 = 0.01;
/// Least samples on an idle device, the median over the networks: fewer make no interval of use.
const LEAST_IDLE: usize = 10;
/// Largest canary that may count, in parts of its idle time: where more of it is needed for enough samples, few were idle.
const LARGEST_LIMIT: f64 = 1.25;
/// A standard deviation, in parts of the median absolute deviation of normal values.
const DEVIATION_OF_MEDIAN: f64 = 1.4826;
/// Standard error of a median, in parts of that of a mean, of normal values.
const MEDIAN_OF_MEAN: f64 = 1.2533;

/// An anchor's times: in the build and now, both in µs by the table's canary.
#[derive(Clone, Copy, Debug)]
pub struct Anchor {
    /// In the build.
    pub then_us: f64,
    /// Its standard error, as a share; 0 where the table does not state it.
    pub then_error: f64,
    /// Now.
    pub now: Median,
}

/// The conditions of a check.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Conditions {
    /// How much slower the device is than when the table was built, as a share: the median over the anchors. Absent where the table has
    /// none.
    pub state: Option<f64>,
    /// Its standard error, as a share.
    pub state_error: f64,
    /// Spread of the anchors' slowdowns around the state: a standard deviation, as a share.
    pub anchors_spread: f64,
    /// What the anchors' own noise explains of it.
    pub anchors_noise: f64,
    /// Median over the networks of the samples taken on an idle device.
    #[serde(rename = "quiet_samples")]
    pub idle_samples: f64,
    /// Largest canary that counts, in parts of its idle time.
    pub limit: f64,
}

impl Conditions {
    /// From the anchors, and the samples of these networks.
    pub fn of(anchors: &[Anchor], idle: &IdleRatios, nets: &[Subject]) -> Self {
        let slowdowns: Vec<f64> = anchors.iter().map(|a| (a.now.value / a.then_us).ln()).collect();
        let state = median(slowdowns.iter().copied());
        let deviation = median(slowdowns.iter().map(|s| (s - state.unwrap_or_default()).abs())).unwrap_or_default();
        let noise = |a: &Anchor| a.then_error.powi(2) + (a.now.standard_error() / a.now.value).powi(2);
        let noise = anchors.iter().map(noise).sum::<f64>() / anchors.len().max(1) as f64;
        let anchors_spread = DEVIATION_OF_MEDIAN * deviation;
        Self {
            state: state.map(f64::exp_m1),
            state_error: MEDIAN_OF_MEAN * anchors_spread.max(noise.sqrt()) / (anchors.len().max(1) as f64).sqrt(),
            anchors_spread,
            anchors_noise: noise.sqrt(),
            idle_samples: median(nets.iter().map(|net| idle.near(net) as f64)).unwrap_or_default(),
            limit: idle.limit,
        }
    }

    /// By how much a network's time differs between the two sessions beyond the state, which all share: a standard deviation, as a share. What
    /// the anchors spread beyond their noise.
    pub fn between_sessions(&self) -> f64 {
        (self.anchors_spread.powi(2) - self.anchors_noise.powi(2)).max(0.0).sqrt()
    }

    /// Why there is no verdict; empty where there is one.
    pub fn disturbances(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        let percent = |share: f64| format!("{:.1} %", 100.0 * share);
        let bound = (NOISE_FACTOR * self.anchors_noise).max(LEAST_SPREAD);
        if self.anchors_spread > bound {
            reasons.push(format!(
                "networks of the build were measured again, and their times did not all change by the same factor: spread {}, \
                 at most {} is allowed",
                percent(self.anchors_spread),
                percent(bound)
            ));
        }
        if let Some(state) = self.state.filter(|state| state.abs() > LARGEST_STATE + SURE * self.state_error) {
            reasons.push(format!(
                "the device is {} slower than when the table was built; at most {} slower or faster is allowed",
                text::percent(state),
                percent(LARGEST_STATE)
            ));
        }
        if self.state.is_some() && self.state_error > LARGEST_STATE_ERROR {
            reasons.push(format!(
                "the change of the device's speed since the table was built is not known well enough: standard error {}, at most {} is \
                 allowed; give a longer --budget and a smaller --precision",
                percent(self.state_error),
                percent(LARGEST_STATE_ERROR)
            ));
        }
        if self.idle_samples < LEAST_IDLE as f64 || self.limit > LARGEST_LIMIT {
            reasons.push(format!(
                "too few samples were taken on an idle device: {:.0} per network, at least {LEAST_IDLE} are needed; samples count up \
                 to a reference kernel (canary) time of {:.2} × the idle time, at most {LARGEST_LIMIT} × is allowed",
                self.idle_samples, self.limit
            ));
        }
        reasons
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anchors(slowdowns: &[f64]) -> Vec<Anchor> {
        let now = |s: &f64| Median { value: 100.0 * s, low: 99.4 * s, high: 100.6 * s };
        slowdowns.iter().map(|s| Anchor { then_us: 100.0, then_error: 0.003, now: now(s) }).collect()
    }

    fn conditions(slowdowns: &[f64]) -> Conditions {
        Conditions { idle_samples: 30.0, limit: 1.1, ..Conditions::of(&anchors(slowdowns), &IdleRatios::default(), &[]) }
    }

    #[test]
    fn a_shared_small_change_is_taken_out_and_any_other_ends_without_a_verdict() {
        let good = conditions(&[1.011, 1.009, 1.013, 1.007, 1.010, 1.012]);
        assert!((good.state.unwrap() - 0.0105).abs() < 1e-3 && good.disturbances().is_empty(), "{good:?}");
        assert!((0.001..0.004).contains(&good.state_error), "{good:?}");
        // Too large a change, both ways.
        assert_eq!(conditions(&[1.031, 1.029, 1.03, 1.03]).disturbances().len(), 1);
        assert_eq!(conditions(&[0.971, 0.969, 0.97, 0.97]).disturbances().len(), 1);
        // A state that is hardly known is not known to be too large.
        assert!(Conditions { state_error: 0.006, ..conditions(&[1.031, 1.029, 1.03, 1.03]) }.disturbances().is_empty());
        // One that is known to several percent only is not taken out.
        let vague =
            |s: f64| Anchor { then_us: 100.0, then_error: 0.003, now: Median { value: 100.0 * s, low: 80.0 * s, high: 120.0 * s } };
        let anchors = [1.0, 1.1, 0.9, 1.05, 0.95, 1.0].map(vague);
        let vague = Conditions { idle_samples: 30.0, limit: 1.1, ..Conditions::of(&anchors, &IdleRatios::default(), &[]) };
        assert!(vague.state_error > 0.04 && vague.disturbances().len() == 1, "{vague:?}");
        // A third of the anchors slowed by what the others did not meet.
        let uneven = conditions(&[1.0, 1.001, 1.06, 1.05, 0.999, 1.04, 1.002, 1.03]);
        assert!(uneven.disturbances().len() == 1 && uneven.disturbances()[0].contains("2.4 %"), "{uneven:?}");
    }

    #[test]
    fn few_idle_samples_give_no_verdict() {
        let few = Conditions { idle_samples: 9.0, ..conditions(&[1.0; 6]) };
        let loud = Conditions { limit: 1.4, ..conditions(&[1.0; 6]) };
        assert_eq!([few, loud].map(|c| c.disturbances().len()), [1, 1]);
    }
}
