//! The backward pass.

use super::gradients::GpuGradients;
use super::machine::Result;
use super::pass::{GpuKept, GpuPlan, Tape};
use crate::plan::{Arguments, Gradients, Step, ValueId};

impl GpuPlan {
    /// Gradients from those of the outputs, as [`Plan::backward`](crate::Plan::backward) gives them on the CPU. Parameters and masks are
    /// still those of the forward pass.
    ///
    /// # Errors
    /// The GPU fails, or has not enough memory.
    ///
    /// # Panics
    /// After an evaluation, or where a slice has another length than the plan's shapes and the forward pass ask for.
    pub fn backward(
        &self,
        kept: GpuKept,
        args: Arguments<'_>,
        outputs: &[Option<&[f32]>],
        want_params: bool,
        want_inputs: &[bool],
    ) -> Result<Gradients> {
        let plan = &self.plan;
        let GpuKept(mut tape) = kept;
        assert!(tape.mode.is_training(), "an evaluation has no gradients");
        assert_eq!(tape.n, plan.batch(&args), "the batch of the forward pass");
        assert_eq!(outputs.len(), plan.outputs.len(), "output gradients");
        let params = if want_params { Some(self.gpu.zeros(plan.params.max(1))?) } else { None };
        let terms = plan.steps.iter().map(|step| if let Step::Mixture { terms, .. } = step { terms.len() } else { 0 }).sum();
        let mut grads = GpuGradients::new(plan.values.len(), params, self.gpu.doubles(terms)?);
        for (g, &v) in std::iter::zip(outputs, &plan.outputs) {
            if let Some(g) = g {
                let shape = plan.values[v].shape;
                assert_eq!(g.len(), tape.n * shape.volume(), "gradient of an output of shape {shape}");
                assert!(!grads.has(v), "a value is one output");
                grads.set(v, self.pack(g, tape.n, shape.c)?);
            }
        }
        let wanted = |x: ValueId| plan.wants(x, want_inputs);
        for step in plan.steps.iter().rev() {
            let y = step.makes();
            if grads.has(y) {
                for x in step.reads() {
                    self.restore(&mut tape, x)?;
                }
                self.step_backward(&tape, &mut grads, step, &wanted)?;
            }
            if !matches!(step, Step::Pack { .. }) {
                grads.drop_value(y);
            }
            tape.raw[y] = None;
        }
        self.finish(&tape, grads, want_inputs)
    }

    /// Brings the gradients to the host.
    fn finish(&self, tape: &Tape, mut grads: GpuGradients, want_inputs: &[bool]) -> Result<Gradients> {
        let plan = &self.plan;
        let mut inputs = Vec::new();
        for (&v, &want) in std::iter::zip(&plan.inputs, want_inputs) {
            let value = &plan.values[v];
            inputs.push(if want && !value.planar { Some(self.input_gradient(tape, &mut grads, v)?) } else { None });
        }
        let params = match &grads.params {
            Some(memory) => {
                let mut values = vec![0.0; plan.params];
                self.gpu.download(memory, &mut values)?;
                Some(values)
            }
            None => None,
        };
        let mut dots = vec![0.0f64; grads.owed.len()];
        self.gpu.download(&grads.dots, &mut dots)?;
        let mut masks = vec![0.0; tape.masks.len()];
        for (dot, owed) in std::iter::zip(dots, &grads.owed) {
            for &mask in &owed.masks {
                masks[mask] += (dot * f64::from(owed.factor)) as f32;
            }
        }
        Ok(Gradients::of(params, inputs, masks))
    }

    fn input_gradient(&self, tape: &Tape, grads: &mut GpuGradients, v: ValueId) -> Result<Vec<f32>> {
        let len = self.len(tape, v);
        if !grads.has(v) {
            return Ok(vec![0.0; len]);
        }
        let target = self.target(tape, grads, v)?;
        self.unpack(&target.memory, len, tape.n, self.plan.values[v].shape.c)
    }

    fn step_backward(&self, tape: &Tape, grads: &mut GpuGradients, step: &Step, wanted: &dyn Fn(ValueId) -> bool) -> Result<()> {
        match step {
            Step::Pack { y, .. } => self.settle(tape, grads, *y),
            Step::Conv(convolution) => self.conv_backward(tape, grads, convolution, wanted(convolution.x)),
            Step::Depthwise(convolution) => self.depthwise_backward(tape, grads, convolution, wanted(convolution.x)),
            Step::Add { a, b, y } => self.add_backward(tape, grads, &[*a, *b], *y),
            Step::Concat { parts, y } => self.concat_backward(tape, grads, parts, *y),
            Step::Mixture { layer, terms, y } => self.mixture_backward(tape, grads, *layer, terms, *y),
            Step::Simple(step) => self.simple_backward(tape, grads, step),
        }
    }
}
