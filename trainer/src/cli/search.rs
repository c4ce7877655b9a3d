use std::path::PathBuf;
use std::time::Instant;

use clap::Args;

use super::{DEFAULT_LIST, ListArgs, ThreadArgs, absolute, print_json, print_line, quoted, remembered_space};
use crate::error::Result;
use crate::loss::{PointLoss, PoseWeight, TARGET_BETA, TermMode};
use crate::optim::Algorithm;
use crate::parallel;
use crate::pass::{note, scheme_sha256};
use crate::place::Place;
use crate::reference::Reference;
use crate::run::{
    ArchData, ConfigError, Interrupt, LatencyScope, PerfMetric, RunConfig, RunFolder, SearchConfig, Stage, resolve, sha256_of_file,
};
use crate::search::{ArchFile, Combine, CostError, Found, Search, Start, TablePrediction};

/// Everything is optional so that a resumed run needs only --out: what is not given is as the run had it.
#[derive(Args, Debug)]
#[command(after_help = "Example:
  trainer search --lut luts/host.csv --data faces --out run --batch 32 --base-lr 1e-3 --start-epoch 10 --end-epoch 30 --tau-decay 0.16
  trainer search --out run --resume")]
pub struct SearchArgs {
    /// The run's folder
    #[arg(long, value_name = "RUN")]
    out: PathBuf,
    /// Latency table, of one device; repeated: of several. Not needed with --perf-metric flops
    #[arg(long, value_name = "FILE")]
    lut: Vec<PathBuf>,
    /// How the times of several tables become one: that of the slowest device, or their mean [default: max]
    #[arg(long, value_enum)]
    combine: Option<Combine>,
    /// Data folder: train_data/{imgs,list.txt}, test_data/{imgs,list.txt}
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Search space: a built-in name or a TOML file [default: pfld]
    #[arg(long, value_name = "NAME|FILE")]
    space: Option<String>,
    #[command(flatten)]
    lists: ListArgs,
    /// How the latency term joins the loss: mul, loss·α·ln(p)^β; add, loss + α·p^β [default: mul]
    #[arg(long, value_enum)]
    mode: Option<TermMode>,
    /// Factor of the latency term; only scales the loss in mul mode [default: 0.25]
    #[arg(long)]
    alpha: Option<f64>,
    /// Exponent of the latency term: what steers. 0 turns the term off [default: 0.6; with --target-us 3]
    #[arg(long)]
    beta: Option<f64>,
    /// The chosen network's time is at most this, trunk included; the latency term acts only above it, as (p / target)^β
    #[arg(long, value_name = "US")]
    target_us: Option<f64>,
    /// Learning rate of the architecture [default: 0.01]
    #[arg(long)]
    theta_lr: Option<f64>,
    /// What the term adds up [default: latency]
    #[arg(long, value_enum)]
    perf_metric: Option<PerfMetric>,
    /// Over which part of the network [default: searched; with --target-us whole]
    #[arg(long, value_enum)]
    latency_scope: Option<LatencyScope>,
    /// Optimizer of the weights; adam is AdamW [default: rms]
    #[arg(long, value_enum)]
    opt: Option<Algorithm>,
    /// Learning rate at the start; falls to 0 along a cosine over all epochs [default: 1e-4]
    #[arg(long)]
    base_lr: Option<f64>,
    /// Weight decay of the weights [default: 1e-6]
    #[arg(long)]
    weight_decay: Option<f64>,
    /// Epochs of warm-up, in which only weights are trained [default: 50]
    #[arg(long)]
    start_epoch: Option<usize>,
    /// Epochs in all [default: 300]
    #[arg(long)]
    end_epoch: Option<usize>,
    /// Faces a step [default: 256]
    #[arg(long)]
    batch: Option<usize>,
    /// Seed of everything drawn [default: 0]
    #[arg(long)]
    seed: Option<u64>,
    /// Temperature of the Gumbel softmax at the start [default: 5]
    #[arg(long)]
    tau: Option<f64>,
    /// τ · e^(−decay) an epoch after warm-up; for short runs choose it so that τ ends near 0.2 [default: 0.045]
    #[arg(long)]
    tau_decay: Option<f64>,
    /// What the architecture is trained on: a fifth of the training list, or the test list as the reference does [default: split]
    #[arg(long, value_enum)]
    arch_data: Option<ArchData>,
    /// Augmentation: none, mild, strong [default: mild]
    #[arg(long)]
    augment: Option<String>,
    /// Loss of the points [default: square]
    #[arg(long, value_enum)]
    loss: Option<PointLoss>,
    /// How pose weighs a face: floor, 1 + Σ(1 − cos); raw, the reference's; none [default: floor]
    #[arg(long, value_enum)]
    pose_weight: Option<PoseWeight>,
    /// Do as NNI's example does, where the defaults here differ (trainer/REFERENCE.md); other flags given beside it stand
    #[arg(long)]
    reference: bool,
    /// Where the net is trained: cpu, or cuda[:NUMBER] (with the feature cuda) [default: cpu]
    #[arg(long)]
    device: Option<Place>,
    #[command(flatten)]
    threads: ThreadArgs,
    /// Go on where the run in --out stopped; other flags may be left away
    #[arg(long, conflicts_with = "overwrite")]
    resume: bool,
    /// Replace a search in --out, its finetune, and all that was compared with that (baselines, sweep)
    #[arg(long)]
    overwrite: bool,
    /// Use a table whose times an emulator made
    #[arg(long)]
    allow_emulated: bool,
    /// Print the result as JSON (the contents of arch.json)
    #[arg(long)]
    json: bool,
}

