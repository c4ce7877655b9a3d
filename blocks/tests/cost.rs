//! Multiply-adds, parameter counts and weight names against what the reference reports.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as the tests do")]

use std::collections::BTreeSet;

use blocks::{Space, Weights};

/// Parameters of the five vectors of architecture weights, which the reference counts into its supernet.
const PATH_ALPHA: usize = 5 * 9;

fn reference() -> Option<serde_json::Value> {
    let path = support::shared("reference/pfld_reference.json")?;
    Some(serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
}

#[test]
fn forty_five_candidates_give_twenty_seven_keys() {
    let space = Space::load("pfld").unwrap();
    assert_eq!(space.candidates().count(), 45);
    assert_eq!(space.unique_candidates().len(), 27);
}

#[test]
fn multiply_adds_equal_the_references() {
    let Some(reference) = reference() else { return };
    let space = Space::load("pfld").unwrap();
    for (layer, candidate) in space.candidates() {
        let expected = reference["flops_lut"][layer][candidate.primitive.name()].as_f64().unwrap();
        assert_eq!(candidate.graph().macs() as f64, expected, "layer {layer} {candidate:?}");
    }
}

#[test]
fn parameter_counts_equal_the_references() {
    let Some(reference) = reference() else { return };
    let params = |name: &str| reference["params"][name].as_u64().unwrap() as usize;
    let space = Space::load("pfld").unwrap();
    assert_eq!(space.supernet(106).parameter_count() + PATH_ALPHA, params("supernet"));
    assert_eq!(space.pose_net().unwrap().parameter_count(), params("aux"));
    let chosen: Vec<&str> = reference["chosen"].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect();
    let choice = space.choice(&chosen).unwrap();
    assert_eq!(space.subnet(&choice, 106).parameter_count(), params("subnet"));
}

#[test]
fn trunk_pieces_and_blocks_add_up_to_the_subnet() {
    let space = Space::load("pfld").unwrap();
    let choice: Vec<_> = space.layers().iter().map(|l| l.primitives[2]).collect();
    let subnet = space.subnet(&choice, 106);
    let trunk: u64 = space.trunk_pieces(106).iter().map(|p| p.graph.macs()).sum();
    let blocks: u64 = space.layers().iter().map(|l| l.candidates().nth(2).unwrap().graph().macs()).sum();
    assert_eq!(subnet.macs(), trunk + blocks);
}

#[test]
fn weight_names_are_unique_and_seeded_weights_are_complete() {
    let space = Space::load("pfld").unwrap();
    let graph = space.supernet(106);
    let names: BTreeSet<_> = graph.params().into_iter().map(|p| p.name).collect();
    assert_eq!(names.len(), graph.params().len());
    let weights = Weights::for_measuring(&graph, 1);
    assert!(graph.params().iter().all(|p| weights.get(p).is_ok()));
    assert_eq!(weights, Weights::for_measuring(&graph, 1));
    assert_ne!(weights, Weights::for_measuring(&graph, 2));
}
