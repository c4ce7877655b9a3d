//! The page.

use std::path::PathBuf;

use drawing::escape;
use files::FileError;

use super::architecture::{architecture, other_network, provenance};
use super::beside::beside;
use super::candidates::candidates;
use super::html::{END, begin, push};
use super::reported::{Evaluation, Reported};
use super::training::{charts, errors, summary};
use crate::choose::{CANDIDATES, Candidate};
use crate::compare::CompareError;
use crate::cost::{ArchFile, MICROS};
use crate::run::{MEASURED, MetricsLog, RunFolder, measured};
use crate::train::{ConfigError, Finetuned, RunConfig};

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// There is no run.
    #[error("{} is not the folder of a run: it has no config.toml", .0.display())]
    NoRun(PathBuf),
    /// Its configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The networks beside it.
    #[error(transparent)]
    Compare(#[from] CompareError),
}

/// The page of the run in `folder`.
///
/// # Errors
/// There is no run, or its files cannot be read.
pub fn page(folder: &RunFolder) -> Result<String, ReportError> {
    let config = RunConfig::<Reported>::load(&folder.file("config.toml"))?;
    if config == RunConfig::default() {
        return Err(ReportError::NoRun(folder.root().to_owned()));
    }
    let log = MetricsLog::open(&folder.file("metrics.csv"))?;
    let arch_path = folder.file("arch.json");
    let arch = if arch_path.exists() { Some(ArchFile::load(&arch_path)?) } else { None };
    let measured = measured(folder)?;

    let name = folder.root().file_name().map_or_else(|| "run".into(), |n| n.to_string_lossy().into_owned());
    let mut html = begin(&name);
    if let Some(arch) = &arch {
        provenance(&mut html, arch);
        if let Some(finetune) = config.other_network(&arch.choice) {
            other_network(&mut html, finetune);
        }
        architecture(&mut html, arch, measured);
        candidates(&mut html, &Candidate::read(&folder.file(CANDIDATES))?, arch);
    }
    if measured.is_none() && folder.file(MEASURED).exists() {
        html.push_str(
            "<p class=\"loud\" id=\"measured-others\"><b>measured.json contains other models</b>: it has no subnet.onnx.</p>",
        );
    }
    summary(&mut html, log.rows(), folder);
    if let Some(done) = Finetuned::load(&folder.file(Finetuned::<Evaluation>::FILE))? {
        errors(&mut html, &done);
    }
    beside(&mut html, folder)?;
    charts(&mut html, log.rows(), arch.as_ref().map_or(MICROS, |a| a.unit.as_str()));
    let text =
        std::fs::read_to_string(folder.file("config.toml")).map_err(FileError::new("cannot read", &folder.file("config.toml")))?;
    push(&mut html, format_args!("<h2>Configuration</h2><pre>{}</pre>{END}", escape(&text)));
    Ok(html)
}
