//! The true clock, without root: a loop whose length in cycles is known.
//!
//! A chain of additions, each of which needs the one before, takes one cycle an addition on every ARMv8 core of Arm's (their
//! software optimisation guides give latency 1 for an addition without shift) and on x86-64. The loop around it runs beside
//! the chain and adds less than half a percent.

use super::clock;

/// Additions of one turn of the loop.
const CHAIN: u64 = 256;
/// Additions of a reading: some 40 µs at 2 GHz, of which the clock's tick (52 ns on a Snapdragon 625) is nothing.
const LENGTH: u64 = 80_000;

/// The clock at this moment, in MHz; `None` where another process came between, and on a processor for which the loop was not
/// written.
pub fn megahertz() -> Option<f64> {
    let (start, preemptions) = (clock::now_us(), clock::preemptions());
    let cycles = chain(LENGTH / CHAIN)?;
    let us = clock::now_us() - start;
    (us > 0.0 && clock::preemptions() == preemptions).then(|| cycles as f64 / us)
}

/// Runs the chain that often and gives the cycles it takes.
#[cfg(target_arch = "aarch64")]
fn chain(turns: u64) -> Option<u64> {
    // SAFETY: only the registers named are written; neither memory nor stack is touched.
    unsafe {
        std::arch::asm!(
            "2:",
            ".rept 256",
            "add {sum}, {sum}, {one}",
            ".endr",
            "subs {turns}, {turns}, #1",
            "b.ne 2b",
            sum = inout(reg) 0u64 => _,
            one = in(reg) 1u64,
            turns = inout(reg) turns => _,
            options(nomem, nostack),
        );
    }
    Some(turns * CHAIN)
}

/// Runs the chain that often and gives the cycles it takes. It adds a register: on some cores an addition of a constant takes
/// no cycle, since renaming removes it.
#[cfg(target_arch = "x86_64")]
fn chain(turns: u64) -> Option<u64> {
    // SAFETY: only the registers named are written; neither memory nor stack is touched.
    unsafe {
        std::arch::asm!(
            "2:",
            ".rept 256",
            "add {sum}, {one}",
            ".endr",
            "dec {turns}",
            "jnz 2b",
            sum = inout(reg) 0u64 => _,
            one = in(reg) 1u64,
            turns = inout(reg) turns => _,
            options(nomem, nostack),
        );
    }
    Some(turns * CHAIN)
}

#[cfg(not(any(target_arch = "aarch64", target_arch = "x86_64")))]
fn chain(_: u64) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_clock_of_some_processor() {
        // The fastest of many: an interrupted reading is slow, none is fast.
        let mhz = (0..200).filter_map(|_| megahertz()).fold(0.0, f64::max);
        assert!((200.0..10_000.0).contains(&mhz), "{mhz} MHz");
    }
}
