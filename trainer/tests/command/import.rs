//! The reference's own checkpoints through the command: imported, evaluated, finetuned, exported.

use trainer::nni::ImportError;

use crate::common::{Fixture, engine, read};

/// The folder of the reference's files.
fn reference() -> Option<std::path::PathBuf> {
    // The command runs in another folder.
    support::shared("reference").map(|folder| folder.canonicalize().unwrap())
}

#[test]
fn what_nni_trained_goes_on_here() {
    let Some(reference) = reference() else { return };
    let fixture = Fixture::new(24);
    let file = |name: &str| reference.join(name).display().to_string();
    let said = fixture.done(&format!("import --nni {} --out supernet.safetensors --json", file("nni_supernet.pth")));
    let json: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((json["kind"].as_str(), json["points"].as_u64(), json["epoch"].as_u64()), (Some("supernet"), Some(106), Some(120)));

    let subnet = format!("import --nni {} --out subnet.safetensors", file("nni_subnet_legacy.pth"));
    let said = fixture.refused(&subnet, 2);
    assert!(said.contains("layer 2: mb_k3_e2_res or mb_k3_res_d3") && said.contains("--supernet"), "{said}");
    assert!(!fixture.path("subnet.safetensors").exists());
    fixture.done(&format!("{subnet} --supernet {}", file("nni_supernet.pth")));
    let before = read(&fixture.path("subnet.safetensors"));
    assert!(fixture.refused(&format!("{subnet} --supernet supernet.safetensors"), 2).contains("--overwrite"));
    fixture.done(&format!("{subnet} --supernet supernet.safetensors --overwrite"));
    assert!(read(&fixture.path("subnet.safetensors")) == before);

    // What names a subnet's layers must be a supernet's, and a supernet needs none of it.
    let subnets = file("nni_subnet.pth");
    let said = fixture.refused(&format!("import --nni {subnets} --supernet {subnets} --out other.safetensors"), 2);
    assert!(said.contains("nni_subnet.pth") && said.contains("--supernet"), "{said}");
    for flag in ["--arch junk".to_string(), format!("--supernet {}", file("nni_supernet.pth"))] {
        let error = ImportError::NoSubnet { path: reference.join("nni_supernet.pth") };
        fixture.fails(&format!("import --nni {} {flag} --out other.safetensors", file("nni_supernet.pth")), 2, &error);
    }
    assert!(!fixture.path("other.safetensors").exists());

    // The supernet chooses the same subnet: equal except for the statistics, which a supernet's subnet takes again by default.
    let eval = |model: &str| -> serde_json::Value {
        serde_json::from_str(&fixture.done(&format!("eval --model {model} --data faces --json"))).unwrap()
    };
    assert_eq!(eval("supernet.safetensors --reference")["nme"], eval("subnet.safetensors --reference")["nme"]);
    assert_ne!(eval("supernet.safetensors")["nme"], eval("subnet.safetensors")["nme"]);

    let flags = "--data faces --batch 8 --base-lr 1e-3 --end-epoch 20 --json";
    let start = eval("subnet.safetensors")["nme"].as_f64().unwrap();
    for (run, from) in [("a", "--supernet supernet.safetensors"), ("b", "--subnet subnet.safetensors")] {
        let end: serde_json::Value = serde_json::from_str(&fixture.done(&format!("finetune {from} {flags} --out {run}"))).unwrap();
        assert!(end["nme"].as_f64().unwrap() < start, "{run}: {end}, before {start}");
        fixture.done(&format!("finetune --out {run} --resume"));
    }
    let said = fixture.refused(&format!("finetune --subnet subnet.safetensors --arch x {flags} --out c"), 2);
    assert!(said.contains("--arch") && said.contains("subnet.safetensors"), "{said}");

    if !engine() {
        return;
    }
    fixture.done("export --subnet subnet.safetensors --out subnet.onnx");
    let [a, b] = ["subnet.safetensors", "subnet.onnx"].map(|model| eval(model)["nme"].as_f64().unwrap());
    assert!((a - b).abs() < 1e-4 * a, "{a} {b}");
}
