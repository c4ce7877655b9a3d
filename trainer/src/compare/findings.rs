//! What several seeds say together.

use serde::Serialize;

use super::statistics::{Adjusted, BetweenFronts, Comparison, FrontPoint, PointDifference, Ranking, Worth};
use crate::cost;

/// The searched networks of all seeds among random ones; each part none where too little was trained for it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Findings {
    /// At equal predicted cost.
    pub random: Option<Adjusted>,
    /// The whole front.
    pub fronts: Option<BetweenFronts>,
    /// How much there is to win.
    pub worth: Option<Worth>,
    /// How well it is known before training which network is good.
    pub ranking: Option<Ranking>,
}

impl Findings {
    /// Of the seeds' runs among random networks, and of their fronts.
    pub fn of(runs: &[&Comparison], fronts: &[&[FrontPoint]]) -> Self {
        // A point that is the run itself has the run's random networks, which count once.
        let swept = fronts.iter().copied().flatten().map(|point| &point.networks);
        let all: Vec<&Comparison> = runs.iter().copied().chain(swept.filter(|networks| !runs.contains(networks))).collect();
        Self {
            random: Adjusted::of(runs.iter().copied()),
            fronts: BetweenFronts::of(fronts.iter().copied()),
            worth: Worth::of(runs.iter().copied()),
            ranking: Ranking::of(all.iter().copied()),
        }
    }

    /// The results in sentences; `unit` is that of predicted costs.
    pub fn sentences(&self, unit: &str) -> Vec<String> {
        let random = self.random.iter().map(of_random);
        let fronts = self.fronts.iter().map(|fronts| of_fronts(fronts, unit));
        random.chain(fronts).chain(self.worth.iter().map(of_worth)).chain(self.ranking.iter().map(of_ranking)).collect()
    }
}

fn of_random(Adjusted { difference, prolonged, .. }: &Adjusted) -> String {
    let prolonged = if *prolonged { ", extrapolated" } else { "" };
    format!(
        "error of the searched network minus that of a random one of equal predicted cost (all seeds together{prolonged}): {} percentage \
         points; {}",
        difference.shown(1.0, 3),
        difference.verdict()
    )
}

fn of_fronts(BetweenFronts { area, mean, points }: &BetweenFronts, unit: &str) -> String {
    let (shown_unit, scale) = cost::shown(unit);
    let ends = [points.first(), points.last()].map(|point| point.map_or(f64::NAN, |PointDifference { cost, .. }| cost / scale));
    format!(
        "whole front, from {:.1} to {:.1} {shown_unit}: the searched networks' error minus that of random ones is {} percentage points on \
         average; the area between the fronts is {} percentage points · {shown_unit}; {}",
        ends[0],
        ends[1],
        mean.shown(1.0, 3),
        area.shown(1.0 / scale, 3),
        mean.verdict()
    )
}

fn of_worth(Worth { networks, observed, repeated, noise, truth }: &Worth) -> String {
    let mut said =
        format!("errors of {networks} random networks at equal predicted cost: standard deviation {observed:.4} percentage points");
    if let Some((noise, truth)) = noise.zip(*truth) {
        let interval = truth.interval.map(|[low, high]| format!(" (95 %: {low:.4} to {high:.4})")).unwrap_or_default();
        said += &format!(
            "; by the chance of training alone: {noise:.4} ({repeated} networks trained twice); without it, between the networks: \
             {:.4}{interval}. The best of a hundred networks is about {:.3} better than the mean",
            truth.value,
            BEST_OF_100 * truth.value
        );
    }
    said
}

/// Expected largest of a hundred normal values, in standard deviations.
const BEST_OF_100: f64 = 2.508;

fn of_ranking(Ranking { networks, tau, chance, correlation, gain }: &Ranking) -> String {
    let is_known = if tau.abs() > *chance { "" } else { ", which can be chance" };
    format!(
        "order of {networks} random networks before finetuning (supernet's weights, recalibrated, held-back examples) and after it, at \
         equal predicted cost: Kendall's τ {tau:.2}{is_known} (95 % of unrelated orders: at most {chance:.2}), correlation \
         {correlation:.2}; the best of 64 before finetuning is expected to be {gain:.3} percentage points better than a random one"
    )
}
