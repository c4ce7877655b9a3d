//! Mixtures of candidates: one pass over all terms forward, shared gradients backward.

use super::MAX_TERMS;
use super::arguments::{Term, Terms, args};
use super::gradients::{GpuGradients, Owed};
use super::machine::Result;
use super::norm::parts;
use super::pass::{GpuPlan, Tape};
use crate::plan::{self, ValueId};
use crate::simd::LANES;

/// First channel that a term covers.
fn first_channel(term: &plan::Term) -> usize {
    term.offset * LANES
}

impl GpuPlan {
    /// Places of the masks that weigh a term.
    fn masks(&self, layer: usize, term: &plan::Term) -> Vec<usize> {
        term.candidates.iter().map(|k| layer * self.plan.mask_width + k).collect()
    }

    /// What a term is multiplied with: the sum of its candidates' masks.
    fn coefficient(&self, tape: &Tape, layer: usize, term: &plan::Term) -> f32 {
        self.masks(layer, term).into_iter().map(|mask| tape.masks[mask]).sum()
    }

    pub(super) fn mixture_forward(&self, tape: &Tape, layer: usize, terms: &[plan::Term], y: ValueId) -> Result<()> {
        let out = self.view(tape, y);
        for (i, some) in terms.chunks(MAX_TERMS).enumerate() {
            let mut table = Terms { of: [Term::NONE; MAX_TERMS], count: some.len() as u32 };
            for (to, term) in std::iter::zip(&mut table.of, some) {
                let view = self.view(tape, term.value);
                let [first, channels] = [first_channel(term), view.channels].map(|v| v as u32);
                *to = Term { x: view.at, how: view.how, first, channels, factor: self.coefficient(tape, layer, term) };
            }
            self.gpu.each("mixture", out.len(), args![table, out.at, out.len(), out.per, i > 0])?;
        }
        Ok(())
    }

    pub(super) fn mixture_backward(
        &self,
        tape: &Tape,
        grads: &mut GpuGradients,
        layer: usize,
        terms: &[plan::Term],
        y: ValueId,
    ) -> Result<()> {
        self.settle(tape, grads, y)?;
        for term in terms {
            let (v, offset, factor) = (term.value, first_channel(term), self.coefficient(tape, layer, term));
            let shares = !grads.has(v);
            // Σ g·z of the term, which each of its candidates' masks is owed. With a batch norm it follows from the sums that its own
            // backward pass needs anyway.
            if shares && self.plan.values[v].norm.is_some() {
                self.pass_on(tape, grads, y, v, offset, factor)?;
                self.dot_from_sums(tape, grads, v)?;
            } else {
                self.dot(tape, grads, y, v, offset)?;
                self.pass_on(tape, grads, y, v, offset, factor)?;
            }
            grads.owed.push(Owed { factor: grads.factor(y), masks: self.masks(layer, term) });
        }
        Ok(())
    }

    fn dot_from_sums(&self, tape: &Tape, grads: &mut GpuGradients, v: ValueId) -> Result<()> {
        let norm = self.plan.values[v].norm.as_ref().expect("checked by the caller");
        let sums = self.gradient_sums(tape, grads, v)?;
        let [gamma, beta] = [&norm.gamma, &norm.beta].map(|range| tape.params.float(range.start));
        let to = grads.dots.double(grads.owed.len());
        self.gpu.reduce("dot_from_sums", 1, args![sums.at(), gamma, beta, to, norm.gamma.len()])?;
        grads.sums[v] = Some(sums);
        Ok(())
    }

    fn dot(&self, tape: &Tape, grads: &GpuGradients, y: ValueId, v: ValueId, offset: usize) -> Result<()> {
        let view = self.view(tape, v);
        let parts = parts(view.len());
        let of_parts = self.gpu.doubles(parts)?;
        let g = grads.at(y, view.per) + 4 * (offset * view.per) as u64;
        self.gpu.reduce("dot", parts, args![g, view.at, view.how, of_parts.at(), view.len(), view.per, parts])?;
        self.gpu.reduce("sum_all", 1, args![of_parts.at(), grads.dots.double(grads.owed.len()), parts])
    }
}
