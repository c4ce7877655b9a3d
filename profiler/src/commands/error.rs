//! What a command can fail with, and its exit code.

use std::process::ExitStatus;

use engines::ConvertError;
use files::FileError;

use crate::check::CheckError;
use crate::devices::TransportError;
use crate::fit::table::FitError;
use crate::measure::collect::CollectError;
use crate::measure::fleet::FleetError;
use crate::measure::given::GivenError;
use crate::measure::job::JobError;
use crate::measure::raw::RawError;
use crate::measure::reserve::ReservedError;
use crate::measure::trial::TrialError;
use crate::show::picture::NoFolder;
use crate::tables::diff::DiffError;
use crate::tables::export::ExportError;
use crate::tables::merge::MergeError;

/// Why a command did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// Wrong usage: the command line cannot be done as it stands.
    #[error("{0}")]
    Usage(String),
    /// The search space.
    #[error(transparent)]
    Space(#[from] blocks::SpaceError),
    /// A search space that is a folder.
    #[error(transparent)]
    Folder(#[from] blocks::space_folder::FolderError),
    /// Names that are no network of it.
    #[error(transparent)]
    Choice(#[from] blocks::measurable::ChoiceError),
    /// An engine that cannot be tried.
    #[error(transparent)]
    Trial(#[from] TrialError),
    /// A latency table.
    #[error(transparent)]
    Table(#[from] luts::TableError),
    /// NNI's table.
    #[error(transparent)]
    Nni(#[from] luts::nni::NniError),
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// A raw sample file.
    #[error(transparent)]
    Raw(#[from] RawError),
    /// A file that another command writes.
    #[error(transparent)]
    Reserved(#[from] ReservedError),
    /// What models are given.
    #[error(transparent)]
    Given(#[from] GivenError),
    /// A job that cannot be prepared.
    #[error(transparent)]
    Job(#[from] JobError),
    /// A job that was not done.
    #[error(transparent)]
    Collect(#[from] CollectError),
    /// Several devices that make no common table.
    #[error(transparent)]
    Fleet(#[from] FleetError),
    /// Samples that make no table.
    #[error(transparent)]
    Fit(#[from] FitError),
    /// A check without a result, or one that failed.
    #[error(transparent)]
    Check(Box<CheckError>),
    /// Two tables that cannot be compared.
    #[error(transparent)]
    Diff(#[from] DiffError),
    /// A table that has no such form.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// Tables that cannot be merged.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// A picture without a folder.
    #[error(transparent)]
    Picture(#[from] NoFolder),
    /// A simulated chip.
    #[cfg(not(target_os = "android"))]
    #[error(transparent)]
    Chip(#[from] simulator::ChipError),
    /// What simulates it.
    #[cfg(not(target_os = "android"))]
    #[error(transparent)]
    Emulator(#[from] emulator::EmulatorError),
    /// The device.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// Tables that could not be measured again.
    #[error("failed: {}", .names.join(" "))]
    Refresh {
        /// Their names.
        names: Vec<String>,
    },
    /// A script that failed; it has said why.
    #[error("{script} failed ({status})")]
    Setup {
        /// Its name.
        script: &'static str,
        /// How it ended.
        status: ExitStatus,
    },
    /// Standard output takes no more.
    #[error("cannot write to standard output")]
    Output(#[source] std::io::Error),
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}

impl From<CheckError> for CommandError {
    fn from(error: CheckError) -> Self {
        Self::Check(Box::new(error))
    }
}

/// A check failed, or one of several devices.
pub(super) const FAILED: u8 = 1;
/// Bad usage or input.
const USAGE: u8 = 2;
/// Device trouble.
const DEVICE: u8 = 3;
/// Another device or engine than the table's.
const OTHER_DEVICE: u8 = 4;
/// A check was disturbed.
const DISTURBED: u8 = 5;
/// Ctrl-C.
const INTERRUPTED: u8 = 130;

impl CommandError {
    /// 1: a check failed; 2: bad usage or input; 3: device trouble; 4: another device or engine than the table's; 5: a check was disturbed;
    /// 130: interrupted.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Check(error) => of_check(error),
            Self::Refresh { .. } => FAILED,
            Self::Collect(error) => of_collect(error),
            Self::Job(error) | Self::Trial(TrialError::Job(error)) => of_job(error),
            Self::Trial(TrialError::Engine(_)) => DEVICE,
            Self::Transport(error) => of_transport(error),
            Self::Fit(FitError::Faults { .. }) => DEVICE,
            #[cfg(not(target_os = "android"))]
            Self::Emulator(error) if !error.is_by_user() => DEVICE,
            Self::Interrupted => INTERRUPTED,
            _ => USAGE,
        }
    }
}

fn of_check(error: &CheckError) -> u8 {
    match error {
        CheckError::Failed { .. } => FAILED,
        CheckError::Disturbed { .. } => DISTURBED,
        CheckError::OtherDevice(_) => OTHER_DEVICE,
        CheckError::Collect(error) => of_collect(error),
        CheckError::Job(error) => of_job(error),
        _ => USAGE,
    }
}

fn of_collect(error: &CollectError) -> u8 {
    match error {
        CollectError::Engine(_) | CollectError::Agent { .. } | CollectError::Broken { .. } | CollectError::TooFew { .. } => DEVICE,
        CollectError::OtherDevice(_) => OTHER_DEVICE,
        CollectError::Transport(error) => of_transport(error),
        CollectError::Job(error) => of_job(error),
        CollectError::Interrupted { .. } => INTERRUPTED,
        CollectError::Crowded { .. }
        | CollectError::ShortBudget { .. }
        | CollectError::OneProcessor { .. }
        | CollectError::File(_)
        | CollectError::Raw(_)
        | CollectError::Refused { .. } => USAGE,
    }
}

fn of_job(error: &JobError) -> u8 {
    match error {
        JobError::Convert(ConvertError::Refused { .. }) => USAGE,
        JobError::Convert(_) => DEVICE,
        JobError::Interrupted => INTERRUPTED,
        _ => USAGE,
    }
}

fn of_transport(error: &TransportError) -> u8 {
    if error.is_by_user() { USAGE } else { DEVICE }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::identity::OtherDevice;
    use crate::devices::{LocalError, Silent, StreamError};

    #[test]
    fn exit_codes_tell_whose_fault_it_is() {
        let code = |error: CommandError| error.exit_code();
        assert_eq!(code(CheckError::Failed { mape: 0.06, allowed: 0.05 }.into()), 1);
        assert_eq!(code(CommandError::Usage(String::new())), 2);
        assert_eq!(code(CollectError::Crowded { threads: 2, cpus: 1 }.into()), 2);
        assert_eq!(code(CollectError::TooFew { ids: vec![], advice: String::new(), raw: None }.into()), 3);
        assert_eq!(code(TransportError::from(LocalError::from(StreamError::from(Silent { seconds: 1 }))).into()), 3);
        let other = || OtherDevice { path: "t.csv".into(), differences: vec![] };
        assert_eq!(code(CheckError::from(other()).into()), 4);
        assert_eq!(code(CheckError::from(CollectError::from(other())).into()), 4);
        assert_eq!(code(CheckError::Disturbed { reasons: vec![] }.into()), 5);
        assert_eq!(code(CollectError::Interrupted { raw: None }.into()), 130);
        assert_eq!(code(JobError::Interrupted.into()), 130);
    }
}
