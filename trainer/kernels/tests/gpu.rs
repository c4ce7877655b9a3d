//! The plan and the kernels for GPUs, run on the CPU: against the CPU's own, the plain evaluation and finite differences.

#![allow(clippy::unwrap_used)]

mod cases;
mod shim;

use std::sync::Arc;

use blocks::{Builder, Conv, Graph, Shape, Space};
use cases::{Back, Case, Runs, cases, check, check_evaluation, flat, noise};
use kernels::gpu::{Gpu, GpuPlan, Several};
use kernels::{Arguments, Mode, Plan};
use shim::Shim;

impl Runs for GpuPlan {
    fn name(&self) -> String {
        "gpu".into()
    }

    fn plan(&self) -> &Plan {
        self.plan()
    }

    fn pass<'a>(&'a self, args: Arguments<'a>, stats: &mut [f32], mode: Mode, dropout_seed: u64) -> (Vec<Vec<f32>>, Back<'a>) {
        let (outputs, kept) = self.forward(args, stats, mode, dropout_seed).unwrap();
        let back =
            move |gradients: &[Option<&[f32]>]| self.backward(kept, args, gradients, true, &vec![true; args.inputs.len()]).unwrap();
        (outputs, Box::new(back))
    }
}

/// The same on several GPUs, for its plan's name.
struct Shared(Plan, Several);

impl Runs for Shared {
    fn name(&self) -> String {
        "several gpus".into()
    }

    fn plan(&self) -> &Plan {
        &self.0
    }

    fn pass<'a>(&'a self, args: Arguments<'a>, stats: &mut [f32], mode: Mode, dropout_seed: u64) -> (Vec<Vec<f32>>, Back<'a>) {
        let (outputs, kept) = self.1.forward(args, stats, mode, dropout_seed).unwrap();
        let back = move |gradients: &[Option<&[f32]>]| {
            self.1.backward(kept, args, gradients, true, &vec![true; args.inputs.len()]).unwrap()
        };
        (outputs, Box::new(back))
    }
}

/// How the names of gradients end.
const GRADIENT: &str = "gradient";

/// Everything that a training pass gives, by name.
#[derive(Debug, PartialEq)]
struct Passed(Vec<(String, Vec<f32>)>);

fn pass(case: &Case, runs: &dyn Runs) -> Passed {
    let (params, mut stats) = flat(&case.graph, 3);
    let shapes = runs.plan().input_shapes();
    let inputs: Vec<Vec<f32>> = shapes.iter().enumerate().map(|(i, s)| noise(case.n * s.volume(), 10 + i as u64)).collect();
    let slices: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
    let args = Arguments { inputs: &slices, params: &params, masks: &case.masks };
    let (outputs, back) = runs.pass(args, &mut stats, Mode::Train, 5);
    let weights: Vec<Vec<f32>> = outputs.iter().map(|y| noise(y.len(), 99)).collect();
    let gradients = back(&weights.iter().map(|w| Some(w.as_slice())).collect::<Vec<_>>());
    let mut all = vec![("statistics".to_string(), stats), (format!("masks' {GRADIENT}"), gradients.masks)];
    all.extend(outputs.into_iter().enumerate().map(|(i, y)| (format!("output {i}"), y)));
    all.extend(gradients.inputs.into_iter().flatten().enumerate().map(|(i, g)| (format!("input {i}'s {GRADIENT}"), g)));
    let (params, mut at) = (gradients.params.unwrap(), 0);
    for p in case.graph.params().into_iter().filter(|p| p.kind.is_trained()) {
        all.push((format!("{}'s {GRADIENT}", p.name), params[at..at + p.len()].to_vec()));
        at += p.len();
    }
    Passed(all)
}

