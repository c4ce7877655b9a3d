//! `trainer search`: the search for a network with a latency table.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use files::FileError;
use terminal::quoted;

use super::args::{absolute, remembered_space};
use super::choose_args::ChooseArgs;
use super::error::Result;
use super::output::{print_json, print_line};
use super::resolve::Resolver;
use super::train_args::TrainArgs;
use super::values;
use crate::console::note;
use crate::cost::{ArchFile, Combine, CostError, LatencyScope, PerfMetric, TARGET_BETA, TablePrediction, TermMode};
use crate::parallel;
use crate::run::{Training, sha256_of_file};
use crate::task::Scores;
use crate::task::faces::FaceTask;
use crate::train::{ArchData, ArchPaths, Found, RunConfig, Search, SearchConfig, TrainingLoop, WarmUp, digest};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  trainer search --lut luts/host.csv --data faces --out run --batch 32 --base-lr 1e-3 \\
    --start-epoch 10 --end-epoch 30 --tau-decay 0.16
  trainer search --out run --resume")]
pub struct SearchArgs {
    /// Latency table of a device; repeat it for several devices. Not needed with --perf-metric flops
    #[arg(long, value_name = "FILE")]
    lut: Vec<PathBuf>,
    /// How the latencies of several tables are combined into one cost [default: max]
    #[arg(long, value_parser = values::combine())]
    combine: Option<Combine>,
    /// Search space: a built-in name or a TOML file [default: pfld]
    #[arg(long, value_name = "NAME|FILE")]
    space: Option<String>,
    /// How the latency term is combined with the loss; p is the expected cost [default: mul]
    #[arg(long, value_parser = values::term_mode())]
    mode: Option<TermMode>,
    /// Factor α of the latency term; with --mode mul it only scales the loss [default: 0.25]
    #[arg(long)]
    alpha: Option<f64>,
    /// Exponent β of the latency term: the larger, the faster the network. 0 turns the term off [default: 0.6; with --target-us 3]
    #[arg(long)]
    beta: Option<f64>,
    /// Latency limit of the chosen network, trunk included. The latency term then acts only above the limit, as (p / limit)^β
    #[arg(long, value_name = "US")]
    target_us: Option<f64>,
    /// Learning rate of the architecture weights [default: 0.01]
    #[arg(long)]
    theta_lr: Option<f64>,
    /// Cost in the latency term [default: latency]
    #[arg(long, value_parser = values::perf_metric())]
    perf_metric: Option<PerfMetric>,
    /// Part of the network that the latency term covers [default: searched; with --target-us whole]
    #[arg(long, value_parser = values::latency_scope())]
    latency_scope: Option<LatencyScope>,
    /// Number of warm-up epochs: only the weights are trained [default: 50]
    #[arg(long)]
    start_epoch: Option<usize>,
    /// Temperature τ of the Gumbel softmax at the start [default: 5]
    #[arg(long)]
    tau: Option<f64>,
    /// Decay of τ: after the warm-up, τ is multiplied by e^(−decay) at the end of each epoch. In a short run, choose it so that τ ends
    /// near 0.2 [default: 0.045]
    #[arg(long)]
    tau_decay: Option<f64>,
    /// Faces on which the architecture is trained [default: split]
    #[arg(long, value_parser = values::arch_data())]
    arch_data: Option<ArchData>,
    /// Network of a warm-up step [default: mixture]
    #[arg(long, value_parser = values::warm_up())]
    warm_up: Option<WarmUp>,
    /// Network of a step that trains the architecture [default: mixture]
    #[arg(long, value_parser = values::arch_paths())]
    arch_paths: Option<ArchPaths>,
    #[command(flatten)]
    choose: ChooseArgs,
    /// Accept a table that was made in an emulator. Its times say nothing about a device
    #[arg(long)]
    allow_emulated: bool,
    #[command(flatten)]
    shared: TrainArgs,
}

impl SearchArgs {
    /// The settings of the search; what is not given is as in `saved`, the run that is resumed.
    ///
    /// # Errors
    /// A file cannot be read, or a resumed run would differ.
    pub fn resolve(&self, saved: Option<&SearchConfig<FaceTask>>) -> Result<SearchConfig<FaceTask>> {
        let mut r = Resolver::new(saved);
        let train = r.part(|s| &s.train, |r| self.shared.train(r));
        let default = if train.reference.is_off() { ArchData::Split } else { ArchData::Test };
        let arch_data = r.pick("--arch-data", self.arch_data, |s| s.arch_data, default);
        let task = r.part(|s| &s.task, |r| self.shared.task(r, train.reference, arch_data == ArchData::Test))?;
        let (lut, lut_sha256) = self.tables(saved)?;
        r.same("the latency table (--lut)", &lut_sha256.join(" "), |s| s.lut_sha256.join(" "));
        let target_us = r.maybe("--target-us", self.target_us, |s| s.target_us);
        let (beta, scope) = match target_us {
            Some(_) => (TARGET_BETA, LatencyScope::Whole),
            None => (0.6, LatencyScope::Searched),
        };
        let config = SearchConfig {
            space: r.pick("--space", self.space.as_deref().map(remembered_space), |s| s.space.clone(), "pfld".to_string()),
            lut,
            lut_sha256,
            combine: r.pick("--combine", self.combine, |s| s.combine, Combine::Max),
            mode: r.pick("--mode", self.mode, |s| s.mode, TermMode::Mul),
            alpha: r.pick("--alpha", self.alpha, |s| s.alpha, 0.25),
            beta: r.pick("--beta", self.beta, |s| s.beta, beta),
            target_us,
            theta_lr: r.pick("--theta-lr", self.theta_lr, |s| s.theta_lr, 0.01),
            perf_metric: r.pick("--perf-metric", self.perf_metric, |s| s.perf_metric, PerfMetric::Latency),
            latency_scope: r.pick("--latency-scope", self.latency_scope, |s| s.latency_scope, scope),
            start_epoch: r.pick("--start-epoch", self.start_epoch, |s| s.start_epoch, 50),
            tau: r.pick("--tau", self.tau, |s| s.tau, 5.0),
            tau_decay: r.pick("--tau-decay", self.tau_decay, |s| s.tau_decay, 0.045),
            arch_data,
            warm_up: r.pick("--warm-up", self.warm_up, |s| s.warm_up, WarmUp::Mixture),
            arch_paths: r.pick("--arch-paths", self.arch_paths, |s| s.arch_paths, ArchPaths::Mixture),
            // The training does not depend on it: a run may choose again.
            choose: self.choose.given().or(saved.map(|s| s.choose)).unwrap_or_default(),
            task,
            train,
        };
        r.finish()?;
        Ok(config)
    }

