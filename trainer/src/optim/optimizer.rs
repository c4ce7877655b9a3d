//! What an optimizer is.

use std::ops::Range;

/// Moves one flat variable against its gradients.
pub trait Optimizer: Send {
    /// One step with learning rate `lr`; both slices have the variable's length.
    fn update(&mut self, values: &mut [f32], gradients: &[f32], lr: f64) {
        let all = 0..values.len();
        self.update_parts(values, gradients, lr, &[all]);
    }

    /// The same for some parts of the variable; nothing is done to the rest, not even to its averages.
    fn update_parts(&mut self, values: &mut [f32], gradients: &[f32], lr: f64, parts: &[Range<usize>]);

    /// Everything that the next step depends on, by name.
    fn state(&self) -> Vec<(&'static str, Vec<f32>)>;

    /// Puts a state back that [`Optimizer::state`] gave. `false`, with nothing changed, where a part is missing or has another length.
    fn restore(&mut self, part: &dyn Fn(&str) -> Option<Vec<f32>>) -> bool;
}

/// The parts of those names, all of length `len`.
pub(super) fn parts<const N: usize>(
    part: &dyn Fn(&str) -> Option<Vec<f32>>,
    names: [&str; N],
    len: usize,
) -> Option<[Vec<f32>; N]> {
    let mut found = names.map(|name| part(name).filter(|values| values.len() == len));
    found.iter().all(Option::is_some).then(|| std::array::from_fn(|i| found[i].take().unwrap_or_default()))
}
