//! The whole path of a user, on a few real faces: table of this machine, search, finetune, export, measurement, report.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use support::{programs, project_root};

/// Runs a program to its end and returns its standard output.
fn run<S: AsRef<OsStr>>(program: &Path, arguments: impl IntoIterator<Item = S>) -> String {
    let done = Command::new(program).args(arguments).output().expect("the program starts");
    let errors = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{} ended with {}:\n{errors}", program.display(), done.status);
    String::from_utf8(done.stdout).expect("output is UTF-8")
}

/// A data folder with the first `train` and `test` faces of another.
fn some_faces(from: &Path, to: &Path, train: usize, test: usize) {
    for (split, count) in [("train_data", train), ("test_data", test)] {
        std::fs::create_dir_all(to.join(split)).expect("a folder");
        let list = std::fs::read_to_string(from.join(split).join("list.txt")).expect("a list");
        let lines: Vec<&str> = list.lines().take(count).collect();
        std::fs::write(to.join(split).join("list.txt"), lines.join("\n")).expect("a list");
        for pictures in ["imgs", "imgs_wide"] {
            if from.join(split).join(pictures).exists() {
                std::os::unix::fs::symlink(from.join(split).join(pictures), to.join(split).join(pictures)).expect("a link");
            }
        }
    }
    std::fs::copy(project_root().join("trainer/points/scut86.toml"), to.join("points.toml")).expect("the landmark scheme");
}

#[test]
fn a_table_a_search_and_a_network_that_runs() {
    let Some(faces) = support::shared("faces") else { return };
    let faces = std::fs::canonicalize(faces).expect("a folder");
    let programs = programs(&["profiler", "trainer"]);
    let (profiler, trainer) = (programs.join("profiler"), programs.join("trainer"));
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).into_os_string().into_string().expect("UTF-8");
    let (data, lut, run_folder, onnx) = (at("a few faces"), at("host.csv"), at("run"), at("run/subnet.onnx"));
    some_faces(&faces, Path::new(&data), 160, 40);

    let build = ["build", "--space", "pfld", "--device", "local", "--out", &lut, "--budget", "20s", "--points", "86"];
    // On a busy machine 20 s may be too short for enough valid samples: then the build goes on, as its message says.
    let too_few =
        || Command::new(&profiler).args(build).args(["--resume"]).output().expect("the program starts").status.code() == Some(3);
    if (0..3).all(|_| too_few()) {
        run(&profiler, build.iter().chain(&["--resume"]));
    }
    run(&profiler, ["lut", "validate", &lut]);
    let small = ["--batch", "16", "--base-lr", "1e-3", "--threads", "2"];
    let search = ["search", "--lut", &lut, "--data", &data, "--out", &run_folder, "--start-epoch", "1", "--end-epoch", "2"];
    run(&trainer, search.iter().chain(&small));
    let supernet = at("run/supernet/checkpoint_last.safetensors");
    let finetune = ["finetune", "--supernet", &supernet, "--data", &data, "--out", &run_folder, "--end-epoch", "2"];
    run(&trainer, finetune.iter().chain(&small));
    let subnet = at("run/subnet/checkpoint_last.safetensors");
    run(&trainer, ["export", "--subnet", &subnet, "--out", &onnx, "--data", &data]);

    let nme = |model: &str| -> f64 {
        let found: serde_json::Value =
            serde_json::from_str(&run(&trainer, ["eval", "--model", model, "--data", &data, "--json"])).expect("JSON");
        found["nme"].as_f64().expect("a number")
    };
    let (of_file, of_checkpoint) = (nme(&onnx), nme(&subnet));
    assert!((of_file - of_checkpoint).abs() < 1e-4, "ONNX file {of_file}, checkpoint {of_checkpoint}");
    assert!(of_file.is_finite() && of_file > 0.0, "NME {of_file}");

    let measured: serde_json::Value =
        serde_json::from_str(&run(&profiler, ["bench", &onnx, "--device", "local", "--json"])).expect("JSON");
    assert!(measured[0]["median_us"].as_f64().is_some_and(|us| us > 1.0), "{measured}");
    let arch: serde_json::Value = serde_json::from_slice(&std::fs::read(at("run/arch.json")).expect("arch.json")).expect("JSON");
    assert_eq!(arch["choice"].as_array().map(Vec::len), Some(5));
    assert!(arch["predicted"]["total"].as_f64().is_some_and(|us| us > 1.0), "{arch}");
    let interval = &arch["predicted"]["interval"];
    assert!(
        interval[0].as_f64() < arch["predicted"]["total"].as_f64() && interval[1].as_f64() > arch["predicted"]["total"].as_f64(),
        "{interval}"
    );

    let list = std::fs::read_to_string(Path::new(&data).join("test_data/list.txt")).expect("a list");
    let picture =
        Path::new(&data).join(list.split_whitespace().next().expect("a path")).into_os_string().into_string().expect("UTF-8");
    run(&trainer, ["predict", "--model", &onnx, "--image", &picture, "--out", &at("run/overlay.png")]);
    run(&trainer, ["report", &run_folder]);
    for file in ["run/overlay.png", "run/report.html", "run/metrics.csv", "run/config.toml"] {
        assert!(std::fs::metadata(at(file)).is_ok_and(|m| m.len() > 0), "{file}");
    }
}
