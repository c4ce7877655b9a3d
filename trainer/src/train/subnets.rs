//! The subnets of a supernet as it is now, and how good they are.

use blocks::{Space, Weights};

use super::error::TrainError;
use crate::model::{primitives, subnet_weights};
use crate::nni::Reference;
use crate::task::Task;

/// The subnets of a supernet with its weights.
pub(super) struct Subnets<'a, T: Task> {
    pub task: &'a T,
    pub reference: Reference,
    pub space: &'a Space,
    pub points: usize,
    /// The supernet's weights.
    pub supernet: Weights,
    /// The training list, and the examples of it that the weights were trained on.
    pub train: (&'a T::Data, Vec<usize>),
    /// The examples that errors are taken on.
    pub validation: (&'a T::Data, &'a [usize]),
}

impl<T: Task> Subnets<'_, T> {
    /// The errors of one (an index a layer) with the supernet's weights and running statistics of its own. The reference keeps the
    /// supernet's statistics.
    ///
    /// # Errors
    /// An example cannot be read.
    pub fn scores(&self, indices: &[usize]) -> Result<T::Scores, TrainError> {
        let choice = primitives(self.space, indices);
        let graph = self.space.deployed(&choice, self.points);
        let mut weights = subnet_weights(self.space, &choice, &graph, &self.supernet)?;
        if self.reference.is_off() {
            weights = self.task.recalibrated(&graph, &weights, self.train.0, self.train.1.clone())?;
        }
        let (data, which) = self.validation;
        Ok(self.task.evaluate(self.reference, graph, &weights, data, which)?)
    }
}
