//! Simulated time.

use std::cell::UnsafeCell;

/// What the clock that shows dates has at the program's beginning: 2020-01-01, in seconds since 1970.
const EPOCH_SECONDS: u64 = 1_577_836_800;
/// What clocks that count from the system's start show at the program's beginning, in seconds.
const UPTIME_SECONDS: u64 = 1_000;
/// Nanoseconds a second.
pub(crate) const SECOND: u64 = 1_000_000_000;

/// A time as the kernel gives it: seconds and nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Time {
    pub(crate) seconds: u64,
    pub(crate) nanoseconds: u64,
}

impl Time {
    pub(crate) fn of(nanoseconds: u64) -> Self {
        Self { seconds: nanoseconds / SECOND, nanoseconds: nanoseconds % SECOND }
    }

    /// Of 16 bytes; `None` where it is none.
    pub(crate) fn of_bytes(bytes: [u8; 16]) -> Option<Self> {
        let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap_or_default());
        let time = Self { seconds: number(0), nanoseconds: number(8) };
        (time.nanoseconds < SECOND && time.seconds < 1 << 40).then_some(time)
    }

    pub(crate) fn to_bytes(self) -> [u8; 16] {
        pair(self.seconds, self.nanoseconds)
    }

    pub(crate) fn in_nanoseconds(self) -> u64 {
        self.seconds.saturating_mul(SECOND).saturating_add(self.nanoseconds)
    }
}

/// Two numbers as they lie in memory.
pub(crate) fn pair(first: u64, second: u64) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&first.to_le_bytes());
    bytes[8..].copy_from_slice(&second.to_le_bytes());
    bytes
}

/// What a clock shows when so many nanoseconds have passed since the program began.
pub(crate) fn reading(clock: u64, passed: u64) -> Time {
    // Numbers of linux/time.h. Clocks of CPU time begin with the program; negative numbers stand for those of other processes.
    let start = match clock {
        0 | 5 | 8 | 11 => EPOCH_SECONDS,
        1 | 4 | 6 | 7 | 9 => UPTIME_SECONDS,
        _ => 0,
    };
    Time::of(start * SECOND + passed)
}

/// Instructions executed outside regions, which QEMU counts itself: each moves the clock on by a cycle.
pub(crate) struct InstructionCount(UnsafeCell<u64>);

// SAFETY: threads count without locks, as the API has it: counts may be lost where several run at once, which only moves the time
// outside regions.
unsafe impl Sync for InstructionCount {}

impl InstructionCount {
    pub(crate) const fn new() -> Self {
        Self(UnsafeCell::new(0))
    }

    /// Where QEMU adds.
    pub(crate) fn pointer(&self) -> *mut std::ffi::c_void {
        self.0.get().cast()
    }

    pub(crate) fn get(&self) -> u64 {
        // SAFETY: a plain number.
        unsafe { self.0.get().read_volatile() }
    }
}
