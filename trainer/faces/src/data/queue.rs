//! A bounded queue whose items are made by several threads and taken in order.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Items `0..count`, claimed by workers in order, finished in any order, taken in order. At most `ahead` are claimed and
/// not yet taken.
pub struct OrderedQueue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    count: usize,
    ahead: usize,
}

struct State<T> {
    claimed: usize,
    taken: usize,
    finished: BTreeMap<usize, T>,
    spare: Vec<T>,
    closed: bool,
}

impl<T> OrderedQueue<T> {
    pub fn new(count: usize, ahead: usize) -> Self {
        let state = State { claimed: 0, taken: 0, finished: BTreeMap::new(), spare: Vec::new(), closed: false };
        Self { state: Mutex::new(state), changed: Condvar::new(), count, ahead: ahead.max(1) }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next item to make, with a used one whose memory may serve again; waits for room. `None`: nothing is left, or the
    /// queue is closed.
    pub fn claim(&self) -> Option<(usize, Option<T>)> {
        let full = |state: &mut State<T>| !state.closed && state.claimed < self.count && state.claimed >= state.taken + self.ahead;
        let mut state = self.changed.wait_while(self.lock(), full).unwrap_or_else(PoisonError::into_inner);
        if state.closed || state.claimed == self.count {
            return None;
        }
        state.claimed += 1;
        Some((state.claimed - 1, state.spare.pop()))
    }

    /// Hands in item `index`.
    pub fn finish(&self, index: usize, item: T) {
        self.lock().finished.insert(index, item);
        self.changed.notify_all();
    }

    /// The next item in order; waits for it. `None`: all are taken, or the queue is closed.
    pub fn take(&self) -> Option<T> {
        let pending =
            |state: &mut State<T>| !state.closed && state.taken < self.count && !state.finished.contains_key(&state.taken);
        let mut state = self.changed.wait_while(self.lock(), pending).unwrap_or_else(PoisonError::into_inner);
        if state.closed {
            return None;
        }
        let next = state.taken;
        let item = state.finished.remove(&next)?;
        state.taken += 1;
        self.changed.notify_all();
        Some(item)
    }

    /// Gives a taken item back for its memory.
    pub fn recycle(&self, item: T) {
        let mut state = self.lock();
        if state.spare.len() < self.ahead {
            state.spare.push(item);
        }
    }

    /// Ends all waiting; nothing more is claimed.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_in_order_from_many_threads_and_never_too_far_ahead() {
        let queue = OrderedQueue::new(200, 5);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while let Some((index, _)) = queue.claim() {
                        assert!(index < queue.lock().taken + 5);
                        queue.finish(index, index);
                    }
                });
            }
            for expected in 0..200 {
                assert_eq!(queue.take(), Some(expected));
            }
            assert_eq!(queue.take(), None);
        });
    }

    #[test]
    fn closing_ends_the_waiting() {
        let queue = OrderedQueue::new(10, 1);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while let Some((index, _)) = queue.claim() {
                    queue.finish(index, ())
                }
            });
            queue.take();
            queue.close();
        });
        assert_eq!(queue.take(), None);
    }

    #[test]
    fn a_recycled_item_comes_back_to_a_worker() {
        let queue = OrderedQueue::new(2, 1);
        assert_eq!(queue.claim(), Some((0, None)));
        queue.finish(0, 7);
        queue.recycle(queue.take().unwrap());
        assert_eq!(queue.claim(), Some((1, Some(7))));
    }
}
