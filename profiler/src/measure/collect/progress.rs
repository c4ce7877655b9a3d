//! How far a job is, for people.

use indicatif::{ProgressBar, ProgressStyle};

use crate::measure::raw::Samples;
use crate::protocol::Event;

/// What is shown of how far a job is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Progress {
    /// Time of sampling, beyond that spent earlier, of the budget.
    Time { earlier_ms: f64, budget_ms: u64 },
    /// Models that are done.
    Models { done: u64, of: u64 },
}

impl Progress {
    /// None of so many models.
    pub(super) fn models(count: usize) -> Self {
        Self::Models { done: 0, of: count as u64 }
    }

    pub(super) fn bar(self) -> ProgressBar {
        let (length, template) = match self {
            Self::Time { budget_ms, .. } => (budget_ms, "{prefix} {bar:30} {elapsed}, at most {eta} left; {msg}"),
            Self::Models { of, .. } => (of, "{prefix} {bar:30} {pos} of {len} models, {elapsed}, about {eta} left; {msg}"),
        };
        let style = ProgressStyle::with_template(template);
        ProgressBar::new(length).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    }

    /// Where the bar stands after an event.
    pub(super) fn after(&mut self, event: &Event, samples: &Samples) -> u64 {
        match self {
            Self::Time { earlier_ms, .. } => (samples.spent_ms() - *earlier_ms) as u64,
            Self::Models { done, .. } => {
                *done += u64::from(matches!(event, Event::Ready { .. }));
                *done
            }
        }
    }
}
