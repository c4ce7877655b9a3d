//! Measures any models, interleaved.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use indicatif::MultiProgress;
use serde::Serialize;

use super::correction::Correction;
use crate::commands::error::CommandError;
use crate::fit::cluster;
use crate::fit::readings::Readings;
use crate::measure::collect::{CollectError, Setting, Sizes, Task};
use crate::measure::given::Given;
use crate::measure::job::JobFolder;
use crate::measure::raw::{Purpose, RawFile, Request, Samples};
use crate::measure::subject::Subject;
use crate::protocol::{EngineFacts, Shaped, Start};
#[cfg(not(target_os = "android"))]
use crate::show::explain::{Explanation, bars};
#[cfg(not(target_os = "android"))]
use crate::show::picture::Page;
use crate::show::text;
use crate::stats::Median;

/// One model's figures.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Figure {
    /// The file.
    pub model: String,
    /// Median of the samples as they are, in µs a run; of a simulated device the mean of its runs, and the intervals have no width.
    pub median_us: f64,
    /// Its 95 % interval, which knows that processes differ ([`cluster`]).
    pub ci95_us: [f64; 2],
    /// Median of samples over canaries, times the canary's time in the fastest tenth; without the effect of
    /// interference on the core ([`IdleRatios`](crate::fit::interference::IdleRatios)).
    pub paired_us: f64,
    /// Its 95 % interval, with the uncertainty of the canary's stated time.
    pub paired_ci95_us: [f64; 2],
    /// Samples that it is of: those that count of the ones kept.
    pub paired_samples: usize,
    /// Samples kept.
    pub samples: usize,
    /// Samples left out.
    pub discarded: u64,
    /// What it was given.
    pub inputs: Vec<Shaped>,
    /// What came out.
    pub outputs: Vec<Shaped>,
    /// What is odd about that.
    pub notes: Vec<String>,
    /// Where the cycles of a simulated device went.
    #[cfg(not(target_os = "android"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explained: Option<Explanation>,
    /// What the corrected figures are without, and how well that is known.
    #[serde(flatten)]
    pub correction: Correction,
    /// What it was measured with.
    #[serde(flatten)]
    pub with: With,
}

/// Where and with what models were measured: the same for all of a command.
#[derive(Clone, Debug, Serialize)]
pub(super) struct With {
    /// The device as it was named.
    pub device: String,
    /// The device's model, as it says.
    pub device_model: Option<String>,
    /// The engine's name, version and build.
    pub engine: Option<EngineFacts>,
    /// Threads of the engine.
    pub threads: usize,
    /// CPUs that it was pinned to.
    pub cpus: Vec<usize>,
}

impl With {
    fn of(setting: &Setting, start: Option<&Start>) -> Self {
        Self {
            device: setting.device.to_string(),
            device_model: start.and_then(|start| start.device.known.model.clone()),
            engine: start.map(|start| start.engine.clone()),
            threads: setting.threads,
            cpus: start.map(|start| start.cpus.clone()).unwrap_or_default(),
        }
    }
}

/// Measures the models, and says whether all were as precise as asked; `raw` is where the samples are kept, if at all, in a file that is
/// not finished yet: where there is no room for it, the figures are known all the same.
///
/// # Errors
/// [`CommandError`].
pub(super) fn run(
    files: &[PathBuf],
    given: &Given,
    setting: &Setting,
    raw: Option<&Path>,
) -> Result<(Vec<Figure>, bool, Option<RawFile>), CommandError> {
    setting.check_engine()?;
    let folder = JobFolder::of_files(files, setting.engine, given)?;
    let subjects: Vec<Subject> = folder.items.iter().map(|item| Subject::from(&item.id)).collect();
    let request = Request { purpose: Purpose::Bench, ..setting.request(subjects.iter().map(Subject::to_string).collect()) };
    let raw = raw.map(|path| RawFile::fresh(path, &request)).transpose()?;
    let (samples, raw) = Task {
        setting,
        folder,
        samples: Samples::default(),
        raw,
        bars: MultiProgress::new(),
        sizes: Sizes::default(),
        accept: None,
    }
    .run()?;
    let ((figures, precise), raw) = RawFile::finish_on_error(raw, figures(files, &subjects, setting, &samples))?;
    Ok((figures, precise, raw))
}

