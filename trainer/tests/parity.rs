//! Against what the reference computes: `reference/README.md` of the shared data says what is in the files.

#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::path::Path;

use blocks::{Graph, Space, Weights};
use candle_core::{Device, Tensor};
use trainer::cost::{LatencyTerm, TermMode};
use trainer::task::faces::loss::{PointLoss, PoseWeight, weighted_mean};

use trainer::model::{ArchWeights, Backend, Gpus, Mode, Model};

const POINTS: usize = 106;
const LAYERS: usize = 5;

/// The shared reference data.
struct Reference {
    tensors: HashMap<String, Tensor>,
    json: serde_json::Value,
    space: Space,
}

/// A backbone and the pose network behind it.
struct Nets {
    backbone: Model,
    pose: Model,
}

/// Landmarks `[n, 2N]`, angles `[n, 3]`, stem features.
struct Outputs {
    landmarks: Tensor,
    angles: Tensor,
    features: Tensor,
}

fn reference() -> Option<Reference> {
    let folder = support::shared("reference")?;
    let read = |name: &str| std::fs::read(Path::new(&folder).join(name)).unwrap();
    Some(Reference {
        tensors: candle_core::safetensors::load_buffer(&read("pfld_reference.safetensors"), &Device::Cpu).unwrap(),
        json: serde_json::from_slice(&read("pfld_reference.json")).unwrap(),
        space: Space::load("pfld").unwrap(),
    })
}

impl Reference {
    fn values(&self, name: &str) -> Vec<f32> {
        self.tensors.get(name).unwrap_or_else(|| panic!("{name} is not in the reference")).flatten_all().unwrap().to_vec1().unwrap()
    }

    fn number(&self, path: &str) -> f64 {
        self.json.pointer(path).unwrap().as_f64().unwrap()
    }

    fn weights(&self, graph: &Graph, prefix: &str) -> Weights {
        Weights(graph.params().iter().map(|p| (p.name.clone(), self.values(&format!("{prefix}.{}", p.name)))).collect())
    }

    fn nets(&self, backend: Backend) -> Nets {
        let model = |graph: Graph, prefix| {
            let weights = self.weights(&graph, prefix);
            Model::with_backend(graph, &weights, backend).unwrap()
        };
        Nets { backbone: model(self.space.supernet(POINTS), "supernet"), pose: model(self.space.pose_net().unwrap(), "aux") }
    }

    fn arch(&self) -> ArchWeights {
        let arch = ArchWeights::new(&[9; LAYERS]).unwrap();
        let alpha = |l: usize| self.tensors[&format!("supernet.blocks.{l}.registered_module.path_alpha")].clone();
        arch.path_alpha().set(&Tensor::stack(&(0..LAYERS).map(alpha).collect::<Vec<_>>(), 0).unwrap()).unwrap();
        arch
    }

    fn masks(&self, arch: &ArchWeights) -> Tensor {
        let noise: Vec<_> = (0..LAYERS).map(|l| self.tensors[&format!("gumbel_noise.{l}")].clone()).collect();
        arch.masks(&Tensor::stack(&noise, 0).unwrap(), self.number("/temperature")).unwrap()
    }

    fn latency(&self) -> Tensor {
        let rows: Vec<Vec<f32>> = serde_json::from_value(self.json["latency_us"].clone()).unwrap();
        Tensor::new(rows, &Device::Cpu).unwrap()
    }

    fn term(&self) -> LatencyTerm {
        LatencyTerm::new(TermMode::Mul, self.number("/alpha"), self.number("/beta"), 100.0, "µs").unwrap()
    }
}

impl Nets {
    fn run(&self, image: &Tensor, masks: &Tensor, mode: Mode) -> Outputs {
        let out = self.backbone.forward(std::slice::from_ref(image), Some(masks), mode).unwrap();
        let angles = self.pose.forward(&out[1..], None, mode).unwrap();
        Outputs { landmarks: out[0].flatten_from(1).unwrap(), angles: angles[0].flatten_from(1).unwrap(), features: out[1].clone() }
    }
}

/// Largest excess over `relative`·|expected| + `absolute`.
#[track_caller]
fn assert_close(what: &str, found: &[f32], expected: &[f32], relative: f32, absolute: f32) {
    assert_eq!(found.len(), expected.len(), "{what}: length");
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        let limit = (relative * e.abs()).max(absolute);
        assert!((f - e).abs() <= limit, "{what}[{i}]: {f}, expected {e} (within {limit:e})");
    }
}

/// The same, with the absolute limit relative to the tensor's largest value: gradients that cancel are rounding noise beside it.
#[track_caller]
fn assert_gradient(what: &str, found: &[f32], expected: &[f32]) {
    let largest = expected.iter().fold(0f32, |m, v| m.max(v.abs()));
    assert_close(what, found, expected, 1e-3, (2e-5 * largest).max(1e-5));
}

fn flat(t: &Tensor) -> Vec<f32> {
    t.flatten_all().unwrap().to_vec1().unwrap()
}

/// Those that every machine has; with `BLOCKTIME_REQUIRE_GPU=1` the first GPU alone.
fn backends() -> Vec<Backend> {
    let on_gpu = std::env::var_os("BLOCKTIME_REQUIRE_GPU").is_some_and(|v| v == "1");
    if on_gpu { vec![Backend::Gpus(Gpus::one(0))] } else { Backend::ALL.to_vec() }
}

fn each_backend(test: impl Fn(&Reference, Backend)) {
    let Some(reference) = reference() else { return };
    for backend in backends() {
        eprintln!("backend {backend}");
        test(&reference, backend);
    }
}

