//! The page.

use std::path::PathBuf;

use drawing::escape;

use super::architecture::{architecture, other_network, provenance};
use super::beside::beside;
use super::html::push;
use super::training::{charts, errors, summary};
use crate::compare::CompareError;
use crate::cost::{ArchFile, MICROS};
use crate::run::{FileError, MEASURED, MetricsLog, RunFolder, measured};
use crate::task::faces::{Evaluation, FaceTask};
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

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#222}\
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}table{border-collapse:collapse;font-size:13px}\
td,th{padding:.25rem .6rem;border-bottom:1px solid #ddd;text-align:right}td:first-child,th:first-child{text-align:left}\
.chosen{outline:2px solid #c0392b;outline-offset:-2px}.loud{background:#fde8e8;border-left:4px solid #c0392b;padding:.5rem 1rem}\
pre{background:#f6f6f6;padding:.8rem;overflow:auto;font-size:12px}svg{max-width:100%;height:auto}figure{margin:1rem 0}\
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(26rem,1fr));gap:1rem}";

/// The page of the run in `folder`.
///
/// # Errors
/// There is no run, or its files cannot be read.
pub fn page(folder: &RunFolder) -> Result<String, ReportError> {
    let config = RunConfig::<FaceTask>::load(&folder.file("config.toml"))?;
    if config == RunConfig::default() {
        return Err(ReportError::NoRun(folder.root().to_owned()));
    }
    let log = MetricsLog::open(&folder.file("metrics.csv"))?;
    let arch_path = folder.file("arch.json");
    let arch = if arch_path.exists() { Some(ArchFile::load(&arch_path)?) } else { None };
    let measured = measured(folder)?;

    let name = folder.root().file_name().map_or_else(|| "run".into(), |n| n.to_string_lossy().into_owned());
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title><style>{STYLE}</style></head><body><h1>{0}</h1>",
        escape(&name)
    );
    if let Some(arch) = &arch {
        provenance(&mut html, arch);
        if let Some(finetune) = config.other_network(&arch.choice) {
            other_network(&mut html, finetune);
        }
        architecture(&mut html, arch, measured);
    }
    if measured.is_none() && folder.file(MEASURED).exists() {
        html.push_str(
            "<p class=\"loud\" id=\"measured-others\"><b>measured.json is of other models</b>: it has no subnet.onnx.</p>",
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
    push(&mut html, format_args!("<h2>Configuration</h2><pre>{}</pre></body></html>\n", escape(&text)));
    Ok(html)
}
