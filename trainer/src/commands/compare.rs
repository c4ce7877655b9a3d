//! `trainer compare`: a whole comparison from one settings file.

use std::path::{Path, PathBuf};

use clap::Args;
use files::FileError;
use terminal::quoted;

use super::args::ThreadArgs;
use super::compare_settings::Settings;
use super::error::Result;
use super::output::{print_json, print_line};
use crate::choose::{CANDIDATES, Candidate};
use crate::compare::{Context, Ended, Experiment, Figures, Findings, Finished, Others, SeedResult, Summary};
use crate::console::note;
use crate::report::{comparison_page, front::refresh, page, table};
use crate::run::{Interrupt, MEASURED, MetricsLog, RunFolder, Training, to_json, write_atomically};
use crate::task::faces::{Check, FaceTask, export, subnet};
use crate::train::examine;

#[derive(Args, Debug)]
#[command(after_help = "Example:
  trainer compare compare.toml --out comparison

compare.toml:
  seeds = [0, 1, 2]              # for each of them everything is trained, in comparison/seed-N
  [both]                         # options of `trainer search` and of `trainer finetune`
  data = \"faces\"
  batch = 32
  [search]                       # options of `trainer search`; default of tau-decay: τ ends at 0.2
  lut = [\"luts/sd625.csv\"]
  base-lr = 1e-3
  start-epoch = 20
  end-epoch = 60
  [finetune]                     # options of `trainer finetune`: the recipe of all networks
  base-lr = 1e-3
  end-epoch = 60
  [baseline]
  end-epoch = 120                # default: as many as search and finetune together
  [random]
  nets = 8                       # number of random networks, latency within ±3 % of the searched one
  again = 4                      # default 0: number of them that are trained once more, with another seed
  [sweep]                        # further searches: betas = […], targets-us = […]
  nets = 4                       # default 0: number of random networks for each of these searches
  [[measure]]                    # optional: `profiler bench` on this device; can be repeated
  device = \"local\"

The same command resumes where it was interrupted. After each seed the result is written to
comparison/results.md, results.json and report.html (with pictures).")]
pub struct CompareArgs {
    /// File with the settings (TOML)
    #[arg(value_name = "SETTINGS")]
    settings: PathBuf,
    /// Folder of the comparison
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    threads: ThreadArgs,
    /// Shared library of ONNX Runtime [default: ORT_DYLIB_PATH, then the cache folder]
    #[arg(long, value_name = "FILE")]
    engine_lib: Option<PathBuf>,
    /// Print the result as JSON (the contents of results.json)
    #[arg(long)]
    json: bool,
}

pub fn run(args: &CompareArgs) -> Result<()> {
    args.threads.apply()?;
    let settings = Settings::load(&args.settings)?;
    // What cannot be trained is reported before hours are spent.
    let experiments: Vec<_> = settings.seeds.iter().map(|&seed| settings.experiment(seed)).collect::<Result<_>>()?;
    for experiment in &experiments {
        examine(&experiment.search, experiment.allow_emulated)?;
    }
    let command = format!("compare {} --out {}", quoted(&args.settings), quoted(&args.out));
    let context = Context { interrupt: &Interrupt::listen(), command: &command };
    let (mut summary, mut runs): (Option<Summary>, Vec<RunFolder>) = (None, Vec::new());
    for experiment in &experiments {
        let (finished, seed) = one_seed(experiment, &settings, args, &context)?;
        let summary = summary.get_or_insert_with(|| empty(&finished, &settings));
        summary.add(seed);
        runs.push(finished.folder.clone());
        let [text, json, html] = ["results.md", "results.json", "report.html"].map(|name| args.out.join(name));
        write_atomically(&text, table(summary).as_bytes())?;
        write_atomically(&json, to_json(summary, &json)?.as_bytes())?;
        let name = args.out.file_name().map_or_else(|| "comparison".into(), |name| name.to_string_lossy());
        write_atomically(&html, comparison_page(&name, summary, &runs)?.as_bytes())?;
        note(format_args!("table of {} of {} seeds: {}", summary.seeds.len(), experiments.len(), text.display()));
    }
    match summary {
        Some(summary) if args.json => print_json(&summary, &args.out.join("results.json")),
        Some(summary) => print_line(format_args!("{}", table(&summary).trim_end())),
        None => Ok(()),
    }
}

/// A summary without seeds; all of them have the same tables and devices.
fn empty(finished: &Finished<FaceTask>, settings: &Settings) -> Summary {
    let arch = &finished.arch;
    let several = arch.tables.iter().map(|prediction| &prediction.table);
    let tables = several.chain(arch.table.iter().filter(|_| arch.tables.is_empty())).map(|table| table.device.clone());
    Summary {
        unit: arch.unit.clone(),
        tables: tables.collect(),
        devices: settings.measure.iter().map(|measure| measure.name()).collect(),
        on: finished.ended.on.to_string(),
        seeds: Vec::new(),
        found: Findings::default(),
    }
}

/// Trains, exports and measures the networks of a seed.
fn one_seed(
    experiment: &Experiment<FaceTask>,
    settings: &Settings,
    args: &CompareArgs,
    context: &Context<'_>,
) -> Result<(Finished<FaceTask>, SeedResult)> {
    let seed = experiment.search.train.seed;
    let folder = RunFolder::new(&args.out.join(format!("seed-{seed}")));
    let (finished, (baseline, baseline_ended)) = experiment.pair(&folder, context)?;
    let networks = [&folder, &baseline].map(|folder| folder.file("subnet.onnx"));
    for (from, onnx) in std::iter::zip([&folder, &baseline], &networks) {
        if !onnx.is_file() {
            note(format_args!("== seed {seed}: export to {}", onnx.display()));
            export_network(&finished, from, onnx, args.engine_lib.as_deref())?;
        }
    }
    let mut measured = [Vec::new(), Vec::new()];
    for (i, measure) in settings.measure.iter().enumerate() {
        note(format_args!("== seed {seed}: measure on {}", measure.name()));
        let bench = measure.run(&networks, &folder.file("measured"))?;
        for ((figures, bench), folder) in std::iter::zip(std::iter::zip(&mut measured, bench), [&folder, &baseline]) {
            figures.push(bench.figure().0);
            let path = folder.file(MEASURED);
            // The first one is what reports show.
            if i == 0 {
                write_atomically(&path, to_json(&[bench], &path)?.as_bytes())?;
            }
        }
    }
    let Others { random, front } = experiment.others(&finished, context)?;
    write_atomically(&folder.file("report.html"), page(&folder)?.as_bytes())?;
    refresh(&folder)?;
    let [of_searched, of_baseline] = measured;
    let arch = &finished.arch;
    let several: Vec<f64> = arch.tables.iter().map(|prediction| prediction.predicted.total).collect();
    let predicted = if several.is_empty() { vec![arch.predicted.total] } else { several };
    let result = SeedResult {
        seed,
        choice: arch.choice.clone(),
        searched: figures(&folder, finished.ended, predicted, of_searched)?,
        baseline: figures(&baseline, baseline_ended, Vec::new(), of_baseline)?,
        random,
        front,
    };
    Ok((finished, result))
}

/// Writes a trained network as ONNX, checked on training pictures.
fn export_network(finished: &Finished<FaceTask>, folder: &RunFolder, onnx: &Path, library: Option<&Path>) -> Result<()> {
    let task = &finished.finetune.task;
    let checkpoint = folder.checkpoint(Training::Finetune, "last");
    let (data, points_file) = (Some(task.data.as_path()), task.points_file.as_deref());
    let check = Check { data, list: &task.list, points_file, library, mnn: false };
    export(subnet(&checkpoint, Some(&finished.search.space))?, onnx, &check)?;
    Ok(())
}

fn figures(folder: &RunFolder, ended: Ended, predicted: Vec<f64>, measured_us: Vec<f64>) -> Result<Figures> {
    let onnx = folder.file("subnet.onnx");
    let bytes = onnx.metadata().map_err(FileError::new("cannot read", &onnx))?.len();
    let training: f64 = MetricsLog::open(&folder.file("metrics.csv"))?.rows().iter().map(|row| row.seconds).sum();
    let choosing: f64 = Candidate::read(&folder.file(CANDIDATES))?.iter().map(|candidate| candidate.seconds).sum();
    let training_s = training + choosing;
    Ok(Figures { bytes, predicted, measured_us, nme: ended.nme, training_s })
}
