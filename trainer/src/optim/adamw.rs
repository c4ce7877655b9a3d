//! AdamW.

use std::ops::Range;

use super::optimizer::{Optimizer, parts};

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPSILON: f32 = 1e-8;

/// Adam with decoupled weight decay, PyTorch's defaults.
pub struct AdamW {
    steps: u32,
    average: Vec<f32>,
    square_average: Vec<f32>,
    weight_decay: f64,
}

impl AdamW {
    /// For a variable of `len` values.
    pub fn new(len: usize, weight_decay: f64) -> Self {
        Self { steps: 0, average: vec![0.0; len], square_average: vec![0.0; len], weight_decay }
    }
}

impl Optimizer for AdamW {
    fn update_parts(&mut self, values: &mut [f32], gradients: &[f32], lr: f64, parts: &[Range<usize>]) {
        self.steps += 1;
        let correction = |beta: f64| 1.0 - beta.powf(f64::from(self.steps));
        let step = (lr / correction(BETA_1)) as f32;
        let root = correction(BETA_2).sqrt() as f32;
        let keep = (1.0 - lr * self.weight_decay) as f32;
        let (b1, b2) = (BETA_1 as f32, BETA_2 as f32);
        let (rest_1, rest_2) = ((1.0 - BETA_1) as f32, (1.0 - BETA_2) as f32);
        for part in parts {
            let averages = self.average[part.clone()].iter_mut().zip(&mut self.square_average[part.clone()]);
            for ((value, &gradient), (average, square)) in
                values[part.clone()].iter_mut().zip(&gradients[part.clone()]).zip(averages)
            {
                *average = b1 * *average + rest_1 * gradient;
                *square = b2 * *square + rest_2 * gradient * gradient;
                *value = *value * keep - step * *average / (square.sqrt() / root + EPSILON);
            }
        }
    }

    fn state(&self) -> Vec<(&'static str, Vec<f32>)> {
        // As bits: a count above 2²⁴ is no exact f32.
        let steps = vec![f32::from_bits(self.steps)];
        vec![("steps", steps), ("average", self.average.clone()), ("square_average", self.square_average.clone())]
    }

    fn restore(&mut self, part: &dyn Fn(&str) -> Option<Vec<f32>>) -> bool {
        let Some([steps]) = parts(part, ["steps"], 1) else { return false };
        let Some([average, square_average]) = parts(part, ["average", "square_average"], self.average.len()) else { return false };
        (self.steps, self.average, self.square_average) = (steps[0].to_bits(), average, square_average);
        true
    }
}
