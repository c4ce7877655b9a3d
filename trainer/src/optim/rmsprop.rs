//! RMSprop.

use std::ops::Range;

use super::optimizer::{Optimizer, parts};

const SMOOTHING: f32 = 0.99;
const EPSILON: f32 = 1e-8;

/// RMSprop with PyTorch's defaults: no momentum, not centred, L2 weight decay.
pub struct RmsProp {
    square_average: Vec<f32>,
    weight_decay: f32,
}

impl RmsProp {
    /// For a variable of `len` values.
    pub fn new(len: usize, weight_decay: f64) -> Self {
        Self { square_average: vec![0.0; len], weight_decay: weight_decay as f32 }
    }
}

impl Optimizer for RmsProp {
    fn update_parts(&mut self, values: &mut [f32], gradients: &[f32], lr: f64, parts: &[Range<usize>]) {
        let (decay, lr) = (self.weight_decay, lr as f32);
        for part in parts {
            let averages = &mut self.square_average[part.clone()];
            for ((value, &gradient), average) in values[part.clone()].iter_mut().zip(&gradients[part.clone()]).zip(averages) {
                let gradient = gradient + decay * *value;
                *average = SMOOTHING * *average + (1.0 - SMOOTHING) * gradient * gradient;
                *value -= lr * gradient / (average.sqrt() + EPSILON);
            }
        }
    }

    fn state(&self) -> Vec<(&'static str, Vec<f32>)> {
        vec![("square_average", self.square_average.clone())]
    }

    fn restore(&mut self, part: &dyn Fn(&str) -> Option<Vec<f32>>) -> bool {
        let Some([square_average]) = parts(part, ["square_average"], self.square_average.len()) else { return false };
        self.square_average = square_average;
        true
    }
}
