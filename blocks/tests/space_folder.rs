//! Search spaces as folders: read, joined, and refused with all their faults.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as the tests do")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use blocks::measurable::ChoiceError;
use blocks::onnx::block::{Block, BlockFault, Side};
use blocks::onnx::{inspect, schema};
use blocks::space_folder::{FaultKind, FolderError, FolderFault, Place};
use blocks::{Measurable, SpaceFolder};
use prost::Message;
use support::onnx::{bytes, element, floats, node, number, port};

const EXPORTERS: [&str; 2] = ["torchscript", "dynamo"];

fn exported(exporter: &str) -> PathBuf {
    support::project_root().join("tests/spaces/onnx").join(exporter)
}

const HEAD: &str = "format = \"blocktime-space\"\nschema = 1\nkind = \"onnx\"\nname = \"own\"\ninput = [4, 8, 8]\n";

/// A block's file: one operation from one shape to another.
fn block(operator: &str, from: &str, to: &str) -> Vec<u8> {
    let nodes = [node(operator, &["x"], &["y"], &[])];
    support::onnx::model(&nodes, &[], &[port("x", element::FLOAT32, from)], &[port("y", element::FLOAT32, to)])
}

/// The file with another version of the operators.
fn with_opset(file: &[u8], version: i64) -> Vec<u8> {
    let mut model = schema::Model::decode(file).unwrap();
    model.opset_import[0].version = Some(version);
    model.encode_to_vec()
}

const MAP: &str = "1,4,8,8";
const SMALL: &str = "1,4,4,4";

