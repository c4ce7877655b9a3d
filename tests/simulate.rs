//! `profiler simulate`: programs for aarch64 in simulated time, in a real emulator.
//!
//! Needs what scripts/setup-simulator.sh brings and a C compiler for aarch64; skips with a message without them, and fails with
//! `BLOCKTIME_REQUIRE_SIMULATOR=1`.

#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;
use support::{programs, project_root};
use tempfile::TempDir;

/// The emulated program, and who runs it.
struct Setting {
    profiler: PathBuf,
    odd: PathBuf,
    folder: TempDir,
}

/// Compiles the program once. `None` where this machine has no simulator.
fn setting() -> Option<&'static Setting> {
    static SETTING: OnceLock<Option<Setting>> = OnceLock::new();
    let make = || {
        let folder = tempfile::tempdir().unwrap();
        let odd = folder.path().join("odd");
        let source = project_root().join("tests/programs/odd.c");
        let compiled =
            Command::new("aarch64-linux-gnu-gcc").args(["-O1", "-static", "-pthread", "-o"]).arg(&odd).arg(source).status();
        let profiler = programs(&["profiler"]).join("profiler");
        let tried = Command::new(&profiler).args(["simulate", "--"]).arg(&odd).output().unwrap();
        let missing = match (compiled, tried.status.success()) {
            (Ok(done), true) if done.success() => return Some(Setting { profiler, odd, folder }),
            (Ok(done), false) if done.success() => String::from_utf8_lossy(&tried.stderr).into_owned(),
            _ => "there is no aarch64-linux-gnu-gcc".to_string(),
        };
        support::skip("BLOCKTIME_REQUIRE_SIMULATOR", &missing);
        None
    };
    SETTING.get_or_init(make).as_ref()
}

impl Setting {
    /// `profiler simulate` with those words between it and the program, and these behind.
    fn command(&self, options: &[&str], words: &[&str]) -> Command {
        let mut command = Command::new(&self.profiler);
        command.arg("simulate").args(options).arg("--").arg(&self.odd).args(words);
        command
    }

    fn run(&self, options: &[&str], words: &[&str]) -> Output {
        self.command(options, words).output().unwrap()
    }

    /// Runs it, and gives what it printed and the figures.
    fn figures(&self, name: &str, options: &[&str], words: &[&str]) -> (String, Value) {
        let json = self.folder.path().join(name);
        let options = [options, &["--json", json.to_str().unwrap()]].concat();
        let done = self.run(&options, words);
        assert!(done.status.success(), "{}", stderr(&done));
        (String::from_utf8(done.stdout).unwrap(), serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap())
    }
}

fn stderr(done: &Output) -> String {
    String::from_utf8_lossy(&done.stderr).into_owned()
}

#[test]
fn clocks_show_simulated_time_and_sleep_takes_none_of_ours() {
    let Some(setting) = setting() else { return };
    let began = std::time::Instant::now();
    let (said, figures) = setting.figures("clocks.json", &[], &["clocks"]);
    assert!(began.elapsed() < Duration::from_secs(60), "an hour of sleep");
    let words: Vec<&str> = said.split_whitespace().collect();
    let number = |name: &str| words[words.iter().position(|word| *word == name).unwrap() + 1].parse::<f64>().unwrap();
    // 100,000 rounds of a load, an addition and a store to the same place: some cycles each at 2 GHz.
    assert!((1e-4..2e-3).contains(&number("worked")), "{said}");
    assert!((number("cpu") - number("worked")).abs() < 1e-4, "{said}");
    assert_eq!((number("slept"), number("interrupted")), (3600.0, 0.0), "{said}");
    assert!((1_577_836_800.0..1_577_841_000.0).contains(&number("date")), "{said}");
    let us = figures["regions"][0]["us"].as_f64().unwrap();
    assert!((3.6e9..3.6e9 + 1e4).contains(&us), "{us}");
}

#[test]
fn nothing_of_the_host_is_seen_and_runs_are_the_same() {
    let Some(setting) = setting() else { return };
    let runs: Vec<(String, Value)> = ["a.json", "b.json"].map(|name| setting.figures(name, &[], &["host"])).to_vec();
    assert_eq!(runs[0], runs[1]);
    // The stack lies where it lay, whatever the working folder is called.
    let deep = setting.folder.path().join("a-working-folder-with-a-long-name");
    std::fs::create_dir(&deep).unwrap();
    let there = setting.command(&[], &["host"]).current_dir(deep).output().unwrap();
    assert_eq!(String::from_utf8(there.stdout).unwrap(), runs[0].0);
    assert!(runs[0].0.ends_with("simulated 5.10.0 aarch64, 1 CPU, 786432 pages, on CPU 0\n"), "{}", runs[0].0);
}

#[test]
fn files_that_tell_of_the_host_are_not_there() {
    let Some(setting) = setting() else { return };
    let cache = "/sys/devices/system/cpu/cpu0/cache";
    let seen = |name: &str, chip: &str| setting.figures(name, &["--chip", chip], &["files"]).0;
    let sd625 = seen("sd625-files.json", "sd625");
    let lines: Vec<&str> = sd625.lines().collect();
    let twice: Vec<&[&str]> = lines.chunks(2).collect();
    assert!(twice.iter().all(|pair| pair[0] == pair[1]), "{sd625}");
    assert!(sd625.starts_with(&format!("{cache}/index2/size: 512K\n")), "{sd625}");
    let none = ["index3/size", "cpu1/topology/core_id", "node0/meminfo", "random/uuid", "/etc/hostname"];
    for path in none {
        assert!(lines.iter().any(|line| line.ends_with(&format!("{path}: none"))), "{path}: {sd625}");
    }
    assert!(sd625.contains("osrelease: 5.10.0\n"), "{sd625}");
    assert_eq!(seen("again-files.json", "sd625"), sd625);
    // This chip's Linux knows no sizes of caches.
    let qrb2210 = seen("qrb2210-files.json", "qrb2210");
    assert!(qrb2210.starts_with(&format!("{cache}/index2/size: none\n")), "{qrb2210}");
}

