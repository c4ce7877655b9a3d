//! System calls whose answers would show the host, or its time: each gets the answer of the simulated device.
//!
//! QEMU lets a plugin see calls and results, not change them; what a call writes into the program's memory is overwritten. Numbers
//! and structures are those of Linux on aarch64 (asm-generic).

use crate::clock::{self, Time, pair};
use crate::guest::Guest;

/// A system call and its first arguments.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) number: i64,
    pub(crate) arguments: [u64; 5],
}

/// Numbers of calls.
mod number {
    pub(super) const EPOLL_PWAIT: i64 = 22;
    pub(super) const STATFS: i64 = 43;
    pub(super) const FACCESSAT: i64 = 48;
    pub(super) const OPENAT: i64 = 56;
    pub(super) const PSELECT6: i64 = 72;
    pub(super) const PPOLL: i64 = 73;
    pub(super) const READLINKAT: i64 = 78;
    pub(super) const NEWFSTATAT: i64 = 79;
    pub(super) const FUTEX: i64 = 98;
    pub(super) const NANOSLEEP: i64 = 101;
    pub(super) const TIMERFD_CREATE: i64 = 85;
    pub(super) const SETITIMER: i64 = 103;
    pub(super) const TIMER_CREATE: i64 = 107;
    pub(super) const CLOCK_GETTIME: i64 = 113;
    pub(super) const CLOCK_NANOSLEEP: i64 = 115;
    pub(super) const SCHED_GETAFFINITY: i64 = 123;
    pub(super) const RT_SIGTIMEDWAIT: i64 = 137;
    pub(super) const TIMES: i64 = 153;
    pub(super) const UNAME: i64 = 160;
    pub(super) const GETRUSAGE: i64 = 165;
    pub(super) const PRCTL: i64 = 167;
    pub(super) const GETCPU: i64 = 168;
    pub(super) const GETTIMEOFDAY: i64 = 169;
    pub(super) const SYSINFO: i64 = 179;
    pub(super) const CLONE: i64 = 220;
    pub(super) const GETRANDOM: i64 = 278;
    pub(super) const STATX: i64 = 291;
    pub(super) const CLONE3: i64 = 435;
    pub(super) const OPENAT2: i64 = 437;
    pub(super) const FACCESSAT2: i64 = 439;
}

/// `EAGAIN`.
const AGAIN: i64 = -11;
/// `ETIMEDOUT`.
const TIMED_OUT: i64 = -110;
/// `CLONE_THREAD`.
const THREAD: u64 = 0x10000;
/// `FUTEX_CMD_MASK`, and commands of `futex`.
const FUTEX_COMMAND: u64 = 127;
const FUTEX_WAIT: u64 = 0;
const FUTEX_LOCK_PI: u64 = 6;
/// `FUTEX_CLOCK_REALTIME`.
const FUTEX_DATE: u64 = 256;
/// Numbers of clocks: the one that shows dates, and the one that counts from the system's start.
const DATE: u64 = 0;
const MONOTONIC: u64 = 1;
/// `TIMER_ABSTIME` of `clock_nanosleep`.
const ABSOLUTE: u64 = 1;
/// Memory that `sysinfo` reports, in bytes: 3 GiB, as phones with a Snapdragon 625 have.
const MEMORY: u64 = 3 << 30;

impl Call {
    /// A mark: its command and label.
    pub(crate) fn mark(&self) -> Option<(u64, u64)> {
        let [option, command, label, ..] = self.arguments;
        (self.number == number::PRCTL && option == simulator::marks::MAGIC).then_some((command, label))
    }

    /// Whether it starts another process.
    pub(crate) fn starts_process(&self, guest: &Guest) -> bool {
        let [a, ..] = self.arguments;
        match self.number {
            number::CLONE => a & THREAD == 0,
            // The flags stand first in its structure.
            number::CLONE3 => guest.read::<8>(a).is_some_and(|flags| u64::from_le_bytes(flags) & THREAD == 0),
            _ => false,
        }
    }

    /// Address of the path that it asks the system for.
    pub(crate) fn path(&self) -> Option<u64> {
        let [a, b, ..] = self.arguments;
        match self.number {
            number::STATFS => Some(a),
            number::OPENAT
            | number::OPENAT2
            | number::FACCESSAT
            | number::FACCESSAT2
            | number::READLINKAT
            | number::NEWFSTATAT
            | number::STATX => Some(b),
            _ => None,
        }
    }

    /// Whether it starts a timer, which runs on the host's clock.
    pub(crate) fn starts_timer(&self) -> bool {
        matches!(self.number, number::TIMERFD_CREATE | number::SETITIMER | number::TIMER_CREATE)
    }