impl SearchArgs {
    fn resolve(&self, saved: Option<&SearchConfig>) -> Result<SearchConfig> {
        let mut r = resolve(saved);
        let data =
            r.place(self.data.as_deref().map(absolute), |s| Some(s.data.clone())).ok_or(ConfigError::Needed { flag: "--data" })?;
        let list = r.pick("--list", self.lists.list.clone(), |s| s.list.clone(), DEFAULT_LIST.to_string());
        let list_sha256 = sha256_of_file(&data.join("train_data").join(&list))?;
        r.same("the training list", &list_sha256, |s| s.list_sha256.clone());
        let points_file = r.place(self.lists.points_file.as_deref().map(absolute), |s| s.points_file.clone());
        let points_sha256 = scheme_sha256(&data, points_file.as_deref())?;
        r.same("the point scheme", &points_sha256, |s| s.points_sha256.clone());
        let perf_metric = r.pick("--perf-metric", self.perf_metric, |s| s.perf_metric, PerfMetric::Latency);
        let lut = if self.lut.is_empty() {
            saved.map(|s| s.lut.clone()).unwrap_or_default()
        } else {
            self.lut.iter().map(|path| absolute(path)).collect()
        };
        if let Some(path) = lut.iter().find(|path| !path.exists()) {
            return Err(CostError::Absent { path: path.clone() }.into());
        }
        let lut_sha256 = lut.iter().map(|path| sha256_of_file(path)).collect::<std::result::Result<Vec<_>, _>>()?;
        r.same("the latency table", &lut_sha256.join(" "), |s| s.lut_sha256.join(" "));
        let target_us = r.maybe("--target-us", self.target_us, |s| s.target_us);
        let (beta, scope) = match target_us {
            Some(_) => (TARGET_BETA, LatencyScope::Whole),
            None => (0.6, LatencyScope::Searched),
        };
        let device = self.device.or(r.saved.map(|s| s.device)).unwrap_or_default();
        let reference = r.pick("--reference", self.reference.then_some(Reference(true)), |s| s.reference, Reference(false));
        let (arch_data, augment, pose_weight) = match reference {
            Reference(true) => (ArchData::Test, "none", PoseWeight::Raw),
            Reference(false) => (ArchData::Split, "mild", PoseWeight::Floor),
        };
        let arch_data = r.pick("--arch-data", self.arch_data, |s| s.arch_data, arch_data);
        let test_list_sha256 = match arch_data {
            ArchData::Split => None,
            ArchData::Test => Some(sha256_of_file(&data.join("test_data").join(&list))?),
        };
        r.same("the test list", test_list_sha256.as_deref().unwrap_or_default(), |s| {
            s.test_list_sha256.clone().unwrap_or_default()
        });
        let config = SearchConfig {
            space: r.pick("--space", self.space.as_deref().map(remembered_space), |s| s.space.clone(), "pfld".to_string()),
            lut,
            lut_sha256,
            combine: r.pick("--combine", self.combine, |s| s.combine, Combine::Max),
            data,
            list,
            list_sha256,
            points_file,
            points_sha256,
            mode: r.pick("--mode", self.mode, |s| s.mode, TermMode::Mul),
            alpha: r.pick("--alpha", self.alpha, |s| s.alpha, 0.25),
            beta: r.pick("--beta", self.beta, |s| s.beta, beta),
            target_us,
            theta_lr: r.pick("--theta-lr", self.theta_lr, |s| s.theta_lr, 0.01),
            perf_metric,
            latency_scope: r.pick("--latency-scope", self.latency_scope, |s| s.latency_scope, scope),
            opt: r.pick("--opt", self.opt, |s| s.opt, Algorithm::Rms),
            base_lr: r.pick("--base-lr", self.base_lr, |s| s.base_lr, 1e-4),
            weight_decay: r.pick("--weight-decay", self.weight_decay, |s| s.weight_decay, 1e-6),
            start_epoch: r.pick("--start-epoch", self.start_epoch, |s| s.start_epoch, 50),
            end_epoch: r.pick("--end-epoch", self.end_epoch, |s| s.end_epoch, 300),
            batch: r.pick("--batch", self.batch, |s| s.batch, 256),
            seed: r.pick("--seed", self.seed, |s| s.seed, 0),
            tau: r.pick("--tau", self.tau, |s| s.tau, 5.0),
            tau_decay: r.pick("--tau-decay", self.tau_decay, |s| s.tau_decay, 0.045),
            arch_data,
            test_list_sha256,
            augment: r.pick("--augment", self.augment.clone(), |s| s.augment.clone(), augment.to_string()),
            loss: r.pick("--loss", self.loss, |s| s.loss, PointLoss::Square),
            pose_weight: r.pick("--pose-weight", self.pose_weight, |s| s.pose_weight, pose_weight),
            reference,
            device,
        };
        r.finish()?;
        Ok(config)
    }
}

