//! The space `pfld-full`: what it has, that PFLD's own networks are among its networks, and what is said of wrong graphs of layers.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as the tests do")]

use blocks::space_fault::{SpaceFault, SpaceFaultKind, SpacePlace};
use blocks::trunk_fault::TrunkFault;
use blocks::{Misfit, Primitive, Shape, Space, SpaceError, Weights, eval};

/// What PFLD has before and behind the five layers of its own space.
const BEFORE: [&str; 3] = ["conv_k3", "stem2", "mb_k3_e2"];
const BEHIND: [&str; 6] = ["pool_k9", "pool_k3", "linear", "mb_k3_e2_res_se", "sep_k3", "pool_k7"];

#[test]
fn every_network_of_pfld_is_one_of_the_full_space() {
    let (pfld, full) = (Space::load("pfld").unwrap(), Space::load("pfld-full").unwrap());
    assert_eq!(
        full.layers()[3..8].iter().map(|l| &l.primitives).collect::<Vec<_>>(),
        pfld.layers().iter().map(|l| &l.primitives).collect::<Vec<_>>()
    );
    let inner = ["mb_k5_res", "gh_k3", "mb_k3_e2_res_se", "gh_k5", "mb_k3_e4_res"];
    let own = pfld.subnet(&pfld.choice(&inner).unwrap(), 106);
    let names: Vec<&str> = BEFORE.into_iter().chain(inner).chain(BEHIND).collect();
    let choice = full.choice(&names).unwrap();
    let other = full.subnet(&choice, 106);
    assert_eq!((own.macs(), own.parameter_count()), (other.macs(), other.parameter_count()));
    let dims = |graph: &blocks::Graph| graph.params().into_iter().map(|p| p.dims).collect::<Vec<_>>();
    assert_eq!(dims(&own), dims(&other));
    // The same weights under other names, in the same order.
    let weights = Weights::for_measuring(&own, 4);
    let renamed = std::iter::zip(own.params(), other.params()).map(|(from, to)| (to.name, weights.0[&from.name].clone()));
    let renamed = Weights(renamed.collect());
    let picture: Vec<f32> = (0..pfld.input().volume()).map(|i| (i as f32 * 0.37).sin()).collect();
    let own = eval::evaluate(&own, &weights, std::slice::from_ref(&picture)).unwrap();
    assert_eq!(own, eval::evaluate(&other, &renamed, &[picture]).unwrap(), "landmarks and features");
}

#[test]
fn its_layers_and_fixed_pieces_add_up_to_its_networks() {
    let space = Space::load("pfld-full").unwrap();
    assert_eq!(space.fixed_keys(), ["trunk:join", "trunk:fc"]);
    let pieces = space.trunk_pieces(106);
    let join = &pieces[0].graph;
    assert_eq!((join.inputs().len(), join.node(join.outputs()[0].1).shape), (3, Shape::new(112, 7, 7)));
    for k in 0..9 {
        let choice: Vec<Primitive> = space.layers().iter().map(|layer| layer.primitives[k % layer.primitives.len()]).collect();
        let parts = space.layers().iter().map(|l| l.candidates().nth(k % l.primitives.len()).unwrap().graph().macs()).sum::<u64>();
        let fixed: u64 = pieces.iter().map(|piece| piece.graph.macs()).sum();
        let network = space.deployed(&choice, 106);
        assert_eq!(network.macs(), parts + fixed);
        assert_eq!(network.node(network.outputs()[0].1).shape, Shape::new(212, 1, 1));
    }
    let supernet = space.supernet(106);
    let mixtures = supernet.nodes().iter().filter(|node| matches!(node.op, blocks::Op::Mixture { .. })).count();
    assert_eq!((mixtures, supernet.outputs().len()), (14, 2));
    let pose = space.pose_net().unwrap();
    assert_eq!(pose.node(pose.inputs()[0]).shape, Shape::new(16, 28, 28));
}

#[test]
fn the_hashes_of_the_spaces_that_tables_were_made_for_stay() {
    let hash = |name: &str| Space::load(name).unwrap().hash();
    assert_eq!(&hash("pfld")[..12], "967f1c6ffa60");
    assert_eq!(&hash("pfld26")[..12], "d05bc1bc389e");
}

/// Four layers, of which the last reads as told, with one of the trunks.
fn text(inputs: &str, stride: usize, trunk: &str) -> String {
    format!(
        "name = \"own\"\ninput = [3, 112, 112]\n{trunk}[[stage]]\ncandidates = [\"conv_k3\"]\n\
         layers = [{{ c_in = 3, c_out = 8, stride = 2, h = 112, w = 112 }}, {{ c_in = 8, c_out = 8, stride = 2, h = 56, w = 56 }},\n\
         {{ c_in = 8, c_out = 8, stride = 1, h = 28, w = 28 }}]\n[[stage]]\ncandidates = [\"linear\"]\n\
         layers = [{{ c_in = 16, c_out = 8, stride = 1, h = 28, w = 28{inputs} }}]\n[[stage]]\ncandidates = [\"pool_avg\"]\n\
         layers = [{{ c_in = 8, c_out = 8, stride = {stride}, h = 28, w = 28 }}]\n"
    )
}

