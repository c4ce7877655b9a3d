//! What stands between samples and corrected figures: the reference kernel, and interference. It is the same for all models of a command.

use serde::Serialize;

use crate::fit::cluster;
use crate::fit::readings::Readings;
use crate::idle::FASTEST;
use crate::measure::raw::Samples;
use crate::show::text;

/// What was done to the corrected figures. Nothing of it is known of a simulated device, which has neither.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Correction {
    /// Standard error of the reference kernel's stated time, as a share; part of the corrected figures' intervals.
    pub canary_error: Option<f64>,
    /// Whether that is an assumed one, because fewer than four processes measured.
    pub canary_error_assumed: bool,
    /// What interference on the core was taken out of a sample, where it was most, as a share; absent where it was left in, because
    /// too few models or samples tell it.
    pub interference_removed: Option<f64>,
}

impl Correction {
    pub(super) fn of(samples: &Samples, readings: &Readings) -> Self {
        let Some(own) = readings.canaried() else {
            return Self { canary_error: None, canary_error_assumed: false, interference_removed: None };
        };
        let all = samples.items.values().flat_map(|item| std::iter::zip(&item.samples, item.processes.iter().copied()));
        let error = cluster::stated_error(all.map(|(sample, process)| (sample.canary_us(), process)), FASTEST);
        Self {
            canary_error: error.map(|error| error.share),
            canary_error_assumed: error.is_some_and(|error| error.is_assumed),
            interference_removed: own.idle.is_estimated.then_some(own.idle.most),
        }
    }

    /// As text below the figures; nothing of a simulated device.
    pub(super) fn text(&self) -> Option<String> {
        let error = self.canary_error?;
        let assumed = if self.canary_error_assumed { ", assumed: it is measured from 4 passes on" } else { "" };
        let interference = match self.interference_removed {
            Some(most) => format!("at most {} removed", text::percent(most)),
            None => "not removed: that needs 8 models or more, and 100 samples or more at each level of the reference kernel"
                .to_string(),
        };
        Some(format!(
            "corrected µs: standard error of the reference kernel's time {:.1} % (in the interval{assumed}); interference {interference}\n",
            100.0 * error
        ))
    }
}
