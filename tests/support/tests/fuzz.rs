//! The trial itself: readers with faults are found out.

use support::fuzz::{Fuzz, Watched};

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
#[should_panic(expected = "the reader 'none' panics")]
fn a_reader_that_panics_is_found_out() {
    trial(4).run(|bytes| format!("{:?}", length(bytes).map(|n| 1000 / n)));
}

#[test]
#[should_panic(expected = "bytes of memory for")]
fn a_reader_that_believes_a_length_is_found_out() {
    trial(4).run(|bytes| format!("{}", length(bytes).map_or(0, |n| vec![1u8; n.min(1 << 24)].len())));
}
