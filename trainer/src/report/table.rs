//! The result of a comparison over several seeds in tables and sentences, which become Markdown or HTML.

use drawing::escape;

use super::network::BASELINE;
use super::reported::METRIC;
use crate::compare::{Figures, PUBLISHED, PointDifference, SeedResult, Spread, Summary};
use crate::cost;

/// A part of the result.
pub(super) enum Part {
    /// A table.
    Table {
        /// Of its columns.
        head: Vec<String>,
        /// As wide as the head.
        rows: Vec<Vec<String>>,
    },
    /// A list of sentences below a line.
    List(String, Vec<String>),
}

/// The networks with their figures, their ratios, each seed, and the searched network among random ones, as Markdown.
pub fn table(summary: &Summary) -> String {
    parts(summary).iter().map(Part::markdown).collect::<Vec<_>>().join("\n")
}

/// The result's parts.
pub(super) fn parts(summary: &Summary) -> Vec<Part> {
    let mut parts = vec![networks(summary), ratios(summary), seeds(summary)];
    parts.extend(random(summary));
    parts.extend(fronts(summary));
    let found = summary.found.sentences(&summary.unit);
    if !found.is_empty() {
        parts.push(Part::List("All seeds together:".to_string(), found));
    }
    parts
}

impl Part {
    fn markdown(&self) -> String {
        let row = |cells: &[String]| cells.iter().fold("|".to_string(), |row, cell| row + " " + cell + " |") + "\n";
        match self {
            Self::Table { head, rows } => {
                let rule = "|".to_string() + &"---|".repeat(head.len()) + "\n";
                row(head) + &rule + &rows.iter().map(|cells| row(cells)).collect::<String>()
            }
            Self::List(line, sentences) => {
                format!("{line}\n\n{}", sentences.iter().map(|sentence| format!("- {sentence}\n")).collect::<String>())
            }
        }
    }

    pub(super) fn html(&self) -> String {
        let row = |kind: &str, cells: &[String]| {
            let cells: String = cells.iter().map(|cell| format!("<{kind}>{}</{kind}>", escape(&cell.replace('`', "")))).collect();
            format!("<tr>{cells}</tr>")
        };
        match self {
            Self::Table { head, rows } => {
                let rows: String = rows.iter().map(|cells| row("td", cells)).collect();
                format!("<div class=\"wide\"><table>{}{rows}</table></div>", row("th", head))
            }
            Self::List(line, sentences) => {
                let sentences: String = sentences.iter().map(|sentence| format!("<li>{}</li>", escape(sentence))).collect();
                format!("<p>{}</p><ul>{sentences}</ul>", escape(line))
            }
        }
    }
}

/// Mean ± standard deviation.
fn shown(spread: Spread, digits: usize) -> String {
    let sd = spread.sd.map_or(String::new(), |sd| format!(" ± {sd:.digits$}"));
    format!("{:.digits$}{sd}", spread.mean)
}

/// A network's figure over all seeds, by which of its figures it is.
type OverSeeds<'a> = &'a dyn Fn(&dyn Fn(&Figures) -> f64) -> Spread;

fn networks(summary: &Summary) -> Part {
    let predicted = summary.tables.iter().map(|table| format!("predicted ({table}), {}", summary.unit));
    let measured = summary.devices.iter().map(|device| format!("measured ({device}), µs"));
    let columns = ["network".to_string(), "size, bytes".to_string()].into_iter().chain(predicted).chain(measured);
    let head = columns.chain([format!("{METRIC} ({}), %", summary.on), "training, min".to_string()]).collect();
    let line = |name: &str, of: OverSeeds<'_>, has_predicted: bool| -> Vec<String> {
        let predicted = (0..summary.tables.len()).map(|i| match has_predicted {
            true => shown(of(&|f| f.predicted[i]), 1),
            false => String::new(),
        });
        let measured = (0..summary.devices.len()).map(|i| shown(of(&|f| f.measured_us[i]), 1));
        let first = [name.to_string(), shown(of(&|f| f.bytes as f64), 0)];
        let last = [shown(of(&|f| f.nme), 3), shown(of(&|f| f.training_s / 60.0), 1)];
        first.into_iter().chain(predicted).chain(measured).chain(last).collect()
    };
    let rows =
        vec![line(BASELINE, &|figure| summary.baseline(figure), false), line("searched", &|figure| summary.searched(figure), true)];
    Part::Table { head, rows }
}

