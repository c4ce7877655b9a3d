//! Named weights of a graph.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::graph::{Graph, Param, ParamKind};

/// Values of weights by name, each row-major in the dimensions of its [`Param`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weights(pub BTreeMap<String, Vec<f32>>);

/// A weight that a graph needs is missing or has another size.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum WeightError {
    /// Not there.
    #[error("weight '{0}' is missing")]
    Missing(String),
    /// There, with another number of values.
    #[error("weight '{name}' has {found} values, not the {expected} of {dims:?}")]
    Size {
        /// Its name.
        name: String,
        /// Its dimensions in the graph.
        dims: Vec<usize>,
        /// Values expected.
        expected: usize,
        /// Values found.
        found: usize,
    },
}

impl Weights {
    /// The values of one weight.
    pub fn get(&self, param: &Param) -> Result<&[f32], WeightError> {
        let values = self.0.get(&param.name).ok_or_else(|| WeightError::Missing(param.name.clone()))?;
        if values.len() == param.len() {
            Ok(values)
        } else {
            let (name, dims) = (param.name.clone(), param.dims.clone());
            Err(WeightError::Size { name, dims, expected: param.len(), found: values.len() })
        }
    }

    /// Weights for measuring: as at the start of training, with batch-norm statistics moved off their defaults, so that an
    /// engine which drops or misplaces one is found out. Equal seeds give equal weights on every machine.
    pub fn for_measuring(graph: &Graph, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut draw = |param: &Param| -> Vec<f32> {
            let n = param.len();
            match param.kind {
                ParamKind::ConvWeight | ParamKind::LinearWeight => {
                    let fan_in = (n / param.dims[0]) as f32;
                    let bound = (6.0 / fan_in).sqrt();
                    (0..n).map(|_| rng.random_range(-bound..bound)).collect()
                }
                ParamKind::Bias | ParamKind::Beta | ParamKind::RunningMean => (0..n).map(|_| rng.random_range(-0.1..0.1)).collect(),
                ParamKind::Gamma | ParamKind::RunningVar => (0..n).map(|_| rng.random_range(0.7..1.3)).collect(),
            }
        };
        Self(graph.params().iter().map(|p| (p.name.clone(), draw(p))).collect())
    }
}
