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
    let p = table.predict(&space, &choice, 106).unwrap();
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
    assert_eq!(table.trunk_total(&space, 106), Ok(Micros(90.0)));
    assert_eq!(table.trunk_total(&space, 212), Ok(Micros(100.0)));
    assert_eq!(table.trunk_total(&space, 53), Ok(Micros(85.0)));
}

#[test]
fn every_missing_key_is_named() {
    let space = pfld();
    let kept = rows(&space).into_iter().filter(|r| !r.key.starts_with("gh_k5@") && r.key != "trunk:fc").collect();
    let faults = Table::new(header(&space), kept).unwrap().validate(&space).unwrap_err();
    let named: Vec<_> = faults.iter().map(Fault::to_string).collect();
    let expected = rows(&space).into_iter().map(|r| r.key).filter(|k| k.starts_with("gh_k5@") || k == "trunk:fc");
    assert_eq!(named, expected.map(|k| format!("{k}: missing")).collect::<Vec<_>>());
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
    let faults: Vec<_> = Table::new(header(&space), bad).unwrap_err().iter().map(Fault::to_string).collect();
    for key in keys.iter().take(6) {
        assert!(faults.iter().any(|f| f.starts_with(key.as_str())), "{key} is not named in {faults:?}");
    }
    let on = |i: usize| faults.iter().find(|f| f.starts_with(&keys[i])).unwrap();
    assert!(on(0).contains("not a number") && on(1).contains("not above 0") && on(2).contains("not above 0"), "{faults:?}");
    assert!(on(3).contains("interval reaches") && on(4).contains("identity") && on(5).contains("different values"), "{faults:?}");
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
    let choice: Vec<_> = space.layers().iter().map(|l| l.primitives[0]).collect();
    let p = table.predict(&space, &choice, 106).unwrap();
    assert_eq!((p.trunk, p.interval), (None, None));
    assert_eq!(table.trunk_total(&space, 106), Err(LookupError::Missing("trunk:stem".into())));
}