#[track_caller]
fn assert_close(graph: &Graph, found: &Passed, expected: &Passed) {
    let largest = |values: &[f32]| values.iter().fold(0f32, |m, v| m.max(v.abs()));
    let overall =
        expected.0.iter().filter(|(what, _)| what.ends_with(GRADIENT)).map(|(_, values)| largest(values)).fold(0.0, f32::max);
    for ((what, found), (_, expected)) in std::iter::zip(&found.0, &expected.0) {
        // Gradients that cancel, as that of a bias before a batch norm, are rounding noise of those that do not.
        let scale = if what.ends_with(GRADIENT) { 0.1 * overall } else { 0.01 };
        let largest = largest(expected).max(scale);
        assert_eq!(found.len(), expected.len(), "{}: {what}", graph.name());
        for (i, (f, e)) in std::iter::zip(found, expected).enumerate() {
            assert!((f - e).abs() <= 2e-5 * largest, "{}: {what}[{i}]: {f}, expected {e}; the largest is {largest}", graph.name());
        }
    }
}

/// A small supernet with more candidates than one launch of the mixture adds, eSE, dropout and joins, and maps of several blocks.
fn supernet() -> Case {
    let text = "name = \"s\"\ninput = [32, 9, 9]\n[[stage]]\n\
                candidates = [\"skip\", \"sep_k3\", \"mb_k3_res_se\", \"gh_k3\", \"conv1x1\"]\n\
                layers = [{ c_in = 32, c_out = 32, stride = 1, h = 9, w = 9 }]\n[[stage]]\n\
                candidates = [\"mb_k5_e2\", \"skip\"]\nlayers = [{ c_in = 32, c_out = 48, stride = 2, h = 9, w = 9 }]\n";
    let graph = Space::parse(text, "s").unwrap().supernet(1);
    let (layers, width) = Plan::new(&graph).mask_shape();
    Case { graph, n: 12, masks: (0..layers * width).map(|i| 0.1 + 0.07 * i as f32).collect() }
}

#[test]
fn passes_equal_the_cpus_and_use_every_kernel() {
    let Some(machine) = Shim::new() else { return };
    let gpu = Gpu::new(machine.clone());
    for case in cases().into_iter().chain([supernet()]) {
        let plan = Plan::new(&case.graph);
        assert_close(&case.graph, &pass(&case, &GpuPlan::new(plan.clone(), &gpu)), &pass(&case, &plan));
    }
    // One of one: groups sum through the host's memory.
    let case = supernet();
    let plan = Plan::new(&case.graph);
    let alone = plan.clone().in_group(kernels::group::threads(1).remove(0));
    assert_close(&case.graph, &pass(&case, &GpuPlan::new(alone, &gpu)), &pass(&case, &plan));
    assert_eq!(machine.idle_kernels(), Vec::<&str>::new(), "kernels that no pass needs");
}

/// Maps so large that sums are cut into parts, and patches that are written out for one or two images at once.
#[test]
fn large_maps_equal_the_cpus() {
    let Some(machine) = Shim::new() else { return };
    let mut g = Builder::new("large");
    let x = g.input("x", Shape::new(3, 90, 94));
    let wide = g.conv_bn_relu(x, "a", Conv::dense(3, 5, 3).padding(1));
    let thin = g.conv_bn_relu(wide, "b", Conv::pointwise(5, 4));
    let y = g.conv(thin, "c", Conv::depthwise(4, 3).padding(1).with_bias());
    let case = Case { graph: g.finish(&[("y", y)]), n: 3, masks: Vec::new() };
    let (plan, gpu) = (Plan::new(&case.graph), Gpu::new(machine));
    let expected = pass(&case, &plan);
    for images in [1, 2, 3] {
        let on_gpu = GpuPlan::new(plan.clone(), &gpu).with_patches(images * 27 * 90 * 94);
        assert_close(&case.graph, &pass(&case, &on_gpu), &expected);
    }
}

#[test]
fn evaluations_equal_the_plain_formula_on_a_gpu() {
    let Some(machine) = Shim::new() else { return };
    let gpu = Gpu::new(machine);
    for case in cases() {
        check_evaluation(&case, &GpuPlan::new(Plan::new(&case.graph), &gpu));
    }
}

