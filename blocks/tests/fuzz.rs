//! No damage makes the reader of search spaces panic, or take memory out of proportion.

use blocks::Space;
use support::fuzz::{Fuzz, Watched};

#[global_allocator]
static ALLOCATOR: Watched = Watched;

#[test]
fn spaces_survive() {
    let own = "name = \"own\"\ninput = [8, 10, 10]\n[[stage]]\ncandidates = [\"skip\", \"sep_k5\", \"gh_k3\"]\n\
               layers = [{ c_in = 8, c_out = 8, stride = 1, h = 10, w = 10 }, { c_in = 8, c_out = 16, stride = 2, h = 10, w = 10 }]\n";
    let seeds = vec![include_bytes!("../spaces/pfld.toml").to_vec(), own.as_bytes().to_vec()];
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