#[test]
fn who_waits_in_vain_waits_as_long_as_asked_for() {
    let Some(setting) = setting() else { return };
    let (said, _) = setting.figures("waits.json", &[], &["waits"]);
    let waited: Vec<f64> = said.lines().map(|line| line.parse().unwrap()).collect();
    let [waits @ .., until] = waited.as_slice() else { panic!("{said}") };
    assert!(waits.len() == 6 && waits.iter().all(|wait| (0.01..0.0101).contains(wait)), "{said}");
    assert!((0.999_999..1.0001).contains(&until.fract()) || until.fract() < 1e-4, "{said}");
}

#[test]
fn causes_and_functions_add_up_and_chips_differ() {
    let Some(setting) = setting() else { return };
    let (_, sd625) = setting.figures("sd625.json", &[], &["marked"]);
    let region = &sd625["regions"][0];
    let sum = |list: &str| region[list].as_array().unwrap().iter().map(|part| part["cycles"].as_u64().unwrap()).sum::<u64>();
    let cycles = region["cycles"].as_u64().unwrap();
    assert_eq!((sum("causes"), sum("functions")), (cycles, cycles));
    let names: Vec<&str> = region["functions"].as_array().unwrap().iter().map(|part| part["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"work"), "{names:?}");
    let (_, slower) = setting.figures("rpi3b.json", &["--chip", "rpi3b"], &["marked"]);
    assert!(slower["regions"][0]["us"].as_f64() > region["us"].as_f64());
}

#[test]
fn what_is_not_simulated_is_said() {
    let Some(setting) = setting() else { return };
    let notes = |word: &str| {
        let done = setting.run(&[], &[word]);
        assert!(done.status.success(), "{word}: {}", stderr(&done));
        let notes: Vec<String> = stderr(&done).lines().filter(|line| line.starts_with("note: ")).map(str::to_string).collect();
        notes
    };
    assert!(notes("marked").is_empty());
    let told = ["threads", "rewritten", "counter", "fork"].map(notes);
    assert!(told.iter().all(|notes| notes.len() == 1), "{told:?}");
    assert_eq!(told.iter().collect::<std::collections::BTreeSet<_>>().len(), told.len(), "{told:?}");
}

#[test]
fn programs_that_do_not_end_well_have_no_time() {
    let Some(setting) = setting() else { return };
    for (word, said) in [("dot", "DotProd"), ("crash", "signal 11")] {
        let done = setting.run(&[], &[word]);
        assert_eq!(done.status.code(), Some(3), "{}", stderr(&done));
        assert!(stderr(&done).contains(said), "{word}: {}", stderr(&done));
    }
    // Its own exit code is passed on.
    assert_eq!(setting.run(&[], &["exit"]).status.code(), Some(42));
}

#[test]
fn ctrl_c_ends_a_program_that_waits_for_ever() {
    let Some(setting) = setting() else { return };
    let mut child = setting.command(&[], &["wait"]).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(700));
    // To the profiler alone: it ends the program itself.
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn programs_and_chips_that_cannot_be_simulated_are_refused() {
    let Some(setting) = setting() else { return };
    let refused = |chip: &str, program: &str| {
        let done = Command::new(&setting.profiler).args(["simulate", "--chip", chip, "--", program]).output().unwrap();
        assert_eq!(done.status.code(), Some(2), "{}", stderr(&done));
        stderr(&done)
    };
    assert!(refused("sd625", "/proc/self/exe").contains("x86-64"));
    assert!(refused("sd625", project_root().join("scripts/test.sh").to_str().unwrap()).contains("test.sh"));
    assert!(refused("sd626", setting.odd.to_str().unwrap()).contains("qrb2210, rpi3b, sd625"));
    let odd = setting.folder.path().join("dynamic");
    let source = project_root().join("tests/programs/odd.c");
    let compiled = Command::new("aarch64-linux-gnu-gcc").args(["-pthread", "-o"]).args([&odd, &source]).status().unwrap();
    assert!(compiled.success());
    assert!(refused("sd625", odd.to_str().unwrap()).contains("--sysroot"));
    // No emulator, and one of another kind.
    let none = |path: &str| {
        let mut command = setting.command(&[], &[]);
        let done = command.env("BLOCKTIME_CACHE", setting.folder.path()).env("PATH", path).output().unwrap();
        assert_eq!(done.status.code(), Some(3), "{}", stderr(&done));
        stderr(&done)
    };
    assert!(none("/nowhere").contains("setup simulator"));
    let other = setting.folder.path().join("bin");
    std::fs::create_dir(&other).unwrap();
    let qemu = other.join("qemu-aarch64");
    std::fs::write(&qemu, "#!/bin/sh\necho qemu-aarch64 version 8.2.2\n").unwrap();
    std::fs::set_permissions(&qemu, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    assert!(none(&format!("{}:/usr/bin:/bin", other.display())).contains("QEMU 8.2.2"));
}
