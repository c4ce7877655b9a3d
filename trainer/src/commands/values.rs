//! How settings with a few named values are typed.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::cost::{Combine, LatencyScope, PerfMetric, TermMode};
use crate::optim::Algorithm;
use crate::task::faces::loss::{PointLoss, PoseWeight};
use crate::train::{ArchData, ArchPaths, WarmUp};

/// A value, the name it is typed by, and what it means.
type Choice<T> = (&'static str, T, &'static str);

/// Reads one of some named values.
fn one_of<T: Copy + Send + Sync + 'static>(choices: &'static [Choice<T>]) -> impl TypedValueParser<Value = T> {
    let names = choices.iter().map(|&(name, _, meaning)| PossibleValue::new(name).help(meaning));
    PossibleValuesParser::new(names).try_map(move |typed| {
        let found = choices.iter().find(|(name, ..)| *name == typed);
        found.map(|&(_, value, _)| value).ok_or("not one of the values")
    })
}

/// Of `--combine`.
pub fn combine() -> impl TypedValueParser<Value = Combine> {
    one_of(&[("max", Combine::Max, "Latency of the slowest device"), ("mean", Combine::Mean, "Mean over the devices")])
}

/// Of `--mode`.
pub fn term_mode() -> impl TypedValueParser<Value = TermMode> {
    one_of(&[("mul", TermMode::Mul, "loss · α · ln(p)^β"), ("add", TermMode::Add, "loss + α · p^β")])
}

/// Of `--perf-metric`.
pub fn perf_metric() -> impl TypedValueParser<Value = PerfMetric> {
    one_of(&[
        ("latency", PerfMetric::Latency, "Latency from the table, µs"),
        ("flops", PerfMetric::Flops, "Multiply-adds; needs no table"),
    ])
}

/// Of `--latency-scope`.
pub fn latency_scope() -> impl TypedValueParser<Value = LatencyScope> {
    one_of(&[
        ("searched", LatencyScope::Searched, "The searched layers only"),
        ("whole", LatencyScope::Whole, "The searched layers and the trunk"),
    ])
}

/// Of `--arch-data`.
pub fn arch_data() -> impl TypedValueParser<Value = ArchData> {
    one_of(&[
        ("split", ArchData::Split, "A fifth of the training list; the weights are trained on the rest"),
        ("test", ArchData::Test, "The test list, as NNI's example does; the test error is then biased"),
    ])
}

/// Of `--warm-up`.
pub fn warm_up() -> impl TypedValueParser<Value = WarmUp> {
    one_of(&[
        ("mixture", WarmUp::Mixture, "Mixtures of all candidates"),
        ("fair", WarmUp::Fair, "One candidate per layer, each equally often: a step takes a fraction of the time. On the CPU only"),
    ])
}

/// Of `--arch-paths`.
pub fn arch_paths() -> impl TypedValueParser<Value = ArchPaths> {
    one_of(&[
        ("mixture", ArchPaths::Mixture, "Mixtures of all candidates"),
        (
            "single",
            ArchPaths::Single,
            "One candidate per layer; the architecture weights of all candidates get gradients (straight-through)",
        ),
    ])
}

/// Of `--opt`.
pub fn algorithm() -> impl TypedValueParser<Value = Algorithm> {
    one_of(&[
        ("rms", Algorithm::Rms, "RMSprop, as in PyTorch: smoothing 0.99, L2 weight decay"),
        ("adam", Algorithm::Adam, "AdamW: β 0.9 and 0.999, decoupled weight decay"),
    ])
}

/// Of `--loss`.
pub fn point_loss() -> impl TypedValueParser<Value = PointLoss> {
    one_of(&[
        ("square", PointLoss::Square, "Σ (difference)²"),
        ("wing", PointLoss::Wing, "Wing loss: logarithmic for small differences, linear for large ones"),
    ])
}

/// Of `--pose-weight`.
pub fn pose_weight() -> impl TypedValueParser<Value = PoseWeight> {
    one_of(&[
        ("floor", PoseWeight::Floor, "1 + Σ(1 − cos Δ), angles in radians"),
        ("raw", PoseWeight::Raw, "Σ(1 − cos Δ) of degrees taken as radians, as NNI's example does"),
        ("none", PoseWeight::None, "No pose network in the loss"),
    ])
}
