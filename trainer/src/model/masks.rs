//! Architecture weights, and the Gumbel-softmax masks drawn from them.

use candle_core::{D, Device, Result, Tensor, Var};
use candle_nn::ops::softmax;
use rand::RngExt;

use super::draw::Draw;

/// Added where a layer has fewer candidates than the widest one: softmax gives exactly 0 there, and no gradient.
const NO_CANDIDATE: f32 = -1e9;

/// The architecture weights of all layers: a row a layer, padded to the widest.
pub struct ArchWeights {
    path_alpha: Var,
    padding: Tensor,
    candidates: Vec<usize>,
}

impl ArchWeights {
    /// 1/n for each of a layer's n candidates.
    ///
    /// # Errors
    /// candle fails.
    pub fn new(candidates: &[usize]) -> Result<Self> {
        let width = candidates.iter().copied().max().unwrap_or(0);
        let row = |n: usize, inside: f32, outside: f32| (0..width).map(move |k| if k < n { inside } else { outside });
        let start: Vec<f32> = candidates.iter().flat_map(|&n| row(n, 1.0 / n as f32, 0.0)).collect();
        let padding: Vec<f32> = candidates.iter().flat_map(|&n| row(n, 0.0, NO_CANDIDATE)).collect();
        let shape = (candidates.len(), width);
        Ok(Self {
            path_alpha: Var::from_vec(start, shape, &Device::Cpu)?,
            padding: Tensor::from_vec(padding, shape, &Device::Cpu)?,
            candidates: candidates.to_vec(),
        })
    }

    /// `[layers, candidates of the widest layer]`; 0 behind a layer's last candidate.
    pub fn path_alpha(&self) -> &Var {
        &self.path_alpha
    }

    /// Gumbel noise for one draw, in the shape of the weights.
    ///
    /// # Errors
    /// candle fails.
    pub fn noise(&self, draw: Draw) -> Result<Tensor> {
        let mut rng = draw.rng();
        // Uniform in (0, 1): both ends would give an infinite noise.
        let mut uniform = || (f64::from(rng.random::<u32>()) + 0.5) / 2f64.powi(32);
        let noise: Vec<f32> = (0..self.path_alpha.elem_count()).map(|_| -(-uniform().ln()).ln() as f32).collect();
        Tensor::from_vec(noise, self.path_alpha.shape(), self.path_alpha.device())
    }

    /// softmax((path_alpha + noise) / τ), a row a layer.
    ///
    /// # Errors
    /// candle fails.
    pub fn masks(&self, noise: &Tensor, temperature: f64) -> Result<Tensor> {
        let logits = ((self.path_alpha.as_tensor() + noise)? / temperature)?;
        softmax(&(logits + &self.padding)?, D::Minus1)
    }

    /// The masks of a path, which has a candidate a layer: 1 for that, 0 for all others.
    ///
    /// # Errors
    /// candle fails.
    pub fn path(&self, path: &[usize]) -> Result<Tensor> {
        let width = self.path_alpha.dims()[1];
        let row = |&chosen: &usize| (0..width).map(move |k| if k == chosen { 1f32 } else { 0.0 });
        Tensor::from_vec(path.iter().flat_map(row).collect::<Vec<_>>(), self.path_alpha.shape(), self.path_alpha.device())
    }

    /// Masks rounded to the path of each layer's largest one, with the gradient of the masks themselves (straight through).
    ///
    /// # Errors
    /// candle fails.
    pub fn rounded(&self, masks: &Tensor) -> Result<Tensor> {
        let path: Vec<usize> = self.cut(masks.to_vec2()?).iter().map(|row| largest(row)).collect();
        (self.path(&path)? - masks.detach())? + masks
    }

    /// softmax(path_alpha) of each layer's candidates.
    ///
    /// # Errors
    /// The device does not give them back.
    pub fn probabilities(&self) -> Result<Vec<Vec<f32>>> {
        let rows = softmax(&(self.path_alpha.as_tensor() + &self.padding)?, D::Minus1)?.to_vec2()?;
        Ok(self.cut(rows))
    }

    /// Index of the largest weight of each layer, the first of equal ones.
    ///
    /// # Errors
    /// The device does not give them back.
    pub fn argmax(&self) -> Result<Vec<usize>> {
        Ok(self.values()?.iter().map(|row| largest(row)).collect())
    }

    /// The weights of each layer's candidates.
    ///
    /// # Errors
    /// The device does not give them back.
    pub fn values(&self) -> Result<Vec<Vec<f32>>> {
        Ok(self.cut(self.path_alpha.to_vec2()?))
    }

    fn cut(&self, mut rows: Vec<Vec<f32>>) -> Vec<Vec<f32>> {
        for (row, &n) in rows.iter_mut().zip(&self.candidates) {
            row.truncate(n);
        }
        rows
    }
}

/// Index of the largest value, the first of equal ones.
fn largest(row: &[f32]) -> usize {
    (1..row.len()).fold(0, |best, k| if row[k] > row[best] { k } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Purpose;

    #[test]
    fn rounded_masks_are_a_path_and_have_the_masks_gradient() {
        let arch = ArchWeights::new(&[3, 2]).unwrap();
        let noise = arch.noise(Draw { seed: 1, purpose: Purpose::ArchMasks, epoch: 0, step: 0 }).unwrap();
        let masks = arch.masks(&noise, 1.0).unwrap();
        let rounded = arch.rounded(&masks).unwrap();
        let path: Vec<usize> = arch.cut(masks.to_vec2().unwrap()).iter().map(|row| largest(row)).collect();
        let (found, expected) = (rounded.to_vec2::<f32>().unwrap(), arch.path(&path).unwrap().to_vec2::<f32>().unwrap());
        let close = |(a, b): (&Vec<f32>, &Vec<f32>)| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(found.iter().zip(&expected).all(close), "{found:?}");
        let weighed = Tensor::new(&[[1f32, 2.0, 4.0], [3.0, 1.0, 0.0]], &Device::Cpu).unwrap();
        let gradient = |masks: &Tensor| {
            let loss = (masks * &weighed).unwrap().sum_all().unwrap();
            loss.backward().unwrap().get(arch.path_alpha()).unwrap().to_vec2::<f32>().unwrap()
        };
        assert_eq!(gradient(&rounded), gradient(&masks));
    }
}
