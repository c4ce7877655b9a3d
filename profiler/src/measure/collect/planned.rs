//! How long and how often to measure, by what models take: told before it is spent.

use super::{CollectError, Setting, Sizes};
use crate::measure::subject::Subject;
use crate::show::text::duration;

/// Passes over short models, unless told otherwise.
pub const PASSES: usize = 12;
/// Passes over long ones: where buffers lie matters less to them, and each pass loads everything again.
const PASSES_OF_LONG: usize = 4;
/// Networks from which on models are long, in µs.
const LONG_US: f64 = 5_000.0;
/// Networks measured along with the blocks, …
pub const NETS: usize = 80;
/// … where each takes so long that it is worth the time, in µs, …
const SLOW_US: f64 = 50_000.0;
/// … this many.
const NETS_OF_SLOW: usize = 40;
/// Share of samples that count on a device that is seldom idle, which must do as well.
const COUNTING: f64 = 0.5;

/// What the command line says; the rest is planned.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Passes.
    pub passes: Option<usize>,
    /// Most time of sampling, in ms.
    pub budget_ms: Option<u64>,
}

/// Whole networks to measure with the blocks of a space, by what a network takes, in µs; where that is not known, on a simulated device, it
/// takes minutes of this machine.
pub fn nets(network_us: Option<f64>) -> usize {
    if network_us.is_none_or(|us| us >= SLOW_US) { NETS_OF_SLOW } else { NETS }
}

impl Setting {
    /// This setting with passes and time for these models, and how long it will take at most, in words.
    ///
    /// # Errors
    /// [`CollectError::ShortBudget`], where the time that is wanted is too short for the least number of samples.
    pub fn planned(&self, wanted: Wanted, sizes: &Sizes, subjects: &[Subject]) -> Result<(Self, String), CollectError> {
        let all = || subjects.iter().cloned();
        let is_long = sizes.network_us().is_some_and(|us| us >= LONG_US);
        let passes = wanted.passes.unwrap_or(if is_long { PASSES_OF_LONG } else { PASSES });
        let least_ms = sizes.round_ms(all(), &self.plan) * self.plan.min_samples as f64;
        let budget_ms = match wanted.budget_ms {
            Some(ms) if (ms as f64) < least_ms => {
                return Err(CollectError::ShortBudget { ms: ms as f64, least_ms, samples: self.plan.min_samples });
            }
            Some(ms) => ms,
            None => self.plan.budget_ms.max((least_ms / COUNTING).ceil() as u64),
        };
        let whole_ms = budget_ms as f64 + passes as f64 * sizes.load_ms(all());
        let plan = crate::protocol::Plan { budget_ms, ..self.plan };
        let told = format!("at most about {} on this device: {} models in {passes} passes", duration(whole_ms), subjects.len());
        Ok((Self { passes, plan, is_extended: wanted.budget_ms.is_none(), ..self.clone() }, told))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_networks_are_fewer() {
        assert_eq!((nets(Some(49_000.0)), nets(Some(50_000.0)), nets(None)), (80, 40, 40));
    }
}
