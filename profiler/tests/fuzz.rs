//! No damage makes the reader of raw samples panic, or take memory out of proportion.

use std::path::Path;

use profiler::host::raw;
use support::fuzz::{Fuzz, Watched};

#[global_allocator]
static ALLOCATOR: Watched = Watched;

const LINES: [&str; 9] = [
    r#"{"space":"s","points":106,"threads":1,"cpus":[0,1],"engine":"ort","device":"local","items":["a","b@1x2x3-s1-4"]}"#,
    r#"{"event":"start","protocol":1,"version":"0.1.0","device":{"model":"m","arch":"aarch64","soc":null,"serial":"1","kernel":"6.1","emulation":[]},"engine":{"name":"onnxruntime","version":"1.32.0","library_sha256":null},"cpus":[1],"canary":"loop"}"#,
    r#"{"event":"loading","id":"a"}"#,
    r#"{"event":"ready","id":"a","runs":7,"error":1e-6,"checksum":"0123abcd"}"#,
    r#"{"event":"sampling"}"#,
    r#"{"event":"sample","id":"a","at_ms":7.5,"us":10,"before_us":4,"after_us":6,"cpu":1,"fault":null}"#,
    r#"{"event":"sample","id":"a","at_ms":9.5,"us":10,"before_us":4,"after_us":9,"cpu":null,"fault":"canary"}"#,
    r#"{"event":"round","round":1,"settled":0,"elapsed_ms":12}"#,
    r#"{"event":"done","precise":true}"#,
];

#[test]
fn raw_samples_survive() {
    let whole = LINES.join("\n") + "\n";
    let twice = [&LINES[..], &LINES[1..7], &[r#"{"event":"failed","id":"a","reason":"why"}"#]].concat().join("\n");
    let words: &[&[u8]] =
        &[b"[[[[", b"{\"event\":", b"\"sample\"", b"\"preempted\"", b"null", b"true", b"\\u0000", b"\\ud800", b"\n", b"\0", b"{}"];
    let seeds = vec![whole.into_bytes(), twice.into_bytes()];
    Fuzz { name: "raw", seeds, words, memory: 400 }.run(|bytes| match raw::read_from(bytes, Path::new("r")) {
        Ok((_, samples)) => {
            assert!(samples.items.values().flat_map(|item| item.ratios()).all(|ratio| ratio >= 0.0));
            let canary = samples.canary_us();
            assert!(canary.is_none_or(|(quiet, median)| 0.0 < quiet && quiet <= median));
            format!("read, {} passes", samples.passes.min(2))
        }
        Err(e) => e.to_string(),
    });
}
