//! The block definitions against the reference implementation: the same weights give the same landmarks.

use std::collections::BTreeMap;

use blocks::{Space, Weights, eval};
use safetensors::SafeTensors;

fn floats(tensors: &SafeTensors, name: &str) -> Vec<f32> {
    let tensor = tensors.tensor(name).unwrap_or_else(|e| panic!("{name}: {e}"));
    tensor.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

#[test]
fn parity_the_chosen_subnet_gives_the_references_landmarks() {
    let Some(json) = support::shared("reference/pfld_reference.json") else { return };
    let Some(file) = support::shared("reference/pfld_reference.safetensors") else { return };
    let reference: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(json).unwrap()).unwrap();
    let bytes = std::fs::read(file).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let space = Space::load("pfld").unwrap();
    let chosen: Vec<&str> = reference["chosen"].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect();
    let choice = space.choice(&chosen).unwrap();
    let graph = space.subnet(&choice, 106);

    let mut weights = BTreeMap::new();
    for param in graph.params() {
        let mut name = param.name.clone();
        for (i, (layer, chosen)) in std::iter::zip(space.layers(), &choice).enumerate() {
            let k = layer.primitives.iter().position(|p| p == chosen).unwrap();
            name = name.replace(&format!("blocks.{i}.op."), &format!("blocks.{i}.{k}."));
        }
        weights.insert(param.name, floats(&tensors, &format!("supernet.{name}")));
    }
    let weights = Weights(weights);
    let images = floats(&tensors, "input");
    let expected = floats(&tensors, "subnet.eval.landmarks");
    let volume = space.input().volume();
    assert_eq!(expected.len(), images.len() / volume * 212);
    for (image, expected) in std::iter::zip(images.chunks(volume), expected.chunks(212)) {
        let landmarks = &eval::evaluate(&graph, &weights, &[image.to_vec()]).unwrap()[0];
        for (found, expected) in std::iter::zip(landmarks, expected) {
            assert!((found - expected).abs() <= 1e-5 + 1e-4 * expected.abs(), "{found} is not {expected}");
        }
    }
}
