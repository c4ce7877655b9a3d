//! Masks, losses, the latency term, and the weights of a subnet.

use blocks::{Space, Weights};
use candle_core::{Device, Tensor};
use trainer::compare::{CompareError, random_networks};
use trainer::task::faces::loss::{PointLoss, PoseWeight};

use trainer::model::{ArchWeights, Draw, Purpose, SubnetError, init, subnet_weights};

use trainer::cost::{ArchFile, Costs, LatencyScope, LatencyTerm, MACS, TermError, TermMode};

fn draw(step: u64) -> Draw {
    Draw { seed: 7, purpose: Purpose::ArchMasks, epoch: 3, step }
}

#[test]
fn masks_are_distributions_over_each_layers_candidates() {
    let arch = ArchWeights::new(&[2, 4, 3]).unwrap();
    assert_eq!(arch.probabilities().unwrap(), [vec![0.5; 2], vec![0.25; 4], vec![1.0 / 3.0; 3]]);
    let masks = arch.masks(&arch.noise(draw(0)).unwrap(), 2.0).unwrap();
    for (row, n) in masks.to_vec2::<f32>().unwrap().iter().zip([2, 4, 3]) {
        assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert!(row[n..].iter().all(|&m| m == 0.0) && row[..n].iter().all(|&m| m > 0.0), "{row:?}");
    }
    let cold = arch.masks(&arch.noise(draw(0)).unwrap(), 1e-3).unwrap();
    assert!(cold.to_vec2::<f32>().unwrap().iter().all(|row| row.iter().filter(|&&m| m > 0.999).count() == 1), "one-hot when cold");
}

#[test]
fn gumbel_draws_follow_the_weights_and_their_address() {
    let arch = ArchWeights::new(&[3]).unwrap();
    let p = [0.6f32, 0.3, 0.1];
    arch.path_alpha().set(&Tensor::new(&[p.map(f32::ln)], &Device::Cpu).unwrap()).unwrap();
    let mut counts = [0; 3];
    for step in 0..4000 {
        let masks = arch.masks(&arch.noise(draw(step)).unwrap(), 1.0).unwrap().to_vec2::<f32>().unwrap();
        counts[(0..3).max_by(|&a, &b| masks[0][a].total_cmp(&masks[0][b])).unwrap()] += 1;
    }
    for (count, p) in counts.into_iter().zip(p) {
        // Four standard deviations.
        assert!((f64::from(count) / 4000.0 - f64::from(p)).abs() < 0.032, "{counts:?}");
    }
    let noise = |draw: Draw| arch.noise(draw).unwrap().to_vec2::<f32>().unwrap();
    assert_eq!(noise(draw(5)), noise(draw(5)));
    for other in
        [Draw { seed: 8, ..draw(5) }, Draw { purpose: Purpose::ArchLatency, ..draw(5) }, Draw { epoch: 4, ..draw(5) }, draw(6)]
    {
        assert_ne!(noise(draw(5)), noise(other), "{other:?}");
    }
}

#[test]
fn the_wing_loss_is_continuous_and_flattens_outside() {
    let at = |d: f32| {
        let row = Tensor::new(&[[d, 0.0]], &Device::Cpu).unwrap();
        PointLoss::Wing.per_face(&row, &row.zeros_like().unwrap()).unwrap().to_vec1::<f32>().unwrap()[0]
    };
    // w·ln(1 + d/ε) inside, d − C outside, equal at d = w.
    assert!((at(0.01) - 0.02 * 3.5f32.ln()).abs() < 1e-6);
    assert!((at(0.02) - 0.02 * 6f32.ln()).abs() < 1e-6 && (at(0.019_999) - at(0.020_001)).abs() < 1e-5);
    assert!((at(0.5) - at(0.3) - 0.2).abs() < 1e-5);
    assert_eq!(at(-0.3), at(0.3));
    let square = PointLoss::Square.per_face(
        &Tensor::new(&[[0.5f32, 0.0], [0.0, 0.1]], &Device::Cpu).unwrap(),
        &Tensor::zeros((2, 2), candle_core::DType::F32, &Device::Cpu).unwrap(),
    );
    let square = square.unwrap().to_vec1::<f32>().unwrap();
    assert!((square[0] - 0.25).abs() < 1e-7 && (square[1] - 0.01).abs() < 1e-7);
}

