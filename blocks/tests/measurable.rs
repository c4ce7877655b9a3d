//! Both kinds of spaces as they are measured: a space of primitives that is written as a folder is the same space.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as the tests do")]

#[path = "../examples/as_folder.rs"]
#[allow(dead_code, reason = "the program's own main")]
mod as_folder;

use as_folder::write;
use blocks::{Family, Measurable, PartId, PrimitiveSpace, Space, SpaceFolder, onnx};

fn pfld() -> PrimitiveSpace {
    PrimitiveSpace { space: Space::load("pfld").unwrap(), points: 106 }
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
    for (own, other) in std::iter::zip(&own, &others) {
        assert_eq!((&own.name, own.may_be_left_out), (&other.name, other.may_be_left_out));
        for (a, b) in std::iter::zip(&own.candidates, &other.candidates) {
            assert_eq!((&a.name, a.is_identity), (&b.name, b.is_identity));
            let (a, b) = (space.part(PartId::Block(&a.key)), copy.part(PartId::Block(&b.key)));
            assert_eq!(a.as_ref().map(|part| (part.macs, &part.inputs)), b.as_ref().map(|part| (part.macs, &part.inputs)));
        }
    }
    let mut fixed = copy.fixed();
    fixed.sort();
    let mut expected = space.fixed();
    expected.sort();
    assert_eq!(fixed, expected);
    for k in [0, 3, 7] {
        let choice: Vec<_> = own.iter().map(|layer| Some(k % layer.candidates.len())).collect();
        let (a, b) = (space.network_file(&choice).unwrap(), copy.network_file(&choice).unwrap());
        let (a_holds, b_holds) = (onnx::inspect(&a.bytes).unwrap(), onnx::inspect(&b.bytes).unwrap());
        assert_eq!((&a_holds.operators, a_holds.macs, a_holds.parameters), (&b_holds.operators, b_holds.macs, b_holds.parameters));
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