fn first_fault(text: &str) -> SpaceFault {
    match Space::parse(text, "own.toml").expect_err("the space was accepted") {
        SpaceError::Faults { origin, mut faults } if origin == "own.toml" => faults.swap_remove(0),
        other => panic!("{other}"),
    }
}

/// A fault of the last layer but one.
fn of_layer(kind: SpaceFaultKind) -> SpaceFault {
    SpaceFault { place: SpacePlace::Layer { layer: 4, stage: 2 }, kind }
}

fn of_trunk(fault: TrunkFault) -> SpaceFault {
    SpaceFault { place: SpacePlace::Trunk, kind: SpaceFaultKind::Trunk(fault) }
}

#[test]
fn a_graph_of_layers_is_checked_when_it_is_read() {
    const FC: &str = "[trunk]\nkind = \"fc\"\nfeatures_layer = 2\n";
    let space = Space::parse(&text(", inputs = [3, 2]", 28, FC), "own.toml").unwrap();
    assert_eq!(space.layers()[3].inputs, [2, 1]);
    assert_ne!(space.hash(), Space::parse(&text(", inputs = [2, 3]", 28, FC), "own.toml").unwrap().hash());
    assert_eq!(space.deployed(&space.layers().iter().map(|l| l.primitives[0]).collect::<Vec<_>>(), 5).outputs().len(), 1);
    let given = |c, side, is_chained| {
        of_layer(SpaceFaultKind::Chain { input: Shape::new(16, 28, 28), given: Shape::new(c, side, side), is_chained })
    };
    let inputs = |inputs: &[usize]| of_layer(SpaceFaultKind::Inputs(inputs.to_vec()));
    for (inputs, expected) in [
        ("", given(8, 28, true)),
        (", inputs = [3]", given(8, 28, true)),
        (", inputs = [1]", given(8, 56, false)),
        (", inputs = []", inputs(&[])),
        (", inputs = [3, 4]", inputs(&[3, 4])),
        (", inputs = [0]", inputs(&[0])),
        (", inputs = [3, 1]", of_layer(SpaceFaultKind::Join)),
        (", inputs = [2, 2]", SpaceFault { place: SpacePlace::Layer { layer: 3, stage: 1 }, kind: SpaceFaultKind::Unread }),
    ] {
        assert_eq!(first_fault(&text(inputs, 28, FC)), expected);
    }
    let features = TrunkFault::Features { layer: 5, gives: Shape::new(8, 1, 1), least: 28 };
    for (trunk, expected) in [
        ("kind = \"fc\"\nside_layer = 1", TrunkFault::Settings { kind: "fc", needs: "features_layer" }),
        ("kind = \"pfld\"\nfeatures_layer = 1", TrunkFault::Settings { kind: "pfld", needs: "side_layer" }),
        ("kind = \"other\"\nside_layer = 1", TrunkFault::Kind("other".into())),
        ("kind = \"fc\"\nfeatures_layer = 6", TrunkFault::NoLayer { setting: "features_layer", layer: 6, layers: 5 }),
        ("kind = \"fc\"\nfeatures_layer = 5", features),
    ] {
        assert_eq!(first_fault(&text(", inputs = [3, 2]", 28, &format!("[trunk]\n{trunk}\n"))), of_trunk(expected));
    }
    let of_last = |kind| SpaceFault { place: SpacePlace::Layer { layer: 5, stage: 3 }, kind };
    let primitive = Primitive::from_name("pool_avg").unwrap();
    let misfit = Misfit::Size { gives: (1, 1), expected: (2, 2) };
    assert_eq!(first_fault(&text(", inputs = [3, 2]", 14, FC)), of_last(SpaceFaultKind::Misfit { primitive, misfit }));
    let whole = text(", inputs = [3, 2]", 28, FC);
    let second =
        "[[stage]]\ncandidates = [\"conv1x1\"]\nlayers = [{ c_in = 16, c_out = 8, stride = 1, h = 1, w = 1, inputs = [5, 5] }]\n";
    let place = SpacePlace::Layer { layer: 6, stage: 4 };
    assert_eq!(first_fault(&(whole.clone() + second)), SpaceFault { place, kind: SpaceFaultKind::SecondJoin });
    let wide = whole.replace("pool_avg", "mb_k3");
    assert_eq!(first_fault(&wide), of_last(SpaceFaultKind::Stride(28)), "only pools take larger strides");
    let open = whole.replace(
        "\"pool_avg\"]\nlayers = [{ c_in = 8, c_out = 8, stride = 28",
        "\"mb_k3\"]\nlayers = [{ c_in = 8, c_out = 8, stride = 2",
    );
    assert_eq!(first_fault(&open), of_trunk(TrunkFault::Pixels(Shape::new(8, 14, 14))));
    let other = whole.replace("input = [3, 112, 112]", "input = [3, 96, 96]");
    let kind = SpaceFaultKind::First { input: Shape::new(3, 96, 96), first: Shape::new(3, 112, 112) };
    assert_eq!(first_fault(&other), SpaceFault { place: SpacePlace::File, kind });
}
