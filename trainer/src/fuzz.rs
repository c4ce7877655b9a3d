//! No damage makes the readers of a run's files panic, take memory out of proportion, or take long.

use std::path::{Path, PathBuf};

use blocks::{Space, Weights};
use safetensors::SafeTensors;
use support::fuzz::{Form, Fuzz, Watched};

use crate::cost::ArchFile;
use crate::nni::Reference;
use crate::report;
use crate::run::{Checkpoint, EPOCHS, Kind, Meta, MetricsLog, RunFolder};
use crate::task::faces::{FaceTask, subnet};
use crate::train::RunConfig;

#[global_allocator]
static ALLOCATOR: Watched = Watched;

/// A message without the folder that it names.
fn without(folder: &Path, e: impl std::fmt::Display) -> String {
    e.to_string().replace(&folder.display().to_string(), "")
}

/// The header's length becomes right, and there are as many bytes of tensors as it says.
fn mend(bytes: &mut Vec<u8>) {
    let Some(text) = bytes.get(8..) else { return };
    let (mut depth, mut quoted, mut escaped) = (0usize, false, false);
    let end = text.iter().position(|&byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' if !quoted => depth += 1,
            b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0
    });
    let Some(length) = end.map(|at| at + 1) else { return };
    bytes[..8].copy_from_slice(&(length as u64).to_le_bytes());
    let header: Option<serde_json::Value> = serde_json::from_slice(&bytes[8..8 + length]).ok();
    let tensors = header.as_ref().and_then(|header| header.as_object()).into_iter().flatten();
    let ends = tensors.filter_map(|(_, tensor)| usize::try_from(tensor["data_offsets"][1].as_u64()?).ok());
    if let Some(last) = ends.max().filter(|&last| last < 20_000) {
        bytes.resize(8 + length + last, 0);
    }
}

/// A space of one layer, whose networks are small enough for a file that is damaged.
const SPACE: &str = "name = \"small\"\ninput = [3, 4, 4]\n[[stage]]\ncandidates = [\"conv1x1\", \"sep_k3\"]\n\
                     layers = [{ c_in = 3, c_out = 3, stride = 1, h = 4, w = 4 }]\n";

/// A folder with that space, and the space.
fn folder() -> (tempfile::TempDir, Space, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.toml");
    std::fs::write(&path, SPACE).unwrap();
    let space = Space::load(path.to_str().unwrap()).unwrap();
    let file = folder.path().join("x.safetensors");
    (folder, space, file)
}

/// Checkpoints of all kinds, with few or no weights where a whole network's would be too many.
fn checkpoints(space: &Space, space_file: &str, path: &Path) -> Vec<Vec<u8>> {
    let blank =
        || Meta { space: space_file.to_string(), space_hash: space.hash(), points: 5, config: "0123".to_string(), ..Meta::blank() };
    let choice: Vec<_> = space.layers().iter().map(|layer| layer.primitives[0]).collect();
    let graph = space.deployed(&choice, 5);
    let names = choice.iter().map(ToString::to_string).collect();
    let mut of_subnet = Checkpoint::new(Meta { kind: Kind::Subnet, choice: Some(names), epoch: 7, nme: Some(5.5), ..blank() });
    of_subnet.insert_weights("backbone", &graph, &Weights::for_measuring(&graph, 1));
    let supernet = space.supernet(5);
    let mut of_supernet = Checkpoint::new(Meta { temperature: Some(4.5), best_nme: Some(6.0), ..blank() });
    of_supernet.insert_weights("backbone", &supernet, &Weights::for_measuring(&supernet, 1));
    of_supernet.insert("path_alpha", &[1, 2], vec![0.25, 0.75]);
    let of_baseline = Checkpoint::new(Meta { kind: Kind::Baseline, ..blank() });
    [of_subnet, of_supernet, of_baseline]
        .iter()
        .map(|checkpoint| {
            checkpoint.save(path).unwrap();
            std::fs::read(path).unwrap()
        })
        .collect()
}

