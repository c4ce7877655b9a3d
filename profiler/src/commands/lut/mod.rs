//! `profiler lut`: latency tables, printed, checked, compared, merged, imported and exported.

mod diff;
mod export;
mod import;
mod merge;
mod show;
mod validate;

use clap::Subcommand;

use super::error::CommandError;

#[derive(Subcommand)]
pub(super) enum LutCommand {
    /// Show a table as a heat map (layers × candidates), its trunk, its provenance, and where multiply-adds rank wrongly
    #[command(after_help = "Example: profiler lut show luts/this-machine.csv --out this-machine.html")]
    Show(show::ShowArgs),
    /// Check that a table is well formed and complete for its search space
    #[command(after_help = "Example: profiler lut validate luts/this-machine.csv --space pfld")]
    Validate(validate::ValidateArgs),
    /// Compare two tables (two devices or two engines) and list candidates whose order changes
    #[command(after_help = "Example: profiler lut diff luts/phone.csv luts/board.csv")]
    Diff(diff::DiffArgs),
    /// Merge tables measured under the same conditions. Common rows become a weighted mean; the interval widens where the tables disagree
    #[command(after_help = "Example: profiler lut merge monday.csv tuesday.csv --out both.csv")]
    Merge(merge::MergeArgs),
    /// Convert NNI's lut.npy or lut.txt to a latency table
    #[command(after_help = "Examples: profiler lut import lut.txt --space pfld --out luts/phone.csv\n          \
                            profiler lut import lut.npy --unit us --mean --out luts/phone.csv")]
    Import(import::ImportArgs),
    /// Convert a latency table to NNI's lut.npy or lut.txt, to JSON, a plain CSV, or the YAML of Once-for-All and ProxylessNAS
    #[command(after_help = "Examples: profiler lut export luts/phone.csv --out lut.npy\n          \
                            profiler lut export luts/phone.csv --out lut.txt\n          \
                            profiler lut export mine.csv --format json --out mine.json")]
    Export(export::ExportArgs),
}

impl LutCommand {
    pub(super) fn run(self) -> Result<(), CommandError> {
        match self {
            Self::Show(args) => args.run(),
            Self::Validate(args) => args.run(),
            Self::Diff(args) => args.run(),
            Self::Merge(args) => args.run(),
            Self::Import(args) => args.run(),
            Self::Export(args) => args.run(),
        }
    }
}
