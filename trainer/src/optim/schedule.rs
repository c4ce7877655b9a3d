//! The learning rate over a phase.

/// Learning rate of `epoch` (from 0) of `epochs`: half a cosine from `base` towards 0, as PyTorch's `CosineAnnealingLR`.
pub fn cosine(base: f64, epoch: usize, epochs: usize) -> f64 {
    base * 0.5 * (1.0 + (std::f64::consts::PI * epoch as f64 / epochs.max(1) as f64).cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedule_is_pytorchs() {
        // torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10), lr 0.1
        let expected = [0.1, 0.09755282581475769, 0.09045084971874738, 0.07938926261462367, 0.06545084971874739, 0.05];
        for (epoch, lr) in expected.into_iter().enumerate() {
            assert!((cosine(0.1, epoch, 10) - lr).abs() < 1e-15);
        }
    }
}
