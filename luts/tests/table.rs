//! Look-up, prediction and checks.

#![allow(clippy::unwrap_used)]

mod common;

use blocks::{Candidate, Space};
use common::{header, row, rows, table};
use luts::*;

fn pfld() -> Space {
    Space::load("pfld").unwrap()
}

#[test]
fn a_prediction_is_layers_plus_trunk() {
    let space = pfld();
    let table = table(&space);
    let choice: Vec<_> = space.layers().iter().map(|l| l.primitives[3]).collect();
    let p = LatencyModel::new(&table, &space).unwrap().predict(&vec![3; choice.len()]).unwrap();
    let expected: Vec<_> = std::iter::zip(space.layers(), &choice)
        .map(|(l, &primitive)| table.latency(&Candidate { primitive, layer: l.layer }).unwrap())
        .collect();
    assert_eq!(p.layers, expected);
    assert_eq!(p.trunk, Some(Micros(90.0)));
    assert!((p.total.0 - 90.0 - expected.iter().map(|t| t.0).sum::<f64>()).abs() < 1e-9);
    let interval = p.interval.unwrap();
    assert!(interval.low < p.total && p.total < interval.high);
}

#[test]
fn fc_alone_grows_with_the_points() {
    let space = pfld();
    let table = table(&space);
    for (points, factor, total) in [(106, 1.0, 90.0), (212, 2.0, 100.0), (53, 0.5, 85.0)] {
        let model = LatencyModel::new(&table, &space).unwrap().for_points(points);
        assert_eq!((model.fc_factor(), model.trunk_total()), (factor, Some(Micros(total))));
        let pieces = model.trunk().unwrap();
        assert_eq!(pieces.last(), Some(&("fc", Micros(10.0 * factor))));
        assert!(pieces.iter().filter(|(piece, _)| *piece != "fc").all(|(_, time)| *time == Micros(10.0)));
    }
}

#[test]
fn every_missing_key_is_named() {
    let space = pfld();
    let kept = rows(&space).into_iter().filter(|r| !r.key.starts_with("gh_k5@") && r.key != "trunk:fc").collect();
    let faults = Table::new(header(&space), kept).unwrap().validate(&space).unwrap_err();
    let expected = rows(&space).into_iter().map(|r| r.key).filter(|k| k.starts_with("gh_k5@") || k == "trunk:fc");
    assert_eq!(faults, expected.map(|key| Fault::Missing { key }).collect::<Vec<_>>());
}

#[test]
fn another_space_is_refused() {
    let space = pfld();
    let mut table = table(&space);
    table.header.space.hash = "f00d".into();
    assert!(matches!(table.validate(&space).unwrap_err()[..], [Fault::WrongSpace { .. }]));
}

#[test]
fn every_bad_figure_is_named_at_once() {
    let space = pfld();
    let mut bad = rows(&space);
    bad[0].latency = Micros(f64::NAN);
    bad[1].latency = Micros(0.0);
    bad[2].latency = Micros(-3.0);
    bad[3].interval = Some(Interval { low: Micros(0.0), high: Micros(9.0) });
    bad[4].kind = Kind::Identity;
    bad.push(Row { latency: Micros(6.15), ..bad[5].clone() });
    let keys: Vec<_> = bad.iter().map(|r| r.key.clone()).collect();
    let faults = Table::new(header(&space), bad).unwrap_err();
    let key = |i: usize| keys[i].clone();
    let expected = [
        Fault::NotPositive { line: 0, key: key(1), latency: Micros(0.0) },
        Fault::NotPositive { line: 0, key: key(2), latency: Micros(-3.0) },
        Fault::NotANumber { line: 0, key: key(0), field: "latency_us" },
        Fault::IntervalReachesZero { line: 0, key: key(3), low: Micros(0.0) },
        Fault::Identity { line: 0, key: key(4) },
        Fault::Duplicate { key: key(5), first: 0, line: 0 },
    ];
    for fault in &expected {
        assert!(faults.contains(fault), "{fault} is not in {faults:?}");
    }
}

#[test]
fn an_identity_is_exactly_zero_and_a_computing_block_may_not_be_one() {
    let text = "name = \"t\"\ninput = [8, 6, 6]\n[[stage]]\ncandidates = [\"skip\", \"conv1x1\"]\n\
                layers = [{ c_in = 8, c_out = 8, stride = 1, h = 6, w = 6 }]\n";
    let space = Space::parse(text, "t").unwrap();
    let keys: Vec<_> = space.unique_candidates().iter().map(Candidate::key).collect();
    let identity = |key: &str| Row { interval: None, ..row(key, Kind::Identity, 0.0) };
    let good = Table::new(header(&space), vec![identity(&keys[0]), row(&keys[1], Kind::Block, 4.0)]).unwrap();
    assert_eq!(good.validate(&space), Ok(()));
    assert_eq!(good.latency(&space.unique_candidates()[0]), Ok(Micros(0.0)));
    let lying = Table::new(header(&space), vec![identity(&keys[0]), identity(&keys[1])]).unwrap();
    assert!(matches!(lying.validate(&space).unwrap_err()[..], [Fault::WrongKind { .. }]));
}