pub fn run(args: SearchArgs) -> Result<()> {
    let started = Instant::now();
    args.threads.apply()?;
    let folder = RunFolder::new(&args.out);
    let config_path = folder.file("config.toml");
    folder.check(Stage::Search, args.resume, args.overwrite)?;
    let mut run = if args.resume { RunConfig::load(&config_path)? } else { RunConfig::default() };
    let config = args.resolve(run.search.as_ref())?;
    let start = if args.resume { Start::Resumed } else { Start::Scratch };
    let search = Search::new(config.clone(), folder.clone(), &start, args.allow_emulated)?;
    // All but the pictures' contents is checked by now: only here does the folder change.
    let _lock = folder.prepare(Stage::Search, args.resume)?;
    if !args.resume {
        run = RunConfig { search: Some(config.clone()), finetune: None };
        run.save(&config_path)?;
    }
    for line in search.describe() {
        note(&line);
    }
    let found = search.run(&Interrupt::listen(), &format!("search --out {} --resume", quoted(&args.out)), started)?;
    if !parallel::is_first() {
        return Ok(());
    }
    if args.json {
        print_json(&found.arch, &folder.file("arch.json"))?;
    } else {
        print(&found, config.arch_data)?;
    }
    note(format_args!(
        "next: trainer finetune --supernet {} --data {} --out {}",
        quoted(&folder.checkpoint(Stage::Search, "last")),
        quoted(args.data.as_deref().or(run.search.as_ref().map(|s| s.data.as_path())).unwrap_or(args.out.as_path())),
        quoted(&args.out)
    ));
    Ok(())
}

fn print(found: &Found, arch_data: ArchData) -> Result<()> {
    let ArchFile { layers, predicted, unit, trunk, .. } = &found.arch;
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
    let of = if trunk.is_empty() { "searched layers" } else { "whole net" };
    let interval = predicted.interval.map(|[low, high]| format!(" [{low:.1}, {high:.1}]")).unwrap_or_default();
    if found.arch.tables.len() > 1 {
        for TablePrediction { table, predicted } in &found.arch.tables {
            print_line(format_args!("on {}, {}: {:.1} {unit}", table.device, table.engine, predicted.total))?;
        }
    }
    print_line(format_args!(
        "predicted {:.1}{interval} {unit} ({of}; searched layers {:.1})",
        predicted.total, predicted.searched
    ))?;
    if let Some(validation) = &found.validation {
        let on = match arch_data {
            ArchData::Split => "the faces held back",
            ArchData::Test => "the test list, which the architecture was trained on",
        };
        print_line(format_args!("chosen subnet with the supernet's weights: NME {:.2} % on {on}", 100.0 * validation.nme))?;
    }
    Ok(())
}
