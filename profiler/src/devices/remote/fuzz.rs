//! Nothing that a remote device says makes its readers panic, take memory out of proportion, or compute for long.

use std::collections::VecDeque;
use std::time::Duration;

use support::fuzz::Fuzz;

use super::error::ConnectionError;
use super::follow;
use super::probe::{parse_hashes, parse_probe};
use super::running::{Packet, Running};
use crate::devices::Flow;

/// Says these packets, then ends.
struct Script(VecDeque<Packet>);

impl Running for Script {
    fn next(&mut self, _: Duration) -> Result<Option<Packet>, ConnectionError> {
        Ok(Some(self.0.pop_front().unwrap_or(Packet::Exit(0))))
    }

    fn write(&mut self, _: &[u8]) -> Result<(), ConnectionError> {
        Ok(())
    }

    fn end(&mut self) {
        self.0.clear();
    }
}

/// Follows an agent that says so, and counts its lines; it is stopped at a line that says so.
fn lines(packets: impl Iterator<Item = Packet>) -> String {
    let mut count = 0u64;
    let ended = follow::follow(Box::new(Script(packets.collect())), &mut |line| {
        count += 1;
        if line == b"stop" { Flow::Stop } else { Flow::Continue }
    });
    match ended {
        Ok(ended) => format!("{} lines, {}, {}", count.min(2), ended.half_line, ended.stderr.is_empty()),
        Err(e) => e.to_string(),
    }
}

/// A byte that says what comes, one that says how much, and that.
fn packets(mut bytes: &[u8]) -> impl Iterator<Item = Packet> {
    std::iter::from_fn(move || {
        let (&[kind, length], rest) = bytes.split_first_chunk()?;
        let (packet, rest) = rest.split_at(usize::from(length).min(rest.len()));
        bytes = rest;
        Some(if kind % 4 == 3 { Packet::Stderr(packet.to_vec()) } else { Packet::Stdout(packet.to_vec()) })
    })
}

#[test]
fn agents_that_are_followed_survive() {
    let seeds = vec![
        b"\0\x08one\ntwo\n\x03\x04oh!\n\0\x06three\n".to_vec(),
        [b"\0\x08{\"event\"\0\x0c:\"sampling\"}", &b"\0\x01\n".repeat(9)[..], b"\0\x05stop\n\0\x01x"].concat(),
    ];
    Fuzz { name: "follow", seeds, words: &[b"\n", b"\n\n\n\n", b"stop\n", b"\0\xff", b"\x03\xff"], memory: 100 }
        .run(|bytes| lines(packets(bytes)));
}

#[test]
fn a_line_is_looked_at_once_however_it_comes() {
    let trial = || Fuzz { name: "follow", seeds: Vec::new(), words: &[], memory: 100 };
    // The longest packet that adb takes, of nothing but line ends.
    let ends = vec![b'\n'; 4 << 20];
    assert_eq!(trial().read_one(&ends, |bytes| lines([Packet::Stdout(bytes.to_vec())].into_iter())), "2 lines, false, true");
    let byte_by_byte = vec![b'x'; 60 << 10];
    let outcome = trial().read_one(&byte_by_byte, |bytes| lines(bytes.iter().map(|&byte| Packet::Stdout(vec![byte]))));
    assert_eq!(outcome, "0 lines, true, true");
}

#[test]
fn what_a_device_says_of_itself_survives() {
    let hash = "01ba4719c80b6fe911b091a7c05124b64eeece964e09c058ef8f9805daca546b";
    let probe =
        format!("WARNING: linker: odd\r\nfolder=/data/local/tmp/block time\r\narch=aarch64\r\nsdk=28\r\nhash={hash}  -\r\n");
    let hashes = format!("{hash}  agent/profiler\n{hash} *engine/a b.so\nsha256sum: x: No such file\n");
    let words: &[&[u8]] = &[b"folder=", b"arch=", b"sdk=", b"hash=", b"/", b"\r\n", b"=", b"arm64"];
    Fuzz { name: "probe", seeds: vec![probe.into_bytes(), hashes.into_bytes()], words, memory: 100 }.run(|bytes| {
        let text = String::from_utf8_lossy(bytes);
        let hashes = parse_hashes(&text);
        assert!(hashes.values().all(|hash| hash.len() == 64));
        match parse_probe(&text) {
            Ok(probe) => {
                assert!(probe.folder.starts_with('/') && !probe.folder.contains('\n'));
                format!("{}, {}, {} hashes", probe.target.android, probe.hashes, hashes.len().min(2))
            }
            Err(reason) => reason,
        }
    });
}
