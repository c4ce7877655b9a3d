//! No file of known hosts makes its reader panic, take memory out of proportion, or compute for long; and none lets a revoked key in.

use std::path::Path;

use support::fuzz::Fuzz;

use super::known_hosts::{KnownHosts, Names, Verdict};

const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The key in ssh's binary form.
fn binary() -> Vec<u8> {
    let length = |bytes: &[u8]| (bytes.len() as u32).to_be_bytes();
    let (kind, key) = (b"ssh-ed25519", [0; 32]);
    [&length(kind)[..], kind, &length(&key), &key].concat()
}

/// What is thought of the key of `board` and of `[board]:2222`.
fn verdicts(bytes: &[u8]) -> String {
    let (file, key) = (Path::new("kh"), binary());
    let of = |port| {
        let mut known = KnownHosts::new(Names::new("board", port));
        known.add(file, bytes);
        let kinds = known.kinds().len();
        let verdict = known.verdict(&key);
        // Whatever else is in the file.
        known.add(file, format!("\n@revoked * ssh-ed25519 {KEY}\n").as_bytes());
        assert!(matches!(known.verdict(&key), Verdict::Revoked(_)));
        match verdict {
            Verdict::Known => format!("known, {}", kinds.min(2)),
            Verdict::Unknown { authority } => format!("unknown, {}", authority.is_some()),
            Verdict::Changed(_) => "changed".to_string(),
            Verdict::Revoked(_) => "revoked".to_string(),
        }
    };
    let mut revoked = KnownHosts::new(Names::alias("x"));
    let list = revoked.add_revoked(file, bytes).map_or_else(|e| e.to_string(), |()| revoked.kinds().len().to_string());
    format!("{}; {}; {list}", of(22), of(2222))
}

#[test]
fn known_hosts_survive() {
    let line = |names: &str| format!("{names} ssh-ed25519 {KEY} me@here\n");
    let seeds = [
        line("other") + &line("board,192.168.1.7"),
        line("[board]:2222") + "# a remark\n\n" + &line("@cert-authority *"),
        line("@revoked *") + &line("board"),
        line("b*d,!x?") + "|1|c2FsdA==|c2FsdA== ssh-ed25519 AAAA\n",
    ];
    assert_eq!(verdicts(seeds[0].as_bytes()), "known, 1; known, 0; 0");
    assert!(verdicts(seeds[2].as_bytes()).starts_with("revoked; revoked"));
    let words: &[&[u8]] = &[
        b"board",
        b"[board]:2222",
        b"@revoked ",
        b"@cert-authority ",
        b"********",
        b"?*?*?*",
        b"!",
        b"|1|",
        b"ssh-ed25519 ",
        b"AAAA",
        b"\r\n",
        b"\0",
        b"=",
        b"<<<<<<< HEAD\n",
    ];
    Fuzz { name: "known-hosts", seeds: seeds.map(String::into_bytes).to_vec(), words, memory: 200 }.run(verdicts);
}
