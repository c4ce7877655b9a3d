//! Plans at odd shapes: results against the plain evaluation, gradients against finite differences, at every instruction set.

#![allow(clippy::unwrap_used)]

mod cases;

use std::sync::Arc;
use std::time::Duration;

use blocks::NodeId;
use cases::{cases, check, check_evaluation, flat, noise};
use kernels::simd::Level;
use kernels::{Arguments, Direction, Mode, Plan, Times};

#[test]
fn evaluations_equal_the_plain_formula_at_every_level() {
    for case in cases() {
        for level in Level::available() {
            check_evaluation(&case, &Plan::with_level(&case.graph, level));
        }
    }
}

#[test]
fn expansions_are_not_kept() {
    let graph = blocks::Space::load("pfld").unwrap().supernet(106);
    let plan = Plan::new(&graph);
    let (params, mut stats) = flat(&graph, 3);
    let input = noise(2 * plan.input_shapes()[0].volume(), 1);
    let (layers, width) = plan.mask_shape();
    let args = Arguments { inputs: &[&input], params: &params, masks: &vec![1.0 / width as f32; layers * width] };
    let (_, kept) = plan.forward(args, &mut stats, Mode::Train, 1);
    // Every convolution's output of one image, and those that a depthwise convolution alone reads behind batch norm and ReLU.
    let volume = |id: &NodeId| graph.node(*id).shape.volume();
    let is_conv = |id: &NodeId| matches!(&graph.node(*id).op, blocks::Op::Conv(_));
    let is_expansion = |id: &NodeId| matches!(&graph.node(*id).op, blocks::Op::Conv(c) if c.kernel == 1 && c.c_out >= c.c_in);
    let all: Vec<NodeId> = (0..graph.nodes().len()).map(NodeId).collect();
    let behind = |id: &NodeId| graph.node(*id).inputs[0];
    let depthwise = all.iter().filter(|id| matches!(&graph.node(**id).op, blocks::Op::Conv(c) if c.is_depthwise()));
    let relus = depthwise.map(behind).filter(|id| graph.node(*id).op == blocks::Op::Relu);
    let expansions: usize = relus.map(|id| behind(&behind(&id))).filter(is_expansion).map(|id| volume(&id)).sum();
    let convolutions: usize = all.iter().filter(|id| is_conv(id)).map(volume).sum();
    let others = 1.3 * (convolutions - expansions) as f64;
    assert!(expansions > convolutions / 4, "{expansions} of {convolutions}");
    assert!(kept.bytes() as f64 / 2.0 < 4.0 * others, "{} bytes, {expansions} of {convolutions} values", kept.bytes());
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let graph = blocks::Space::load("pfld").unwrap().supernet(4);
    let plan = Plan::new(&graph);
    let (params, stats) = flat(&graph, 3);
    let input = noise(5 * plan.input_shapes()[0].volume(), 1);
    let (layers, width) = plan.mask_shape();
    let masks = vec![1.0 / width as f32; layers * width];
    let pass = |threads: usize| {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
            let mut stats = stats.clone();
            let args = Arguments { inputs: &[&input], params: &params, masks: &masks };
            let (outputs, kept) = plan.forward(args, &mut stats, Mode::Train, 1);
            let gradients: Vec<Option<&[f32]>> = outputs.iter().map(|y| Some(y.as_slice())).collect();
            let grads = plan.backward(kept, args, &gradients, true, &[false]);
            (outputs.clone(), stats, grads.params, grads.masks)
        })
    };
    assert_eq!(pass(1), pass(3));
}

#[test]
fn gradients_equal_finite_differences_at_every_level() {
    for case in cases() {
        for level in Level::available() {
            check(&case, &Plan::with_level(&case.graph, level), 4);
        }
    }
}

#[test]
fn steps_cost_what_the_graph_costs_and_tell_how_long_they_took() {
    let graph = blocks::Space::load("pfld").unwrap().pose_net().unwrap();
    let times = Arc::new(Times::default());
    let plan = Plan::new(&graph).timed(times.clone());
    let steps = plan.described();
    assert_eq!(steps.iter().map(|step| step.forward.multiply_adds).sum::<f64>(), graph.macs() as f64);
    let (params, mut stats) = flat(&graph, 3);
    let input = noise(plan.input_shapes()[0].volume(), 1);
    let args = Arguments { inputs: &[&input], params: &params, masks: &[] };
    let (outputs, kept) = plan.forward(args, &mut stats, Mode::Train, 1);
    plan.backward(kept, args, &[Some(&outputs[0])], true, &[false]);
    for (i, step) in steps.iter().enumerate().filter(|(_, step)| step.forward.multiply_adds > 0.0) {
        for direction in [Direction::Forward, Direction::Backward] {
            assert!(times.of(i, direction) > Duration::ZERO, "{} {direction:?}", step.name);
        }
    }
}

/// Of a supernet with masks of 0 and 1, [`Mode::TrainPath`] computes what [`Mode::Train`] does, without the candidates that count for nothing.
#[test]
fn a_path_is_computed_alone() {
    let graph = blocks::Space::load("pfld").unwrap().supernet(4);
    let plan = Plan::new(&graph);
    let (params, stats) = flat(&graph, 3);
    let input = noise(3 * plan.input_shapes()[0].volume(), 1);
    let (layers, width) = plan.mask_shape();
    let mut masks = vec![0.0; layers * width];
    let path: Vec<usize> = (0..layers).map(|layer| (2 * layer + 1) % width).collect();
    path.iter().enumerate().for_each(|(layer, k)| masks[layer * width + k] = 1.0);
    let args = Arguments { inputs: &[&input], params: &params, masks: &masks };
    let pass = |mode: Mode| {
        let mut stats = stats.clone();
        let (outputs, kept) = plan.forward(args, &mut stats, mode, 1);
        let bytes = kept.bytes();
        let ones: Vec<Vec<f32>> = outputs.iter().map(|output| noise(output.len(), 2)).collect();
        let gradients: Vec<Option<&[f32]>> = ones.iter().map(|g| Some(g.as_slice())).collect();
        (outputs, plan.backward(kept, args, &gradients, true, &[false]).params.unwrap(), stats, bytes)
    };
    let (alone, whole) = (pass(Mode::TrainPath), pass(Mode::Train));
    assert_eq!(alone.0, whole.0);
    assert_eq!(alone.1, whole.1);
    assert!(2 * alone.3 < whole.3, "{} of {} bytes", alone.3, whole.3);
    let mut at = 0;
    for param in graph.params().iter().filter(|param| !param.kind.is_trained()) {
        let range = at..at + param.len();
        at = range.end;
        let place = param.name.strip_prefix("blocks.").map(|rest| rest.split('.').take(2).map(|n| n.parse().unwrap()).collect());
        let is_on = place.is_none_or(|place: Vec<usize>| path[place[0]] == place[1]);
        let expected = if is_on { &whole.2[range.clone()] } else { &stats[range.clone()] };
        assert_eq!(&alone.2[range], expected, "{}", param.name);
    }
}
