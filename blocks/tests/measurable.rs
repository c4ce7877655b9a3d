//! Both kinds of spaces as they are measured: a space of primitives that is written as a folder is the same space.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as the tests do")]

#[path = "../examples/as_folder.rs"]
#[allow(dead_code, reason = "the program's own main")]
mod as_folder;

use std::collections::{BTreeMap, BTreeSet};

use as_folder::write;
use blocks::onnx::block::Block;
use blocks::onnx::proto::element;
use blocks::onnx::schema::Tensor;
use blocks::{Family, Measurable, PartId, PrimitiveSpace, Space, SpaceFolder, onnx};
use prost::Message;

fn pfld() -> PrimitiveSpace {
    PrimitiveSpace { space: Space::load("pfld").unwrap(), points: 106 }
}

fn fingerprint(space: &dyn Measurable, id: PartId) -> String {
    Block::read(&space.part_file(id).unwrap().unwrap().bytes).unwrap().fingerprint
}

/// What a network computes, whatever its values are called and in whichever order its operations stand: for each output a hash of all that
/// leads to it, but for the values of weights.
fn computed(bytes: &[u8]) -> Vec<String> {
    let graph = Block::read(bytes).unwrap().graph;
    let mut known = BTreeMap::from([(String::new(), String::new())]);
    for (i, port) in graph.input.iter().enumerate() {
        known.insert(port.name().to_string(), format!("input {i} {:?}", port.r#type));
    }
    for tensor in &graph.initializer {
        let is_weights = tensor.data_type() == element::FLOAT && tensor.dims.iter().product::<i64>() > 1;
        let nameless = Tensor { name: None, ..tensor.clone() };
        let text = if is_weights { format!("weights {:?}", tensor.dims) } else { format!("{nameless:?}") };
        known.insert(tensor.name().to_string(), text);
    }
    for node in &graph.node {
        let inputs: Vec<_> = node.input.iter().map(|name| &known[name]).collect();
        let attributes: BTreeSet<_> = node.attribute.iter().map(Message::encode_to_vec).collect();
        let hash = files::sha256(format!("{}:{} {inputs:?} {attributes:?}", node.domain(), node.op_type()));
        known.extend(node.output.iter().enumerate().map(|(i, name)| (name.clone(), format!("{hash} {i}"))));
    }
    graph.output.iter().map(|port| known[port.name()].clone()).collect()
}

#[test]
fn a_built_in_space_written_as_a_folder_has_the_same_parts_and_networks() {
    let (space, folder) = (pfld(), tempfile::tempdir().unwrap());
    write(&space, folder.path()).unwrap();
    let copy = SpaceFolder::load(folder.path()).unwrap();
    let (own, others) = (space.layers(), Measurable::layers(&copy));
    let keys = |layers: &[blocks::measurable::LayerInfo]| {
        let keys = layers.iter().flat_map(|layer| layer.candidates.iter().map(|c| c.key.split('~').next().unwrap().to_string()));
        keys.collect::<Vec<_>>()
    };
    // Primitives that are the same block, once their batch norms are folded, are one key there, by the first one's name.
    assert_eq!(keys(&own).len(), keys(&others).len());
    for (own_layer, other) in std::iter::zip(&own, &others) {
        assert_eq!((&own_layer.name, own_layer.may_be_left_out), (&other.name, other.may_be_left_out));
        for (a, b) in std::iter::zip(&own_layer.candidates, &other.candidates) {
            assert_eq!((&a.name, a.is_identity), (&b.name, b.is_identity));
            let (a_id, b_id) = (PartId::Block(&a.key), PartId::Block(&b.key));
            assert!(!a.is_identity, "this space has none");
            assert_eq!(fingerprint(&space, a_id), fingerprint(&copy, b_id), "{} in {}", a.key, own_layer.name);
            let (a, b) = (space.part(a_id), copy.part(b_id));
            assert_eq!(a.as_ref().map(|part| (part.macs, &part.inputs)), b.as_ref().map(|part| (part.macs, &part.inputs)));
        }
    }
    let mut fixed = copy.fixed();
    fixed.sort();
    let mut expected = space.fixed();
    expected.sort();
    assert_eq!(fixed, expected);
    for name in &fixed {
        assert_eq!(fingerprint(&space, PartId::Fixed(name)), fingerprint(&copy, PartId::Fixed(name)), "{name}");
    }
    let blocks: BTreeSet<_> = own.iter().flat_map(|layer| layer.candidates.iter().map(|c| c.key.as_str())).collect();
    assert_eq!(blocks.len() + fixed.len(), 36, "each row of the space's table");
    // With each candidate in each layer.
    for k in 0..9 {
        let choice: Vec<_> = own.iter().enumerate().map(|(i, layer)| Some((k + i) % layer.candidates.len())).collect();
        let (a, b) = (space.network_file(&choice).unwrap(), copy.network_file(&choice).unwrap());
        let (a_holds, b_holds) = (onnx::inspect(&a.bytes).unwrap(), onnx::inspect(&b.bytes).unwrap());
        assert_eq!((&a_holds.operators, a_holds.macs, a_holds.parameters), (&b_holds.operators, b_holds.macs, b_holds.parameters));
        assert_eq!(computed(&a.bytes), computed(&b.bytes), "{choice:?}");
        assert_eq!(a.inputs, b.inputs);
        assert!(a.reference.is_some() && b.reference.is_none());
    }
}

#[test]
fn parts_that_are_not_there_have_no_file() {
    let space = pfld();
    assert_eq!((space.part(PartId::Fixed("none")), space.part(PartId::Block("skip@1x1x1-s1-1"))), (None, None));
    assert!(space.part_file(PartId::Fixed("none")).unwrap().is_none());
    let folder = support::project_root().join("tests/spaces/onnx/dynamo");
    let folder = SpaceFolder::load(&folder).unwrap();
    assert_eq!(folder.part(PartId::Block("skip@4x8x8-s1-4")), None, "an identity takes no time");
    let stem = folder.part(PartId::Fixed("stem")).unwrap();
    assert_eq!((stem.outputs, stem.family), (vec![vec![1, 4, 8, 8], vec![1, 4]], Family::Fixed));
    assert_eq!(folder.fixed(), ["stem", "head"]);
    let reference = space.part_file(PartId::Fixed("fc")).unwrap().unwrap().reference.unwrap();
    assert_eq!(reference.outputs(&[vec![0.5; 128]]).unwrap()[0].len(), 212);
}
