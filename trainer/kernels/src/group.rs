//! Several processes that share each batch.

use std::fmt::Debug;

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
}