/// A folder of some blocks that a test may name in its `space.toml`.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let two = [node("Relu", &["x"], &["a"], &[]), node("Tanh", &["x"], &["b"], &[])];
    let two = support::onnx::model(
        &two,
        &[],
        &[port("x", element::FLOAT32, MAP)],
        &[port("a", element::FLOAT32, MAP), port("b", element::FLOAT32, MAP)],
    );
    let sum = [node("Add", &["p", "q"], &["y"], &[])];
    let inputs = [port("p", element::FLOAT32, MAP), port("q", element::FLOAT32, MAP)];
    let sum = support::onnx::model(&sum, &[], &inputs, &[port("y", element::FLOAT32, MAP)]);
    let files = [
        ("relu.onnx", block("Relu", MAP, MAP)),
        ("tanh.onnx", block("Tanh", MAP, MAP)),
        ("through.onnx", block("Identity", MAP, MAP)),
        ("half.onnx", block("MaxPool", MAP, SMALL)),
        ("small.onnx", block("Relu", SMALL, SMALL)),
        ("new.onnx", with_opset(&block("Tanh", MAP, MAP), 20)),
        ("open.onnx", block("Relu", "1,4,height,8", MAP)),
        ("own.onnx", [block("Relu", MAP, MAP), bytes(25, bytes(1, "Own"))].concat()),
        ("if.onnx", block("If", MAP, MAP)),
        ("two.onnx", two),
        ("sum.onnx", sum),
        ("text.onnx", b"no model".to_vec()),
    ];
    for (name, content) in files {
        fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

fn read(folder: &Path, slots: &str) -> Result<SpaceFolder, FolderError> {
    SpaceFolder::parse(&format!("{HEAD}{slots}"), &folder.join("space.toml"))
}

/// What is told of a space with these slots.
fn told(slots: &str) -> Vec<FolderFault> {
    told_in(folder().path(), slots)
}

fn told_in(folder: &Path, slots: &str) -> Vec<FolderFault> {
    match read(folder, slots).unwrap_err() {
        FolderError::Faults { faults, .. } => faults,
        other => panic!("{other}"),
    }
}

fn fixed(name: &str, file: &str) -> String {
    format!("[[slot]]\nname = \"{name}\"\nfile = \"{file}\"\n")
}

/// A layer of candidates; an empty file is an identity.
fn layer(name: &str, candidates: &[(&str, &str)]) -> String {
    let one = |(name, file): &(&str, &str)| match *file {
        "" => format!("{{ name = \"{name}\", identity = true }}"),
        file => format!("{{ name = \"{name}\", file = \"{file}\" }}"),
    };
    format!("[[slot]]\nname = \"{name}\"\ncandidates = [{}]\n", candidates.iter().map(one).collect::<Vec<_>>().join(", "))
}

#[test]
fn what_the_python_package_writes_is_read() {
    for exporter in EXPORTERS {
        let path = exported(exporter);
        assert!(
            SpaceFolder::is_at(&path) && SpaceFolder::is_at(&path.join("space.toml")) && !SpaceFolder::is_at(&path.join("blocks"))
        );
        let space = SpaceFolder::load(&path).unwrap();
        assert_eq!(space.name(), format!("small-{exporter}"));
        assert_eq!(space, SpaceFolder::load(&path.join("space.toml")).unwrap());
        assert_eq!(space.export()["exporter"], exporter);
        let names: Vec<_> = space.slots().iter().map(|slot| (slot.name.as_str(), slot.candidates.len())).collect();
        assert_eq!(names, [("stem", 1), ("L1", 4), ("L2", 3), ("L3", 2), ("head", 1)]);
        let keys: Vec<_> = space
            .slots()
            .iter()
            .filter(|slot| slot.is_searched)
            .flat_map(|slot| slot.candidates.iter().map(|c| c.key.split('~').next().unwrap()))
            .collect();
        let (same, half) = ("k3_e2@4x8x8-s1-4", "@4x8x8-s2-8");
        let expected = [same, "k5_e1_g2@4x8x8-s1-4", same, "skip@4x8x8-s1-4", same, "normed@4x8x8-s1-4", "skip@4x8x8-s1-4"];
        assert_eq!(keys, [&expected[..], &[&format!("k3_e1{half}"), &format!("se{half}")]].concat());
        assert_eq!(space.blocks().len(), 7);
        assert!(space.notes().is_empty());
    }
}

#[test]
fn joined_blocks_hold_what_the_whole_network_does() {
    for exporter in EXPORTERS {
        let space = SpaceFolder::load(&exported(exporter)).unwrap();
        let choice: Vec<_> = space.choice(&["k3_e2", "skip", "se"]).unwrap().into_iter().map(Some).collect();
        let file = space.network(&choice);
        assert_eq!(file, space.network(&choice), "the same bytes each time");
        let (joined, whole) =
            (inspect(&file).unwrap(), inspect(&fs::read(exported(exporter).join("whole.onnx")).unwrap()).unwrap());
        // Exporters write the same values once, as constants or as operations: what is computed with them counts.
        let computes = |summary: &blocks::onnx::Summary| {
            let mut operators = summary.operators.clone();
            operators.retain(|name, _| !["Constant", "Identity"].contains(&name.as_str()));
            operators
        };
        assert_eq!(computes(&joined), computes(&whole), "{exporter}");
        assert_eq!((joined.opset, joined.inputs[0].name.as_str()), (whole.opset, "input"));
        assert_eq!((joined.outputs[0].name.as_str(), joined.outputs.len()), ("head", 1));
        assert_eq!(joined.outputs[0].dims, whole.outputs[0].dims);
        Block::read(&file).expect("a network is a sound block itself");
    }
}

#[test]
fn a_network_has_its_blocks_in_place_and_their_weights_twice() {
    let space = SpaceFolder::load(&exported("torchscript")).unwrap();
    let parameters = |choice: [Option<usize>; 3]| Block::read(&space.network(&choice)).unwrap().parameters();
    let (twice, once, none) =
        (parameters([Some(0), Some(0), Some(0)]), parameters([Some(0), None, Some(0)]), parameters([None, None, Some(0)]));
    let block = &space.blocks()[space.slots()[1].candidates[0].block.unwrap()];
    assert_eq!((twice - once, once - none), (block.parameters(), block.parameters()));
    // The file's second candidate that is the same block gives the same network.
    assert_eq!(space.network(&[Some(2), None, Some(0)]), space.network(&[Some(0), Some(2), Some(0)]));
}

#[test]
fn names_that_are_no_network_are_refused() {
    let space = SpaceFolder::load(&exported("dynamo")).unwrap();
    let few = ChoiceError::Layers { space: "small-dynamo".into(), layers: 3, given: 1 };
    assert_eq!(space.choice(&["k3_e2"]), Err(few));
    let wrong = ChoiceError::Candidate { layer: 2, name: "k5_e1_g2".into(), known: "k3_e2, normed, skip".into() };
    assert_eq!(space.choice(&["k3_e2", "k5_e1_g2", "se"]), Err(wrong));
}

#[test]
fn the_hash_is_of_what_is_measured() {
    let folder = folder();
    let hash = |slots: &str| read(folder.path(), slots).unwrap().hash();
    let one = hash(&layer("L1", &[("a", "relu.onnx"), ("b", "tanh.onnx")]));
    assert_ne!(one, hash(&layer("L1", &[("b", "tanh.onnx"), ("a", "relu.onnx")])));
    assert_ne!(one, hash(&layer("L2", &[("a", "relu.onnx"), ("b", "tanh.onnx")])));
    fs::copy(folder.path().join("relu.onnx"), folder.path().join("other.onnx")).unwrap();
    assert_eq!(one, hash(&layer("L1", &[("a", "other.onnx"), ("b", "tanh.onnx")])), "a file's name does not count");
}

/// Tables hold it: it stays the same.
#[test]
fn the_hashes_of_committed_folders_stay() {
    let hashes = EXPORTERS.map(|exporter| SpaceFolder::load(&exported(exporter)).unwrap().hash());
    let expected = [
        "5e09f569a2967c6029fe7dfec9b88b69a246af7085ba9a7e14ca5e89849e5d44",
        "924cba6f4518ddd3458d02a4c0c05b01b2c294941563c91edd25116cfa7047ac",
    ];
    assert_eq!(hashes, expected);
}

#[test]
fn side_branches_and_several_outputs_are_wired() {
    let folder = folder();
    let slots = fixed("two", "two.onnx") + &layer("L1", &[("a", "relu.onnx"), ("skip", "")]) + &fixed("sum", "sum.onnx");
    let slots = slots + "inputs = [\"L1\", \"two:1\"]\n";
    let outputs = |names: &str| {
        let space = SpaceFolder::parse(&format!("{HEAD}outputs = {names}\n{slots}"), &folder.path().join("space.toml")).unwrap();
        let summary = inspect(&space.network(&[Some(1)])).unwrap();
        summary.outputs.into_iter().map(|port| port.name).collect::<Vec<_>>()
    };
    assert_eq!(outputs("[\"sum\"]"), ["sum"]);
    // With nothing in the layer, its output is the first piece's: it leaves twice, under two names.
    assert_eq!(outputs("[\"two\", \"L1\", \"sum\"]"), ["two", "L1", "sum"]);
    let named = HEAD.replace("input = [4, 8, 8]", "input = { right = [4, 8, 8], left = [4, 8, 8] }");
    let sum = fixed("sum", "sum.onnx") + "inputs = [\"left\", \"right\"]\n";
    let space = SpaceFolder::parse(&(named + &sum), &folder.path().join("space.toml")).unwrap();
    let inputs = inspect(&space.network(&[])).unwrap().inputs;
    assert_eq!(inputs.iter().map(|port| port.name.as_str()).collect::<Vec<_>>(), ["left", "right"]);
}

#[test]
fn a_block_that_does_nothing_is_taken_as_identity_and_that_is_told() {
    let folder = folder();
    let space = read(folder.path(), &layer("L1", &[("relu", "relu.onnx"), ("none", "through.onnx")])).unwrap();
    assert_eq!(space.notes(), ["layer 'L1', 'none': does nothing, taken as identity"]);
    assert_eq!((space.slots()[0].candidates[1].block, &space.slots()[0].candidates[1].key[..]), (None, "none@4x8x8-s1-4"));
}

#[test]
fn each_refusal_names_its_place() {
    let relu = ("relu", "relu.onnx");
    let (slot, text) = (|name: &str| Place::Slot(name.into()), str::to_string);
    let candidate = |name: &str| Place::Candidate { layer: "L1".into(), name: name.into() };
    let block = |file: &str, fault| FaultKind::Block { file: file.into(), fault };
    let open = BlockFault::Open { side: Side::Input, name: text("x"), dim: 2, label: text("height") };
    let chain = FaultKind::Chain { takes: text("4x4x4"), source_name: text("a"), gives: text("4x8x8") };
    let outputs = FaultKind::Outputs { given: text("4x4x4"), first: text("relu"), expected: text("4x8x8") };
    let cases = [
        (
            layer("L1", &[relu, ("tanh", "tanh.onnx"), ("new", "new.onnx")]),
            candidate("new").fault(FaultKind::Opset { file: text("new.onnx"), opset: 20, others: 13 }),
        ),
        (layer("L1", &[relu, ("half", "half.onnx")]), candidate("half").fault(outputs)),
        (fixed("a", "relu.onnx") + &layer("L1", &[("small", "small.onnx")]), candidate("small").fault(chain)),
        (layer("L1", &[relu, ("open", "open.onnx")]), candidate("open").fault(block("open.onnx", open))),
        (fixed("own", "own.onnx"), slot("own").fault(block("own.onnx", BlockFault::Functions))),
        (fixed("if", "if.onnx"), slot("if").fault(block("if.onnx", BlockFault::ControlFlow(text("If"))))),
        (
            layer("L1", &[("half", "half.onnx"), ("skip", "")]),
            candidate("skip").fault(FaultKind::Nothing { given: text("4x8x8"), expected: text("4x4x4") }),
        ),
        (fixed("two", "two.onnx") + &fixed("a", "relu.onnx"), slot("two").fault(FaultKind::Unused(text("output 1 of 'two'")))),
        (fixed("sum", "sum.onnx"), slot("sum").fault(FaultKind::Inputs { takes: 2, wired: 1 })),
        (fixed("a", "relu.onnx") + "inputs = [\"b\"]\n", slot("a").fault(FaultKind::Source(text("b")))),
        (
            fixed("a", "relu.onnx") + &fixed("b", "relu.onnx") + "inputs = [\"a:1\"]\n",
            slot("b").fault(FaultKind::Source(text("a:1"))),
        ),
        (fixed("a", "../relu.onnx"), slot("a").fault(FaultKind::Path(text("../relu.onnx")))),
        (fixed("a b", "relu.onnx"), slot("a b").fault(FaultKind::Name(text("a b")))),
        (layer("L1", &[relu, relu]), candidate("relu").fault(FaultKind::Repeated(text("relu")))),
    ];
    for (slots, expected) in cases {
        assert_eq!(told(&slots), [expected]);
    }
    let [FolderFault { place, kind }] = &told(&fixed("a", "gone.onnx"))[..] else { panic!() };
    assert!(place == &slot("a") && matches!(kind, FaultKind::File(said) if said.contains("gone.onnx")), "{kind:?}");
    let [FolderFault { place, kind }] = &told(&fixed("a", "text.onnx"))[..] else { panic!() };
    let damaged = |fault: &BlockFault| matches!(fault, BlockFault::Damaged(_));
    assert!(place == &slot("a") && matches!(kind, FaultKind::Block { file, fault } if file == "text.onnx" && damaged(fault)));
}

#[test]
fn all_faults_are_told_at_once() {
    let slots = layer("L1", &[("relu", "relu.onnx"), ("half", "half.onnx"), ("open", "open.onnx"), ("if", "if.onnx")]);
    let slots = slots + &layer("L2", &[("small", "small.onnx"), ("new", "new.onnx")]) + &fixed("x/y", "gone.onnx");
    let told = told(&slots);
    assert_eq!(told.len(), 8, "{told:#?}");
}

#[test]
fn entries_that_contradict_each_other_are_refused() {
    let both = "[[slot]]\nname = \"L1\"\ncandidates = [{ name = \"a\", file = \"relu.onnx\", identity = true }]\n";
    let candidate = Place::Candidate { layer: "L1".into(), name: "a".into() };
    assert_eq!(told(both), [candidate.fault(FaultKind::Either("'file'", "'identity = true'"))]);
    let neither = Place::Slot("a".into()).fault(FaultKind::Either("'file'", "'candidates'"));
    assert_eq!(told("[[slot]]\nname = \"a\"\n")[0], neither);
    let none = FaultKind::Count { what: "candidates", found: 0, most: 64 };
    assert_eq!(told(&layer("L1", &[])), [Place::Slot("L1".into()).fault(none)]);
    assert_eq!(told(""), [Place::Space.fault(FaultKind::Count { what: "slots", found: 0, most: 256 })]);
    let head = |from: &str, to: &str| {
        let text = HEAD.replace(from, to) + &fixed("a", "relu.onnx");
        SpaceFolder::parse(&text, &folder().path().join("space.toml")).unwrap_err()
    };
    let fault = |from: &str, to: &str| match head(from, to) {
        FolderError::Faults { faults, .. } => faults.into_iter().next().map(|fault| fault.kind),
        other => panic!("{other}"),
    };
    let format = |key, found: &str, expected| Some(FaultKind::Format { key, found: found.into(), expected });
    assert_eq!(fault("\"onnx\"", "\"other\""), format("kind", "other", "onnx"));
    assert_eq!(fault("schema = 1", "schema = 2"), format("schema", "2", "1"));
    assert_eq!(fault("[4, 8, 8]", "[4, 0, 8]"), Some(FaultKind::Input("input".into())));
    let unused = FaultKind::Unused("the input 'right'".into());
    assert_eq!(fault("[4, 8, 8]", "{ left = [4, 8, 8], right = [4, 8, 8] }"), Some(unused));
    assert!(
        matches!(head("\"own\"", "\"own\"\nsurprise = 1"), FolderError::Syntax { source, .. } if source.message().contains("surprise"))
    );
    assert!(matches!(SpaceFolder::load(Path::new("/nowhere")), Err(FolderError::Read { .. })));
    let folder = folder();
    let blocks_alone = SpaceFolder::load(folder.path());
    assert!(matches!(blocks_alone, Err(FolderError::NoManifest { path }) if path == folder.path()));
    fs::write(folder.path().join("space.toml"), "version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 33\n").unwrap();
    let pointer = SpaceFolder::load(folder.path());
    assert!(matches!(pointer, Err(FolderError::Impostor { impostor: files::Impostor::LfsPointer, .. })));
}

#[test]
fn weights_beside_a_file_come_along_or_are_named() {
    let folder = folder();
    let notes = [("location", "w.data"), ("offset", "0"), ("length", "16")];
    let nodes = [node("Mul", &["x", "w"], &["y"], &[])];
    let file =
        |weight| support::onnx::model(&nodes, &[weight], &[port("x", element::FLOAT32, MAP)], &[port("y", element::FLOAT32, MAP)]);
    fs::write(folder.path().join("beside.onnx"), file(support::onnx::beside("w", &[4, 1, 1], &notes))).unwrap();
    let told = told_in(folder.path(), &fixed("a", "beside.onnx"));
    assert_eq!(told[0].place, Place::Slot("a".into()));
    let names = ["beside.onnx", "'w'", "'w.data'", "external_data=False"];
    assert!(matches!(&told[0].kind, FaultKind::File(said) if names.iter().all(|name| said.contains(name))), "{told:?}");
    fs::write(folder.path().join("w.data"), [1f32; 4].map(f32::to_le_bytes).concat()).unwrap();
    let space = read(folder.path(), &fixed("a", "beside.onnx")).unwrap();
    fs::write(folder.path().join("inside.onnx"), file(floats("w", &[4, 1, 1], &[1.0; 4]))).unwrap();
    assert_eq!(space.network(&[]), read(folder.path(), &fixed("a", "inside.onnx")).unwrap().network(&[]));
}

#[test]
fn nothing_outside_of_the_folder_is_read() {
    let (folder, other) = (folder(), folder());
    let path = other.path().join("relu.onnx");
    for file in [path.to_str().unwrap(), "../x.onnx", "deep/../../x.onnx", ""] {
        assert_eq!(told_in(folder.path(), &fixed("a", file))[0].kind, FaultKind::Path(file.into()));
    }
    symlink(&path, folder.path().join("link.onnx")).unwrap();
    assert_eq!(told_in(folder.path(), &fixed("a", "link.onnx"))[0].kind, FaultKind::Path("link.onnx".into()));
    fs::create_dir(folder.path().join("deep")).unwrap();
    assert!(matches!(&told_in(folder.path(), &fixed("a", "deep"))[0].kind, FaultKind::File(said) if said.contains("deep")));
}

#[test]
fn a_pipe_called_as_the_manifest_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    assert!(Command::new("mkfifo").arg(folder.path().join("space.toml")).status().unwrap().success());
    assert!(matches!(SpaceFolder::load(folder.path()), Err(FolderError::NoManifest { .. })));
}

