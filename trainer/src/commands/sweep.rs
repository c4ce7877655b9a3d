//! `trainer sweep`: a run's search repeated with other weights of latency, or with limits.

use clap::Args;
use terminal::quoted;

use super::args::BesideArgs;
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

For each β or limit, a search with the run's settings starts from the end of the run's warm-up. Its network is finetuned with the run's \
recipe, in RUN/sweep/beta-B or RUN/sweep/target-Tus. RUN/pareto.csv and RUN/pareto.svg show all networks of the run: those of the sweep, \
and random networks and the baseline if `trainer baseline` has trained them. The same command resumes where it was interrupted.")]
pub struct SweepArgs {
    #[command(flatten)]
    beside: BesideArgs,
    /// Exponents β of the latency term, separated by commas
    #[arg(long, value_name = "B,…", value_delimiter = ',')]
    betas: Vec<f64>,
    /// Latency limits of the network in µs, separated by commas
    #[arg(long, value_name = "US,…", value_delimiter = ',')]
    targets_us: Vec<f64>,
    /// Number of epochs of each finetune [default: that of the run's finetune]
    #[arg(long)]
    end_epoch: Option<usize>,
    /// Accept a table that was made in an emulator. Its times say nothing about a device
    #[arg(long)]
    allow_emulated: bool,
}

pub fn run(args: &SweepArgs) -> Result<()> {
    let points = Point::all(&args.betas, &args.targets_us);
    if points.is_empty() {
        return Err(Error::Usage("give --betas 0,1,3 or --targets-us 150,200".to_string()));
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
            "{} is not included: it is trained (NME {nme:.3} %) but not measured; the report shows the command",
            BASELINE
        ));
    }
    note(format_args!("picture: {}", finished.folder.file(front::PICTURE).display()));
    Ok(())
}
