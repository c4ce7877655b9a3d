//! Several processes, or threads, that share each batch.

use std::fmt::Debug;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// The processes that train one net together, each on its share of every batch.
///
/// All shares have the same number of images. Batch norm takes its sums over all of them, forward and backward, so that the net
/// learns what one process with the whole batch would teach it, up to rounding.
///
/// Every process must call [`Group::sum`] equally often, in the same order and with the same lengths.
pub trait Group: Debug + Send + Sync {
    /// Number of processes.
    fn size(&self) -> usize;

    /// This process's place among them, from 0; its images stand at this place in the batch.
    fn rank(&self) -> usize;

    /// Replaces each value by its sum over all processes; all get the same bits.
    fn sum(&self, values: &mut [f64]);

    /// The same for `len` doubles in the memory of this member's GPU, in order with its other work: reads them at `from`, and writes
    /// the sums to `to`, which may be the same place. `false` where the group cannot: then they are to be summed on the host.
    fn sum_on_gpu(&self, _from: u64, _to: u64, _len: usize) -> bool {
        false
    }

    /// Whether members are threads of one process, which share its thread pool: then a member must not wait for the others on one of the
    /// pool's threads, which they need.
    fn shares_pool(&self) -> bool {
        false
    }

    /// Tells that this member has failed, so that the others do not wait for it: their next sum panics.
    fn leave(&self) {}
}

/// A group of threads of one process, a member each. They exchange values through memory and add them in the members' order.
///
/// A sum panics when a member has [left](Group::leave).
pub fn threads(size: usize) -> Vec<Arc<dyn Group>> {
    let meeting = Arc::new(Meeting { size, state: Mutex::default(), changed: Condvar::new() });
    let member = |rank| -> Arc<dyn Group> { Arc::new(Member { rank, meeting: meeting.clone() }) };
    (0..size).map(member).collect()
}

/// Where threads meet.
#[derive(Debug)]
struct Meeting {
    size: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Sums that are complete.
    round: u64,
    /// Values of the processes that wait for the next one, with their places.
    waiting: Vec<(usize, Vec<f64>)>,
    /// Of the last round: the next one starts after all have read it.
    sums: Vec<f64>,
    has_left: bool,
}

impl State {
    fn complete(&mut self) {
        self.waiting.sort_by_key(|(rank, _)| *rank);
        let mut waiting = self.waiting.drain(..).map(|(_, values)| values);
        self.sums = waiting.next().unwrap_or_default();
        for values in waiting {
            assert_eq!(values.len(), self.sums.len(), "members sum equally many values");
            std::iter::zip(&mut self.sums, values).for_each(|(sum, value)| *sum += value);
        }
        self.round += 1;
    }
}

#[derive(Debug)]
struct Member {
    rank: usize,
    meeting: Arc<Meeting>,
}

impl Group for Member {
    fn shares_pool(&self) -> bool {
        true
    }

    fn size(&self) -> usize {
        self.meeting.size
    }

    fn rank(&self) -> usize {
        self.rank
    }

    fn sum(&self, values: &mut [f64]) {
        let mut state = self.meeting.state.lock().unwrap_or_else(PoisonError::into_inner);
        let round = state.round;
        state.waiting.push((self.rank, values.to_vec()));
        if state.waiting.len() == self.meeting.size {
            state.complete();
            self.meeting.changed.notify_all();
        }
        while state.round == round {
            assert!(!state.has_left, "another member of the group has failed");
            state = self.meeting.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        values.copy_from_slice(&state.sums);
    }

    fn leave(&self) {
        self.meeting.state.lock().unwrap_or_else(PoisonError::into_inner).has_left = true;
        self.meeting.changed.notify_all();
    }
}
