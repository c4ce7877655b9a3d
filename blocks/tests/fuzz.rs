//! No damage makes the readers of search spaces and of ONNX files panic, take memory out of proportion, or take long.

use blocks::onnx::{self, Batch, InspectError, Options};
use blocks::{Builder, Conv, Graph, Shape, Space, Weights};
use prost::Message;
use support::fuzz::{Form, Fuzz, Watched};

#[global_allocator]
static ALLOCATOR: Watched = Watched;

#[test]
fn spaces_survive() {
    let own = "name = \"own\"\ninput = [8, 10, 10]\n[[stage]]\ncandidates = [\"skip\", \"sep_k5\", \"gh_k3\"]\n\
               layers = [{ c_in = 8, c_out = 8, stride = 1, h = 10, w = 10 }, { c_in = 8, c_out = 16, stride = 2, h = 10, w = 10 }]\n";
    let seeds = vec![
        include_bytes!("../spaces/pfld.toml").to_vec(),
        include_bytes!("../spaces/pfld-full.toml").to_vec(),
        own.as_bytes().to_vec(),
    ];
    let words: &[&[u8]] = &[
        b"[[stage]]\n",
        b"[trunk]\n",
        b"[[[[",
        b"{{",
        b"candidates = [",
        b"layers = [",
        b"\"",
        b"'''",
        b"mb_k3_e4_res_se",
        b"a.a.a.",
        b"4096",
        b"4097",
        b"\\u0000",
        b"#",
        b"2026-01-02",
    ];
    Fuzz { name: "space", seeds, words, memory: 800 }.run(|bytes| {
        match Space::parse(&String::from_utf8_lossy(bytes), "own.toml") {
            Ok(space) => {
                // What was accepted must be buildable.
                assert_eq!(space.hash().len(), 64);
                for (_, candidate) in space.candidates().take(8) {
                    let graph = candidate.graph();
                    assert!(graph.outputs().len() == 1 && graph.macs() < u64::MAX);
                }
                format!("{} pieces", space.trunk_pieces(106).len())
            }
            Err(e) => e.to_string(),
        }
    });
}

/// The widest of its messages are empty settings of an operation, of two bytes each.
const ONNX: Fuzz<'static> = Fuzz {
    name: "onnx",
    seeds: Vec::new(),
    words: &[
        b"Conv", b"Gemm", b"Reshape", b"Concat", b"Flatten", b"MaxPool", b"Add", b"pads", b"axis", b"\x0a\0", b"\x2a\0", b"\x3a",
    ],
    memory: 600,
};

/// Every operator that a shape is followed through.
fn small() -> Graph {
    let mut g = Builder::new("small");
    let x = g.input("x", Shape::new(2, 12, 12));
    let a = g.conv_bn_relu(x, "a", Conv::dense(2, 4, 3).padding(1));
    let b = g.conv(a, "b", Conv::depthwise(4, 3).stride(2).padding(1).with_bias());
    let p = g.max_pool(b, 2, 2);
    let m = g.global_avg_pool(b);
    let n = g.global_avg_pool(p);
    let c = g.concat(&[m, n]);
    let y = g.linear(c, "fc", 6);
    g.finish(&[("y", y), ("p", p)])
}

fn inspect(bytes: &[u8]) -> String {
    let constants = onnx::constants(bytes).map(|constants| constants.len());
    match onnx::inspect(bytes) {
        Ok(summary) => {
            assert!(constants.is_ok());
            format!(
                "read, {} operations, {}",
                summary.operators.len().min(3),
                if summary.macs.is_some() { "counted" } else { "not counted" }
            )
        }
        Err(e) => {
            assert_eq!(constants, Err(e.clone()));
            e.to_string()
        }
    }
}

#[test]
fn onnx_files_survive() {
    let graph = small();
    let weights = Weights::for_measuring(&graph, 1);
    let file = |batch| onnx::model(&graph, &weights, &Options { batch }).unwrap();
    let seeds = vec![file(Batch::Open), file(Batch::Fixed(1))];
    assert!(seeds.iter().all(|file| onnx::inspect(file).unwrap().macs == Some(graph.macs())));
    Fuzz { seeds, ..ONNX }.run_as(Form::Protobuf, inspect);
}

