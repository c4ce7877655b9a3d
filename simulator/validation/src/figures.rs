//! What the comparison came to, and the bars that it must keep.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::networks::Network;
use crate::rows::{Pair, Set};
use crate::statistics::{Errors, tau};

/// Largest mean absolute error of a set.
const fn bar(set: Set) -> f64 {
    match set {
        Set::Warm => 0.05,
        Set::Streaming | Set::Vector => 0.07,
    }
}

/// Largest bias of warm kernels.
const BIAS: f64 = 0.01;

/// Fewer rows are a sample, whose mean may lie two standard errors beside that of all.
const SAMPLE: usize = 1500;

/// Least τ over shapes of their fastest warm kernel's time.
const TAU: f64 = 0.98;

/// Largest mean absolute error of networks, and of any one.
const NETWORKS: [f64; 2] = [0.06, 0.12];

/// What the comparison of one set came to.
pub struct SetFigures {
    pub set: Set,
    pub all: Errors,
    /// Of the shapes on which figures were fitted, and of the others.
    pub fitted: Errors,
    pub others: Errors,
    /// Of each shape's fastest kernel.
    pub fastest: Errors,
    pub tau: f64,
    pub kernels: Vec<(String, Errors)>,
}

/// What everything came to.
pub struct Figures {
    pub sets: Vec<SetFigures>,
    pub networks: Errors,
}

impl Figures {
    /// Of what was simulated.
    pub fn of(pairs: &[Pair], networks: &[Network]) -> Self {
        let sets = Set::ALL.into_iter().filter_map(|set| {
            let pairs: Vec<&Pair> = pairs.iter().filter(|pair| pair.row.set == set).collect();
            (!pairs.is_empty()).then(|| SetFigures::of(set, &pairs))
        });
        Self { sets: sets.collect(), networks: Errors::of(networks.iter().filter_map(Network::error)) }
    }

    /// A line for each set.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for set in &self.sets {
            let Errors { count, mean_absolute, bias, .. } = set.all;
            let _ = writeln!(
                text,
                "{:9} {count:5} rows: mean absolute error {}, bias {}; not fitted on: {}, {}; fastest kernel: {}, tau {:.3}",
                set.set.name(),
                percent(mean_absolute),
                signed(bias),
                percent(set.others.mean_absolute),
                signed(set.others.bias),
                percent(set.fastest.mean_absolute),
                set.tau
            );
        }
        if self.networks.count > 0 {
            let Errors { count, mean_absolute, largest, .. } = self.networks;
            let _ =
                writeln!(text, "networks  {count:5}: mean absolute error {}, largest {}", percent(mean_absolute), percent(largest));
        }
        text
    }

    /// The same for headers of tables: `simulator::validation` reads it.
    pub fn summary(&self) -> String {
        let mut text = "# How near the simulator came to real chips. Written by scripts/validate-simulator.sh; headers of tables state it, and a search \
                        tells it.\n"
            .to_owned();
        let sets = self.sets.iter().map(|set| (title(set.set), set.all, Some(set.tau)));
        let networks = (self.networks.count > 0).then_some(("networks of ncnn on a QRB2210", self.networks, None));
        for (what, errors, tau) in sets.chain(networks) {
            let Errors { count, mean_absolute, bias, largest, .. } = errors;
            let _ = write!(
                text,
                "\n[[compared]]\nwhat = \"{what}\"\ncount = {count}\nmape = {mean_absolute:.4}\nbias = {bias:.4}\nlargest = {largest:.4}\n"
            );
            if let Some(tau) = tau {
                let _ = writeln!(text, "kendall_tau = {tau:.4}");
            }
        }
        text
    }

    /// The bars that are missed.
    pub fn missed(&self) -> Vec<String> {
        let mut missed = Vec::new();
        let mut bar_of = |what: String, is: f64, holds: bool| {
            if !holds {
                missed.push(format!("{what} is {is:.4}"));
            }
        };
        for set in &self.sets {
            let (name, errors) = (set.set.name(), set.all);
            bar_of(format!("{name}: mean absolute error"), errors.mean_absolute, errors.mean_absolute <= bar(set.set));
            if set.set == Set::Warm {
                let sampling = if errors.count < SAMPLE { 2.0 * errors.standard_error } else { 0.0 };
                bar_of(format!("{name}: bias"), errors.bias, errors.bias.abs() <= BIAS + sampling);
                bar_of(format!("{name}: tau"), set.tau, set.tau >= TAU);
            }
        }
        let Errors { mean_absolute, largest, .. } = self.networks;
        bar_of("networks: mean absolute error".to_owned(), mean_absolute, mean_absolute <= NETWORKS[0]);
        bar_of("networks: largest error".to_owned(), largest, largest <= NETWORKS[1]);
        missed
    }
}

impl SetFigures {
    fn of(set: Set, pairs: &[&Pair]) -> Self {
        let errors =
            |part: &mut dyn FnMut(&Pair) -> bool| Errors::of(pairs.iter().filter(|pair| part(pair)).map(|pair| pair.error()));
        let mut fastest: BTreeMap<[usize; 3], (f64, f64)> = BTreeMap::new();
        let mut kernels: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for pair in pairs {
            let best = fastest.entry(pair.row.shape()).or_insert((f64::MAX, f64::MAX));
            *best = (best.0.min(pair.row.published), best.1.min(pair.simulated));
            kernels.entry(short(&pair.row.kernel)).or_default().push(pair.error());
        }
        let fastest: Vec<(f64, f64)> = fastest.into_values().collect();
        Self {
            set,
            all: errors(&mut |_| true),
            fitted: errors(&mut |pair| pair.row.is_fitted()),
            others: errors(&mut |pair| !pair.row.is_fitted()),
            fastest: Errors::of(fastest.iter().map(|(published, simulated)| simulated / published - 1.0)),
            tau: tau(&fastest),
            kernels: kernels.into_iter().map(|(kernel, list)| (kernel.to_owned(), Errors::of(list))).collect(),
        }
    }
}

/// A kernel's name without what all of them begin with.
pub fn short(kernel: &str) -> &str {
    kernel.trim_start_matches("arm64simd_mmm_f32_")
}

/// A share, as percent.
pub fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// A deviation, as percent with its sign.
pub fn signed(share: f64) -> String {
    format!("{:+.1} %", 100.0 * share)
}

/// What a set is called.
pub const fn title(set: Set) -> &'static str {
    match set {
        Set::Warm => "tract's kernels, operands within half of the L2",
        Set::Streaming => "tract's kernels, larger operands",
        Set::Vector => "tract's kernels, matrix × vector",
    }
}
