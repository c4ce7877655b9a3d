//! Work on all CPUs of this machine.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::job_error::JobError;
use crate::devices::interrupt;

/// Does the work of so many numbers, on all CPUs, and gives the results in their order. Stops where one fails, or at Ctrl-C.
pub(super) fn in_parallel<T: Send>(count: usize, work: &(dyn Fn(usize) -> Result<T, JobError> + Sync)) -> Result<Vec<T>, JobError> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut made = Vec::new();
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            if i >= count {
                return Ok(made);
            }
            if interrupt::requested() {
                return Err(JobError::Interrupted);
            }
            made.push((i, work(i)?));
        }
    };
    let workers = thread::available_parallelism().map_or(1, usize::from).min(count);
    let made = thread::scope(|scope| {
        let handles: Vec<_> = (0..workers).map(|_| scope.spawn(worker)).collect();
        let results = handles.into_iter().map(|h| h.join().unwrap_or_else(|e| std::panic::resume_unwind(e)));
        results.collect::<Result<Vec<_>, JobError>>()
    })?;
    let mut made: Vec<(usize, T)> = made.into_iter().flatten().collect();
    made.sort_by_key(|(i, _)| *i);
    Ok(made.into_iter().map(|(_, result)| result).collect())
}
