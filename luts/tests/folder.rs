//! Tables of spaces of ONNX files: they state their layers and keys themselves.

#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use blocks::{Measurable, PartId, Space, SpaceFolder};
use common::{header, row};
use luts::*;

fn space() -> SpaceFolder {
    SpaceFolder::load(&support::project_root().join("tests/spaces/onnx/torchscript")).unwrap()
}

/// Rows of every key in the order of the slots: 1.5 µs, 2.5 µs, …
fn rows(space: &SpaceFolder) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for (slot, candidate) in space.slots().iter().flat_map(|slot| slot.candidates.iter().map(move |candidate| (slot, candidate))) {
        let key = candidate.key.as_str();
        if rows.iter().any(|row| row.key == key) {
            continue;
        }
        let name = candidate.name.clone();
        rows.push(match space.part(if slot.is_searched { PartId::Block(key) } else { PartId::Fixed(&slot.name) }) {
            None => Row { primitive: name, interval: None, macs: Some(0), ..row(key, Kind::Identity, 0.0) },
            Some(part) => {
                let kind = if slot.is_searched { Kind::Block } else { Kind::Trunk };
                let shapes = Shapes::of(&part.inputs, &part.outputs);
                Row { primitive: name, shapes, macs: part.macs, params: part.params, ..row(key, kind, rows.len() as f64 + 1.5) }
            }
        });
    }
    rows
}

fn folder_header(space: &dyn Measurable) -> Header {
    let reference = Some("none".to_string());
    Header { points: None, reference, space: SpaceId::from(space), ..header(&Space::load("pfld").unwrap()) }
}

fn table() -> Table {
    let space = space();
    Table::new(folder_header(&space), rows(&space)).unwrap()
}

#[test]
fn a_table_knows_its_layers_without_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    table().write(&path, Overwrite::No).unwrap();
    let read = Table::read(&path).unwrap();
    assert_eq!(read, table());
    assert!(std::fs::read_to_string(&path).unwrap().contains("# schema = 4\n"));
    let layout = read.layout().unwrap();
    assert_eq!(layout, Layout::from(&space() as &dyn Measurable));
    assert_eq!(
        layout.layers[0].candidates.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(),
        ["k3_e2", "k5_e1_g2", "again", "skip"]
    );
    assert_eq!(layout.layers[0].candidates[0].key, layout.layers[0].candidates[2].key, "equal blocks are one measurement");
    assert_eq!(layout.fixed, ["trunk:stem", "trunk:head"]);
    let stated = read.header.space.folder.unwrap();
    assert_eq!((&stated.inputs["input"][..], stated.export["exporter"].as_str()), (&[3, 16, 16][..], "torchscript"));
    // A table of primitives is what it was before there were folders.
    let pfld = Space::load("pfld").unwrap();
    common::table(&pfld).write(&path, Overwrite::Yes).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("# schema = 3\n") && !text.contains("folder") && Table::read(&path).unwrap().layout().is_none());
}

#[test]
fn a_network_of_a_folder_is_predicted_from_the_table_alone() {
    let table = table();
    let layout = table.layout().unwrap();
    let model = LatencyModel::new(&table, &layout).unwrap();
    let time = |key: &str| table.row(key).unwrap().latency;
    let choice = [2, 2, 1];
    let expected: Vec<Micros> = std::iter::zip(&layout.layers, choice).map(|(layer, k)| time(&layer.candidates[k].key)).collect();
    let p = model.predict(&choice).unwrap();
    assert_eq!((&p.layers, p.layers[1]), (&expected, Micros(0.0)), "a skip takes nothing");
    assert_eq!(p.trunk, Some(time("trunk:stem") + time("trunk:head")));
    assert_eq!(model.trunk().unwrap().iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["stem", "head"]);
    assert_eq!(model.clone().for_points(7), model, "a folder has no landmarks");
    assert_eq!(table.validate(&space() as &dyn Measurable), Ok(()));
    assert!(matches!(table.validate(&Space::load("pfld").unwrap()).unwrap_err()[0], Fault::WrongSpace { .. }));
}

#[test]
fn every_key_of_the_header_needs_a_row() {
    let space = space();
    let missing = ["trunk:head", &rows(&space)[1].key];
    let kept = rows(&space).into_iter().filter(|row| !missing.contains(&row.key.as_str())).collect();
    let faults = Table::new(folder_header(&space), kept).unwrap_err();
    assert_eq!(faults, [missing[1], missing[0]].map(|key| Fault::Missing { key: key.to_string() }));
}

