//! The clock, and what the scheduler does to this process.

use nix::sched::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};
use nix::sys::resource::{UsageWho, getrusage};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;

use crate::hardware::{Cluster, choose};

/// Microseconds of the raw monotonic clock: no daemon slews it, and setting the date does not move it.
pub fn now_us() -> f64 {
    match clock_gettime(ClockId::CLOCK_MONOTONIC_RAW) {
        Ok(t) => t.tv_sec() as f64 * 1e6 + t.tv_nsec() as f64 * 1e-3,
        // The clock exists since Linux 2.6.28; a kernel without it cannot run this program.
        Err(_) => 0.0,
    }
}

/// Microseconds that this thread has computed.
pub fn computed_us() -> f64 {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(0.0, |t| t.tv_sec() as f64 * 1e6 + t.tv_nsec() as f64 * 1e-3)
}

/// How often another process was given the CPU since this one started.
pub fn preemptions() -> i64 {
    getrusage(UsageWho::RUSAGE_SELF).map_or(0, |usage| usage.involuntary_context_switches())
}

/// The CPU this thread is on.
pub fn cpu() -> Option<usize> {
    sched_getcpu().ok()
}

/// The CPUs this process may use; none where the system does not tell.
pub fn allowed() -> Vec<usize> {
    match sched_getaffinity(Pid::from_raw(0)) {
        Ok(set) => (0..CpuSet::count()).filter(|&i| set.is_set(i).unwrap_or(false)).collect(),
        Err(_) => Vec::new(),
    }
}

/// How many CPUs there are for an engine's threads: of those asked for, or of all that this process may use; fewer where the system
/// gives it less time than that.
pub fn room(asked: &[usize]) -> usize {
    let usable = std::thread::available_parallelism().map_or(usize::MAX, usize::from);
    if asked.is_empty() { usable } else { usable.min(asked.len()) }
}

/// Pins the process to CPUs: those asked for, else those of one cluster ([`choose`]).
///
/// Gives the CPUs pinned to; none where nothing was asked for and the system does not allow it.
///
/// # Errors
/// Why the CPUs asked for cannot be had.
pub fn pin(asked: &[usize], threads: usize, clusters: &[Cluster]) -> Result<Vec<usize>, String> {
    let allowed = allowed();
    if let Some(missing) = asked.iter().find(|cpu| !allowed.contains(cpu)) {
        return Err(format!("CPU {missing} is not among those that may be used, {allowed:?}"));
    }
    let chosen = if asked.is_empty() { choose(clusters, &allowed, threads) } else { asked.to_vec() };
    let mut set = CpuSet::new();
    let pinned = chosen.iter().try_for_each(|&cpu| set.set(cpu)).and_then(|()| sched_setaffinity(Pid::from_raw(0), &set));
    match pinned {
        Ok(()) if !chosen.is_empty() => Ok(chosen),
        Err(e) if !asked.is_empty() => Err(e.to_string()),
        _ => Ok(Vec::new()),
    }
}