/// The figures of each model, and whether all are as precise as asked.
fn figures(
    files: &[PathBuf],
    subjects: &[Subject],
    setting: &Setting,
    samples: &Samples,
) -> Result<(Vec<Figure>, bool), CommandError> {
    let too_few = |ids: Vec<String>| CollectError::TooFew { ids, advice: samples.advice(), raw: None };
    let with = With::of(setting, samples.start.as_ref());
    let readings = Readings::of(samples).ok_or_else(|| too_few(files.iter().map(|file| file.display().to_string()).collect()))?;
    let correction = Correction::of(samples, &readings);
    let raw: BTreeMap<&Subject, (Vec<f64>, &[usize])> = samples
        .items
        .iter()
        .map(|(subject, item)| (subject, (item.samples.iter().map(|s| s.us).collect(), &item.processes[..])))
        .collect();
    let widening = cluster::widening(raw.values().map(|(us, processes)| (&us[..], *processes)));
    let mut figures = Vec::new();
    for (subject, file) in std::iter::zip(subjects, files) {
        let item = samples.items.get(subject).cloned().unwrap_or_default();
        let raw = match readings.canaried() {
            Some(_) => raw.get(subject).and_then(|(us, _)| Median::of(us)).map(|raw| raw.widened(widening)),
            None => readings.median(subject, None),
        };
        let (Some(raw), Some(paired)) = (raw, readings.median(subject, None)) else {
            return Err(too_few(vec![file.display().to_string()]).into());
        };
        let paired = correction.canary_error.map_or(paired, |error| paired.with_error_of_factor(error));
        figures.push(Figure {
            model: file.display().to_string(),
            median_us: raw.value,
            ci95_us: raw.interval(),
            paired_us: paired.value,
            paired_ci95_us: paired.interval(),
            paired_samples: readings.count(subject),
            samples: item.samples.len(),
            discarded: item.faulty.iter().sum(),
            inputs: item.inputs,
            outputs: item.outputs,
            notes: item.notes,
            #[cfg(not(target_os = "android"))]
            explained: item.explained.iter().find(|explanation| !explanation.cold).map(Explanation::of_kept),
            correction,
            with: with.clone(),
        });
    }
    Ok((figures, readings.are_precise(subjects, setting.plan.precision)))
}

/// As text: a line per model.
pub(super) fn table(figures: &[Figure]) -> String {
    #[cfg(not(target_os = "android"))]
    if let Some(simulated) = figures.iter().map(|f| Some((f, f.explained.as_ref()?))).collect::<Option<Vec<_>>>() {
        return simulated_table(&simulated);
    }
    let head = ["model", "median µs", "95 % interval", "corrected µs", "95 % interval", "samples", "discarded"];
    let mut rows = vec![head.map(String::from).to_vec()];
    let interval = |[low, high]: [f64; 2]| format!("{low:.1}…{high:.1}");
    rows.extend(figures.iter().map(|f| {
        let median = format!("{:.1}", f.median_us);
        let paired = format!("{:.1}", f.paired_us);
        let (n, discarded) = (f.samples.to_string(), f.discarded.to_string());
        vec![f.model.clone(), median, interval(f.ci95_us), paired, interval(f.paired_ci95_us), n, discarded]
    }));
    let correction = figures.first().and_then(|f| f.correction.text()).unwrap_or_default();
    format!("{}{correction}", text::columns(&rows))
}

/// The same of models that were simulated, whose figures have no noise.
#[cfg(not(target_os = "android"))]
fn simulated_table(figures: &[(&Figure, &Explanation)]) -> String {
    let head = ["model", "simulated µs", "cycles", "instructions per cycle", "multiply-adds per cycle", "from memory"];
    let rows = figures.iter().map(|(f, explained)| {
        vec![
            f.model.clone(),
            format!("{:.1}", f.paired_us),
            explained.cycles.to_string(),
            format!("{:.2}", explained.issue_rate),
            format!("{:.2}", explained.multiply_adds_a_cycle),
            format!("{:.1} KB", explained.memory.dram_read_bytes as f64 / 1e3),
        ]
    });
    text::columns(&std::iter::once(head.map(String::from).to_vec()).chain(rows).collect::<Vec<_>>())
}

/// As text: where the cycles of each simulated model went.
#[cfg(not(target_os = "android"))]
pub(super) fn explained(figures: &[Figure]) -> String {
    let one = |f: &Figure| f.explained.as_ref().map(|explained| format!("\n{}\n{}", f.model, explained.body()));
    figures.iter().filter_map(one).collect()
}

/// The same as a picture.
#[cfg(not(target_os = "android"))]
pub(super) fn explained_page(figures: &[Figure]) -> Page {
    let models: Vec<_> = figures.iter().filter_map(|f| Some((f.model.clone(), f.explained.as_ref()?))).collect();
    let chip = figures.iter().find_map(|f| f.with.device_model.as_deref()).unwrap_or("a chip");
    bars::page(&models, chip)
}
