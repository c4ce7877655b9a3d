//! A table laid out by layers and candidates.

use blocks::measurable::CandidateInfo;
use blocks::{Candidate, Layer, Space};
use luts::{Interval, Kind, Layout, Row, Table};

/// What a table says of one candidate at one layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell {
    /// Nothing.
    Missing,
    /// It does nothing and takes no time.
    Identity,
    /// It takes time.
    Time(Figure),
}

/// A time and the multiply-adds it goes with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// Time in µs.
    pub us: f64,
    /// Its 95 % interval, where known.
    pub interval: Option<Interval>,
    /// Multiply-accumulate operations, where they are known.
    pub macs: Option<u64>,
}

impl Figure {
    fn of(row: &Row) -> Self {
        Self { us: row.latency.0, interval: row.interval, macs: row.macs }
    }

    /// Half the interval's width in µs.
    pub fn half_us(&self) -> Option<f64> {
        self.interval.map(|i| 0.5 * (i.high - i.low).0)
    }

    /// Multiply-accumulate operations in millions, where they are known.
    pub fn mmac(&self) -> Option<f64> {
        self.macs.map(|macs| macs as f64 * 1e-6)
    }

    /// The same as text: `?` where they are not known.
    pub fn shown_mmac(&self) -> String {
        self.mmac().map_or("?".to_string(), |mmac| format!("{mmac:.2}"))
    }
}

/// A layer: a column.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// What it is called: `layer 3`.
    pub name: String,
    /// Input and output: `32x14x14→64x7x7`.
    pub shapes: String,
}

/// A candidate: a row of cells, one for each column.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Its name.
    pub primitive: String,
    /// What it takes at each layer.
    pub cells: Vec<Cell>,
}

/// Layers with the same candidates.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// What it is called.
    pub name: String,
    /// Its layers.
    pub columns: Vec<Column>,
    /// Their candidates.
    pub lines: Vec<Line>,
}

/// A table, laid out.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// The searched layers.
    pub stages: Vec<Stage>,
    /// The trunk's pieces.
    pub trunk: Vec<(String, Figure)>,
}

impl Grid {
    /// By the space's layers, which a table of a folder lists itself; where they are not known, by the shapes of the rows.
    pub fn of(table: &Table, space: Option<&Space>) -> Self {
        let stages = match (space, table.layout()) {
            (Some(space), _) => by_layer(table, space),
            (None, Some(own)) => by_own_layer(table, &own),
            (None, None) => by_shape(table),
        };
        let trunk = table.rows().iter().filter(|r| r.kind == Kind::Trunk).map(|r| (r.key.clone(), Figure::of(r)));
        Self { stages, trunk: trunk.collect() }
    }

    /// All searched candidates that take time.
    pub fn figures(&self) -> impl Iterator<Item = Figure> + '_ {
        self.stages.iter().flat_map(|s| &s.lines).flat_map(|l| &l.cells).filter_map(|cell| match cell {
            Cell::Time(figure) => Some(*figure),
            Cell::Missing | Cell::Identity => None,
        })
    }

    /// The trunk's pieces together; nothing where there are none.
    pub fn trunk_total(&self) -> Option<Figure> {
        let us = self.trunk.iter().map(|(_, f)| f.us).sum();
        let macs = self.trunk.iter().map(|(_, f)| f.macs).sum();
        (!self.trunk.is_empty()).then_some(Figure { us, interval: None, macs })
    }
}

fn cell(row: Option<&Row>) -> Cell {
    match row {
        None => Cell::Missing,
        Some(row) if row.kind == Kind::Identity => Cell::Identity,
        Some(row) => Cell::Time(Figure::of(row)),
    }
}

fn shapes(layer: &Layer) -> String {
    format!("{}→{}", layer.input(), layer.output())
}

fn by_layer(table: &Table, space: &Space) -> Vec<Stage> {
    let numbered: Vec<_> = space.layers().iter().enumerate().collect();
    let stage = |layers: &[(usize, &blocks::SearchLayer)]| {
        let columns = layers.iter().map(|(i, l)| Column { name: format!("layer {}", i + 1), shapes: shapes(&l.layer) });
        let lines = layers[0].1.primitives.iter().map(|&primitive| {
            let cells = layers.iter().map(|(_, l)| cell(table.row(&Candidate { primitive, layer: l.layer }.key())));
            Line { primitive: primitive.name().to_string(), cells: cells.collect() }
        });
        Stage { name: format!("stage {}", layers[0].1.stage + 1), columns: columns.collect(), lines: lines.collect() }
    };
    numbered.chunk_by(|a, b| a.1.stage == b.1.stage).map(stage).collect()
}

