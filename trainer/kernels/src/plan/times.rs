//! How long the steps of a plan took.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A direction of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Outputs from inputs.
    Forward,
    /// Gradients of inputs and parameters.
    Backward,
}

/// How long each step of a plan took, added up over passes.
#[derive(Debug, Default)]
pub struct Times(Mutex<Vec<[Duration; 2]>>);

impl Times {
    pub(super) fn add(&self, step: usize, direction: Direction, took: Duration) {
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if times.len() <= step {
            times.resize(step + 1, [Duration::ZERO; 2]);
        }
        times[step][direction as usize] += took;
    }

    /// Of a step of [`Plan::described`](crate::Plan::described), in its order.
    pub fn of(&self, step: usize, direction: Direction) -> Duration {
        let times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        times.get(step).map_or(Duration::ZERO, |times| times[direction as usize])
    }
}
