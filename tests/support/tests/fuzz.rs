//! The trial itself: readers with faults are found out.

use std::process::Command;
use std::time::{Duration, Instant};

use support::fuzz::{Form, Fuzz, Watched};

#[global_allocator]
static ALLOCATOR: Watched = Watched;

fn trial(memory: usize) -> Fuzz<'static> {
    Fuzz { name: "none", seeds: vec![b"length = 7\n".to_vec()], words: &[b"word"], memory }
}

/// Number after `=`, if the file has its form.
fn length(bytes: &[u8]) -> Option<usize> {
    std::str::from_utf8(bytes).ok()?.trim().strip_prefix("length = ")?.parse().ok()
}

#[test]
fn a_reader_without_faults_passes() {
    trial(4).run(|bytes| format!("{:?}", length(bytes)));
}

#[test]
#[should_panic(expected = "the reader 'none' panics, at case ")]
fn a_reader_that_panics_is_found_out() {
    trial(4).run(|bytes| format!("{:?}", length(bytes).map(|n| 1000 / n)));
}

#[test]
#[should_panic(expected = "bytes of memory for")]
fn a_reader_that_believes_a_length_is_found_out() {
    trial(4).run(|bytes| format!("{}", length(bytes).map_or(0, |n| vec![1u8; n.min(1 << 24)].len())));
}

#[test]
#[should_panic(expected = " s for ")]
fn a_reader_that_is_slow_is_found_out() {
    trial(4).run(|bytes| {
        // However fast the machine is, and where another program takes half of it.
        let (began, long) = (Instant::now(), length(bytes).is_some_and(|n| n > 1 << 20));
        while long && began.elapsed() < Duration::from_secs(8) {}
        String::new()
    });
}

/// The sum of the numbers in field 2 of the messages in field 1.
fn sum(bytes: &[u8]) -> Option<u64> {
    let mut sum = 0u64;
    for part in bytes.chunks(4) {
        let &[0x0a, 2, 0x10, n @ 0..0x80] = part else { return None };
        sum += u64::from(n);
    }
    Some(sum)
}

#[test]
#[should_panic(expected = "the reader 'none' panics")]
fn fields_are_repeated_and_lengths_stay_right() {
    // Damage to bytes alone hardly gives nine whole messages, of which each holds another number than it did.
    let seeds = vec![b"\x0a\x02\x10\x05\x0a\x02\x10\x06".to_vec()];
    Fuzz { name: "none", seeds, words: &[], memory: 4 }.run_as(Form::Protobuf, |bytes| {
        assert!(sum(bytes).is_none() || bytes.len() < 9 * 4);
        String::new()
    });
}

#[test]
#[should_panic(expected = "the reader 'none' panics")]
fn a_checksum_does_not_hide_what_is_behind_it() {
    // As a form's function has it; this one keeps the length.
    #[allow(clippy::ptr_arg)]
    fn mend(bytes: &mut Vec<u8>) {
        let sum = bytes.iter().skip(1).fold(0u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(*byte));
        if let Some(first) = bytes.first_mut() {
            *first = sum;
        }
    }
    let mut sound = b"?length = 7\n".to_vec();
    mend(&mut sound);
    Fuzz { name: "none", seeds: vec![sound], words: &[], memory: 4 }.run_as(Form::Mended(mend), |bytes| {
        let mut mended = bytes.to_vec();
        mend(&mut mended);
        assert!(mended != bytes || length(bytes.get(1..).unwrap_or_default()) != Some(255));
        String::new()
    });
}

/// What ends the whole test is tried in another process: this test, told to have a fault.
#[test]
fn a_reader_that_takes_the_machine_with_it_ends_the_test() {
    let trial = || trial(usize::MAX >> 20);
    match std::env::var("BLOCKTIME_FUZZ_FAULT").as_deref() {
        Ok("memory") => {
            return trial().run(|bytes| format!("{}", length(bytes).map_or(0, |n| Vec::<u8>::with_capacity(n.min(1 << 40)).len())));
        }
        Ok("endless") => {
            return trial().run(|bytes| {
                while length(bytes) == Some(255) {
                    std::thread::sleep(std::time::Duration::from_millis(1));
                }
                String::new()
            });
        }
        _ => {}
    }
    for (fault, words) in [("memory", "a reader takes "), ("endless", "the reader 'none' has not come back")] {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "a_reader_that_takes_the_machine_with_it_ends_the_test", "--nocapture"]);
        let output = command.env("BLOCKTIME_FUZZ_FAULT", fault).env("BLOCKTIME_FUZZ_SECONDS", "2").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(words), "{fault}: {said}");
    }
}

/// A process that is stopped, as a machine that sleeps does it, is no reader that hangs.
#[test]
fn a_reader_that_was_stopped_has_not_hung() {
    if std::env::var("BLOCKTIME_FUZZ_FAULT").is_ok_and(|fault| fault == "stopped") {
        return trial(usize::MAX >> 20).run(|_| {
            std::thread::sleep(std::time::Duration::from_millis(500));
            String::new()
        });
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "a_reader_that_was_stopped_has_not_hung", "--nocapture"]);
    command.envs([("BLOCKTIME_FUZZ_FAULT", "stopped"), ("BLOCKTIME_FUZZ_SECONDS", "2"), ("BLOCKTIME_FUZZ_CASES", "2")]);
    let mut child = command.spawn().unwrap();
    let signal = |name: &str| assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
    std::thread::sleep(std::time::Duration::from_millis(300));
    signal("-STOP");
    std::thread::sleep(std::time::Duration::from_secs(4));
    signal("-CONT");
    assert!(child.wait().unwrap().success());
}
