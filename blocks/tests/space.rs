//! Search spaces that are wrong: the error names the place, and all places at once.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as the tests do")]

use blocks::space_fault::{SpaceFaultKind as Kind, SpacePlace as Place};
use blocks::trunk_fault::TrunkFault;
use blocks::{Misfit, Primitive, Shape, Space, SpaceError, SpaceFault};

const LAYER: &str = "{ c_in = 8, c_out = 8, stride = 1, h = 10, w = 10 }";

/// A space without a trunk of these layers and candidates.
fn text(candidates: &str, layers: &[&str]) -> String {
    format!("name = \"own\"\ninput = [8, 10, 10]\n[[stage]]\ncandidates = [{candidates}]\nlayers = [{}]\n", layers.join(", "))
}

fn error(text: &str) -> String {
    Space::parse(text, "own.toml").expect_err("the space was accepted").to_string()
}

/// What is wrong with a space, and where.
fn faults(text: &str) -> Vec<(Place, Kind)> {
    match Space::parse(text, "own.toml").expect_err("the space was accepted") {
        SpaceError::Faults { origin, faults } if origin == "own.toml" => {
            faults.into_iter().map(|SpaceFault { place, kind }| (place, kind)).collect()
        }
        other => panic!("{other}"),
    }
}

const fn layer(layer: usize) -> Place {
    Place::Layer { layer, stage: 1 }
}

fn known(name: &str) -> Primitive {
    Primitive::from_name(name).unwrap()
}

fn unknown(name: &str, near: Option<&str>) -> (Place, Kind) {
    (Place::Stage(1), Kind::Unknown { name: name.into(), near: near.map(known) })
}

fn assert_says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "'{part}' is not in: {message}");
    }
}