#[test]
fn pose_weights_have_a_floor_and_know_degrees() {
    let angles = Tensor::new(&[[30f32.to_radians(), 0.0, 0.0], [0.0; 3]], &Device::Cpu).unwrap();
    let truth = Tensor::new(&[[30f32, 0.0, 0.0], [60.0, 0.0, 0.0]], &Device::Cpu).unwrap();
    let weights = PoseWeight::Floor.per_face(&angles, &truth).unwrap().unwrap().to_vec1::<f32>().unwrap();
    assert!((weights[0] - 1.0).abs() < 1e-5 && (weights[1] - 1.5).abs() < 1e-5, "{weights:?}");
    let raw = PoseWeight::Raw.per_face(&truth, &truth).unwrap().unwrap().to_vec1::<f32>().unwrap();
    assert_eq!(raw, [0.0, 0.0]);
    assert!(PoseWeight::None.per_face(&angles, &truth).unwrap().is_none());
}

#[test]
fn the_latency_term_multiplies_adds_or_is_refused() {
    let scalar = |v: f32| Tensor::new(v, &Device::Cpu).unwrap();
    let apply = |mode, alpha, beta| {
        let term = LatencyTerm::new(mode, alpha, beta, 50.0, "µs").unwrap();
        term.apply(&scalar(2.0), &scalar(1000.0)).unwrap().to_scalar::<f32>().unwrap()
    };
    assert!((apply(TermMode::Mul, 0.25, 0.6) - 2.0 * 0.25 * 1000f32.ln().powf(0.6)).abs() < 1e-5);
    assert!((apply(TermMode::Add, 0.25, 0.6) - (2.0 + 0.25 * 1000f32.powf(0.6))).abs() < 1e-4);
    assert_eq!((apply(TermMode::Mul, 0.25, 0.0), apply(TermMode::Add, 0.0, 0.6)), (2.0, 2.0));
    assert_eq!(LatencyTerm::new(TermMode::Mul, 0.0, 0.6, 50.0, "µs"), Err(TermError::NothingLeft));
    assert!(matches!(LatencyTerm::new(TermMode::Mul, 0.25, 0.6, 0.9, "µs"), Err(TermError::Logarithm { .. })));
    assert!(matches!(LatencyTerm::new(TermMode::Add, f64::NAN, 0.6, 0.9, "µs"), Err(TermError::Numbers { .. })));
    assert!(LatencyTerm::new(TermMode::Mul, 0.25, 0.0, 0.9, "µs").is_ok(), "a term that is off takes no logarithm");
}

#[test]
fn above_a_target_time_costs_loss_and_below_it_nothing() {
    let apply = |mode, alpha, p: f32| {
        let term = LatencyTerm::above(1600.0, mode, alpha, 3.0).unwrap();
        let p = candle_core::Var::new(p, &Device::Cpu).unwrap();
        let loss = Tensor::new(2f32, &Device::Cpu).unwrap();
        let with = term.apply(&loss, p.as_tensor()).unwrap();
        let slope = with.backward().unwrap().get(&p).map_or(0.0, |g| g.to_scalar::<f32>().unwrap());
        (with.to_scalar::<f32>().unwrap(), slope)
    };
    for mode in [TermMode::Mul, TermMode::Add] {
        assert_eq!(apply(mode, 0.25, 1599.0), (2.0, 0.0));
    }
    let (with, slope) = apply(TermMode::Mul, 0.25, 2000.0);
    assert!((with - 2.0 * 1.25f32.powi(3)).abs() < 1e-4 && (slope - 2.0 * 3.0 * 1.25f32.powi(2) / 1600.0).abs() < 1e-6);
    let (with, slope) = apply(TermMode::Add, 0.25, 2000.0);
    assert!((with - (2.0 + 0.25 * (1.25f32.powi(3) - 1.0))).abs() < 1e-5);
    assert!((slope - 0.25 * 3.0 * 1.25f32.powi(2) / 1600.0).abs() < 1e-6);
    assert!(LatencyTerm::above(-1.0, TermMode::Mul, 0.25, 3.0).is_err());
}

#[test]
fn a_subnet_takes_its_own_weights_and_nobody_elses() {
    let space = Space::load("pfld").unwrap();
    let supernet = space.supernet(20);
    let weights = init::backbone(&supernet, 1);
    let choice = space.choice(&["gh_k5", "sep_k3", "mb_k5_res", "mb_k3_e4_res", "gh_k5"]).unwrap();
    let graph = space.subnet(&choice, 20);
    let taken = subnet_weights(&space, &choice, &graph, &weights).unwrap();
    assert_eq!(taken.0.len(), graph.params().len());
    let of = |weights: &Weights, name: &str| weights.0[name].clone();
    assert_eq!(of(&taken, "blocks.2.op.ir_block.0.weight"), of(&weights, "blocks.2.4.ir_block.0.weight"));
    assert_eq!(of(&taken, "fc.weight"), of(&weights, "fc.weight"));

    let mut missing = weights.clone();
    missing.0.remove("blocks.2.4.ir_block.0.weight");
    let expected = SubnetError::Missing("blocks.2.4.ir_block.0.weight".into());
    assert_eq!(subnet_weights(&space, &choice, &graph, &missing), Err(expected));
}