    /// The time that a call sleeps, in nanoseconds, and where the program says so. `passed` is the time since its beginning.
    pub(crate) fn sleep(&self, guest: &Guest, passed: u64) -> Option<Sleep> {
        let [a, b, c, ..] = self.arguments;
        let (request, absolute) = match self.number {
            number::NANOSLEEP => (a, None),
            number::CLOCK_NANOSLEEP if b & ABSOLUTE != 0 => (c, Some(a)),
            number::CLOCK_NANOSLEEP => (c, None),
            _ => return None,
        };
        let bytes = guest.read::<16>(request)?;
        let time = Time::of_bytes(bytes)?.in_nanoseconds();
        let nanoseconds = match absolute {
            None => time,
            Some(clock) => time.saturating_sub(clock::reading(clock, passed).in_nanoseconds()),
        };
        Some(Sleep { request, bytes, nanoseconds })
    }

    /// The time that a call waits for at most, in nanoseconds; 0 where it does not wait, or has no limit. To be asked when it begins: the
    /// system writes what is left over some of them.
    pub(crate) fn limit(&self, guest: &Guest, passed: u64) -> u64 {
        let [_, b, c, d, e] = self.arguments;
        let at = |address: u64| guest.read::<16>(address).and_then(Time::of_bytes).map_or(0, Time::in_nanoseconds);
        match self.number {
            number::PPOLL | number::RT_SIGTIMEDWAIT => at(c),
            number::EPOLL_PWAIT => u64::try_from(d as i32).unwrap_or(0).saturating_mul(1_000_000),
            number::PSELECT6 => at(e),
            // FUTEX_WAIT waits for so long; the others until a time of one of two clocks.
            number::FUTEX if b & FUTEX_COMMAND == FUTEX_WAIT => at(d),
            number::FUTEX => {
                let by_date = b & FUTEX_DATE != 0 || b & FUTEX_COMMAND == FUTEX_LOCK_PI;
                let now = clock::reading(if by_date { DATE } else { MONOTONIC }, passed);
                at(d).saturating_sub(now.in_nanoseconds())
            }
            _ => 0,
        }
    }

    /// Whether it waited in vain until its limit.
    pub(crate) fn timed_out(&self, result: i64) -> bool {
        match self.number {
            number::PPOLL | number::EPOLL_PWAIT | number::PSELECT6 => result == 0,
            number::RT_SIGTIMEDWAIT => result == AGAIN,
            number::FUTEX => result == TIMED_OUT,
            _ => false,
        }
    }

    /// Writes the simulated answer over the host's.
    pub(crate) fn answer(&self, guest: &Guest, result: i64, passed: u64, random: &mut Random) {
        if result < 0 {
            return;
        }
        let [a, b, c, ..] = self.arguments;
        let write = |address: u64, bytes: &[u8]| {
            if address != 0 {
                guest.write(address, bytes);
            }
        };
        match self.number {
            number::CLOCK_GETTIME => write(b, &clock::reading(a, passed).to_bytes()),
            number::GETTIMEOFDAY => {
                let now = clock::reading(0, passed);
                write(a, &pair(now.seconds, now.nanoseconds / 1000));
            }
            // All time is the program's own; nothing interrupted it.
            number::GETRUSAGE => {
                let now = Time::of(passed);
                let mut usage = [0; 144];
                usage[..16].copy_from_slice(&pair(now.seconds, now.nanoseconds / 1000));
                write(b, &usage);
            }
            number::TIMES => {
                let mut times = [0; 32];
                times[..8].copy_from_slice(&(passed / (clock::SECOND / 100)).to_le_bytes());
                write(a, &times);
            }
            number::GETCPU => {
                write(a, &[0; 4]);
                write(b, &[0; 4]);
            }
            // One processor.
            number::SCHED_GETAFFINITY => {
                let mut mask = vec![0; usize::try_from(result).unwrap_or(0).min(1024)];
                if let Some(first) = mask.first_mut() {
                    *first = 1;
                }
                write(c, &mask);
            }
            number::UNAME => {
                let names = ["Linux", "simulated", "5.10.0", "#1", "aarch64", "(none)"];
                let mut bytes = [0; 6 * 65];
                for (k, name) in names.into_iter().enumerate() {
                    bytes[65 * k..65 * k + name.len()].copy_from_slice(name.as_bytes());
                }
                write(a, &bytes);
            }
            number::SYSINFO => {
                let mut info = [0; 112];
                let mut put = |at: usize, value: u64| info[at..at + 8].copy_from_slice(&value.to_le_bytes());
                put(0, clock::reading(1, passed).seconds);
                put(32, MEMORY);
                put(40, MEMORY / 2);
                put(80, 1);
                put(104, 1);
                write(a, &info);
            }
            number::GETRANDOM => {
                let bytes: Vec<u8> = (0..result).map(|_| random.byte()).collect();
                write(a, &bytes);
            }
            _ => {}
        }
    }
}

/// A sleep that the program asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sleep {
    /// Where the time stands.
    pub(crate) request: u64,
    /// What stands there.
    pub(crate) bytes: [u8; 16],
    /// How long it is.
    pub(crate) nanoseconds: u64,
}

/// Random bytes that are the same in every run (SplitMix64, Steele, Lea and Flood, 2014).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn byte(&mut self) -> u8 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ z >> 31) >> 56) as u8
    }
}