/// Layers of the same blocks are a stage of one column: a space may have dozens of layers.
fn by_own_layer(table: &Table, own: &Layout) -> Vec<Stage> {
    let stage = |layers: &[luts::Layer]| {
        let rows: Vec<_> = layers[0].candidates.iter().map(|candidate| (candidate, table.row(&candidate.key))).collect();
        let shapes = rows.iter().find_map(|(_, row)| row.map(|row| shapes(&layer_of(row)))).unwrap_or_default();
        let line =
            |(candidate, row): &(&CandidateInfo, Option<&Row>)| Line { primitive: candidate.name.clone(), cells: vec![cell(*row)] };
        let name = match layers {
            [first, .., last] => format!("{} to {}", first.name, last.name),
            _ => layers[0].name.clone(),
        };
        let columns = vec![Column { name: "candidates".to_string(), shapes }];
        Stage { name, columns, lines: rows.iter().map(line).collect() }
    };
    own.layers.chunk_by(|a, b| a.candidates == b.candidates).map(stage).collect()
}

/// The shapes of a row as those of a layer.
fn layer_of(row: &Row) -> Layer {
    let s = row.shapes;
    Layer { c_in: s.c_in, c_out: s.c_out, stride: s.stride.max(1), h: s.h, w: s.w }
}

fn by_shape(table: &Table) -> Vec<Stage> {
    let mut stages: Vec<Stage> = Vec::new();
    for row in table.rows().iter().filter(|r| r.kind != Kind::Trunk) {
        let shapes = shapes(&layer_of(row));
        let line = Line { primitive: row.primitive.clone(), cells: vec![cell(Some(row))] };
        match stages.iter_mut().find(|stage| stage.columns[0].shapes == shapes) {
            Some(stage) => stage.lines.push(line),
            None => {
                let name = format!("shapes {}", stages.len() + 1);
                stages.push(Stage { name, columns: vec![Column { name: "candidates".to_string(), shapes }], lines: vec![line] });
            }
        }
    }
    stages
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::tables::examples;
    use luts::Micros;

    /// A stage of one layer whose candidates have these names, µs, half intervals and multiply-adds.
    pub fn stage(candidates: &[(&str, f64, f64, u64)]) -> Stage {
        let line = |&(name, us, half, macs): &(&str, f64, f64, u64)| {
            let interval = Some(Interval { low: Micros(us - half), high: Micros(us + half) });
            Line { primitive: name.to_string(), cells: vec![Cell::Time(Figure { us, interval, macs: Some(macs) })] }
        };
        let columns = vec![Column { name: "layer 1".to_string(), shapes: "8x4x4→8x4x4".to_string() }];
        Stage { name: "stage 1".to_string(), columns, lines: candidates.iter().map(line).collect() }
    }

    #[test]
    fn a_table_without_its_space_is_laid_out_by_shapes() {
        let space = Space::load("pfld").unwrap();
        let row = |c: &Candidate| {
            let l = c.layer;
            Row {
                key: c.key(),
                kind: Kind::Block,
                primitive: c.primitive.name().to_string(),
                shapes: luts::Shapes { c_in: l.c_in, c_out: l.c_out, stride: l.stride, h: l.h, w: l.w },
                macs: Some(5),
                params: 0,
                latency: Micros(2.0),
                interval: None,
                quantiles: None,
                samples: 0,
                discarded: luts::Discarded::default(),
                cold: None,
                checksum: None,
            }
        };
        // All but the last candidate, so that a cell is missing.
        let candidates = space.unique_candidates();
        let rows: Vec<_> = candidates[..candidates.len() - 1].iter().map(row).collect();
        let header = toml_header(&space);
        let table = Table::new(header, rows).unwrap();
        let shapes = Grid::of(&table, None);
        assert_eq!(shapes.stages.iter().map(|s| s.lines.len()).collect::<Vec<_>>(), [9, 9, 8]);
        assert_eq!(shapes.stages[1].columns[0].shapes, "32x14x14→64x7x7");
        let layers = Grid::of(&table, Some(&space));
        assert_eq!(layers.stages.iter().map(|s| s.columns.len()).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(layers.stages[1].lines[8].cells[1..], [Cell::Missing, Cell::Missing]);
        assert_eq!((layers.figures().count(), layers.trunk_total()), (43, None));
    }

    fn toml_header(space: &Space) -> luts::Header {
        let space = luts::SpaceId::from(space);
        luts::Header { date: Some(String::new()), cpus: Vec::new(), space, ..examples::header(luts::Source::Imported) }
    }
}
