//! The space `pfld-full`: what it has, that PFLD's own networks are among its networks, and what is said of wrong graphs of layers.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as the tests do")]

use blocks::{Primitive, Shape, Space, Weights, eval};

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

fn error(text: &str) -> String {
    Space::parse(text, "own.toml").expect_err("the space was accepted").to_string()
}

#[test]
fn a_graph_of_layers_is_checked_when_it_is_read() {
    const FC: &str = "[trunk]\nkind = \"fc\"\nfeatures_layer = 2\n";
    let space = Space::parse(&text(", inputs = [3, 2]", 28, FC), "own.toml").unwrap();
    assert_eq!(space.layers()[3].inputs, [2, 1]);
    assert_ne!(space.hash(), Space::parse(&text(", inputs = [2, 3]", 28, FC), "own.toml").unwrap().hash());
    assert_eq!(space.deployed(&space.layers().iter().map(|l| l.primitives[0]).collect::<Vec<_>>(), 5).outputs().len(), 1);
    for (inputs, stride, trunk, said) in [
        ("", 28, FC, "16x28x28 is not the output 8x28x28 of the layer before it"),
        (", inputs = [3]", 28, FC, "16x28x28 is not the output 8x28x28"),
        (", inputs = [1]", 28, FC, "layer 4 (stage 2): its input 16x28x28 is not the output 8x56x56 of the layers it reads"),
        (", inputs = []", 28, FC, "inputs [] are not layers before it"),
        (", inputs = [3, 4]", 28, FC, "inputs [3, 4] are not layers before it"),
        (", inputs = [0]", 28, FC, "inputs [0] are not layers before it"),
        (", inputs = [3, 1]", 28, FC, "maps of different sides"),
        (", inputs = [2, 2]", 28, FC, "layer 3: no layer reads its output"),
        (", inputs = [3, 2]", 28, "[trunk]\nkind = \"fc\"\nside_layer = 1\n", "'fc' needs features_layer"),
        (", inputs = [3, 2]", 28, "[trunk]\nkind = \"pfld\"\nfeatures_layer = 1\n", "'pfld' needs side_layer"),
        (", inputs = [3, 2]", 28, "[trunk]\nkind = \"other\"\nside_layer = 1\n", "kind 'other' is unknown"),
        (", inputs = [3, 2]", 28, "[trunk]\nkind = \"fc\"\nfeatures_layer = 6\n", "features_layer 6 is not one of the 5 layers"),
        (", inputs = [3, 2]", 28, "[trunk]\nkind = \"fc\"\nfeatures_layer = 5\n", "gives 1x1; the pose net needs 28x28"),
        (", inputs = [3, 2]", 14, FC, "'pool_avg' leaves one pixel of the map, not 2x2"),
    ] {
        let found = error(&text(inputs, stride, trunk));
        assert!(found.contains("own.toml") && found.contains(said), "{found}");
    }
    let whole = text(", inputs = [3, 2]", 28, FC);
    let second =
        "[[stage]]\ncandidates = [\"conv1x1\"]\nlayers = [{ c_in = 16, c_out = 8, stride = 1, h = 1, w = 1, inputs = [5, 5] }]\n";
    assert!(error(&(whole.clone() + second)).contains("only one may"));
    let wide = whole.replace("pool_avg", "mb_k3");
    assert!(error(&wide).contains("stride 28 is neither 1 nor 2"), "only pools take larger strides");
    let open = whole.replace(
        "\"pool_avg\"]\nlayers = [{ c_in = 8, c_out = 8, stride = 28",
        "\"mb_k3\"]\nlayers = [{ c_in = 8, c_out = 8, stride = 2",
    );
    assert!(error(&open).contains("must leave one pixel, not 14x14"));
    let other = whole.replace("input = [3, 112, 112]", "input = [3, 96, 96]");
    assert!(error(&other).contains("3x96x96 must be the first layer's, 3x112x112"));
}