#[test]
fn what_cannot_be_counted_is_empty_in_a_folders_table_only() {
    let uncounted = |rows: Vec<Row>| -> Vec<Row> { rows.into_iter().map(|row| Row { macs: None, ..row }).collect() };
    let (space, pfld) = (space(), Space::load("pfld").unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    let table = Table::new(folder_header(&space), uncounted(rows(&space))).unwrap();
    table.write(&path, Overwrite::No).unwrap();
    assert_eq!(Table::read(&path).unwrap(), table);
    let faults = Table::new(header(&pfld), uncounted(common::rows(&pfld))).unwrap_err();
    assert!(faults.iter().all(|fault| matches!(fault, Fault::Field { field: "macs", .. })));
}

/// The header's faults with the slots changed so.
fn slot_faults(change: impl Fn(&mut Vec<Slot>)) -> Vec<Fault> {
    let mut header = folder_header(&space());
    change(&mut header.space.folder.as_mut().unwrap().slots);
    header.faults()
}

#[test]
fn slots_that_make_no_sense_are_named() {
    assert_eq!(slot_faults(|_| {}), []);
    let fault = |slot: &str, reason| vec![Fault::Slot { slot: slot.to_string(), reason }];
    let named = |name: &str, key: &str| NamedKey { name: name.into(), key: key.into() };
    let layer = |candidates| Slot::Layer { name: "L1".into(), candidates };
    assert_eq!(slot_faults(|slots| slots[2] = slots[1].clone()), fault("L1", "stands twice"));
    assert_eq!(slot_faults(|slots| slots[1] = layer(vec![])), fault("L1", "has no candidates"));
    assert_eq!(slot_faults(|slots| slots[1] = layer(vec![named("a", "x"), named("a", "y")])), fault("L1", "has a candidate twice"));
    let fixed = "has a fixed piece among its candidates";
    assert_eq!(slot_faults(|slots| slots[1] = layer(vec![named("a", "trunk:stem")])), fault("L1", fixed));
    let key = "is a fixed piece, but its key does not say 'trunk:'";
    assert_eq!(slot_faults(|slots| slots[0] = Slot::Fixed { name: "stem".into(), key: "stem".into() }), fault("stem", key));
    assert_eq!(slot_faults(Vec::clear), [Fault::Header { field: "space.folder.slots", reason: "must not be empty" }]);
    let with_points = Header { points: Some(106), ..folder_header(&space()) };
    assert_eq!(with_points.faults(), [Fault::Header { field: "points", reason: "is not allowed if the space is a folder" }]);
    let primitives = Header { points: None, ..header(&Space::load("pfld").unwrap()) };
    assert_eq!(primitives.faults(), [Fault::Header { field: "points", reason: "is missing" }]);
}

#[test]
fn a_folder_is_unknown_to_older_schemas_and_its_entries_have_their_form() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    table().write(&path, Overwrite::No).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let refused = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        let changed = text.replacen(from, to, 1);
        match luts::file::read_from(changed.as_bytes(), Path::new("t")) {
            Err(TableError::Header { source, .. }) => source.to_string(),
            other => panic!("{other:?}"),
        }
    };
    assert!(refused("# schema = 4", "# schema = 3").contains("space.folder"));
    assert!(refused("# key = \"trunk:stem\"\n", "").contains("'stem'"));
    assert!(refused("\"k3_e2 k3_e2@", "\"k3_e2@").contains("k3_e2@"));
}

#[test]
fn shapes_are_those_of_the_first_input_and_output() {
    let of = |inputs: &[&[usize]], outputs: &[&[usize]]| {
        let dims = |ports: &[&[usize]]| ports.iter().map(|dims| dims.to_vec()).collect::<Vec<_>>();
        let Shapes { c_in, c_out, stride, h, w } = Shapes::of(&dims(inputs), &dims(outputs));
        [c_in, c_out, stride, h, w]
    };
    assert_eq!(of(&[&[1, 24, 56, 60], &[1, 8, 2, 2]], &[&[1, 32, 28, 30]]), [24, 32, 2, 56, 60]);
    assert_eq!(of(&[&[1, 352, 7, 7]], &[&[1, 1000]]), [352, 1000, 7, 7, 7]);
    assert_eq!(of(&[&[1, 197, 192]], &[&[1, 197, 192]]), [197, 197, 1, 192, 1]);
    assert_eq!(of(&[&[1, 8, 4, 5, 6]], &[&[1, 8, 2, 5, 6]]), [8, 8, 2, 4, 30]);
}
