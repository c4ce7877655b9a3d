//! Marks by which a program says which part of it counts.
//!
//! A mark is the system call `prctl(MAGIC, command, label)`. A kernel knows no such option and answers with an error, so that a program with
//! marks runs everywhere; an emulator with the simulator sees it. A mark takes no simulated time.

/// First argument of the call: the letters "BLOC".
pub const MAGIC: u64 = 0x424c_4f43;
/// From here on the thread that calls is simulated; caches are as they were left. The label stands in the report.
pub const BEGIN: u64 = 1;
/// Up to here.
pub const END: u64 = 2;
/// Caches are emptied.
pub const EMPTY_CACHES: u64 = 3;
/// What was counted since the beginning is forgotten; caches stay.
pub const RESTART: u64 = 4;