fn ratios(summary: &Summary) -> Part {
    let [size, latency, nme] = PUBLISHED.map(|published| format!("{published:.2}"));
    let head = ["searched / baseline", "here", "published"].map(str::to_string).to_vec();
    let mut rows = vec![vec!["size".to_string(), shown(summary.ratio(|f| f.bytes as f64), 3), size]];
    for (i, device) in summary.devices.iter().enumerate() {
        rows.push(vec![format!("latency ({device})"), shown(summary.ratio(|f| f.measured_us[i]), 3), latency.clone()]);
    }
    rows.push(vec![METRIC.to_string(), shown(summary.ratio(|f| f.nme), 3), nme]);
    rows.push(vec!["training time".to_string(), shown(summary.ratio(|f| f.training_s), 3), String::new()]);
    Part::Table { head, rows }
}

fn seeds(summary: &Summary) -> Part {
    let errors = ["its", "baseline's"].map(|whose| format!("{whose} {METRIC}, %"));
    let head = ["seed", "layers of the searched network"].map(str::to_string).into_iter().chain(errors).collect();
    let row = |seed: &SeedResult| {
        let layers = seed.choice.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" ");
        vec![seed.seed.to_string(), layers, format!("{:.3}", seed.searched.nme), format!("{:.3}", seed.baseline.nme)]
    };
    Part::Table { head, rows: summary.seeds.iter().map(row).collect() }
}

/// Each seed's network among random ones.
fn random(summary: &Summary) -> Option<Part> {
    let said = |seed: &SeedResult| {
        let sentences = seed.random.iter().flat_map(|comparison| comparison.sentences(METRIC)).collect::<Vec<_>>();
        sentences.into_iter().map(|sentence| format!("seed {}: {sentence}", seed.seed)).collect::<Vec<_>>()
    };
    let sentences: Vec<String> = summary.seeds.iter().flat_map(said).collect();
    let line = summary.less_random().map_or_else(
        || "The searched network among random ones:".to_string(),
        |less| {
            let plural = if less.sd.is_some() { "mean over the seeds" } else { "one seed" };
            format!(
                "Error of the searched network minus that of a random one of equal predicted cost, percentage points: {} ({plural}). By seed:",
                shown(less, 3)
            )
        },
    );
    (!sentences.is_empty()).then_some(Part::List(line, sentences))
}

/// The points of the whole front.
fn fronts(summary: &Summary) -> Option<Part> {
    let fronts = summary.found.fronts.as_ref()?;
    let (unit, scale) = cost::shown(&summary.unit);
    let head = vec![
        "point".to_string(),
        format!("predicted, {unit}"),
        format!("{METRIC}, %"),
        format!("{METRIC} minus that of a random network of equal cost, percentage points"),
    ];
    let row = |point: &PointDifference| {
        let numbers = [format!("{:.1}", point.cost / scale), format!("{:.3}", point.nme), point.difference.shown(1.0, 3)];
        [point.name.clone()].into_iter().chain(numbers).collect()
    };
    Some(Part::Table { head, rows: fronts.points.iter().map(row).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::Findings;

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
            front: Vec::new(),
        };
        let summary = Summary {
            unit: "µs".into(),
            tables: vec!["a board".into()],
            devices: vec!["local".into(), "sim:sd625".into()],
            on: "test".into(),
            seeds: vec![seed(0), seed(2)],
            found: Findings::default(),
        };
        let text = table(&summary);
        for part in text.split("\n\n") {
            let cells: Vec<usize> = part.lines().map(|line| line.matches('|').count()).collect();
            assert!(cells.len() >= 3 && cells.iter().all(|&n| n == cells[0]), "{part}");
        }
        assert!(text.contains("691 ± 1") && text.contains("0.691 ± 0.001") && text.contains("150.0 ± 0.0"), "{text}");
    }
}