#[test]
fn a_users_own_space_works_like_the_built_in_one() {
    let folder = std::env::temp_dir().join(format!("blocks-space-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("own.toml");
    let reduce = "{ c_in = 8, c_out = 16, stride = 2, h = 10, w = 10 }";
    std::fs::write(&path, text("\"mb_k3\", \"sep_k5\"", &[LAYER, LAYER, reduce])).unwrap();
    let space = Space::load(path.to_str().unwrap()).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!((space.candidates().count(), space.unique_candidates().len()), (6, 4));
    assert!(space.pose_net().is_none() && space.trunk_pieces(106).is_empty());
    let choice = space.choice(&["mb_k3", "sep_k5", "mb_k3"]).unwrap();
    assert_eq!(space.subnet(&choice, 106).outputs()[0].0, "y");
    assert_ne!(space.hash(), Space::load("pfld").unwrap().hash());
}

#[test]
fn the_larger_built_in_space_has_each_of_nnis_primitives_at_each_layer_of_three_stages() {
    let space = Space::load("pfld26").unwrap();
    let all: Vec<_> = Primitive::nni().collect();
    assert!(space.layers().iter().all(|layer| layer.primitives == all));
    assert_eq!(space.layers().iter().map(|layer| layer.stage).collect::<Vec<_>>(), [0, 0, 1, 1, 2, 2]);
    // Layers of equal shapes share their keys.
    assert_eq!((space.candidates().count(), space.unique_candidates().len()), (6 * 26, 3 * 26));
    for &primitive in &all {
        let graph = space.deployed(&[primitive; 6], 29);
        assert_eq!(graph.node(graph.outputs()[0].1).shape, blocks::Shape::new(58, 1, 1), "{primitive}");
    }
    assert_eq!(space.supernet(29).outputs().len(), 2);
}

#[test]
fn an_unknown_primitive_is_named_with_the_nearest_known() {
    let near = unknown("mb_k3_e2_rse", Some("mb_k3_e2_res"));
    assert_eq!(faults(&text("\"mb_k3\", \"mb_k3_e2_rse\"", &[LAYER])), [near]);
    let far = text("\"transformer\"", &[LAYER]);
    assert_eq!(faults(&far), [unknown("transformer", None)]);
    assert_says(&error(&far), &["own.toml", "'transformer'", "skip, conv1x1"]);
}

#[test]
fn layers_that_do_not_chain_are_named() {
    let other = "{ c_in = 16, c_out = 16, stride = 1, h = 10, w = 10 }";
    let kind = Kind::Chain { input: Shape::new(16, 10, 10), given: Shape::new(8, 10, 10), is_chained: true };
    assert_eq!(faults(&text("\"mb_k3\"", &[LAYER, other])), [(layer(2), kind)]);
}

#[test]
fn a_residual_between_unequal_channels_is_refused() {
    let wider = "{ c_in = 8, c_out = 12, stride = 1, h = 10, w = 10 }";
    let kind = Kind::Misfit { primitive: known("mb_k5_res"), misfit: Misfit::Residual { c_in: 8, c_out: 12 } };
    assert_eq!(faults(&text("\"mb_k3\", \"mb_k5_res\"", &[wider])), [(layer(1), kind)]);
    // The same with stride 2 has no residual and is fine.
    let reduce = "{ c_in = 8, c_out = 12, stride = 2, h = 10, w = 10 }";
    assert!(Space::parse(&text("\"mb_k3\", \"mb_k5_res\"", &[reduce]), "own.toml").is_ok());
}

#[test]
fn all_faults_are_listed_at_once() {
    let wrong = "{ c_in = 8, c_out = 0, stride = 3, h = 10, w = 10 }";
    let stride = "{ c_in = 8, c_out = 8, stride = 3, h = 10, w = 10 }";
    let twice = (Place::Stage(1), Kind::Twice(known("mb_k3")));
    assert_eq!(
        faults(&text("\"nothing\", \"mb_k3\", \"mb_k3\"", &[wrong, stride])),
        [unknown("nothing", None), twice, (layer(1), Kind::Shapes), (layer(2), Kind::Stride(3))],
    );
    // A layer without a sensible output says nothing about the next one's input.
    let senseless = text("\"mb_k3\"", &["{ c_in = 8, c_out = 8, stride = 0, h = 10, w = 10 }", LAYER]);
    assert_eq!(faults(&senseless), [(layer(1), Kind::Stride(0))]);
    let many = faults(&text(&"\"nothing\", ".repeat(500), &[LAYER]));
    let (more, listed) = many.split_last().unwrap();
    assert_eq!((listed.len(), more), (100, &(Place::File, Kind::More)));
    assert!(listed.iter().all(|fault| *fault == unknown("nothing", None)));
    assert_eq!(faults(&"#".repeat(2 << 20)), [(Place::File, Kind::TooLong)]);
}

#[test]
fn what_is_no_space_is_refused() {
    assert_says(&error(""), &["own.toml", "name"]);
    assert_says(&error("\u{1}\u{2} garbage"), &["own.toml"]);
    assert_eq!(faults(&text("\"mb_k3\"", &[])), [(Place::Stage(1), Kind::EmptyStage)]);
    assert_says(&error(&text("\"mb_k3\"", &["{ c_in = 8, channels = 9 }"])), &["channels"]);
    let huge = "{ c_in = 8, c_out = 99999999999, stride = 1, h = 10, w = 10 }";
    assert_eq!(faults(&text("\"mb_k3\"", &[huge])), [(layer(1), Kind::Shapes)]);
    assert_says(&Space::load("no-such-space").unwrap_err().to_string(), &["no-such-space", "pfld"]);
}

/// A space with a trunk, whose layers have these strides: channels and sides follow from the input's.
fn with_trunk([c, h, w]: [usize; 3], strides: &[usize], side_layer: usize) -> String {
    let (mut h_in, mut w_in) = (h / 8, w / 8);
    let mut layers = Vec::new();
    for stride in strides {
        layers.push(format!("{{ c_in = 32, c_out = 32, stride = {stride}, h = {h_in}, w = {w_in} }}"));
        (h_in, w_in) = (h_in.div_ceil(*stride), w_in.div_ceil(*stride));
    }
    format!(
        "name = \"own\"\ninput = [{c}, {h}, {w}]\n[trunk]\nkind = \"pfld\"\nside_layer = {side_layer}\n[[stage]]\n\
         candidates = [\"mb_k3\", \"gh_k5\"]\nlayers = [{}]\n",
        layers.join(", ")
    )
}

/// Every graph that a space gives, none of which may panic once the space is accepted.
fn build_all(space: &Space) {
    for layer in 0..space.layers().len() {
        for &primitive in &space.layers()[layer].primitives {
            let mut choice: Vec<_> = space.layers().iter().map(|l| l.primitives[0]).collect();
            choice[layer] = primitive;
            space.subnet(&choice, 5);
            space.deployed(&choice, 5);
        }
    }
    space.supernet(5);
    assert_eq!(space.pose_net().is_some(), !space.trunk_pieces(5).is_empty());
}

#[test]
fn inputs_that_a_trunk_cannot_have_are_refused_with_the_least_it_can() {
    let told = |input, strides: &[usize], side_layer| match &faults(&with_trunk(input, strides, side_layer))[..] {
        [(Place::Trunk, Kind::Trunk(fault))] => fault.clone(),
        other => panic!("{other:?}"),
    };
    for (h, w) in [(96, 96), (104, 104), (120, 120), (113, 113), (8, 8), (112, 96)] {
        assert_eq!(told([3, h, w], &[1, 2], 1), TrunkFault::Sides(Shape::new(3, h, w)));
    }
    let least = error(&with_trunk([3, 8, 8], &[1, 2], 1));
    assert_says(&least, &["own.toml", "trunk: ", "16", "112", "8x8"]);
    let last = |h, w| Shape::new(32, h, w);
    assert_eq!(told([3, 112, 128], &[1, 2], 1), TrunkFault::NotSquare(last(7, 8)));
    assert_eq!(told([1, 112, 112], &[1, 2], 1), TrunkFault::Channels(1));
    let side_layer = TrunkFault::SideLayer { layer: 1, gives: last(14, 14), last: last(14, 14) };
    assert_eq!(told([3, 112, 112], &[1, 1], 1), side_layer);
    let side_branch = TrunkFault::SideBranch { gives: (7, 7), last: last(4, 4) };
    assert_eq!(told([3, 112, 112], &[2, 2], 1), side_branch);
    let no_layer = TrunkFault::NoLayer { setting: "side_layer", layer: 3, layers: 2 };
    assert_eq!(told([3, 112, 112], &[1, 2], 3), no_layer);
}

#[test]
fn what_is_accepted_with_a_trunk_can_be_built() {
    let mut accepted = Vec::new();
    for side in 8..=192 {
        for strides in [&[1, 1][..], &[1, 2], &[2, 1], &[2, 2], &[1, 2, 2]] {
            for side_layer in 1..=strides.len() {
                if let Ok(space) = Space::parse(&with_trunk([3, side, side], strides, side_layer), "own.toml") {
                    build_all(&space);
                    accepted.push((side, strides, side_layer));
                }
            }
        }
    }
    let expected: Vec<_> = [112, 128, 144, 160, 176, 192].into_iter().map(|side| (side, &[1, 2][..], 1)).collect();
    assert_eq!(accepted, expected);
}

#[test]
fn what_is_accepted_without_a_trunk_can_be_built() {
    let sizes = [1, 2, 3, 8];
    let mut accepted = 0;
    for primitive in Primitive::all() {
        for (h, w) in sizes.iter().flat_map(|h| sizes.map(|w| (h, w))) {
            for (c_in, c_out) in sizes.iter().flat_map(|c_in| sizes.map(|c_out| (c_in, c_out))) {
                for stride in 1..=2 {
                    let text = format!(
                        "name = \"own\"\ninput = [{c_in}, {h}, {w}]\n[[stage]]\ncandidates = [\"{primitive}\"]\n\
                         layers = [{{ c_in = {c_in}, c_out = {c_out}, stride = {stride}, h = {h}, w = {w} }}]\n"
                    );
                    if let Ok(space) = Space::parse(&text, "own.toml") {
                        build_all(&space);
                        accepted += 1;
                    }
                }
            }
        }
    }
    assert!(accepted > 5_000, "only {accepted} were accepted");
}

#[test]
fn a_choice_must_name_a_candidate_of_each_layer() {
    let space = Space::load("pfld").unwrap();
    assert_says(&space.choice(&["gh_k3"]).unwrap_err(), &["1 names", "5 layers"]);
    assert_says(
        &space.choice(&["gh_k3", "gh_k3", "gh_k3", "gh_k5", "gh_k5"]).unwrap_err(),
        &["layer 3", "'gh_k3'", "mb_k3_e2_res"],
    );
}

#[test]
fn a_folder_is_no_file_of_a_space() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    assert!(matches!(Space::load(path), Err(SpaceError::Folder { path: told }) if told == path));
    assert!(matches!(Space::load("nowhere"), Err(SpaceError::Unknown { name }) if name == "nowhere"));
}