#[test]
fn parity_of_evaluation() {
    each_backend(|r, backend| {
        let masks = r.masks(&r.arch());
        let out = r.nets(backend).run(&r.tensors["input.image"], &masks, Mode::Eval);
        assert_close("features", &flat(&out.features), &r.values("eval.features"), 1e-4, 1e-5);
        assert_close("landmarks", &flat(&out.landmarks), &r.values("eval.landmarks"), 1e-4, 1e-5);
        assert_close("angles", &flat(&out.angles), &r.values("eval.angles"), 1e-4, 1e-5);
    });
}

#[test]
fn parity_of_the_weight_step() {
    each_backend(|r, backend| {
        let nets = r.nets(backend);
        let masks = r.masks(&r.arch());
        let out = nets.run(&r.tensors["input.image"], &masks, Mode::Train);
        assert_close("landmarks", &flat(&out.landmarks), &r.values("train.landmarks"), 1e-4, 1e-5);
        assert_close("angles", &flat(&out.angles), &r.values("train.angles"), 1e-4, 1e-5);

        let losses = PointLoss::Square.per_face(&out.landmarks, &r.tensors["input.landmarks"]).unwrap();
        let weights = PoseWeight::Raw.per_face(&out.angles, &r.tensors["input.angles"]).unwrap();
        let weighted = weighted_mean(&losses, weights.as_ref()).unwrap();
        let cost = (&masks * r.latency()).unwrap().sum_all().unwrap();
        let total = r.term().apply(&weighted, &cost).unwrap();
        let scalar = |t: &Tensor| t.to_scalar::<f32>().unwrap();
        assert_close("weighted loss", &[scalar(&weighted)], &[r.number("/loss/weighted_l2") as f32], 1e-5, 0.0);
        assert_close("expected latency", &[scalar(&cost)], &[r.number("/loss/perf_cost_us") as f32], 1e-5, 0.0);
        assert_close("total loss", &[scalar(&total)], &[r.number("/loss/total") as f32], 1e-5, 0.0);

        let grads = total.backward().unwrap();
        for (prefix, model) in [("grad.supernet", &nets.backbone), ("grad.aux", &nets.pose)] {
            let grad = flat(grads.get(model.params()).expect("a gradient"));
            for slot in model.layout().trained() {
                let name = format!("{prefix}.{}", slot.param.name);
                assert_gradient(&name, &grad[slot.offset..][..slot.param.len()], &r.values(&name));
            }
        }
        let after = nets.backbone.weights().unwrap().0;
        let mut checked = 0;
        for slot in nets.backbone.layout().stats() {
            let (name, expected) = (&slot.param.name, format!("after_step.supernet.{}", slot.param.name));
            // The reference holds most batch norms' statistics, not all.
            if r.tensors.contains_key(&expected) {
                assert_close(name, &after[name], &r.values(&expected), 1e-5, 1e-6);
                checked += 1;
            }
        }
        let held = r.tensors.keys().filter(|k| k.starts_with("after_step.") && !k.ends_with("num_batches_tracked")).count();
        assert_eq!(checked, held);
    });
}

#[test]
fn parity_of_the_architecture_step() {
    each_backend(|r, backend| {
        for mode in [Mode::Train, Mode::TrainFrozenStats] {
            let nets = r.nets(backend);
            let before = nets.backbone.weights().unwrap();
            let arch = r.arch();
            let masks = r.masks(&arch);
            let out = nets.run(&r.tensors["input.image"], &masks, mode);
            let plain =
                weighted_mean(&PointLoss::Square.per_face(&out.landmarks, &r.tensors["input.landmarks"]).unwrap(), None).unwrap();
            assert_close("plain loss", &[plain.to_scalar().unwrap()], &[r.number("/loss/l2") as f32], 1e-5, 0.0);
            let cost = (&masks * r.latency()).unwrap().sum_all().unwrap();
            let total = r.term().apply(&plain, &cost).unwrap();
            assert_close("total loss", &[total.to_scalar().unwrap()], &[r.number("/loss/arch_step_total") as f32], 1e-5, 0.0);
            let grads = total.backward().unwrap();
            let grad = grads.get(arch.path_alpha()).expect("a gradient").to_vec2::<f32>().unwrap();
            for (l, row) in grad.iter().enumerate() {
                assert_gradient(&format!("path_alpha {l}"), row, &r.values(&format!("grad.arch_step.path_alpha.{l}")));
            }
            assert_eq!(mode == Mode::TrainFrozenStats, nets.backbone.weights().unwrap() == before, "statistics in {mode:?}");
        }
    });
}

#[test]
fn parity_of_the_sampled_subnet() {
    each_backend(|r, backend| {
        let names: Vec<String> = serde_json::from_value(r.json["chosen"].clone()).unwrap();
        let choice = r.space.choice(&names).unwrap();
        let argmax = r.arch().argmax().unwrap();
        for ((k, layer), primitive) in argmax.iter().zip(r.space.layers()).zip(&choice) {
            assert_eq!(layer.primitives[*k], *primitive);
        }
        let graph = r.space.subnet(&choice, POINTS);
        let supernet = r.weights(&r.space.supernet(POINTS), "supernet");
        let weights = trainer::model::subnet_weights(&r.space, &choice, &graph, &supernet).unwrap();
        let model = Model::with_backend(graph, &weights, backend).unwrap();
        let out = model.forward(&[r.tensors["input.image"].clone()], None, Mode::Eval).unwrap();
        assert_close("landmarks", &flat(&out[0]), &r.values("subnet.eval.landmarks"), 1e-4, 1e-5);
    });
}
