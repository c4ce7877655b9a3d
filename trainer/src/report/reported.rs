//! The task whose runs are reported, and what it calls its error and its examples.

use crate::task::{Task, faces};

/// The task.
pub(super) type Reported = faces::FaceTask;
/// What an evaluation of it finds.
pub(super) type Evaluation = faces::Evaluation;

/// What the error is called.
pub(super) const METRIC: &str = Reported::METRIC;
/// What examples are called, in the plural.
pub(super) const EXAMPLES: &str = Reported::EXAMPLES;