/// On the CPU more elements are checked; that the gradients are the CPU's has a test of its own.
#[test]
fn gradients_equal_finite_differences_on_a_gpu() {
    let Some(machine) = Shim::new() else { return };
    let gpu = Gpu::new(machine);
    for case in cases() {
        check(&case, &GpuPlan::new(Plan::new(&case.graph), &gpu), 1);
    }
}

/// A sum in another order, or a barrier too few, would show as other bits.
#[test]
fn results_do_not_depend_on_the_order_of_a_gpus_threads() {
    let case = supernet();
    let Some(ascending) = Shim::new() else { return };
    let descending = Shim::new().unwrap();
    descending.descend();
    let [up, down] = [ascending, descending].map(|machine| {
        let plan = GpuPlan::new(Plan::new(&case.graph), &Gpu::new(machine));
        pass(&case, &plan)
    });
    assert_eq!(up, down);
}

#[test]
fn several_gpus_compute_what_one_does() {
    let case = supernet();
    let plan = Plan::new(&case.graph);
    let expected = pass(&case, &plan);
    // Five cannot share twelve images evenly.
    for size in [1, 2, 3, 5] {
        let gpus: Option<Vec<Gpu>> = (0..size).map(|_| Shim::new().map(|machine| Gpu::new(machine))).collect();
        let Some(gpus) = gpus else { return };
        assert_close(&case.graph, &pass(&case, &Shared(plan.clone(), Several::new(&plan, &gpus))), &expected);
    }
}

/// A machine whose memory ends after the first allocations.
#[test]
fn a_gpu_that_fails_does_not_keep_the_others_waiting() {
    let Some(machine) = Shim::new() else { return };
    let case = supernet();
    let plan = Plan::new(&case.graph);
    let small = Shim::with_memory(100_000).unwrap();
    let several = Several::new(&plan, &[Gpu::new(machine), Gpu::new(small)]);
    let (params, mut stats) = flat(&case.graph, 3);
    let input = noise(case.n * plan.input_shapes()[0].volume(), 1);
    let args = Arguments { inputs: &[&input], params: &params, masks: &case.masks };
    let error = several.forward(args, &mut stats, Mode::Train, 1).unwrap_err();
    assert!(error.to_string().contains("no memory"), "{error}");
}

#[test]
fn memory_is_used_again() {
    let Some(machine) = Shim::new() else { return };
    let case = supernet();
    let plan = GpuPlan::new(Plan::new(&case.graph), &Gpu::new(machine.clone()));
    pass(&case, &plan);
    let after_one = kernels::gpu::Machine::peak(machine.as_ref());
    for _ in 0..3 {
        pass(&case, &plan);
    }
    let after_four = kernels::gpu::Machine::peak(machine.as_ref());
    assert!(after_four as f64 <= 1.2 * after_one as f64, "{after_one} bytes after a pass, {after_four} after four");
    drop(plan);
    assert_eq!(Arc::strong_count(&machine), 1, "a plan that is gone holds no GPU");
    assert_eq!(machine.in_use(), 0, "a plan that is gone holds no memory");
}

/// The last of several threads gives the memory back, whichever that is.
#[test]
fn threads_that_end_together_leave_no_memory() {
    let Some(machine) = Shim::new() else { return };
    let case = supernet();
    let plan = Plan::new(&case.graph);
    for _ in 0..20 {
        let gpu = Gpu::new(machine.clone());
        let plans = [(); 2].map(|()| GpuPlan::new(plan.clone(), &gpu));
        pass(&case, &plans[0]);
        drop(gpu);
        let together = std::sync::Barrier::new(2);
        std::thread::scope(|scope| {
            for plan in plans {
                let together = &together;
                scope.spawn(move || {
                    together.wait();
                    drop(plan);
                });
            }
        });
        assert_eq!(machine.in_use(), 0);
    }
}
