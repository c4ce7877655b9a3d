//! The simulated cores against times that others published.
//!
//! `scripts/validate-simulator.sh` runs it: [`Command::Rows`] chooses the rows of tract's published times, the script runs their kernels on
//! the simulated core, and [`Command::Report`] compares the two and writes the page.

mod figures;
mod networks;
mod picture;
mod problem;
mod report;
mod rows;
mod statistics;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::networks::Network;
use crate::problem::Problem;
use crate::rows::Row;

#[derive(Parser)]
#[command(about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Chooses rows of tract's published times, and prints them as `kernel m k n`, the longest first
    Rows {
        /// tract-linalg's src/arm64 folder
        tract: PathBuf,
        /// Kernels of each shape that does not fit into half of the second-level cache: these take long
        #[arg(long, default_value_t = rows::STREAMING_KERNELS)]
        streaming: usize,
        /// Only so many rows of all, chosen by the same seed
        #[arg(long)]
        most: Option<usize>,
    },
    /// Compares what was simulated with what was published, writes files into a folder, and prints the figures
    Report {
        /// tract-linalg's src/arm64 folder
        tract: PathBuf,
        /// What was simulated of the rows: lines `kernel m k n seconds`
        #[arg(long)]
        kernels: PathBuf,
        /// What was simulated of networks: lines `network milliseconds`
        #[arg(long)]
        networks: Option<PathBuf>,
        /// What was simulated with, to be stated
        #[arg(long, default_value = "")]
        conditions: String,
        /// Where the page and its files go; without it, figures are only printed
        #[arg(long)]
        folder: Option<PathBuf>,
        /// Fails where a figure misses its bar; of one set alone, where it is named: `warm`
        #[arg(long, value_name = "SET", num_args = 0..=1, default_missing_value = "")]
        check: Option<String>,
    },
}

fn run() -> Result<ExitCode, Problem> {
    match Arguments::parse().command {
        Command::Rows { tract, streaming, most } => {
            let mut chosen = rows::choose(rows::published(&tract)?, streaming);
            if let Some(most) = most {
                chosen.sort_by_key(|row| row.lot("some"));
                chosen.truncate(most);
            }
            chosen.sort_by(|a, b| b.published.total_cmp(&a.published));
            for Row { kernel, m, k, n, .. } in chosen {
                println!("{kernel} {m} {k} {n}");
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Report { tract, kernels, networks, conditions, folder, check } => {
            let published = rows::published(&tract)?;
            let pairs = rows::pairs(published, &fs::read_to_string(&kernels)?)?;
            let networks = match networks {
                Some(path) => Network::read(&fs::read_to_string(path)?)?,
                None => Vec::new(),
            };
            let figures = figures::Figures::of(&pairs, &networks);
            print!("{}", figures.text());
            if let Some(folder) = folder {
                report::write(&folder, &pairs, &networks, &figures, &conditions)?;
            }
            let missed = figures.missed();
            for miss in &missed {
                eprintln!("missed: {miss}");
            }
            let fails = check.is_some_and(|set| missed.iter().any(|miss| miss.starts_with(set.as_str())));
            Ok(if fails { ExitCode::FAILURE } else { ExitCode::SUCCESS })
        }
    }
}

fn main() -> ExitCode {
    run().unwrap_or_else(|problem| {
        eprintln!("validation: {problem}");
        ExitCode::from(2)
    })
}
