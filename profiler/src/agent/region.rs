//! What counts in a simulated run: the program tells the simulator by system calls that a kernel refuses.
//!
//! Outside a simulator a mark does nothing: no kernel knows this number, and its refusal is not looked at.

use std::ffi::{c_int, c_ulong};

/// The first argument of `prctl(2)`: the letters BLOC. No kernel knows it.
const MARK: c_int = 0x424c_4f43;

/// What a mark says; the second argument.
#[derive(Clone, Copy)]
enum Command {
    /// From here on the calling thread counts.
    Begin = 1,
    /// It counts no more.
    End = 2,
    /// Nothing is in the caches.
    EmptyCaches = 3,
    /// What was counted in this region is forgotten; caches stay as they are.
    Restart = 4,
}

/// Begins a region. `label` names it in the simulator's report.
pub fn begin(label: u64) {
    mark(Command::Begin, label);
}

/// Ends the region.
pub fn end() {
    mark(Command::End, 0);
}

/// Empties the simulated caches.
pub fn empty_caches() {
    mark(Command::EmptyCaches, 0);
}

/// Counts the region from here on; what was executed in it before has only warmed the caches.
pub fn restart() {
    mark(Command::Restart, 0);
}

fn mark(command: Command, label: u64) {
    // SAFETY: `prctl` reads its integer arguments and nothing else; a kernel that does not know the first one changes nothing.
    let _ = unsafe { nix::libc::prctl(MARK, command as c_ulong, label as c_ulong, 0, 0) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_refuses_the_marks_and_nothing_happens() {
        for command in [Command::Begin, Command::Restart, Command::EmptyCaches, Command::End] {
            mark(command, 7);
        }
        // SAFETY: as in `mark`.
        let refused = unsafe { nix::libc::prctl(MARK, Command::Begin as c_ulong, 0, 0, 0) };
        assert_eq!(refused, -1);
    }
    /// The simulator is no part of an agent, so that the numbers stand twice.
    #[cfg(all(feature = "host", not(target_os = "android")))]
    #[test]
    fn the_marks_are_the_simulators() {
        use simulator::marks;
        let ours = [Command::Begin, Command::End, Command::EmptyCaches, Command::Restart].map(|command| command as u64);
        assert_eq!(ours, [marks::BEGIN, marks::END, marks::EMPTY_CACHES, marks::RESTART]);
        assert_eq!(MARK as u64, marks::MAGIC);
    }
}
