//! Where multiply-adds mislead: candidates of a layer that change places between the order by MACs and the order by latency.

use serde::Serialize;

use super::grid::{Cell, Figure, Grid, Stage};

/// A candidate with its figures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Side {
    /// Its name.
    pub primitive: String,
    /// Multiply-accumulate operations.
    pub macs: u64,
    /// Time in µs.
    pub latency_us: f64,
    /// 95 % interval of the time.
    pub ci95_us: Option<[f64; 2]>,
}

impl Side {
    fn of(primitive: &str, macs: u64, figure: &Figure) -> Self {
        let ci95_us = figure.interval.map(|i| [i.low.0, i.high.0]);
        Self { primitive: primitive.to_string(), macs, latency_us: figure.us, ci95_us }
    }
}

/// Two candidates of a layer of which the one with fewer multiply-adds takes longer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pair {
    /// The layers, which all have the same candidates: `4, 5`.
    pub layers: String,
    /// Fewer multiply-adds, yet slower.
    pub slower: Side,
    /// More multiply-adds, yet faster.
    pub faster: Side,
    /// Whether the intervals do not overlap.
    pub certain: bool,
}

impl Pair {
    /// Time of the slower one in parts of the faster one's.
    pub fn slowdown(&self) -> f64 {
        self.slower.latency_us / self.faster.latency_us
    }
}

/// All such pairs of a table.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Mislead {
    /// Pairs of candidates of a layer with different multiply-adds; layers of the same shapes count once.
    pub pairs: usize,
    /// How many change places.
    pub changed: usize,
    /// How many of these for certain.
    pub certain: usize,
    /// Those that change places, the certain ones first, the largest slow-down first.
    pub worst: Vec<Pair>,
}

impl Mislead {
    /// Looks at every pair of candidates of every layer.
    pub fn of(grid: &Grid) -> Self {
        let mut found = Self::default();
        for stage in &grid.stages {
            for (layers, column) in groups(stage) {
                found.add(stage, &layers, column);
            }
        }
        found.worst.sort_by(|a, b| b.certain.cmp(&a.certain).then(b.slowdown().total_cmp(&a.slowdown())));
        found
    }

    fn add(&mut self, stage: &Stage, layers: &str, column: usize) {
        let timed = stage.lines.iter().filter_map(|line| match &line.cells[column] {
            Cell::Time(figure) => Some((line.primitive.as_str(), figure.macs?, figure)),
            Cell::Missing | Cell::Identity => None,
        });
        let mut sorted: Vec<_> = timed.collect();
        sorted.sort_by_key(|(_, macs, _)| *macs);
        for (i, (a, few, fewer)) in sorted.iter().enumerate() {
            for (b, many, more) in sorted[i + 1..].iter().filter(|(_, many, _)| many > few) {
                self.pairs += 1;
                if fewer.us <= more.us {
                    continue;
                }
                let certain = fewer.interval.zip(more.interval).is_some_and(|(slow, fast)| slow.low > fast.high);
                self.changed += 1;
                self.certain += usize::from(certain);
                let (slower, faster) = (Side::of(a, *few, fewer), Side::of(b, *many, more));
                self.worst.push(Pair { layers: layers.to_string(), slower, faster, certain });
            }
        }
    }

    /// In one sentence.
    pub fn summary(&self) -> String {
        let Self { pairs, changed, certain, .. } = self;
        if *changed == 0 {
            return format!("none of {pairs} pairs of candidates of a layer changes its order between MACs and latency");
        }
        format!(
            "{changed} of {pairs} pairs of candidates of a layer change their order between MACs and latency; {certain} of them \
             with certainty (their 95 % intervals do not overlap)"
        )
    }

    /// The worst pairs as rows of a table, the first of which is its head.
    pub fn rows(&self, count: usize) -> Vec<Vec<String>> {
        let head = ["layer", "fewer MACs, slower", "MMAC", "µs", "more MACs, faster", "MMAC", "µs", "times as long", ""];
        let rows = self.worst.iter().take(count).map(|pair| {
            let mut row = vec![pair.layers.clone()];
            for side in [&pair.slower, &pair.faster] {
                row.extend([side.primitive.clone(), format!("{:.2}", side.macs as f64 * 1e-6), format!("{:.1}", side.latency_us)]);
            }
            let remark = if pair.certain { "certain" } else { "within the error" };
            row.extend([format!("{:.2}", pair.slowdown()), remark.to_string()]);
            row
        });
        std::iter::once(head.map(String::from).to_vec()).chain(rows).collect()
    }
}

/// A stage's columns of different candidates, each with the names of all layers that have them (with its shapes, where no layer is known).
pub(super) fn groups(stage: &Stage) -> Vec<(String, usize)> {
    let mut groups: Vec<(String, usize)> = Vec::new();
    for (i, column) in stage.columns.iter().enumerate() {
        let name = column.name.strip_prefix("layer ").unwrap_or(&column.shapes);
        match groups.iter_mut().find(|(_, first)| stage.columns[*first].keys == column.keys) {
            Some((names, _)) => *names += &format!(", {name}"),
            None => groups.push((name.to_string(), i)),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::lut::grid::tests::stage;

    #[test]
    fn pairs_that_change_places_are_found_and_the_worst_come_first() {
        let candidates = [
            ("slow", 30.0, 1.0, 100),
            ("mid", 20.0, 1.0, 200),
            ("near", 19.5, 1.0, 300),
            ("big", 40.0, 1.0, 400),
            ("twin", 10.0, 1.0, 400),
        ];
        let found = Mislead::of(&Grid { stages: vec![stage(&candidates)], trunk: Vec::new() });
        // 10 pairs; `big` and `twin` have the same MACs.
        assert_eq!((found.pairs, found.changed, found.certain), (9, 6, 5));
        let names: Vec<_> = found.worst.iter().map(|p| (p.slower.primitive.as_str(), p.faster.primitive.as_str())).collect();
        let expected = [("slow", "twin"), ("mid", "twin"), ("near", "twin"), ("slow", "near"), ("slow", "mid"), ("mid", "near")];
        assert_eq!(names, expected);
        assert!((found.worst[0].slowdown() - 3.0).abs() < 1e-12 && !found.worst[5].certain);
        assert_eq!(found.rows(2).len(), 3);
    }

    #[test]
    fn layers_of_the_same_shapes_count_once_and_unknown_intervals_are_not_certain() {
        let mut twice = stage(&[("a", 30.0, 1.0, 100), ("b", 20.0, 1.0, 200)]);
        twice.columns.push(crate::show::lut::grid::Column { name: "layer 2".to_string(), ..twice.columns[0].clone() });
        for line in &mut twice.lines {
            if let Cell::Time(figure) = &mut line.cells[0] {
                figure.interval = None;
            }
            line.cells.push(line.cells[0]);
        }
        twice
            .lines
            .push(crate::show::lut::grid::Line { primitive: "skip".to_string(), cells: vec![Cell::Identity, Cell::Missing] });
        let found = Mislead::of(&Grid { stages: vec![twice], trunk: Vec::new() });
        assert_eq!((found.pairs, found.changed, found.certain), (1, 1, 0));
        assert_eq!(found.worst[0].layers, "1, 2");
    }
}