#[test]
fn checkpoints_survive() {
    let (folder, space, path) = folder();
    let space_file = folder.path().join("small.toml");
    let seeds = checkpoints(&space, space_file.to_str().unwrap(), &path);
    let open = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let checkpoint = match Checkpoint::load(&path) {
            Ok(checkpoint) => checkpoint,
            Err(e) => return without(folder.path(), e),
        };
        assert!(checkpoint.meta.epoch <= EPOCHS);
        let (_, header) = SafeTensors::read_metadata(bytes).unwrap();
        assert!(
            header.tensors().keys().all(|name| checkpoint.get(name).is_some_and(|values| values.iter().all(|v| v.is_finite())))
        );
        let opened = subnet(&path, None).and_then(|net| crate::task::faces::NetworkFile::Checkpoint(net).open(Reference(false)));
        opened.map_or_else(
            |e| without(folder.path(), e),
            |opened| format!("a network of {:?}", checkpoint.meta.kind).replace('"', "") + if opened.points > 1 { "s" } else { "" },
        )
    };
    assert!(open(&seeds[0]).starts_with("a network of Subnet"), "{}", open(&seeds[0]));
    assert!(open(&seeds[1]).starts_with("a network of Supernet"), "{}", open(&seeds[1]));
    let words: &[&[u8]] = &[
        b"\"F32\"",
        b"\"F64\"",
        b"\"BF16\"",
        b"\"shape\":[",
        b"\"data_offsets\":[",
        b"\"__metadata__\":{",
        b"{}",
        b"[[[[",
        b"\\\"points\\\":10000",
        b"\\\"kind\\\":\\\"baseline\\\"",
        b"\\\"choice\\\":null",
        b"\\\"conv1x1\\\"",
        b"\\u0000",
        b"\0\0\xc0\x7f",
        b"\xff\xff\xff\xff\xff\xff\xff\xff",
    ];
    // Networks of a layer of 3 channels have a few hundred weights. The baseline's graph alone, without weights, is 900 KB.
    Fuzz { name: "checkpoint", seeds, words, memory: 1000 }.run_beside(1 << 20, Form::Mended(mend), open);
}

const ARCH: &str = r#"{"space":"small","space_hash":"00","points":5,"epoch":3,"choice":["sep_k3"],"layers":[{"layer":1,"chosen":"sep_k3","cost":7.5,"candidates":[{"primitive":"conv1x1","path_alpha":-0.5,"probability":0.25,"cost":3.5},{"primitive":"sep_k3","path_alpha":0.5,"probability":0.75,"cost":7.5}]}],"trunk":[{"name":"stem","cost":100.5}],"unit":"µs","predicted":{"searched":7.5,"trunk":100.5,"total":108.0,"interval":[100.0,110.5]},"target":120.5,"table":{"source":"measured","sha256":"00","device":"d","engine":"e 1","threads":1,"date":"2026-01-02","points":106,"scaled":"trunk:fc"}}"#;

const CONFIG: &str = r#"
[search]
space = "pfld"
lut = ["/a/lut.csv"]
lut_sha256 = ["00"]
combine = "max"
data = "/a/faces"
list = "list.txt"
list_sha256 = "00"
mode = "mul"
alpha = 0.25
beta = 0.6
target_us = 120.5
theta_lr = 0.01
perf_metric = "latency"
latency_scope = "whole"
opt = "rms"
base_lr = 1e-4
weight_decay = 1e-6
start_epoch = 1
end_epoch = 3
batch = 8
seed = 1
tau = 5.0
tau_decay = 0.045
arch_data = "split"
augment = "mild"
loss = "square"
pose_weight = "floor"
[finetune]
supernet = "/a/supernet/checkpoint_last.safetensors"
supernet_sha256 = "00"
space = "pfld"
choice = ["sep_k3"]
data = "/a/faces"
list = "list.txt"
list_sha256 = "00"
hold_back = 0.1
opt = "adam"
base_lr = 1e-3
weight_decay = 0.0
end_epoch = 4
batch = 8
seed = 1
augment = "none"
loss = "wing"
pose_weight = "none"
device = "cuda:1"
"#;

