//! A table laid out by layers and candidates.

use std::fmt;

use blocks::measurable::shapes_of_key;
use luts::{Interval, Kind, Layer, Layout, Row, Table};

/// Layers of a stage from which on successive ones with the same candidates share a column.
const MANY: usize = 6;

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
    /// Keys of its candidates, in the order of the stage's lines.
    pub keys: Vec<String>,
}

/// A candidate: a row of cells, one for each column.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Its name.
    pub primitive: String,
    /// What it takes at each layer.
    pub cells: Vec<Cell>,
}

/// Successive layers whose candidates have the same names: a stage of the space, or, where it has none, those of which only the first may
/// change the map's shape.
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
    /// By the space's layers; where the space is not known, by the shapes of the rows.
    pub fn of(table: &Table, space: Option<&Layout>) -> Self {
        let stages = match space {
            Some(space) => by_layer(table, space),
            None => by_shape(table),
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

fn by_layer(table: &Table, space: &Layout) -> Vec<Stage> {
    let numbered: Vec<(usize, &Layer)> = space.layers.iter().enumerate().map(|(i, layer)| (i + 1, layer)).collect();
    let names = |layer: &Layer| layer.candidates.iter().map(|candidate| candidate.name.clone()).collect::<Vec<_>>();
    // Where the space has no stages, one begins where a layer may change the map's shape.
    let is_first = |layer: &Layer| layer.candidates.first().is_some_and(|candidate| Shapes::of(&candidate.key).change());
    let goes_on = |(_, before): &(usize, &Layer), (_, layer): &(usize, &Layer)| {
        let is_same = match (before.stage, layer.stage) {
            (Some(before), Some(own)) => before == own,
            _ => !is_first(layer),
        };
        is_same && names(before) == names(layer)
    };
    let stages = numbered.chunk_by(goes_on).enumerate();
    stages.map(|(i, layers)| stage(table, i + 1, layers, &names(layers[0].1))).collect()
}

/// Layers side by side, a line for each name of a candidate.
fn stage(table: &Table, number: usize, layers: &[(usize, &Layer)], names: &[String]) -> Stage {
    let are_many = layers.len() > MANY;
    let same = |(_, a): &(usize, &Layer), (_, b): &(usize, &Layer)| are_many && a.candidates == b.candidates;
    let columns: Vec<Column> = layers.chunk_by(same).map(column).collect();
    let line = |(i, name): (usize, &String)| Line {
        primitive: name.clone(),
        cells: columns.iter().map(|column| cell(table.row(&column.keys[i]))).collect(),
    };
    let lines = names.iter().enumerate().map(line).collect();
    Stage { name: format!("stage {number}"), columns, lines }
}

/// A column of layers with the same candidates, at least one.
fn column(layers: &[(usize, &Layer)]) -> Column {
    let name = |(number, layer): &(usize, &Layer)| match &layer.name {
        own if *own == format!("L{number}") => number.to_string(),
        own => own.clone(),
    };
    let keys: Vec<String> = layers[0].1.candidates.iter().map(|candidate| candidate.key.clone()).collect();
    let shapes = keys.first().map(|key| Shapes::of(key).to_string()).unwrap_or_default();
    let name = match layers {
        [first, .., last] => format!("layer {} to {}", name(first), name(last)),
        _ => format!("layer {}", name(&layers[0])),
    };
    Column { name, shapes, keys }
}

fn by_shape(table: &Table) -> Vec<Stage> {
    let mut stages: Vec<Stage> = Vec::new();
    for row in table.rows().iter().filter(|r| r.kind != Kind::Trunk) {
        let shapes = Shapes::of(&row.key).to_string();
        let line = Line { primitive: row.primitive.clone(), cells: vec![cell(Some(row))] };
        match stages.iter_mut().find(|stage| stage.columns[0].shapes == shapes) {
            Some(stage) => {
                stage.columns[0].keys.push(row.key.clone());
                stage.lines.push(line);
            }
            None => {
                let column = Column { name: "candidates".to_string(), shapes, keys: vec![row.key.clone()] };
                stages.push(Stage { name: format!("shapes {}", stages.len() + 1), columns: vec![column], lines: vec![line] });
            }
        }
    }
    stages
}

/// The shapes that a candidate's key states.
enum Shapes<'a> {
    /// Of maps: dimensions of the input, stride and output channels, as in `32x14x14-s2-64`.
    Maps { input: [usize; 3], output: [usize; 3] },
    /// Of anything else, as the key has it: `197x192`.
    Other(&'a str),
}

impl<'a> Shapes<'a> {
    fn of(key: &'a str) -> Self {
        let text = shapes_of_key(key).unwrap_or(key);
        let maps = || {
            let (dims, rest) = text.split_once("-s")?;
            let (stride, c_out) = rest.split_once('-')?;
            let dims: Vec<usize> = dims.split('x').map(|dim| dim.parse().ok()).collect::<Option<_>>()?;
            let ([c, h, w], stride) = (dims[..].try_into().ok()?, stride.parse::<usize>().ok().filter(|&stride| stride > 0)?);
            Some(Self::Maps { input: [c, h, w], output: [c_out.parse().ok()?, h.div_ceil(stride), w.div_ceil(stride)] })
        };
        maps().unwrap_or(Self::Other(text.trim_matches(['[', ']'])))
    }

    /// Whether output and input are known to differ.
    fn change(&self) -> bool {
        matches!(self, Self::Maps { input, output } if input != output)
    }
}

impl fmt::Display for Shapes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Maps { input: [c, h, w], output: [c_out, h_out, w_out] } => write!(f, "{c}x{h}x{w}→{c_out}x{h_out}x{w_out}"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use blocks::measurable::CandidateInfo;
    use blocks::{Candidate, Space};
    use luts::Micros;

    use super::*;
    use crate::tables::examples;

    /// A stage of one layer whose candidates have these names, µs, half intervals and multiply-adds.
    pub fn stage(candidates: &[(&str, f64, f64, u64)]) -> Stage {
        let line = |&(name, us, half, macs): &(&str, f64, f64, u64)| {
            let interval = Some(Interval { low: Micros(us - half), high: Micros(us + half) });
            Line { primitive: name.to_string(), cells: vec![Cell::Time(Figure { us, interval, macs: Some(macs) })] }
        };
        let keys = candidates.iter().map(|candidate| candidate.0.to_string()).collect();
        let columns = vec![Column { name: "layer 1".to_string(), shapes: "8x4x4→8x4x4".to_string(), keys }];
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
        let layers = Grid::of(&table, Some(&Layout::from(&space)));
        assert_eq!(layers.stages.iter().map(|s| s.columns.len()).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(layers.stages[1].lines[8].cells[1..], [Cell::Missing, Cell::Missing]);
        assert_eq!((layers.figures().count(), layers.trunk_total()), (43, None));
    }

    #[test]
    fn a_table_of_a_folder_is_laid_out_by_its_own_slots() {
        let path = support::project_root().join("tests/corpus/table/folder-sound.csv");
        let table = Table::read(path).unwrap();
        let grid = Grid::of(&table, table.layout().as_ref());
        let stage = |stage: &Stage| {
            let columns = stage.columns.iter().map(|c| format!("{} {}", c.name, c.shapes));
            let lines = stage.lines.iter().map(|l| l.primitive.clone());
            (columns.collect::<Vec<_>>().join(", "), lines.collect::<Vec<_>>().join(" "))
        };
        let expected = [
            ("layer 1 16x32x32→24x16x16", "k3_e3 k5_e3 se"),
            ("layer 2 24x16x16→24x16x16", "k3_e3 k5_e3 again skip"),
            ("layer 3 24x16x16→24x16x16", "k3_e3 skip"),
        ];
        assert_eq!(grid.stages.iter().map(stage).collect::<Vec<_>>(), expected.map(|(c, l)| (c.to_string(), l.to_string())));
        let Cell::Time(se) = grid.stages[0].lines[2].cells[0] else { panic!("a time") };
        assert_eq!((se.us, se.macs, se.shown_mmac().as_str()), (58.5, None, "?"));
        assert_eq!((grid.stages[1].lines[3].cells[0], grid.trunk.len()), (Cell::Identity, 2));
        assert_eq!(grid.trunk_total().map(|total| total.us), Some(43.75));
    }

    #[test]
    fn stages_are_those_of_the_space() {
        for (name, layers) in [("pfld", &[2, 3][..]), ("pfld26", &[2, 2, 2])] {
            let space = Space::load(name).unwrap();
            let grid = Grid::of(&Table::new(toml_header(&space), Vec::new()).unwrap(), Some(&Layout::from(&space)));
            assert_eq!(grid.stages.iter().map(|s| s.columns.len()).collect::<Vec<_>>(), layers, "{name}");
        }
    }

    #[test]
    fn many_layers_of_the_same_blocks_are_one_column() {
        let candidate = |key: &str| CandidateInfo { name: "block".into(), key: key.into(), is_identity: false };
        let layer = |i: usize| Layer {
            name: format!("b{i}"),
            candidates: vec![candidate(if i < 9 { "a@[197x192]~0" } else { "a@[197x192]~1" })],
            stage: None,
        };
        let space = Layout { name: "s".into(), hash: "h".into(), layers: (1..=12).map(layer).collect(), fixed: Vec::new() };
        let stages = Grid::of(&Table::new(examples::header(luts::Source::Simulated), Vec::new()).unwrap(), Some(&space)).stages;
        let columns: Vec<_> = stages[0].columns.iter().map(|c| (c.name.as_str(), c.shapes.as_str())).collect();
        assert_eq!(columns, [("layer b1 to b8", "197x192"), ("layer b9 to b12", "197x192")]);
    }

    #[test]
    fn shapes_are_read_from_keys() {
        let shown = |key: &str| Shapes::of(key).to_string();
        assert_eq!(shown("k3_e6@24x57x56-s2-32~5f0c2a91"), "24x57x56→32x29x28");
        assert_eq!(
            (shown("block@[197x192]~5f0c2a91"), shown("odd"), shown("a@1x2-s1-3")),
            ("197x192".into(), "odd".into(), "1x2-s1-3".into())
        );
        assert!(Shapes::of("a@8x4x4-s1-16").change() && !Shapes::of("a@8x4x4-s1-8").change() && !Shapes::of("a@[8x4]").change());
    }

    fn toml_header(space: &Space) -> luts::Header {
        let space = luts::SpaceId::from(space);
        luts::Header { date: Some(String::new()), cpus: Vec::new(), space, ..examples::header(luts::Source::Imported) }
    }
}
