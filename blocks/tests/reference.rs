//! The block definitions against the reference implementation: the same weights give the same numbers.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as the tests do")]

use std::collections::BTreeMap;

use blocks::{Graph, Space, Weights, eval};
use safetensors::SafeTensors;

/// Temperature of the reference's softmax over the architecture weights.
const TEMPERATURE: f64 = 3.7;

fn reference() -> Option<(serde_json::Value, Vec<u8>)> {
    let json = support::shared("reference/pfld_reference.json")?;
    let tensors = support::shared("reference/pfld_reference.safetensors")?;
    Some((serde_json::from_str(&std::fs::read_to_string(json).unwrap()).unwrap(), std::fs::read(tensors).unwrap()))
}

fn floats(tensors: &SafeTensors, name: &str) -> Vec<f32> {
    let tensor = tensors.tensor(name).unwrap_or_else(|e| panic!("{name}: {e}"));
    tensor.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

/// All weights of a graph, each from the tensor that `rename` gives for its name.
fn weights(graph: &Graph, tensors: &SafeTensors, rename: impl Fn(&str) -> String) -> Weights {
    Weights(graph.params().into_iter().map(|p| (p.name.clone(), floats(tensors, &rename(&p.name)))).collect::<BTreeMap<_, _>>())
}

fn assert_near(what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (found, expected)) in std::iter::zip(found, expected).enumerate() {
        assert!((found - expected).abs() <= 1e-5 + 1e-4 * expected.abs(), "{what} {i}: {found} is not {expected}");
    }
}

#[test]
fn parity_the_chosen_subnet_gives_the_references_landmarks() {
    let Some((json, bytes)) = reference() else { return };
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let space = Space::load("pfld").unwrap();
    let chosen: Vec<&str> = json["chosen"].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect();
    let choice = space.choice(&chosen).unwrap();
    let graph = space.subnet(&choice, 106);
    let weights = weights(&graph, &tensors, |name| {
        let layers = std::iter::zip(space.layers(), &choice).enumerate();
        layers.fold(format!("supernet.{name}"), |name, (i, (layer, chosen))| {
            let k = layer.primitives.iter().position(|p| p == chosen).unwrap();
            name.replace(&format!("blocks.{i}.op."), &format!("blocks.{i}.{k}."))
        })
    });
    let images = floats(&tensors, "input.image");
    let expected = floats(&tensors, "subnet.eval.landmarks");
    let volume = space.input().volume();
    assert_eq!(expected.len(), images.len() / volume * 212);
    for (image, expected) in std::iter::zip(images.chunks(volume), expected.chunks(212)) {
        assert_near("landmark", &eval::evaluate(&graph, &weights, &[image.to_vec()]).unwrap()[0], expected);
    }
}

#[test]
fn parity_the_supernet_and_the_pose_net_give_the_references_outputs() {
    let Some((_, bytes)) = reference() else { return };
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let space = Space::load("pfld").unwrap();
    let supernet = space.supernet(106);
    let masks: Vec<Vec<f32>> = (0..space.layers().len())
        .map(|i| {
            let alpha = floats(&tensors, &format!("supernet.blocks.{i}.registered_module.path_alpha"));
            let noise = floats(&tensors, &format!("gumbel_noise.{i}"));
            let e: Vec<f64> =
                std::iter::zip(alpha, noise).map(|(a, n)| ((f64::from(a) + f64::from(n)) / TEMPERATURE).exp()).collect();
            e.iter().map(|v| (v / e.iter().sum::<f64>()) as f32).collect()
        })
        .collect();
    let image = floats(&tensors, "input.image")[..space.input().volume()].to_vec();
    let weights_of = |graph: &Graph, prefix: &str| weights(graph, &tensors, |name| format!("{prefix}.{name}"));
    let out = eval::evaluate_mixed(&supernet, &weights_of(&supernet, "supernet"), &[image], &masks).unwrap();
    assert_near("landmark", &out[0], &floats(&tensors, "eval.landmarks")[..212]);
    assert_near("feature", &out[1], &floats(&tensors, "eval.features")[..out[1].len()]);
    let pose = space.pose_net().unwrap();
    let angles = eval::evaluate(&pose, &weights_of(&pose, "aux"), &out[1..]).unwrap();
    assert_near("angle", &angles[0], &floats(&tensors, "eval.angles")[..3]);
}
