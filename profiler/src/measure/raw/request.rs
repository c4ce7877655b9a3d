//! What a raw file's first line says was asked for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What was asked for; samples of different requests do not mix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The command. Files of before checks kept theirs do not say it.
    #[serde(default)]
    pub purpose: Purpose,
    /// The space's hash; absent where models were given as files.
    pub space: Option<String>,
    /// Landmarks; absent where models were given as files.
    pub points: Option<usize>,
    /// Threads.
    pub threads: usize,
    /// CPUs asked for.
    pub cpus: Vec<usize>,
    /// The engine's name on the command line.
    pub engine: String,
    /// The device asked for.
    pub device: String,
    /// What computed the expected outputs; absent where this program knows the blocks itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// What a sample is made of: options and their values. Files of before it was written do not say it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sampling: BTreeMap<String, String>,
    /// Everything that is measured.
    pub items: Vec<String>,
}

impl Request {
    /// In what samples that are asked for now are made otherwise than these; what one of both does not state is not compared.
    pub fn other_sampling(&self, now: &Self) -> Vec<String> {
        let differs = |(option, then): (&String, &String)| {
            let now = now.sampling.get(option).filter(|now| *now != then)?;
            Some(format!("{option} {then} (then), {now} (now)"))
        };
        self.sampling.iter().filter_map(differs).collect()
    }
}

/// What the samples are for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// A table.
    #[default]
    Build,
    /// A table's error.
    Check {
        /// The table's digest.
        table: String,
        /// Seed that drew the networks.
        seed: u64,
    },
    /// Models that were given as files.
    Bench,
}

#[cfg(test)]
mod tests {
    use crate::devices::Address;
    use crate::measure::collect::Setting;
    use crate::protocol::{Plan, examples};

    use super::*;

    #[test]
    fn settings_that_change_what_a_sample_is_are_named() {
        let of = |device, sample_us, timed_runs| {
            let plan = Plan { sample_us, canary_us: 100.0, ..examples::plan() };
            Setting { device, plan, timed_runs, ..Setting::example() }.request(Vec::new())
        };
        let of_local = |sample_us| of(Address::Local, sample_us, 7);
        assert_eq!(of_local(200.0).other_sampling(&of_local(500.0)), ["--sample 200us (then), 500us (now)"]);
        assert!(of_local(200.0).other_sampling(&of_local(200.0)).is_empty());
        // A device without noise has neither samples of a length nor a reference kernel.
        let of_simulated = |sample_us, timed_runs| of("sim:sd625".parse().unwrap(), sample_us, timed_runs);
        assert_eq!(of_simulated(1.0, 7).other_sampling(&of_simulated(2.0, 1)), ["--timed-runs 7 (then), 1 (now)"]);
        // A file of before says nothing of it.
        let old = Request { sampling: BTreeMap::new(), ..of_local(200.0) };
        let text = serde_json::to_string(&old).unwrap();
        assert!(!text.contains("sampling") && serde_json::from_str::<Request>(&text).unwrap() == old);
        assert!(old.other_sampling(&of_local(500.0)).is_empty());
    }
}