#[test]
fn what_is_too_large_is_refused_before_it_is_read() {
    let folder = folder();
    let path = folder.path().join("huge.onnx");
    fs::File::create(&path).unwrap().set_len(600 << 20).unwrap();
    let told = |slots: &str| told_in(folder.path(), slots).into_iter().map(|fault| fault.kind).collect::<Vec<_>>();
    let huge = fixed("a", "huge.onnx");
    assert_eq!(told(&huge), [FaultKind::Size("huge.onnx".into())]);
    // A small file that names much.
    let weight = support::onnx::beside("w", &[150 << 20], &[("location", "huge.data")]);
    let nodes = [node("Mul", &["x", "w"], &["y"], &[])];
    let file = support::onnx::model(&nodes, &[weight], &[port("x", element::FLOAT32, MAP)], &[port("y", element::FLOAT32, MAP)]);
    fs::write(&path, file).unwrap();
    fs::File::create(folder.path().join("huge.data")).unwrap().set_len(600 << 20).unwrap();
    assert_eq!(told(&huge), [FaultKind::Size("huge.onnx".into())]);
    // Ten million operations of two bytes.
    let body = [&b"\x3a"[..], &[0x80, 0xda, 0xc4, 0x09], &b"\x0a\0".repeat(10_000_000)].concat();
    fs::write(&path, body).unwrap();
    assert_eq!(told(&huge), [FaultKind::Block { file: "huge.onnx".into(), fault: BlockFault::TooManyParts }]);
    let slots: String = (0..300).map(|i| fixed(&format!("s{i}"), "relu.onnx")).collect();
    assert_eq!(told(&slots), [FaultKind::Count { what: "slots", found: 300, most: 256 }]);
}

#[test]
fn a_constant_that_is_read_often_is_no_way_to_fill_the_memory() {
    let table = [number(1, 1 << 20), number(2, element::INT64), bytes(8, "t"), bytes(9, vec![1; 8 << 20])].concat();
    let reads = vec!["t"; 10_000];
    let nodes = [node("Sum", &reads, &["s"], &[]), node("Relu", &["x"], &["y"], &[])];
    let file = support::onnx::model(&nodes, &[table], &[port("x", element::FLOAT32, MAP)], &[port("y", element::FLOAT32, MAP)]);
    let folder = folder();
    fs::write(folder.path().join("table.onnx"), file).unwrap();
    let FolderError::Faults { faults, .. } = read(folder.path(), &fixed("a", "table.onnx")).unwrap_err() else { panic!() };
    assert!(matches!(&faults[..], [FolderFault { kind: FaultKind::Block { fault: BlockFault::Constants, .. }, .. }]), "{faults:?}");
}
