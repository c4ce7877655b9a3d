/// An exponential moving average of a model's values, updated after each step.
///
/// Its decay grows from 0.1 towards the one given, as min(decay, (1 + t)/(10 + t)) in step t, so that the average soon forgets where the
/// training began (as TensorFlow's `ExponentialMovingAverage` does with `num_updates`).
#[derive(Clone, Debug, PartialEq)]
pub struct Average {
    decay: f64,
    steps: u32,
    values: Vec<f32>,
}

impl Average {
    /// Starts from these values.
    pub fn new(decay: f64, values: Vec<f32>) -> Self {
        Self { decay, steps: 0, values }
    }

    /// Takes in the values after a step.
    pub fn update(&mut self, values: &[f32]) {
        self.steps += 1;
        let t = f64::from(self.steps);
        let rest = (1.0 - self.decay.min((1.0 + t) / (10.0 + t))) as f32;
        for (average, value) in self.values.iter_mut().zip(values) {
            *average += rest * (value - *average);
        }
    }

    /// The average.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Steps taken in.
    pub fn steps(&self) -> u32 {
        self.steps
    }

    /// Goes on from an average after that many steps.
    pub fn restore(&mut self, steps: u32, values: Vec<f32>) {
        (self.steps, self.values) = (steps, values);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_average_is_the_sum_written_out_and_goes_on_where_it_stopped() {
        let mut average = Average::new(0.25, vec![1.0]);
        average.update(&[3.0]);
        // (1 + 1)/(10 + 1) is below 0.25.
        let first = 2.0 / 11.0 * 1.0 + 9.0 / 11.0 * 3.0;
        assert!((f64::from(average.values()[0]) - first).abs() < 1e-6);
        let mut resumed = Average::new(0.25, vec![0.0]);
        resumed.restore(average.steps(), average.values().to_vec());
        average.update(&[-1.0]);
        resumed.update(&[-1.0]);
        assert!((f64::from(average.values()[0]) - (0.25 * first - 0.75)).abs() < 1e-6);
        assert_eq!(average, resumed);
    }
}