/// A field with contents.
fn field(number: u8, contents: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    let mut length = contents.len();
    while length >= 0x80 {
        bytes.push(length as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    [bytes, contents.to_vec()].concat()
}

#[test]
fn ten_million_operations_are_refused_before_they_are_kept() {
    // An operation of two bytes would be 120 in memory.
    for part in [&b"\x0a\0"[..], b"\x2a\0", b"\x5a\0"] {
        let file = field(7, &part.repeat(10_000_000));
        assert_eq!(Fuzz { memory: 0, ..ONNX }.read_one(&file, inspect), InspectError::TooManyParts.to_string());
    }
}

#[test]
fn a_file_twice_as_long_takes_twice_the_time() {
    // Each of 100,000 operations asks for one of as many constants, the last one.
    let operation = field(1, &[field(1, b"x"), field(1, b"last"), field(2, b"y"), field(4, b"Reshape")].concat());
    let shape = |name: &[u8]| field(5, &[&[0x08, 1, 0x10, 7][..], &field(7, &[6]), &field(8, name)].concat());
    let size = field(1, &[0x08, 6]);
    let input = |name: &[u8]| field(11, &[field(1, name), field(2, &field(1, &field(2, &size)))].concat());
    let constants = [shape(b"other").repeat(100_000), shape(b"last")].concat();
    let file = field(7, &[operation.repeat(100_000), constants, input(b"x"), input(b"z").repeat(100_000)].concat());
    let outcome = ONNX.read_one(&file, inspect);
    assert_eq!(outcome, "read, 1 operations, counted");
}

/// The files of a small space that was exported.
fn exported() -> std::path::PathBuf {
    support::project_root().join("tests/spaces/onnx/torchscript")
}

#[test]
fn blocks_survive() {
    let files = std::fs::read_dir(exported().join("blocks")).unwrap();
    let seeds = files.map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect();
    let words: &[&[u8]] =
        &[b"If", b"Dropout", b"Identity", b"Constant", b"value", b"training_mode", b"x0", b"y0", b"\x0a\0", b"\x2a\0", b"\x32"];
    // The widest of its messages are empty settings of an operation, of two bytes each.
    Fuzz { name: "block", seeds, words, memory: 900 }.run_as(Form::Protobuf, |bytes| match onnx::block::Block::read(bytes) {
        Ok(block) => {
            let again = onnx::block::Block::read(&block.file()).expect("what is written is read again");
            assert_eq!((&again.inputs, &again.outputs, again.opset), (&block.inputs, &block.outputs, block.opset));
            format!("read, {} inputs, nothing {}", block.inputs.len().min(3), block.does_nothing)
        }
        Err(faults) => faults[0].to_string(),
    });
}

#[test]
fn space_folders_survive() {
    let path = exported().join("space.toml");
    let seeds = vec![std::fs::read(&path).unwrap()];
    let words: &[&[u8]] = &[
        b"[[slot]]\n",
        b"inputs = [",
        b"outputs = [",
        b"identity = true",
        b"\"stem:1\"",
        b"\"input\"",
        b"../",
        b"\"L1\"",
        b"candidates = [",
        b"blocks/",
        b"4096",
        b"-1",
        b"{ a = [3, 16, 16] }",
    ];
    let fuzz = Fuzz { name: "space-folder", seeds, words, memory: 800 };
    fuzz.run_beside(2 << 20, Form::Bytes, |bytes| match blocks::SpaceFolder::parse(&String::from_utf8_lossy(bytes), &path) {
        Ok(space) => {
            let choice: Vec<_> = space.layers().map(|_| Some(0)).collect();
            onnx::inspect(&space.network(&choice))
                .map_or_else(|e| e.to_string(), |summary| format!("{} outputs", summary.outputs.len().min(3)))
        }
        Err(e) => e.to_string(),
    });
}

#[test]
fn onnx_messages_survive_whole() {
    let everything = support::project_root().join("tests/spaces/onnx/everything.onnx");
    let seeds = vec![std::fs::read(everything).unwrap(), std::fs::read(exported().join("whole.onnx")).unwrap()];
    let words: &[&[u8]] = &[b"\x0a\0", b"\x32", b"\x3a", b"\x52", b"\x5a", b"\x72", b"\x7a"];
    Fuzz { name: "onnx-schema", seeds, words, memory: 1200 }.run_as(Form::Protobuf, |bytes| {
        let Ok(model) = onnx::schema::Model::decode(bytes) else { return "refused".to_string() };
        // Compared as bytes, since a number may be none.
        let encoded = model.encode_to_vec();
        let again = onnx::schema::Model::decode(&encoded[..]).expect("what is encoded is decoded");
        assert!(again.encode_to_vec() == encoded);
        "the same".to_string()
    });
}