const METRICS: &str =
    "phase,epoch,train_loss,arch_loss,val_loss,val_nme,lr,temperature,expected_cost,chosen_cost,images_per_s,loader_wait_s,seconds
warmup,1,2.5,,0.5,30.5,0.001,5,,,70.5,0.1,9.5
search,2,1.5,1.25,0.25,20.5,0.0005,4.5,200.5,180,71,0.1,9.5
finetune,1,0.5,,0.125,5.5,0.0001,,,,72,0.1,9.5
";

const EVALUATION: &str = r#"{"evaluation":{"faces":8,"nme":0.05,"loss":0.25,"failure_rate_10":0.125,"auc":0.5,"curve":[[0.0,0.0],[0.05,0.5],[0.1,1.0]],"per_point":[0.05,0.06]},"on":"the test list"}"#;

/// The report of a run, one file of which is damaged.
fn reports_survive(name: &'static str, file: &str, seed: &str, words: &[&[u8]]) {
    let folder = tempfile::tempdir().unwrap();
    for (file, text) in [("arch.json", ARCH), ("config.toml", CONFIG), ("metrics.csv", METRICS), ("evaluation.json", EVALUATION)] {
        std::fs::write(folder.path().join(file), text).unwrap();
    }
    let run = RunFolder::new(folder.path());
    let read = |bytes: &[u8]| {
        std::fs::write(folder.path().join(file), bytes).unwrap();
        match report::page(&run) {
            Ok(page) => {
                // A page of an unknown run must execute nothing.
                assert!(page.starts_with("<!doctype html>") && !page.contains("<script") && page.ends_with("</html>\n"));
                "a page".to_string()
            }
            Err(e) => {
                let cause = std::error::Error::source(&e).map(ToString::to_string).unwrap_or_default();
                without(folder.path(), e) + ": " + &cause
            }
        }
    };
    assert_eq!(read(seed.as_bytes()), "a page");
    Fuzz { name, seeds: vec![seed.into()], words, memory: 1000 }.run(read);
}

#[test]
fn chosen_architectures_survive() {
    let words: &[&[u8]] = &[
        b"<script>",
        "\"µs\"".as_bytes(),
        b"\"MAC\"",
        b"\"no_such_layer\"",
        b"1e308",
        b"[[[[",
        b"{}",
        b"null",
        b"\\u0000",
        b"\\ud800",
    ];
    reports_survive("arch", "arch.json", ARCH, words);
}

#[test]
fn configurations_survive() {
    let words: &[&[u8]] =
        &[b"<script>", b"[search]\n", b"[finetune]\n", b"[[[[", b"{{", b"\"\"\"", b"a.a.a.", b"nan", b"2026-01-02", b"cuda:"];
    reports_survive("config", "config.toml", CONFIG, words);
}

#[test]
fn metrics_survive() {
    let words: &[&[u8]] = &[b"<script>", b"search,", b"finetune,", b",,,,", b"\"", b"NaN", b"inf", b"1e308", b"\r\n", b"0x10"];
    reports_survive("metrics", "metrics.csv", METRICS, words);
}

#[test]
fn evaluations_survive() {
    let words: &[&[u8]] = &[b"<script>", b"[[[[", b"[1e308,-1e308],", b"null", b"\\u0000"];
    reports_survive("evaluation", "evaluation.json", EVALUATION, words);
}

#[test]
fn the_files_of_the_start_are_whole() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    assert_eq!(ArchFile::load(&write("arch.json", ARCH)).unwrap().layers.len(), 1);
    let config = RunConfig::<FaceTask>::load(&write("config.toml", CONFIG)).unwrap();
    assert!(config.search.is_some() && config.finetune.is_some());
    assert_eq!(MetricsLog::open(&write("metrics.csv", METRICS)).unwrap().rows().len(), 3);
}
