//! Values that options may have.

use blocks::network::POINTS;
use clap::ValueEnum;
use clap::builder::PossibleValue;
use luts::Overwrite;

use crate::show::lut::ColourChoice;
use crate::tables::diff::Caches;
use crate::tables::export::Form;

impl ValueEnum for ColourChoice {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Auto, Self::Always, Self::Never]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Auto => PossibleValue::new("auto").help("On a terminal, unless NO_COLOR is set"),
            Self::Always => PossibleValue::new("always").help("Always"),
            Self::Never => PossibleValue::new("never").help("Never"),
        })
    }
}

impl ValueEnum for Caches {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Warm, Self::Cold]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Warm => PossibleValue::new("warm").help("A block's share of a network's time: what the search uses"),
            Self::Cold => PossibleValue::new("cold").help("A block's first run with cold caches, alone"),
        })
    }
}

impl ValueEnum for Form {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::OfaYaml, Self::Json, Self::CsvLong]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::OfaYaml => PossibleValue::new("ofa-yaml").help("Entries of Once-for-All and ProxylessNAS, ms"),
            Self::Json => PossibleValue::new("json").help("{layer: {candidate: µs}}"),
            Self::CsvLong => PossibleValue::new("csv-long").help("A line per candidate: layer,candidate,us,low,high"),
        })
    }
}

/// Landmarks of a network unless told otherwise.
pub(super) const LANDMARKS: usize = 106;

/// Landmarks of a network.
pub(super) fn points(text: &str) -> Result<usize, String> {
    let (least, most) = POINTS.into_inner();
    text.parse().ok().filter(|n| POINTS.contains(n)).ok_or_else(|| format!("must be a number from {least} to {most}"))
}

/// Degrees that the temperature may change by.
pub(super) fn band(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|c| (0.0..=50.0).contains(c)).ok_or_else(|| "must be a number from 0 to 50".to_string())
}

/// Measurement passes.
pub(super) fn passes(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|n| (1..=100).contains(n)).ok_or_else(|| "must be a number from 1 to 100".to_string())
}

/// Memory in MiB, as KiB.
pub(super) fn memory(text: &str) -> Result<u64, String> {
    let mib = text.strip_suffix("MiB").unwrap_or(text).trim();
    let kib = mib.parse().ok().filter(|mib| (1..=1 << 20).contains(mib)).map(|mib: u64| mib << 10);
    kib.ok_or_else(|| format!("'{text}' is not an amount of memory such as 512MiB"))
}

/// Threads of an engine.
pub(super) fn threads(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|n| (1..=256).contains(n)).ok_or_else(|| "must be a number from 1 to 256".to_string())
}

/// What `--overwrite` means for a table.
pub(super) fn overwrite(yes: bool) -> Overwrite {
    if yes { Overwrite::Yes } else { Overwrite::No }
}
