//! Which optimizers there are, and a step of one.

use std::ops::Range;

use candle_core::{Result, Tensor, Var};

use super::adamw::AdamW;
use super::optimizer::Optimizer;
use super::rmsprop::RmsProp;
use crate::parallel;

/// Which optimizer moves the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// RMSprop, as in PyTorch: smoothing 0.99, L2 weight decay.
    Rms,
    /// AdamW: β 0.9 and 0.999, decoupled weight decay.
    Adam,
}

impl Algorithm {
    /// A fresh optimizer for a variable of `len` values.
    pub fn optimizer(self, len: usize, weight_decay: f64) -> Box<dyn Optimizer> {
        match self {
            Self::Rms => Box::new(RmsProp::new(len, weight_decay)),
            Self::Adam => Box::new(AdamW::new(len, weight_decay)),
        }
    }
}

/// One step of `optimizer` on `variable` with the gradient that a backward pass gave: its mean, where several processes train together.
///
/// # Errors
/// The device does not give values back, or takes none.
pub fn step(optimizer: &mut dyn Optimizer, variable: &Var, gradient: &Tensor, lr: f64) -> Result<()> {
    let all = 0..variable.elem_count();
    step_parts(optimizer, variable, gradient, lr, &[all])
}

/// The same for some parts of the variable.
///
/// # Errors
/// The device does not give values back, or takes none.
pub fn step_parts(optimizer: &mut dyn Optimizer, variable: &Var, gradient: &Tensor, lr: f64, parts: &[Range<usize>]) -> Result<()> {
    let mut values = variable.flatten_all()?.to_vec1::<f32>()?;
    let mut gradients = gradient.flatten_all()?.to_vec1::<f32>()?;
    parallel::mean(&mut gradients);
    optimizer.update_parts(&mut values, &gradients, lr, parts);
    variable.set(&Tensor::from_vec(values, variable.shape(), variable.device())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    // import torch
    // p = torch.tensor([1.0, -2.0, 0.5], requires_grad=True)
    // o = torch.optim.RMSprop([p], lr=0.01, weight_decay=0.1)
    //   | torch.optim.AdamW([p], lr=0.01, weight_decay=0.1)
    // for i in range(3):
    //     p.grad = torch.tensor([0.1, -0.2, 0.0]) * (i + 1)
    //     o.step(); print([f"{v:.8f}" for v in p.tolist()])
    const RMSPROP: [[f64; 3]; 3] =
        [[0.90000004, -1.89999998, 0.40000018], [0.81754577, -1.81709850, 0.33733943], [0.74383092, -1.74298549, 0.29043353]];
    const ADAMW: [[f64; 3]; 3] =
        [[0.98900002, -1.98800004, 0.49950001], [0.97835922, -1.97636032, 0.49900052], [0.96780086, -1.96480393, 0.49850154]];

    fn gradient(i: usize) -> [f32; 3] {
        [0.1, -0.2, 0.0].map(|g: f32| g * (i + 1) as f32)
    }

    #[test]
    fn steps_are_pytorchs() {
        for (algorithm, expected) in [(Algorithm::Rms, RMSPROP), (Algorithm::Adam, ADAMW)] {
            let variable = Var::new(&[1f32, -2.0, 0.5], &Device::Cpu).unwrap();
            let mut optimizer = algorithm.optimizer(3, 0.1);
            for (i, expected) in expected.iter().enumerate() {
                let gradient = Tensor::new(&gradient(i), &Device::Cpu).unwrap();
                step(optimizer.as_mut(), &variable, &gradient, 0.01).unwrap();
                let found = variable.to_vec1::<f32>().unwrap();
                assert!(
                    found.iter().zip(expected).all(|(f, e)| (f64::from(*f) - e).abs() < 1e-6),
                    "{algorithm:?} {i}: {found:?}, {expected:?}"
                );
            }
        }
    }

    #[test]
    fn what_is_no_part_of_a_step_stays_as_it_is() {
        for algorithm in [Algorithm::Rms, Algorithm::Adam] {
            let [mut whole, mut parts] = [(); 2].map(|()| algorithm.optimizer(3, 0.1));
            let mut values = [[1.0, -2.0, 0.5]; 2];
            whole.update(&mut values[0], &gradient(0), 0.01);
            parts.update_parts(&mut values[1], &gradient(0), 0.01, &[0..1, 2..3]);
            assert_eq!(values[1], [values[0][0], -2.0, values[0][2]]);
            let averages = |optimizer: &dyn Optimizer| optimizer.state().pop().unwrap().1;
            let [of_whole, of_parts] = [averages(whole.as_ref()), averages(parts.as_ref())];
            assert_eq!(of_parts, [of_whole[0], 0.0, of_whole[2]]);
        }
    }

    #[test]
    fn a_restored_optimizer_goes_on_bit_for_bit() {
        for algorithm in [Algorithm::Rms, Algorithm::Adam] {
            let mut first = algorithm.optimizer(3, 0.1);
            let mut values = [1.0, -2.0, 0.5];
            first.update(&mut values, &gradient(0), 0.01);
            let state = first.state();
            let part = |name: &str| state.iter().find(|(n, _)| *n == name).map(|(_, v)| v.clone());

            let mut second = algorithm.optimizer(3, 0.1);
            assert!(!second.restore(&|_| None));
            assert!(!second.restore(&|name| part(name).map(|v| v[1..].to_vec())));
            assert!(second.restore(&part));
            let mut again = values;
            first.update(&mut values, &gradient(1), 0.01);
            second.update(&mut again, &gradient(1), 0.01);
            assert_eq!(values, again);
        }
    }
}
