//! The forward pass.

use super::machine::Result;
use super::pass::{GpuKept, GpuPlan, Tape};
use crate::plan::{Arguments, Mode, Step, ValueId};

impl GpuPlan {
    /// Runs the graph on a batch, as [`Plan::forward`](crate::Plan::forward) does on the CPU.
    ///
    /// # Errors
    /// The GPU fails, or has not enough memory.
    ///
    /// # Panics
    /// Where a slice has another length than the plan's shapes ask for.
    pub fn forward(
        &self,
        args: Arguments<'_>,
        stats: &mut [f32],
        mode: Mode,
        dropout_seed: u64,
    ) -> Result<(Vec<Vec<f32>>, GpuKept)> {
        let plan = &self.plan;
        assert_eq!(stats.len(), plan.stats, "running statistics");
        let n = plan.batch(&args);
        let none = || plan.values.iter().map(|_| None).collect();
        let (params, masks) = (self.gpu.upload(args.params)?, args.masks.to_vec());
        let running = self.gpu.upload(stats)?;
        let mut tape =
            Tape { n, mode, dropout_seed, raw: none(), affine: plan.values.iter().map(|_| None).collect(), params, masks };
        for (input, &v) in std::iter::zip(args.inputs, &plan.inputs) {
            tape.raw[v] = Some(self.pack(input, n, plan.values[v].shape.c)?);
        }
        for (i, step) in plan.steps.iter().enumerate() {
            let y = step.makes();
            self.make(&mut tape, step)?;
            if let Some(norm) = &plan.values[y].norm {
                tape.affine[y] = Some(self.normalise(&tape, y, norm, &running)?);
            }
            for x in step.reads() {
                if plan.values[x].last_use == i && (!mode.is_training() || plan.values[x].again.is_some()) {
                    tape.raw[x] = None;
                }
            }
        }
        if mode == Mode::Train {
            self.gpu.download(&running, stats)?;
        }
        let outputs = plan.outputs.iter().map(|&v| self.output(&tape, v)).collect::<Result<_>>()?;
        if !mode.is_training() {
            tape.raw.fill_with(|| None);
        }
        Ok((outputs, GpuKept(tape)))
    }

    /// What readers of a value see, `[n][c][h][w]`.
    fn output(&self, tape: &Tape, v: ValueId) -> Result<Vec<f32>> {
        let view = self.view(tape, v);
        let seen = self.seen(&view)?;
        let from = seen.as_ref().or(tape.raw[v].as_ref()).expect("outputs are kept");
        self.unpack(from, view.len(), tape.n, view.channels)
    }

    /// Makes a value once more that was not kept.
    pub(super) fn restore(&self, tape: &mut Tape, v: ValueId) -> Result<()> {
        match self.plan.values[v].again {
            Some(step) if tape.raw[v].is_none() => self.make(tape, &self.plan.steps[step]),
            _ => Ok(()),
        }
    }

    /// Runs a step into memory of its own. Inputs are there already.
    fn make(&self, tape: &mut Tape, step: &Step) -> Result<()> {
        let y = step.makes();
        if matches!(step, Step::Pack { .. }) {
            return Ok(());
        }
        tape.raw[y] = Some(self.gpu.floats(self.len(tape, y))?);
        match step {
            Step::Pack { .. } => Ok(()),
            Step::Conv(convolution) => self.conv_forward(tape, convolution),
            Step::Depthwise(convolution) => self.depthwise_forward(tape, convolution),
            Step::Add { a, b, y } => self.add_forward(tape, &[*a, *b], *y),
            Step::Concat { parts, y } => self.concat_forward(tape, parts, *y),
            Step::Mixture { layer, terms, y } => self.mixture_forward(tape, *layer, terms, *y),
            Step::Simple(step) => self.simple_forward(tape, step),
        }
    }
}
