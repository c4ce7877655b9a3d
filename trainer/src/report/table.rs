//! The result of a comparison over several seeds, as Markdown.

use std::fmt::Write as _;

use super::network::BASELINE;
use crate::compare::{Figures, PUBLISHED, Spread, Summary};

/// The networks with their figures, their ratios, each seed, and the searched network among random ones.
pub fn table(summary: &Summary) -> String {
    let mut text = networks(summary) + &ratios(summary) + &seeds(summary);
    if let Some(less) = summary.less_random() {
        let plural = if less.sd.is_some() { "mean over the seeds" } else { "one seed" };
        text += &format!(
            "\nError of the searched network minus that of a random one of equal predicted cost, percentage points: {} ({plural}). Each seed:\n\n",
            shown(less, 3)
        );
    }
    for seed in &summary.seeds {
        for sentence in seed.random.iter().flat_map(|comparison| comparison.sentences()) {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "- seed {}: {sentence}", seed.seed);
        }
    }
    text
}

/// Mean ± standard deviation.
fn shown(spread: Spread, digits: usize) -> String {
    let sd = spread.sd.map_or(String::new(), |sd| format!(" ± {sd:.digits$}"));
    format!("{:.digits$}{sd}", spread.mean)
}

/// A row of a table.
fn row(cells: impl IntoIterator<Item = String>) -> String {
    cells.into_iter().fold("|".to_string(), |row, cell| row + " " + &cell + " |") + "\n"
}

/// A table's first two lines.
fn head(cells: impl IntoIterator<Item = String>) -> String {
    let head = row(cells);
    let rule = "|".to_string() + &"---|".repeat(head.matches('|').count() - 1);
    head + &rule + "\n"
}

/// A network's figure over all seeds, by which of its figures it is.
type OverSeeds<'a> = &'a dyn Fn(&dyn Fn(&Figures) -> f64) -> Spread;

fn networks(summary: &Summary) -> String {
    let predicted = summary.tables.iter().map(|table| format!("predicted ({table}), {}", summary.unit));
    let measured = summary.devices.iter().map(|device| format!("measured ({device}), µs"));
    let columns = ["network".to_string(), "size, bytes".to_string()].into_iter().chain(predicted).chain(measured);
    let mut text = head(columns.chain([format!("NME ({}), %", summary.on), "training, min".to_string()]));
    let line = |name: &str, of: OverSeeds<'_>, has_predicted: bool| {
        let predicted = (0..summary.tables.len()).map(|i| match has_predicted {
            true => shown(of(&|f| f.predicted[i]), 1),
            false => String::new(),
        });
        let measured = (0..summary.devices.len()).map(|i| shown(of(&|f| f.measured_us[i]), 1));
        let first = [name.to_string(), shown(of(&|f| f.bytes as f64), 0)];
        let last = [shown(of(&|f| f.nme), 3), shown(of(&|f| f.training_s / 60.0), 1)];
        row(first.into_iter().chain(predicted).chain(measured).chain(last))
    };
    text += &line(BASELINE, &|figure| summary.baseline(figure), false);
    text += &line("searched", &|figure| summary.searched(figure), true);
    text
}

fn ratios(summary: &Summary) -> String {
    let [size, latency, nme] = PUBLISHED.map(|published| format!("{published:.2}"));
    let mut text = "\n".to_string() + &head(["searched / baseline", "here", "published"].map(str::to_string));
    text += &row(["size".to_string(), shown(summary.ratio(|f| f.bytes as f64), 3), size]);
    for (i, device) in summary.devices.iter().enumerate() {
        text += &row([format!("latency ({device})"), shown(summary.ratio(|f| f.measured_us[i]), 3), latency.clone()]);
    }
    text += &row(["NME".to_string(), shown(summary.ratio(|f| f.nme), 3), nme]);
    text + &row(["training time".to_string(), shown(summary.ratio(|f| f.training_s), 3), String::new()])
}

fn seeds(summary: &Summary) -> String {
    let columns = ["seed", "layers of the searched network", "its NME, %", "baseline's NME, %"].map(str::to_string);
    let mut text = "\n".to_string() + &head(columns);
    for seed in &summary.seeds {
        let layers = seed.choice.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" ");
        text += &row([seed.seed.to_string(), layers, format!("{:.3}", seed.searched.nme), format!("{:.3}", seed.baseline.nme)]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::SeedResult;

    #[test]
    fn every_row_has_a_cell_for_every_column() {
        let figures = |bytes, predicted: &[f64]| Figures {
            bytes,
            predicted: predicted.to_vec(),
            measured_us: vec![100.0, 2000.0],
            nme: 2.5,
            training_s: 120.0,
        };
        let seed = |seed| SeedResult {
            seed,
            choice: vec!["sep_k3".into(), "gh_k5".into()],
            searched: figures(690 + seed, &[150.0]),
            baseline: figures(1000, &[]),
            random: None,
        };
        let summary = Summary {
            unit: "µs".into(),
            tables: vec!["a board".into()],
            devices: vec!["local".into(), "sim:sd625".into()],
            on: "test".into(),
            seeds: vec![seed(0), seed(2)],
        };
        let text = table(&summary);
        for part in text.split("\n\n") {
            let cells: Vec<usize> = part.lines().map(|line| line.matches('|').count()).collect();
            assert!(cells.len() >= 3 && cells.iter().all(|&n| n == cells[0]), "{part}");
        }
        assert!(text.contains("691 ± 1") && text.contains("0.691 ± 0.001") && text.contains("150.0 ± 0.0"), "{text}");
    }
}
