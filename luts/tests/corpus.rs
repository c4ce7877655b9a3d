//! Every table of the corpus is refused for what its list says, or is sound. The Python package's tests read the same files and list.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;

use blocks::Space;
use luts::{Fault, LatencyModel, Layout, Table, TableError};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    table: Vec<Listed>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    file: String,
    kind: String,
    space: Option<String>,
    faults: Vec<Expected>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    line: Option<u64>,
    /// Told by the Python package alone.
    #[serde(rename = "column")]
    _column: Option<String>,
    text: Option<String>,
}

fn read(path: &Path, space: Option<&str>) -> Result<Table, TableError> {
    let space = space.map(|file| Space::load(support::project_root().join(file).to_str().unwrap()).unwrap());
    space.map_or_else(|| Table::read(path), |space| Table::read_for(path, &space))
}

/// What `error` is by the list's names, and the number of faults it lists, where it lists them.
fn kind(error: &TableError) -> (&'static str, Option<usize>) {
    match error {
        TableError::NotATable { .. } => ("not-a-table", None),
        TableError::Schema { .. } => ("schema", None),
        TableError::Header { .. } => ("header", None),
        TableError::Truncated { .. } => ("truncated", None),
        TableError::Row { .. } => ("row", None),
        TableError::Faults { faults, .. } => ("faults", Some(faults.iter().filter(|f| !matches!(f, Fault::More { .. })).count())),
        TableError::Read { .. } | TableError::Write { .. } | TableError::Exists { .. } => ("no file", None),
    }
}

#[test]
fn each_table_of_the_corpus_is_refused_as_the_list_says_or_sound() {
    let corpus = support::project_root().join("tests/corpus");
    let list: List = toml::from_str(&std::fs::read_to_string(corpus.join("tables.toml")).unwrap()).unwrap();
    let mut listed: BTreeMap<String, Listed> = list.table.into_iter().map(|t| (t.file.clone(), t)).collect();
    for entry in std::fs::read_dir(corpus.join("table")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let Some(expected) = listed.remove(name) else {
            read(&path, None).unwrap_or_else(|e| panic!("{name} is not in the list: {e}"));
            continue;
        };
        let error = read(&path, expected.space.as_deref()).expect_err(name);
        let (kind, count) = kind(&error);
        let message = error.to_string();
        assert_eq!(kind, expected.kind, "{name}: {message}");
        assert!(count.is_none_or(|count| count == expected.faults.len()), "{name}: {message}");
        for fault in expected.faults {
            assert!(message.contains(fault.text.as_deref().unwrap_or_default()), "{name}: {message}");
            match (&error, fault.line) {
                (TableError::Row { line, .. }, Some(expected)) => assert_eq!(*line, expected, "{name}: {message}"),
                (TableError::Header { .. }, Some(expected)) => {
                    assert!(message.contains(&format!("line {expected},")), "{name}: {message}")
                }
                _ => {}
            }
        }
    }
    assert!(listed.is_empty(), "in the list, and not in the folder: {:?}", listed.keys());
}

/// Predictions of a table of the corpus, one a choice.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Predictions {
    prediction: Vec<Predicted>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Predicted {
    table: String,
    /// A name a layer, separated by blanks.
    choice: String,
    /// Landmarks; of a folder none.
    points: Option<usize>,
    layers_us: Vec<f64>,
    fixed_us: f64,
    total_us: f64,
    interval_us: [f64; 2],
}

/// The Python package must give the same figures.
#[test]
fn the_listed_predictions_are_what_is_predicted() {
    let corpus = support::project_root().join("tests/corpus");
    let listed: Predictions = toml::from_str(&std::fs::read_to_string(corpus.join("predictions.toml")).unwrap()).unwrap();
    let space = Space::load("pfld").unwrap();
    assert!(listed.prediction.len() >= 12);
    let found = |expected: &Predicted| {
        let table = read(&corpus.join("prediction").join(&expected.table), None).unwrap();
        let layout = table.layout().unwrap_or_else(|| Layout::from(&space));
        let place = |(layer, name): (&luts::Layer, &str)| layer.candidates.iter().position(|c| c.name == name).unwrap();
        let choice: Vec<usize> = std::iter::zip(&layout.layers, expected.choice.split(' ')).map(place).collect();
        let model = LatencyModel::new(&table, layout).unwrap();
        let model = expected.points.map_or(model.clone(), |points| model.for_points(points));
        let p = model.predict(&choice).unwrap();
        Predicted {
            layers_us: p.layers.iter().map(|t| t.0).collect(),
            fixed_us: p.trunk.unwrap().0,
            total_us: p.total.0,
            interval_us: p.interval.map(|i| [i.low.0, i.high.0]).unwrap(),
            ..expected.clone()
        }
    };
    assert_eq!(listed.prediction.iter().map(found).collect::<Vec<_>>(), listed.prediction);
}
