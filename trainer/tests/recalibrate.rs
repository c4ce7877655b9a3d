//! A subnet's running statistics are its own, whatever they were and however few faces there are.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use blocks::{Graph, Space, Weights};
use faces::augment::Augment;
use faces::data::{Dataset, DatasetOptions, Loader, LoaderOptions, Split};
use faces::synth::{SynthOptions, write_synth};
use trainer::model::{Mode, Model, Pass, init};
use trainer::task::faces::{STEPS, recalibrated};

fn faces(folder: &std::path::Path, train: usize) -> Arc<Dataset> {
    let options = SynthOptions { train, test: 1, points: 106, seed: 5, overwrite: false };
    write_synth(folder, &options, || {}).unwrap();
    Arc::new(Dataset::open(folder, Split::Train, &DatasetOptions::default()).unwrap())
}

fn subnet() -> (Graph, Weights) {
    let space = Space::load("pfld").unwrap();
    let choice = space.choice(&["gh_k5", "sep_k3", "mb_k5_res", "mb_k3_e2_res_se", "gh_k5"]).unwrap();
    let graph = space.deployed(&choice, 106);
    let weights = init::backbone(&graph, 1);
    (graph, weights)
}

/// The weights with other running statistics: what mixtures may leave.
fn of_mixtures(weights: &Weights, factor: f32) -> Weights {
    let changed = |(name, values): (&String, &Vec<f32>)| {
        let moved = |v: &f32| if name.contains("running_") { (v + 1.0) * factor } else { *v };
        (name.clone(), values.iter().map(moved).collect())
    };
    Weights(weights.0.iter().map(changed).collect())
}

#[test]
fn nothing_is_left_of_the_mixtures_statistics_however_short_an_epoch_is() {
    let folder = tempfile::tempdir().unwrap();
    let train = faces(folder.path(), 40);
    let (graph, weights) = subnet();
    // One batch an epoch: the second is incomplete.
    let all: Vec<usize> = (0..40).collect();
    let own = recalibrated(&graph, &weights, &train, all.clone()).unwrap();
    for factor in [1e-3, 1e6] {
        let again = recalibrated(&graph, &of_mixtures(&weights, factor), &train, all.clone()).unwrap();
        assert!(again == own, "statistics from before are left");
    }
    // Other faces give other statistics, and the same weights.
    let others = recalibrated(&graph, &weights, &train, (0..33).collect()).unwrap();
    for (name, values) in &own.0 {
        assert_eq!(others.0[name] != *values, name.contains("running_"), "{name}");
        assert_eq!(weights.0[name] != *values, name.contains("running_"), "{name}");
    }
    assert!(own.0.values().flatten().all(|value| value.is_finite()));
}

/// Against PyTorch's way with the mean over batches: running statistics moved by 1/k in the k-th batch, here with the moves of training
/// (a tenth each) undone.
#[test]
fn statistics_are_the_mean_over_fifty_batches_of_32() {
    let folder = tempfile::tempdir().unwrap();
    let train = faces(folder.path(), 70);
    let (graph, weights) = subnet();
    let loader = Loader::all(train.clone(), LoaderOptions::train(32, 0, Some(Augment::MILD))).unwrap();
    assert_eq!(loader.batches(), 2);
    let stats = |weights: &Weights| -> Vec<f64> {
        let named = weights.0.iter().filter(|(name, _)| name.contains("running_"));
        named.flat_map(|(_, values)| values).map(|&v| f64::from(v)).collect()
    };
    let model = Model::new(graph.clone(), &weights).unwrap();
    let (mut sums, mut batches) = (vec![0.0; stats(&weights).len()], 0);
    for epoch in 0..25 {
        for batch in loader.epoch(epoch) {
            let batch = batch.unwrap();
            let images = candle_core::Tensor::from_vec(batch.images, (32, 3, 112, 112), &candle_core::Device::Cpu).unwrap();
            model.set_weights(&weights).unwrap();
            model.run(&[images], None, Pass::new(Mode::Train)).unwrap();
            let moved = stats(&model.weights().unwrap());
            for ((sum, moved), before) in sums.iter_mut().zip(moved).zip(stats(&weights)) {
                *sum += (moved - 0.9 * before) / 0.1;
            }
            batches += 1;
        }
    }
    assert_eq!(batches, STEPS);
    let found = stats(&recalibrated(&graph, &weights, &train, (0..70).collect()).unwrap());
    for (found, sum) in found.iter().zip(sums) {
        let expected = sum / 50.0;
        assert!((found - expected).abs() <= 1e-4 * expected.abs() + 1e-5, "{found} {expected}");
    }
}
