//! No answer makes the readers of adb's protocol panic, take memory out of proportion, or wait without end.

use std::io::{self, Read, Write};
use std::time::Duration;

use support::fuzz::{Form, Fuzz};

use super::server::{RequestError, granted, parse_devices, text};
use super::shell::{ShellV2, Source, take};
use super::sync::answer;
use crate::devices::remote::{Packet, Running};

/// The four digits of length before a text become right.
fn right_length(bytes: &mut Vec<u8>) {
    bytes.truncate(8 + 0xffff);
    if let Some((head, rest)) = bytes.split_at_mut_checked(8) {
        head[..4].copy_from_slice(if rest.len().is_multiple_of(3) { b"FAIL" } else { b"OKAY" });
        head[4..].copy_from_slice(format!("{:04x}", rest.len()).as_bytes());
    }
}

#[test]
fn the_servers_answers_survive() {
    let list = "0a1b2c\tdevice\n127.0.0.1:6555\toffline\nemulator-5554\tno permissions (see [http://developer.android.com])\n";
    let answer = |word: &str, text: &str| format!("{word}{:04x}{text}", text.len()).into_bytes();
    let seeds = vec![answer("OKAY", list), answer("FAIL", "device 'x' not found"), answer("OKAY", "shell_v2,cmd,stat_v2")];
    let words: &[&[u8]] = &[b"OKAY", b"FAIL", b"ffff", b"+fff", b"0000", b"\t", b"device", b"unauthorized"];
    Fuzz { name: "adb-server", seeds, words, memory: 100 }.run_as(Form::Mended(right_length), |bytes| {
        let mut answers = bytes;
        match granted(&mut answers) {
            Ok(()) => match text(&mut answers) {
                Ok(text) => format!("{} phones", parse_devices(&text).len().min(3)),
                Err(e) => e.to_string(),
            },
            Err(RequestError::Io(e)) => e.to_string(),
            Err(RequestError::Fail(_)) => "refused".to_string(),
        }
    });
}

#[test]
fn the_file_services_answers_survive() {
    let seeds =
        vec![b"OKAY\0\0\0\0".to_vec(), b"FAIL\x04\0\0\0full".to_vec(), b"FAIL\x20\0\0\0couldn't create file: Read-only f".to_vec()];
    Fuzz { name: "adb-sync", seeds, words: &[b"OKAY", b"FAIL", b"\xff\xff\xff\xff"], memory: 4 }.run(|bytes| {
        match answer(&mut &*bytes) {
            Ok(Ok(())) => "done".to_string(),
            Ok(Err(_)) => "refused".to_string(),
            Err(e) => e.to_string(),
        }
    });
}

fn packet(id: u8, bytes: &[u8]) -> Vec<u8> {
    [&[id][..], &u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes(), bytes].concat()
}

#[test]
fn packets_of_the_shell_survive() {
    let seeds = vec![
        [packet(1, b"one\ntw"), packet(2, b"oh"), packet(9, b"new"), packet(1, b""), packet(1, b"o\n"), packet(3, &[137])].concat(),
        [packet(1, b"{\"event\":\"sampling\"}\n").repeat(8), packet(3, &[0])].concat(),
    ];
    let words: &[&[u8]] =
        &[b"\x01\0\0\0\0", b"\x03\x01\0\0\0", b"\xff\xff\x3f\0", b"\0\0\x40\0", b"\xff\xff\xff\xff", b"\x09\0\0\0\0"];
    Fuzz { name: "adb-shell", seeds, words, memory: 40 }.run(|bytes| {
        let (mut buffer, mut out) = (Vec::new(), 0);
        for part in bytes.chunks(1000) {
            buffer.extend_from_slice(part);
            loop {
                match take(&mut buffer) {
                    Ok(Some(Packet::Stdout(bytes) | Packet::Stderr(bytes))) => out += bytes.len(),
                    Ok(Some(Packet::Exit(code))) => return format!("ended with {}", code.min(1)),
                    Ok(None) => break,
                    Err(reason) => return reason.to_string(),
                }
            }
        }
        assert!(out + buffer.len() <= bytes.len());
        format!("{} said", if out > 0 { "something" } else { "nothing" })
    });
}

/// A phone that says the same thing for ever.
struct Endless(Vec<u8>);

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.0.len().min(buffer.len());
        buffer[..length].copy_from_slice(&self.0[..length]);
        Ok(length)
    }
}

impl Write for Endless {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Source for Endless {
    fn wait(&self, _: Duration) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn packets_that_say_nothing_do_not_keep_a_user_waiting() {
    for id in [1, 9] {
        let mut running = ShellV2::new(Endless(packet(id, b"").repeat(100)), "adb:x".to_string());
        // The caller must get the chance to look for Ctrl-C and for the end of its time limit.
        assert_eq!(running.next(Duration::from_millis(20)).ok(), Some(None));
    }
}
