//! Mixtures of candidates: one pass over all terms forward, shared gradients backward.

use std::sync::{Mutex, PoisonError};

use super::forward::Tape;
use super::gradients::Gradients;
use super::{Mode, Plan, Term, ValueId};
use crate::ops::rows;
use crate::ops::{PARTS, for_parts};
use crate::simd::{LANES, V16};

impl Plan {
    /// What a term is multiplied with: the sum of its candidates' masks.
    pub(super) fn coefficient(&self, masks: &[f32], layer: usize, term: &Term) -> f32 {
        term.candidates.iter().map(|k| masks[layer * self.mask_width + k]).sum()
    }

    /// The terms that a pass adds, with what they are multiplied with.
    fn added<'a>(&self, tape: &Tape, layer: usize, terms: &'a [Term]) -> Vec<(&'a Term, f32)> {
        let of = |term: &'a Term| (term, self.coefficient(tape.masks, layer, term));
        let all = terms.iter().map(of);
        all.filter(|(_, factor)| tape.mode != Mode::TrainPath || *factor != 0.0).collect()
    }

    pub(super) fn mixture_forward(&self, tape: &Tape, layer: usize, terms: &[Term], y: ValueId) {
        let out = self.view(tape, y);
        let terms = self.added(tape, layer, terms);
        let inputs: Vec<_> = terms.iter().map(|(t, factor)| (self.view(tape, t.value), t.offset, *factor)).collect();
        for_parts(tape.n, |_, images| {
            for image in images {
                for b in 0..out.blocks {
                    // SAFETY: blocks and images are inside the values, parts have different images.
                    let dst = unsafe { out.plane(b, image) };
                    let mut first = true;
                    for (x, offset, factor) in &inputs {
                        if !(*offset..offset + x.blocks).contains(&b) {
                            continue;
                        }
                        let reading = x.reading(b - offset);
                        // SAFETY: as above.
                        unsafe {
                            rows::add_scaled(self.level, x.plane(b - offset, image), dst, out.pixels, &reading, *factor, !first)
                        };
                        first = false;
                    }
                    assert!(!first, "every block of a mixture has a term");
                }
            }
        });
    }

    pub(super) fn mixture_backward(&self, tape: &Tape, grads: &mut Gradients, layer: usize, terms: &[Term], y: ValueId) {
        self.settle(tape, grads, y);
        for (term, factor) in self.added(tape, layer, terms) {
            let shares = !grads.has(term.value);
            // Σ g·z of the term, which each of its candidates' masks is owed.
            let dot = if shares && self.values[term.value].norm.is_some() {
                // With a batch norm it follows from the sums that its own backward pass needs anyway.
                self.pass_on(tape, grads, y, term.value, term.offset, factor);
                self.dot_from_sums(tape, grads, y, term.value)
            } else {
                let dot = self.dot(tape, grads, y, term);
                self.pass_on(tape, grads, y, term.value, term.offset, factor);
                dot
            };
            for k in &term.candidates {
                grads.masks[layer * self.mask_width + k] += dot as f32;
            }
        }
    }

    /// Σ g·z = Σ over channels of γ·s1 + β·s0, as z = γ·ŷ + β wherever it is not cut off.
    fn dot_from_sums(&self, tape: &Tape, grads: &mut Gradients, y: ValueId, v: ValueId) -> f64 {
        let norm = self.values[v].norm.as_ref().expect("checked by the caller");
        let sums = self.gradient_sums(tape, grads, v);
        let (gamma, beta) = (&tape.params[norm.gamma.clone()], &tape.params[norm.beta.clone()]);
        let dot = std::iter::zip(gamma, beta)
            .enumerate()
            .map(|(i, (&gamma, &beta))| {
                let [s0, s1] = sums[i / LANES].map(|s| s[i % LANES]);
                f64::from(gamma) * s1 + f64::from(beta) * s0
            })
            .sum::<f64>();
        grads.set_sums(v, sums);
        dot * f64::from(grads.factor(y))
    }

    /// Σ g·z over a term's blocks, pass by pass in a fixed order.
    fn dot(&self, tape: &Tape, grads: &Gradients, y: ValueId, term: &Term) -> f64 {
        let (x, out) = (self.view(tape, term.value), self.view(tape, y));
        let g = grads.view(y, &out);
        let parts: Vec<_> = (0..PARTS).map(|_| Mutex::new(0.0f64)).collect();
        for_parts(tape.n, |p, images| {
            let mut total = 0.0;
            for b in 0..x.blocks {
                for image in images.clone() {
                    let mut sum = V16::ZERO;
                    // SAFETY: blocks and images are inside the values.
                    unsafe {
                        let (g, z) = (g.plane(term.offset + b, image), x.plane(b, image));
                        rows::dot(self.level, g, z, x.pixels, &x.reading(b), sum.0.as_mut_ptr());
                    }
                    total += sum.0.iter().map(|&v| f64::from(v)).sum::<f64>();
                }
            }
            *parts[p].lock().unwrap_or_else(PoisonError::into_inner) = total;
        });
        let sum: f64 = parts.into_iter().map(|m| m.into_inner().unwrap_or_else(PoisonError::into_inner)).sum();
        sum * f64::from(grads.factor(y))
    }
}
