//! Weights at the start of training.

use std::f32::consts::TAU;

use blocks::graph::{Param, ParamKind};
use blocks::{Graph, Weights};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Standard deviation of a backbone's fully connected layers.
const LINEAR_DEVIATION: f32 = 0.001;

/// A backbone's weights, as the reference starts them: convolutions Kaiming normal by fan-out, fully connected layers normal
/// with deviation 0.001, biases 0, batch norm 1 and 0.
pub fn backbone(graph: &Graph, seed: u64) -> Weights {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    weights(graph, |param| match param.kind {
        // PyTorch's fan-out does not know of groups: a depthwise filter's counts all output channels.
        ParamKind::ConvWeight => {
            let fan_out = param.dims[0] * param.dims[2] * param.dims[3];
            normal(&mut rng, param.len(), (2.0 / fan_out as f32).sqrt())
        }
        ParamKind::LinearWeight => normal(&mut rng, param.len(), LINEAR_DEVIATION),
        _ => vec![0.0; param.len()],
    })
}

/// A pose network's weights: PyTorch's own defaults, uniform within ±1/√fan-in.
pub fn pose_net(graph: &Graph, seed: u64) -> Weights {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut fan_in = 1;
    weights(graph, |param| {
        if matches!(param.kind, ParamKind::ConvWeight | ParamKind::LinearWeight) {
            fan_in = param.len() / param.dims[0];
        }
        match param.kind {
            // A bias stands behind the weight whose fan-in bounds it.
            ParamKind::ConvWeight | ParamKind::LinearWeight | ParamKind::Bias => {
                let bound = 1.0 / (fan_in as f32).sqrt();
                (0..param.len()).map(|_| rng.random_range(-bound..bound)).collect()
            }
            _ => vec![0.0; param.len()],
        }
    })
}

/// `draw` for all but batch norms, which start as the identity.
fn weights(graph: &Graph, mut draw: impl FnMut(&Param) -> Vec<f32>) -> Weights {
    let mut start = |param: &Param| match param.kind {
        ParamKind::Gamma | ParamKind::RunningVar => vec![1.0; param.len()],
        ParamKind::Beta | ParamKind::RunningMean => vec![0.0; param.len()],
        _ => draw(param),
    };
    Weights(graph.params().iter().map(|p| (p.name.clone(), start(p))).collect())
}

/// Box and Muller's transform.
fn normal(rng: &mut ChaCha8Rng, n: usize, deviation: f32) -> Vec<f32> {
    let mut values = Vec::with_capacity(n + 1);
    while values.len() < n {
        // 1 − u is in (0, 1], whose logarithm is finite.
        let (u, v): (f32, f32) = (rng.random(), rng.random());
        let radius = (-2.0 * (1.0 - u).ln()).sqrt() * deviation;
        values.extend([radius * (TAU * v).cos(), radius * (TAU * v).sin()]);
    }
    values.truncate(n);
    values
}