#[test]
fn initial_weights_have_the_references_deviations() {
    let space = Space::load("pfld").unwrap();
    let graph = space.supernet(106);
    let weights = init::backbone(&graph, 3);
    let deviation = |name: &str| {
        let values = &weights.0[name];
        (values.iter().map(|v| v * v).sum::<f32>() / values.len() as f32).sqrt()
    };
    // √(2 / fan-out): 212 × 1 × 1, and 128 × 7 × 7 for a depthwise filter.
    assert!((deviation("fc.weight") / (2f32 / 212.0).sqrt() - 1.0).abs() < 0.03);
    assert!((deviation("conv7.weight") / (2f32 / (128.0 * 49.0)).sqrt() - 1.0).abs() < 0.05);
    assert!(weights.0["fc.bias"].iter().all(|&v| v == 0.0));
    assert!(weights.0["stem.stem_1.1.running_var"].iter().all(|&v| v == 1.0));
    assert_eq!(weights, init::backbone(&graph, 3));
    assert_ne!(weights, init::backbone(&graph, 4));
    let pose = space.pose_net().unwrap();
    let weights = init::pose_net(&pose, 3);
    let bound = 1.0 / (64f32 * 9.0).sqrt();
    let values = &weights.0["conv2.0.weight"];
    assert!(values.iter().all(|v| v.abs() <= bound) && values.iter().any(|v| v.abs() > 0.95 * bound));
    assert!(weights.0["fc2.bias"].iter().any(|&v| v != 0.0));
}

#[test]
fn costs_of_multiply_adds_add_up_to_the_network() {
    let space = Space::load("pfld").unwrap();
    let costs = Costs::from_macs(&space, 86, LatencyScope::Searched);
    let weights: Vec<Vec<f32>> = (0..5).map(|i| (0..9).map(|k| if k == i + 1 { 1.0 } else { 0.0 }).collect()).collect();
    let arch = ArchFile::new(&space, 86, 3, &[1, 2, 3, 4, 5], &weights, &weights, &costs);
    let choice = space.choice(&arch.choice).unwrap();
    assert_eq!(arch.predicted.total, space.deployed(&choice, 86).macs() as f64);
    assert_eq!(costs.expected(&weights), arch.predicted.searched);
}

#[test]
fn random_networks_are_drawn_from_both_sides_of_the_searched_ones_cost() {
    let space = Space::load("pfld").unwrap();
    let costs = Costs::from_macs(&space, 106, LatencyScope::Searched);
    let searched = [1, 2, 3, 4, 5];
    let centre = costs.network(&searched);
    let found = random_networks(&space, &costs, &searched, 9, 1).unwrap();
    let parts: Vec<f64> = found.iter().map(|network| 100.0 * (costs.network(network) / centre - 1.0)).collect();
    let sides = [true, false, true, false, true, false, true, false, true];
    assert_eq!(parts.iter().map(|&part| part <= 0.0).collect::<Vec<_>>(), sides, "{parts:?}");
    assert!(parts.iter().all(|part| part.abs() <= 3.0) && parts.iter().any(|part| part.abs() > 1.0), "{parts:?}");
    let different: std::collections::BTreeSet<_> = found.iter().collect();
    assert!(different.len() == 9 && !found.contains(&searched.to_vec()));
    // More of them begin with the same, and another seed draws others.
    assert_eq!(random_networks(&space, &costs, &searched, 4, 1).unwrap(), found[..4]);
    assert_ne!(random_networks(&space, &costs, &searched, 4, 2).unwrap(), found[..4]);

    // Nothing is faster than the fastest: all are slower, and further away ones are not taken in their place.
    let all: Vec<Vec<f32>> = space.layers().iter().map(|layer| vec![0.0; layer.primitives.len()]).collect();
    let fastest: Vec<usize> = (0..all.len())
        .map(|layer| {
            let cost = |k: usize| {
                let mut network = searched.to_vec();
                network[layer] = k;
                costs.network(&network)
            };
            (0..all[layer].len()).min_by(|&a, &b| cost(a).total_cmp(&cost(b))).unwrap()
        })
        .collect();
    let limit = costs.network(&fastest);
    let found = random_networks(&space, &costs, &fastest, 2, 1).unwrap();
    assert!(found.iter().all(|network| (limit..=1.03 * limit).contains(&costs.network(network))));
    let error = random_networks(&space, &costs, &fastest, 1000, 1).unwrap_err();
    assert!(matches!(error, CompareError::TooFewNetworks { found: 1.., unit: MACS, .. }), "{error}");
}
