//! No damage makes the reader of raw samples panic, or take memory out of proportion.

use std::io::{Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use profiler::measure::raw::{self, RawFile};
use support::fuzz::{Fuzz, Watched};

#[global_allocator]
static ALLOCATOR: Watched = Watched;

const LINES: [&str; 9] = [
    r#"{"space":"s","points":106,"threads":1,"cpus":[0,1],"engine":"ort","device":"local","items":["a","b@1x2x3-s1-4"]}"#,
    r#"{"event":"start","protocol":3,"version":"0.1.0","device":{"known":{"model":"m","soc":null,"system":null,"kernel":"6.1","memory_mib":3719,"clusters":[],"sensors":[]},"arch":"aarch64","serial":"1","emulation":[]},"engine":{"name":"onnxruntime","version":"1.32.0","library_sha256":null},"cpus":[1],"canary":"loop"}"#,
    r#"{"event":"loading","id":"a"}"#,
    r#"{"event":"ready","id":"a","runs":7,"error":1e-6,"checksum":"0123abcd"}"#,
    r#"{"event":"sampling"}"#,
    r#"{"event":"sample","id":"a","at_ms":7.5,"us":10,"before_us":4,"after_us":6,"cpu":1,"fault":null}"#,
    r#"{"event":"sample","id":"a","at_ms":9.5,"us":10,"before_us":4,"after_us":9,"cpu":null,"fault":"canary"}"#,
    r#"{"event":"round","round":1,"settled":0,"elapsed_ms":12}"#,
    r#"{"event":"done","precise":true}"#,
];

/// What a finished file holds, and the file.
fn finished(lines: &[&str]) -> [Vec<u8>; 2] {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.raw.gz");
    let mut raw = RawFile::create(&path, &serde_json::from_str(LINES[0]).expect("a request")).expect("a file");
    lines.iter().for_each(|line| raw.line(line.as_bytes()).expect("written"));
    raw.finish().expect("packed");
    let packed = std::fs::read(&path).expect("a file");
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut unpacked).expect("sound");
    [unpacked, packed]
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("written to memory")
}

/// Small files that hold much: as much as is let in, and more.
fn bombs() -> Vec<Vec<u8>> {
    let sample = |us: u64| LINES[5].replace("\"us\":10", &format!("\"us\":{}", 10.0 + us as f64 / 4096.0));
    // Times of which only eleven bits are not the same in all samples.
    let mix = |i: u64| i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let many: Vec<String> = (0..20_000).map(|i| sample(mix(mix(i) ^ (mix(i) >> 31)) >> 53)).collect();
    let [unpacked, packed] = finished(&many.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(unpacked.len() > 8 * packed.len(), "{} {}", unpacked.len(), packed.len());
    let [alike, _] = finished(&[LINES[5]; 20_000]);
    let lines = [LINES[0].to_string(), LINES[4].to_string() + "\n"].join("\n") + &(LINES[4].to_string() + "\n").repeat(50_000);
    vec![packed, compressed(&alike), compressed(lines.as_bytes()), compressed(&[b'['; 1 << 20])]
}

fn attempt(bytes: &[u8]) -> String {
    match raw::read_from(bytes, bytes.len() as u64, Path::new("r")) {
        Ok((_, samples)) => {
            assert!(samples.items.values().flat_map(|item| item.ratios()).all(|ratio| ratio >= 0.0));
            let canary = samples.canary_us();
            assert!(canary.is_none_or(|(idle, median)| 0.0 < idle && idle <= median));
            format!("read, {} passes", samples.passes.min(2))
        }
        Err(e) => e.to_string(),
    }
}

#[test]
fn raw_samples_survive() {
    let whole = LINES.join("\n") + "\n";
    let twice = [&LINES[..], &LINES[1..7], &[r#"{"event":"failed","id":"a","reason":"why"}"#]].concat().join("\n");
    let words: &[&[u8]] =
        &[b"[[[[", b"{\"event\":", b"\"sample\"", b"\"preempted\"", b"null", b"true", b"\\u0000", b"\\ud800", b"\n", b"\0", b"{}"];
    let seeds = vec![whole.into_bytes(), twice.into_bytes()];
    assert_eq!(attempt(&seeds[0]), "read, 1 passes");
    Fuzz { name: "raw", seeds, words, memory: 400 }.run(attempt);
}

#[test]
fn packed_samples_survive() {
    let words: &[&[u8]] = &[
        b"{\"packed\":1,",
        b"\"samples\":",
        b"\"lines\":",
        b"\"names\":[",
        b"[\"item\",1],",
        b"\"\",",
        b"\n",
        b"\0\0\0\0",
        b"\xff\xff\xff",
        b"{\"event\":\"done\",\"precise\":true}\n",
    ];
    let twice = [&LINES[1..], &LINES[1..7], &LINES[5..6]].concat();
    let mut seeds = finished(&twice).to_vec();
    seeds.extend(bombs());
    Fuzz { name: "packed", seeds, words, memory: 400 }.run(attempt);
}