    /// The latency tables and their SHA-256.
    fn tables(&self, saved: Option<&SearchConfig<FaceTask>>) -> Result<(Vec<PathBuf>, Vec<String>)> {
        let lut = if self.lut.is_empty() {
            saved.map(|s| s.lut.clone()).unwrap_or_default()
        } else {
            self.lut.iter().map(|path| absolute(path)).collect()
        };
        if let Some(path) = lut.iter().find(|path| !path.exists()) {
            return Err(CostError::Absent { path: path.clone() }.into());
        }
        let sha256 = lut.iter().map(|path| sha256_of_file(path)).collect::<std::result::Result<Vec<_>, FileError>>()?;
        Ok((lut, sha256))
    }
}

pub fn run(args: &SearchArgs) -> Result<()> {
    let started = Instant::now();
    let shared = &args.shared;
    shared.threads.apply()?;
    let folder = shared.folder();
    folder.check(Training::Search, shared.resume, shared.overwrite)?;
    let saved = if shared.resume { RunConfig::load(&folder.file("config.toml"))? } else { RunConfig::default() };
    let config = args.resolve(saved.search.as_ref())?;
    let phase = Search::new(config.clone(), args.allow_emulated)?;
    let training = TrainingLoop::new(phase, digest(&config)?, folder.clone(), &shared.start())?;
    let (data, arch_data) = (config.task.data.clone(), config.arch_data);
    let found = shared.run(training, changed(saved, config).as_ref(), started)?;
    if !parallel::is_first() {
        return Ok(());
    }
    if shared.json {
        print_json(&found.arch, &folder.file("arch.json"))?;
    } else {
        print(&found, arch_data)?;
    }
    note(format_args!(
        "next: trainer finetune --supernet {} --data {} --out {}",
        quoted(folder.checkpoint(Training::Search, "last")),
        quoted(shared.data.as_deref().unwrap_or(&data)),
        quoted(&shared.out)
    ));
    Ok(())
}

/// The configuration that a run's folder gets: a new one, or that of a run which now chooses otherwise; none if it stays.
fn changed(saved: RunConfig<FaceTask>, config: SearchConfig<FaceTask>) -> Option<RunConfig<FaceTask>> {
    match saved.search {
        None => Some(RunConfig { search: Some(config), finetune: None }),
        Some(search) if search.choose == config.choose => None,
        Some(search) => Some(RunConfig { search: Some(SearchConfig { choose: config.choose, ..search }), ..saved }),
    }
}

fn print(found: &Found<FaceTask>, arch_data: ArchData) -> Result<()> {
    let ArchFile { layers, predicted, unit, trunk, tables, .. } = &found.arch;
    for layer in layers {
        let chance = layer.candidates.iter().find(|c| c.primitive == layer.chosen).map_or(0.0, |c| c.probability);
        print_line(format_args!(
            "layer {}  {:<18} {:>9.1} {unit}  {:3.0} %",
            layer.layer,
            layer.chosen,
            layer.cost,
            100.0 * chance
        ))?;
    }
    let of = if trunk.is_empty() { "searched layers" } else { "whole network" };
    let interval = predicted.interval.map(|[low, high]| format!(" [{low:.1}, {high:.1}]")).unwrap_or_default();
    if tables.len() > 1 {
        for TablePrediction { table, predicted } in tables {
            print_line(format_args!("on {}, {}: {:.1} {unit}", table.device, table.engine, predicted.total))?;
        }
    }
    print_line(format_args!(
        "predicted {:.1}{interval} {unit} ({of}; searched layers {:.1})",
        predicted.total, predicted.searched
    ))?;
    if let Some(validation) = &found.validation {
        let on = match arch_data {
            ArchData::Split => "the faces held back (--arch-data split)",
            ArchData::Test => "the test list, which the architecture was trained on (--arch-data test)",
        };
        let nme = 100.0 * validation.scores.error();
        print_line(format_args!("chosen subnet with the supernet's weights: NME {nme:.2} % on {on}"))?;
    }
    Ok(())
}
