//! The reference's own files: the weights of the parity data, so that their nets compute what that data says.

use std::collections::HashMap;
use std::path::PathBuf;

use blocks::Space;
use candle_core::{Device, Tensor};
use trainer::model::{Mode, Model};
use trainer::nni::{Choice, Import, ImportError};
use trainer::run::{Checkpoint, Kind, PATH_ALPHA};

const POINTS: usize = 106;

struct Reference {
    folder: PathBuf,
    tensors: HashMap<String, Tensor>,
    chosen: Vec<String>,
    temperature: f64,
}

fn reference() -> Option<Reference> {
    let folder = support::shared("reference")?;
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&read("pfld_reference.json")).unwrap();
    Some(Reference {
        tensors: candle_core::safetensors::load_buffer(&read("pfld_reference.safetensors"), &Device::Cpu).unwrap(),
        chosen: serde_json::from_value(json["chosen"].clone()).unwrap(),
        temperature: json["temperature"].as_f64().unwrap(),
        folder,
    })
}

impl Reference {
    fn import(&self, name: &str, choice: Choice<'_>) -> Result<Checkpoint, ImportError> {
        Import { path: &self.folder.join(name), space: "pfld", choice }.read().map(|imported| imported.checkpoint)
    }

    fn values(&self, name: &str) -> Vec<f32> {
        self.tensors[name].flatten_all().unwrap().to_vec1().unwrap()
    }
}

#[track_caller]
fn assert_close(what: &str, found: &Tensor, expected: &[f32]) {
    let found: Vec<f32> = found.flatten_all().unwrap().to_vec1().unwrap();
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (f, e)) in std::iter::zip(&found, expected).enumerate() {
        assert!((f - e).abs() <= (1e-4 * e.abs()).max(1e-5), "{what}[{i}]: {f}, expected {e}");
    }
}

#[test]
fn the_supernet_is_the_parity_datas() {
    let Some(r) = reference() else { return };
    let checkpoint = r.import("nni_supernet.pth", Choice::Shapes).unwrap();
    assert_eq!((checkpoint.meta.kind, checkpoint.meta.points, checkpoint.meta.epoch), (Kind::Supernet, POINTS, 120));
    assert_eq!(checkpoint.meta.choice.as_ref(), Some(&r.chosen));

    let space = Space::load("pfld").unwrap();
    let alpha = checkpoint.get(PATH_ALPHA).unwrap();
    for (i, row) in alpha.chunks(9).enumerate() {
        assert_eq!(row, r.values(&format!("supernet.blocks.{i}.registered_module.path_alpha")));
    }
    let backbone = space.supernet(POINTS);
    for (net, prefix, graph) in [("backbone", "supernet", &backbone), ("pose", "aux", &space.pose_net().unwrap())] {
        let weights = checkpoint.weights(net).0;
        assert_eq!(weights.len(), graph.params().len());
        for (name, values) in weights {
            assert_eq!(values, r.values(&format!("{prefix}.{name}")), "{name}");
        }
    }

    let noise: Vec<Tensor> = (0..5).map(|i| r.tensors[&format!("gumbel_noise.{i}")].clone()).collect();
    let alpha = Tensor::from_slice(alpha, (5, 9), &Device::Cpu).unwrap();
    let logits = ((alpha + Tensor::stack(&noise, 0).unwrap()).unwrap() / r.temperature).unwrap();
    let masks = candle_nn::ops::softmax(&logits, 1).unwrap();
    let model = Model::new(backbone, &checkpoint.weights("backbone")).unwrap();
    let out = model.forward(&[r.tensors["input.image"].clone()], Some(&masks), Mode::Eval).unwrap();
    assert_close("landmarks", &out[0], &r.values("eval.landmarks"));
}

#[test]
fn subnets_of_both_forms_are_the_parity_datas() {
    let Some(r) = reference() else { return };
    let supernet = r.folder.join("nni_supernet.pth");
    let space = Space::load("pfld").unwrap();
    for name in ["nni_subnet.pth", "nni_subnet_legacy.pth"] {
        for choice in [Choice::Supernet(&supernet), Choice::Names(&r.chosen)] {
            let checkpoint = r.import(name, choice).unwrap();
            assert_eq!((checkpoint.meta.kind, checkpoint.meta.choice.as_ref()), (Kind::Subnet, Some(&r.chosen)), "{name}");
            let graph = space.deployed(&space.choice(&r.chosen).unwrap(), POINTS);
            let model = Model::new(graph, &checkpoint.weights("backbone")).unwrap();
            let out = model.forward(&[r.tensors["input.image"].clone()], None, Mode::Eval).unwrap();
            assert_close(name, &out[0], &r.values("subnet.eval.landmarks"));
        }
    }
}

#[test]
fn an_imported_supernet_names_a_subnets_layers_too() {
    let Some(r) = reference() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("supernet.safetensors");
    r.import("nni_supernet.pth", Choice::Shapes).unwrap().save(&path).unwrap();
    let checkpoint = r.import("nni_subnet.pth", Choice::Supernet(&path)).unwrap();
    assert_eq!(checkpoint.meta.choice, Some(r.chosen));
}

#[test]
fn a_subnet_alone_is_refused_with_the_layers_that_shapes_leave_open() {
    let Some(r) = reference() else { return };
    let message = r.import("nni_subnet.pth", Choice::Shapes).unwrap_err().to_string();
    assert!(message.contains("layer 2: mb_k3_e2_res or mb_k3_res_d3"), "{message}");
    assert!(message.contains("layer 4: mb_k3_e2_res or mb_k3_res_d3"), "{message}");
    assert!(message.contains("--supernet") && message.contains("--arch"), "{message}");
    // The others can be told.
    for layer in [1, 3, 5] {
        assert!(!message.contains(&format!("layer {layer}:")), "{message}");
    }

    let names = |text: &str| text.split(' ').map(str::to_string).collect::<Vec<_>>();
    let other = names("mb_k3_res mb_k3_res_d3 mb_k5_e2_res mb_k3_e2_res mb_k5_res_se");
    let message = r.import("nni_subnet.pth", Choice::Names(&other)).unwrap_err().to_string();
    assert!(["layer 3:", "'mb_k5_e2_res'", "mb_k5_res"].iter().all(|name| message.contains(name)), "{message}");
    let subnet = r.folder.join("nni_subnet_legacy.pth");
    assert!(r.import("nni_subnet.pth", Choice::Supernet(&subnet)).is_err());
}
