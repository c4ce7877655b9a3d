//! The baseline's definition computes what the published file computes, with its weights carried over.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use blocks::graph::{BN_EPSILON, Op};
use blocks::{Weights, baseline, onnx};
use candle_core::{Device, Tensor};
use engines::{EngineKind, SessionOptions};
use rand::{RngExt, SeedableRng};
use trainer::model::{Mode, Model};

/// The published weights under our names: batch norms, which are folded into the convolutions there, become biases.
fn carried_over(published: &BTreeMap<String, Vec<f32>>) -> Weights {
    // Folded convolutions have numbers for names, weight and bias in turn, in the order of execution.
    let mut folded: Vec<(usize, &Vec<f32>)> = published.iter().filter_map(|(name, v)| Some((name.parse().ok()?, v))).collect();
    folded.sort_by_key(|(number, _)| *number);
    let mut folded = folded.into_iter().map(|(_, values)| values.clone());
    let named = [
        ("fine", "conv1"),
        ("middle", "conv2"),
        ("coarse.0", "extra.0"),
        ("coarse.1", "extra.2.0"),
        ("coarse.2", "extra.2.2"),
        ("fc", "fc"),
    ];
    let mut weights = BTreeMap::new();
    for node in baseline::trained(106).nodes() {
        let mut put = |suffix: &str, values: Vec<f32>| weights.insert(format!("{}.{suffix}", node.name), values);
        let theirs = named.iter().find(|(ours, _)| *ours == node.name).map(|(_, theirs)| theirs);
        match (&node.op, theirs) {
            (Op::Conv(_) | Op::Linear { .. }, Some(theirs)) => {
                put("weight", published[&format!("{theirs}.weight")].clone());
                put("bias", published[&format!("{theirs}.bias")].clone());
            }
            (Op::Conv(_), None) => {
                put("weight", folded.next().unwrap());
            }
            (Op::BatchNorm, _) => {
                let n = node.shape.c;
                put("weight", vec![(1.0 + BN_EPSILON).sqrt(); n]);
                put("bias", folded.next().unwrap());
                put("running_mean", vec![0.0; n]);
                put("running_var", vec![1.0; n]);
            }
            _ => {}
        }
    }
    assert!(folded.next().is_none());
    Weights(weights)
}

#[test]
fn landmarks_and_features_equal_onnx_runtimes_on_the_published_file() {
    let Some(path) = support::shared("baseline/mobilenetv3_pfld_106.onnx") else { return };
    if let Err(missing) = engines::onnxruntime::LIBRARY.find(None) {
        support::skip("BLOCKTIME_REQUIRE_ENGINE", &missing.to_string());
        return;
    }
    let file = std::fs::read(path).unwrap();
    let model = Model::new(baseline::trained(106), &carried_over(&onnx::constants(&file).unwrap())).unwrap();
    let mut session = engines::open(EngineKind::OnnxRuntime, None).unwrap().load(&file, &SessionOptions::default()).unwrap();
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(4);
    for _ in 0..3 {
        let image: Vec<f32> = (0..3 * 112 * 112).map(|_| rng.random()).collect();
        session.set_inputs(std::slice::from_ref(&image)).unwrap();
        session.run().unwrap();
        let [features, landmarks] = session.read_outputs().unwrap().try_into().unwrap();
        let ours = model.forward(&[Tensor::from_vec(image, (1, 3, 112, 112), &Device::Cpu).unwrap()], None, Mode::Eval).unwrap();
        for (ours, theirs, what) in [(&ours[0], landmarks, "landmarks"), (&ours[1], features, "features")] {
            let ours = ours.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            assert_eq!(ours.len(), theirs.len(), "{what}");
            let largest = theirs.iter().fold(0f32, |m, v| m.max(v.abs()));
            let worst = ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs()).fold(0f32, f32::max);
            assert!(worst < 1e-5 * largest.max(1.0), "{what}: {worst} of {largest}");
        }
    }
}