#[test]
fn a_check_does_not_make_it_another_table() {
    let space = pfld();
    let plain = table(&space);
    let mut checked = plain.clone();
    let date = Some(String::from("2026-01-02T03:04:05Z"));
    checked.header.checked = Some(Checked {
        date,
        nets: 30,
        seed: 1,
        mape: 0.02,
        bias: 0.0,
        within_5: 1.0,
        within_10: 1.0,
        kendall_tau: 0.9,
        state: None,
        bias_with_state: None,
        covered: None,
    });
    assert_eq!(plain.digest(), checked.digest());
    let mut other = plain.clone();
    other.header.threads = 4;
    assert_ne!(plain.digest(), other.digest());
}

#[test]
fn an_imported_table_has_no_trunk_and_says_so() {
    let space = pfld();
    let mut header = header(&space);
    header.source = Source::Imported;
    header.fit = None;
    let blocks = rows(&space).into_iter().filter(|r| r.kind == Kind::Block).map(|r| Row { interval: None, ..r }).collect();
    let table = Table::new(header, blocks).unwrap();
    assert_eq!(table.validate(&space), Ok(()));
    let model = LatencyModel::new(&table, &space).unwrap();
    let p = model.predict(&[0; 5]).unwrap();
    assert_eq!((p.trunk, p.interval), (None, None));
    assert_eq!((model.trunk(), model.trunk_total()), (None, None));
}

#[test]
fn a_model_lists_the_table_by_layers_and_refuses_what_it_does_not_know() {
    let space = pfld();
    let table = table(&space);
    let model = LatencyModel::new(&table, &space).unwrap();
    let expected = space.layers().iter().map(|layer| layer.candidates().map(|c| table.latency(&c).unwrap()).collect::<Vec<_>>());
    assert!(model.layers().eq(expected));
    assert_eq!(model.predict(&[0, 9, 0, 0, 0]), Err(LookupError::Place { layer: 2, place: 9, candidates: 9 }));
    assert!(matches!(model.predict(&[0; 4]), Err(LookupError::Layers { expected: 5, found: 4, .. })));
    let without = |key: &str| Table::new(header(&space), rows(&space).into_iter().filter(|row| row.key != key).collect()).unwrap();
    for key in ["trunk:conv7", rows(&space)[3].key.as_str()] {
        assert_eq!(LatencyModel::new(&without(key), &space), Err(LookupError::Missing(key.to_string())));
    }
}

/// Without whole networks that it was fitted to, a table's rows are independent, and one that is used twice counts twice.
#[test]
fn the_rows_uncertainties_add_in_quadrature_but_linearly_within_a_key() {
    let space = pfld();
    let table = Table::new(Header { fit: None, ..header(&space) }, rows(&space)).unwrap();
    let choice: Vec<_> = space.layers().iter().map(|layer| layer.primitives[0]).collect();
    let p = LatencyModel::new(&table, &space).unwrap().for_points(212).predict(&vec![0; choice.len()]).unwrap();
    let mut widths = std::collections::BTreeMap::new();
    for (layer, &primitive) in std::iter::zip(space.layers(), &choice) {
        let candidate = Candidate { primitive, layer: layer.layer };
        *widths.entry(candidate.key()).or_insert(0.0) += 0.01 * table.latency(&candidate).unwrap().0;
    }
    assert!(widths.len() < choice.len(), "a key is used twice");
    // Eight pieces of 10 µs, and `fc`, which takes twice that for twice the landmarks.
    let trunk = 8.0 * 0.1f64.powi(2) + 0.2f64.powi(2);
    let half = (widths.values().map(|w| w * w).sum::<f64>() + trunk).sqrt();
    let interval = p.interval.unwrap();
    assert!(((p.total - interval.low).0 - half).abs() < 1e-9 && ((interval.high - p.total).0 - half).abs() < 1e-9, "{p:?} {half}");
}

/// A table that hardly knows anything predicts no time below 0, however far its interval reaches.
#[test]
fn no_network_takes_less_than_no_time() {
    let space = pfld();
    let fit = luts::Fit { residual: 0.9, noise: None, architectures: Vec::new(), anchors: Vec::new() };
    let table = Table::new(Header { fit: Some(fit), ..header(&space) }, rows(&space)).unwrap();
    let p = LatencyModel::new(&table, &space).unwrap().predict(&vec![0; space.layers().len()]).unwrap();
    let interval = p.interval.unwrap();
    assert_eq!((interval.low, interval.high), (Micros(0.0), p.total + p.total * (1.96 * 0.9)));
}

#[test]
fn a_header_does_not_steer_the_terminal_that_shows_it() {
    let space = pfld();
    for text in ["x\u{1b}[31m", "x\r", "\u{9b}2J"] {
        let device = Device { model: text.into(), ..header(&space).device };
        let faults = Table::new(Header { device, ..header(&space) }, rows(&space)).unwrap_err();
        assert_eq!(faults, [Fault::ControlCharacters { entry: "device.model".into() }]);
    }
}
