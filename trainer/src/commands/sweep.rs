use clap::Args;

use super::args::{BesideArgs, quoted};
use super::error::{Error, Result};
use super::output::{print_json, print_line};
use crate::compare::{Context, Point, sweep};
use crate::console::note;
use crate::report::BASELINE;
use crate::report::front::{self, Front};
use crate::run::Interrupt;

#[derive(Args, Debug)]
#[command(after_help = "Example:
  trainer sweep --run run --betas 0,1,3,10
  trainer sweep --run run --targets-us 150,180,220 --end-epoch 20

Each point is searched with the run's configuration from the end of the run's warm-up, and finetuned with its recipe, in
RUN/sweep/beta-B or RUN/sweep/target-Tus. The same command goes on where it was stopped. RUN/pareto.csv and RUN/pareto.svg hold all
networks of the run: the sweep's, random ones and the baseline, once those are there (`trainer baseline`).")]
pub struct SweepArgs {
    #[command(flatten)]
    beside: BesideArgs,
    /// Exponents of the latency term
    #[arg(long, value_name = "B,…", value_delimiter = ',')]
    betas: Vec<f64>,
    /// Targets in µs
    #[arg(long, value_name = "US,…", value_delimiter = ',')]
    targets_us: Vec<f64>,
    /// Epochs of each finetune [default: as many as the run's]
    #[arg(long)]
    end_epoch: Option<usize>,
    /// Use a table whose times an emulator made
    #[arg(long)]
    allow_emulated: bool,
}

pub fn run(args: &SweepArgs) -> Result<()> {
    let betas = args.betas.iter().map(|&beta| Point::Beta(beta));
    let points: Vec<Point> = betas.chain(args.targets_us.iter().map(|&us| Point::Target(us))).collect();
    if points.is_empty() {
        return Err(Error::Usage("a sweep needs its points: --betas 0,1,3 or --targets-us 150,200".to_string()));
    }
    let finished = args.beside.begin("sweep", |_| true)?;
    let list = |flag: &str, values: &[f64]| -> String {
        let values: Vec<_> = values.iter().map(ToString::to_string).collect();
        if values.is_empty() { String::new() } else { format!(" {flag} {}", values.join(",")) }
    };
    let command = format!(
        "sweep --run {}{}{}{}",
        quoted(&args.beside.run),
        list("--betas", &args.betas),
        list("--targets-us", &args.targets_us),
        args.end_epoch.map_or(String::new(), |n| format!(" --end-epoch {n}"))
    );
    let context = Context { interrupt: &Interrupt::listen(), command: &command };
    let swept = sweep(&finished, &points, args.end_epoch, args.allow_emulated, &context)?;
    let front = Front::of(&finished.folder)?;
    front.write(&finished.folder)?;
    if args.beside.json {
        print_json(&swept, &finished.folder.file(front::TABLE))?;
    } else {
        for net in &front.nets {
            let mark = if net.on_front { "front" } else { "" };
            print_line(format_args!("{:<18} {:>9.1} {}  NME {:.3} %  {mark}", net.name, net.cost, front.unit, net.nme))?;
        }
    }
    if let Some(nme) = front.unmeasured {
        note(format_args!(
            "{} is not among them: trained (NME {nme:.3} %) but not measured yet; `trainer report` says how",
            BASELINE
        ));
    }
    note(format_args!("picture: {}", finished.folder.file(front::PICTURE).display()));
    Ok(())
}
