//! A phone over adb: a real daemon, a real agent, the real engine, on an emulated processor.

#[allow(dead_code, reason = "phones and boards need different parts of it")]
mod device;

use std::fs;
use std::process::Command;

use device::{BLOCKS, Device, FOLDER, PHONE_FOLDER, TINY, build_agent, cache, count, fail, failed, finish, succeed};

/// Enough for medians of 20 %, with room for a busy machine.
const ROUGH: [&str; 4] = ["--precision", "20%", "--budget", "200s"];
/// Never precise enough: measures until something happens.
const LONG: [&str; 4] = ["--precision", "0.01%", "--budget", "200s"];

#[test]
fn a_table_comes_home_and_only_what_changed_is_sent() {
    let Some(mut phone) = Device::start(&[]) else { return };
    phone.space = TINY.to_string();
    succeed(phone.build("first", &ROUGH));
    phone.check_table("first");
    assert_eq!(phone.left_over(), "");
    phone.space = BLOCKS.to_string();

    // A file that is replaced has another number.
    let numbers = || phone.shell(&format!("stat -c '%i %n' {PHONE_FOLDER}/agent/* {PHONE_FOLDER}/engine/*"));
    let before = numbers();
    assert!(before.lines().count() >= 5, "{before}");
    let second = finish(phone.build("second", &ROUGH).spawn().expect("it starts"));
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(second.status.success(), "{said}");
    assert_eq!(numbers(), before, "everything was there already");
    phone.shell(&format!("echo damaged >>{PHONE_FOLDER}/agent/libm.so.6"));
    succeed(phone.build("third", &ROUGH));
    let after = numbers();
    let changed: Vec<_> = before.lines().zip(after.lines()).filter(|(a, b)| a != b).map(|(a, _)| a).collect();
    assert!(changed.len() == 1 && changed[0].ends_with("libm.so.6"), "{changed:?}");

    succeed(phone.profiler(&["clean", "--device", &phone.address]));
    assert!(!phone.shell("ls /data/local/tmp").contains("blocktime"));
}

#[test]
fn a_build_survives_whatever_ends_it() {
    let Some(mut phone) = Device::start(&[]) else { return };
    let resumed = [&LONG[..], &["--resume"]].concat();

    let child = phone.start_build("table", &LONG);
    let other = fail(phone.build("other", &ROUGH), 3, &[phone.address.as_str()]);
    assert!(!phone.at("other.csv").exists(), "{other}");
    phone.tell("unplug", "unplugged");
    failed(&finish(child), 3, &[phone.address.as_str(), "--resume"]);
    fail(phone.build("table", &resumed), 3, &[]);
    phone.tell("plug", "plugged");
    let raw = phone.at("table.raw.jsonl.part");
    let first = fs::read_to_string(&raw).expect("samples were kept");

    let child = phone.start_build("table", &resumed);
    phone.shell(&format!("kill -9 $(cat {PHONE_FOLDER}/jobs/*/pid)"));
    failed(&finish(child), 3, &["signal 9", "--resume"]);
    assert_eq!(phone.left_over(), "");

    let child = phone.start_build("table", &resumed);
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(interrupted.is_ok_and(|status| status.success()));
    failed(&finish(child), 130, &["--resume"]);
    assert_eq!(phone.left_over(), "");

    // A host that is killed cannot tidy up; the next one does.
    let mut child = phone.start_build("table", &resumed);
    child.kill().expect("it runs");
    child.wait().expect("it has ended");

    phone.tell("reboot", "rebooted");
    succeed(phone.build("table", &[&ROUGH[..], &["--resume"]].concat()));
    phone.check_table("table");
    assert_eq!(phone.left_over(), "");
    let all = fs::read_to_string(phone.at("table.raw.jsonl")).expect("raw samples");
    assert!(all.starts_with(first.trim_end()), "the samples from before the cable was pulled are gone");
}

#[test]
fn a_full_phone_says_so_and_keeps_no_half_file() {
    let Some(phone) = Device::start(&["--data-size", "16m"]) else { return };
    fail(phone.build("table", &ROUGH), 3, &["No space left on device", "libonnxruntime"]);
    assert_eq!(phone.shell(&format!("ls {PHONE_FOLDER}/engine {PHONE_FOLDER}/agent | grep -c new")).trim(), "0");
    assert_eq!(phone.left_over(), "");
}

#[test]
fn what_does_not_fit_the_phone_is_refused() {
    let Some(mut phone) = Device::start(&[]) else { return };
    let library = std::env::current_exe().expect("a test has a path");
    let library = library.to_str().expect("UTF-8");
    fail(phone.build("a", &["--overwrite", "--engine-lib", library]), 3, &["x86_64", "aarch64"]);
    fail(phone.build("a", &["--overwrite", "--engine-lib", "/nowhere/lib.so"]), 3, &["/nowhere/lib.so", "--engine-lib"]);

    // A library of the right architecture that is no engine.
    let not_an_engine = cache().join("agents/aarch64-linux-gnu/libm.so.6");
    let said = fail(phone.build("a", &["--overwrite", "--engine-lib", not_an_engine.to_str().expect("UTF-8")]), 3, &["libm.so.6"]);
    assert!(said.contains("ONNX Runtime"), "{said}");
    assert_eq!(phone.left_over(), "");

    phone.set("BLOCKTIME_AGENT", library);
    fail(phone.build("a", &["--overwrite"]), 3, &["x86_64"]);
    phone.set("BLOCKTIME_AGENT", "/nowhere");
    fail(phone.build("a", &["--overwrite"]), 3, &["/nowhere", "scripts/build-agent.sh"]);
}

#[test]
fn tract_is_one_file_and_needs_no_library() {
    let Some(mut phone) = Device::start(&[]) else { return };
    let tract = |more: &[&'static str]| [&["--engine", "tract", "--overwrite"], &ROUGH[..], more].concat();
    fail(phone.build("a", &tract(&["--engine-lib", "/some/lib.so"])), 3, &["--engine-lib", "/some/lib.so"]);
    // The agent itself says what it lacks.
    phone.set("BLOCKTIME_AGENT", cache().join("agents/aarch64-linux-gnu").to_str().expect("UTF-8"));
    fail(phone.build("a", &tract(&[])), 3, &["scripts/build-agent.sh musl"]);
    succeed(phone.profiler(&["clean", "--device", &phone.address]));

    build_agent("musl");
    phone.set("BLOCKTIME_AGENT", "");
    succeed(phone.build("table", &tract(&[])));
    phone.check_table("table");
    let table = fs::read_to_string(phone.at("table.csv")).expect("a table");
    assert!(table.contains("# name = \"tract\"") && !table.contains("library_sha256"), "{table}");
    assert_eq!(
        phone.shell(&format!("ls {PHONE_FOLDER}/agent {PHONE_FOLDER}/engine")).trim(),
        format!("{PHONE_FOLDER}/agent:\nprofiler")
    );
    assert_eq!(phone.left_over(), "");

    fail(phone.build("a", &tract(&["--threads", "2"])), 3, &["--threads 1"]);
}

#[test]
fn mnn_is_one_file_too_and_takes_files_of_its_own() {
    let Some(mut phone) = Device::start(&[]) else { return };
    let mnn = |more: &[&'static str]| [&["--engine", "mnn", "--overwrite"], &ROUGH[..], more].concat();
    phone.set("BLOCKTIME_MNNCONVERT", "/nowhere/mnnconvert");
    fail(phone.build("a", &mnn(&[])), 3, &["/nowhere/mnnconvert", "profiler setup mnn"]);
    phone.set("BLOCKTIME_MNNCONVERT", "");
    phone.set("BLOCKTIME_AGENT", cache().join("agents/aarch64-linux-gnu").to_str().expect("UTF-8"));
    fail(phone.build("a", &mnn(&[])), 3, &["scripts/build-agent.sh mnn"]);
    succeed(phone.profiler(&["clean", "--device", &phone.address]));

    build_agent("mnn");
    phone.set("BLOCKTIME_AGENT", "");
    succeed(phone.build("table", &mnn(&[])));
    phone.check_table("table");
    let table = fs::read_to_string(phone.at("table.csv")).expect("a table");
    for line in ["# name = \"mnn\"", "# version = \"3.6.1\"", "# precision = \"high\"", "# build = \"sources "] {
        assert!(table.contains(line), "{line} is not in {table}");
    }
    assert_eq!(
        phone.shell(&format!("ls {PHONE_FOLDER}/agent {PHONE_FOLDER}/engine")).trim(),
        format!("{PHONE_FOLDER}/agent:\nprofiler")
    );
    assert_eq!(phone.left_over(), "");
}

#[test]
fn a_folder_of_onnx_files_is_measured_with_every_engine() {
    let Some(mut phone) = Device::start(&[]) else { return };
    phone.space = FOLDER.to_string();
    for (engine, agent) in [("ort", "linux-gnu"), ("tract", "musl"), ("mnn", "mnn")] {
        build_agent(agent);
        succeed(phone.build(engine, &[&["--engine", engine], &ROUGH[..]].concat()));
        phone.check_table(engine);
        let table = fs::read_to_string(phone.at(engine).with_extension("csv")).expect("a table");
        assert!(table.contains("[[space.folder.slots]]"), "{table}");
        assert_eq!(phone.left_over(), "");
    }
    phone.check("ort");
    assert_eq!(phone.left_over(), "");
}

#[test]
fn a_block_that_the_engine_lacks_is_told_by_its_file() {
    use support::onnx::{block, list, write_layer};

    let Some(mut phone) = Device::start(&[]) else { return };
    let pool = [list("kernel_shape", &[3, 3]), list("pads", &[1, 1, 1, 1])];
    let blocks = [("good", "good.onnx", block("Neg", &[], 1.0)), ("odd", "odd.onnx", block("LpPool", &pool, 1.0))];
    write_layer(phone.folder.path(), &blocks);
    phone.space = phone.folder.path().to_str().expect("UTF-8").to_string();
    // Of three networks in the first look two have that block: it is the block that is named.
    build_agent("musl");
    let said = fail(phone.build("a", &[&["--engine", "tract"], &ROUGH[..]].concat()), 3, &["odd.onnx (layer 'L1', 'odd')"]);
    assert!(!said.contains("good.onnx"), "{said}");
    assert_eq!(phone.left_over(), "");
}

#[test]
fn names_are_data() {
    let Some(mut phone) = Device::start(&[]) else { return };
    let mark = phone.at("mark");
    let serial = phone.address.clone();
    phone.address = format!("adb:x'; touch '{}'; '", mark.display());
    fail(phone.build("a", &["--overwrite"]), 3, &[serial.trim_start_matches("adb:")]);
    assert!(!mark.exists());
    phone.set("ADB_SERVER_SOCKET", "carrier-pigeon");
    fail(phone.build("a", &["--overwrite"]), 3, &["carrier-pigeon", "localfilesystem:PATH"]);
    phone.set("ADB_SERVER_SOCKET", format!("localfilesystem:{}", mark.display()));
    phone.set("PATH", "/nowhere");
    fail(phone.build("a", &["--overwrite"]), 3, &["adb start-server"]);
}

/// The files of two processors that have a governor, and of a sensor.
fn two_processors() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let sensor = folder.path().join("sys/class/thermal/thermal_zone0");
    fs::create_dir_all(&sensor).expect("a folder");
    fs::write(sensor.join("type"), "cpu-thermal\n").expect("a file");
    fs::write(sensor.join("temp"), "41000\n").expect("a file");
    for cpu in 0..2 {
        let at = folder.path().join(format!("sys/devices/system/cpu/cpu{cpu}/cpufreq"));
        fs::create_dir_all(&at).expect("a folder");
        fs::write(at.join("scaling_governor"), "interactive\n").expect("a file");
        fs::write(at.join("cpuinfo_max_freq"), "2016000\n").expect("a file");
    }
    folder
}

#[test]
fn a_phone_is_prepared_and_set_back() {
    let files = two_processors();
    let Some(phone) = Device::start(&["--sys", files.path().to_str().expect("UTF-8")]) else { return };
    let state = || {
        let governors = phone.shell("cat /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor");
        let of = |name: &str| phone.shell(&format!("settings get {name}")).trim().to_string();
        (governors, of("global stay_on_while_plugged_in"), of("system screen_brightness"))
    };
    phone.shell("settings put system screen_brightness 143");
    let before = state();
    succeed(phone.script("android/prepare.sh", &["--hours", "1"]));
    let prepared = ("performance\nperformance\n".to_string(), "7".to_string(), "1".to_string());
    assert_eq!(state(), prepared);
    // Preparing twice must not note the prepared state as the one to go back to.
    succeed(phone.script("android/prepare.sh", &[]));
    succeed(phone.script("android/restore.sh", &[]));
    assert_eq!(state(), before);
    assert_eq!(phone.shell("ls -A /data/local/tmp"), "");
    assert!(!phone.shell("ps").contains("on-phone.sh"));

    // Nothing is restored from outside: the phone does it itself.
    let there = "/data/local/tmp/blocktime-on-phone.sh";
    let script = support::project_root().join("android/on-phone.sh");
    phone.shell(&format!("cat >{there} <<'END'\n{}\nEND", fs::read_to_string(script).expect("a script")));
    phone.shell(&format!("sh {there} prepare 2"));
    assert_eq!(state(), prepared);
    let began = std::time::Instant::now();
    while state() != before {
        assert!(began.elapsed().as_secs() < 60, "{:?}", state());
    }
}

#[test]
fn what_is_attached_is_shown() {
    let files = two_processors();
    let Some(phone) = Device::start(&["--sys", files.path().to_str().expect("UTF-8")]) else { return };
    let done = finish(phone.profiler(&["devices", "--json"]).spawn().expect("it starts"));
    assert!(done.status.success());
    let all: serde_json::Value = serde_json::from_slice(&done.stdout).expect("JSON");
    assert_eq!(all[0]["device"], "local");
    let found =
        all.as_array().expect("a list").iter().find(|listed| listed["device"] == phone.address.as_str()).expect("the phone");
    let known = &found["knowledge"];
    assert_eq!((known["model"].as_str(), known["soc"].as_str()), (Some("blocktime Fake Phone"), Some("Snapdragon 625 (msm8953)")));
    let cluster = &known["clusters"][0];
    assert_eq!((cluster["cpus"].as_str(), cluster["max_mhz"].as_f64()), (Some("0-1"), Some(2016.0)));
    assert_eq!((cluster["core"].as_str(), cluster["governor"].as_str()), (Some("Cortex-A53"), Some("interactive")));
    fail(phone.profiler(&["devices", "--device", "adb:another"]), 3, &["'another'"]);
}

#[test]
fn the_governor_is_held_and_set_back_whatever_ends_the_agent() {
    let files = two_processors();
    let Some(phone) = Device::start(&["--sys", files.path().to_str().expect("UTF-8")]) else { return };
    let governors = || phone.shell("cat /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor");
    let before = governors();
    assert!(!before.contains("performance"));

    let child = phone.start_build("table", &LONG);
    assert!(governors().contains("performance"), "{}", governors());
    phone.shell(&format!("kill -9 $(cat {PHONE_FOLDER}/jobs/*/pid)"));
    failed(&finish(child), 3, &["signal 9"]);
    let began = std::time::Instant::now();
    while governors() != before {
        assert!(began.elapsed().as_secs() < 30, "{}", governors());
    }
    assert_eq!(phone.left_over(), "");

    // By itself, too; and the table says so, with the temperatures.
    succeed(phone.build("table", &[&ROUGH[..], &["--resume"]].concat()));
    assert_eq!(governors(), before);
    let table = fs::read_to_string(phone.at("table.csv")).expect("a table");
    for line in ["# governor = \"performance (was interactive)\"", "# start_c = 41.0", "# sensors = [\"cpu-thermal\"]"] {
        assert!(table.contains(line), "{line} is not in {table}");
    }

    // Left alone where that is asked for.
    let child = phone.start_build("other", &[&LONG[..], &["--keep-governor"]].concat());
    assert_eq!(governors(), before);
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(interrupted.is_ok_and(|status| status.success()));
    failed(&finish(child), 130, &[]);
}

#[test]
fn a_phone_that_gets_warm_rests_until_it_has_cooled_down() {
    let files = two_processors();
    let Some(phone) = Device::start(&["--sys", files.path().to_str().expect("UTF-8")]) else { return };
    let raw = phone.at("table.raw.jsonl.part");
    let set = |thousandths: &str| phone.shell(&format!("echo {thousandths} >/sys/class/thermal/thermal_zone0/temp"));
    let child = phone.start_build("table", &LONG);
    for outside in ["52000", "30000"] {
        let rests = count(&raw, "resting");
        set(outside);
        phone.wait_for(&raw, "resting", rests);
        let samples = count(&raw, "sample");
        phone.wait_for(&raw, "resting", count(&raw, "resting") + 3);
        assert!(count(&raw, "sample") <= samples + 1, "sampled at {outside}");
        set("42000");
        phone.wait_for(&raw, "sample", count(&raw, "sample") + 3);
    }
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(interrupted.is_ok_and(|status| status.success()));
    failed(&finish(child), 130, &["--resume"]);
    let text = fs::read_to_string(&raw).expect("raw samples");
    let good = text.lines().filter(|line| line.contains("\"fault\":null"));
    let outside = good.filter(|line| line.contains("\"celsius\":52") || line.contains("\"celsius\":30")).count();
    assert_eq!(outside, 0, "samples outside of the band were kept");
}

#[test]
fn two_phones_share_the_work_or_repeat_it() {
    let Some(phone) = Device::start(&["--two"]) else { return };
    let second = phone.second.clone().expect("two phones");
    let both = [phone.address.as_str(), second.as_str()];
    fail(phone.build_on(&[both[0], both[0]], "twice", &ROUGH), 2, &[both[0]]);
    fail(phone.build("alone", &["--replicate"]), 2, &["--replicate"]);

    succeed(phone.build_on(&both, "shared", &[&ROUGH[..], &["--spread"]].concat()));
    let table = fs::read_to_string(phone.at("shared.csv")).expect("a table");
    assert!(table.contains("# mode = \"spread\"") && table.contains("# count = 2"), "{table}");
    assert_eq!(
        table.lines().filter(|line| line.starts_with("#     \"") && line.len() == 25).count(),
        2,
        "two serial numbers: {table}"
    );
    for unit in ["shared.unit1.raw.jsonl", "shared.unit2.raw.jsonl"] {
        assert!(count(&phone.at(unit), "sample") > 0, "{unit}");
    }

    // One of them loses its agent: the other's samples are kept, and only what is missing is measured again.
    let child = phone.build_on(&both, "each", &[&LONG[..], &["--replicate"]].concat()).spawn().expect("it starts");
    for unit in ["each.unit1.raw.jsonl.part", "each.unit2.raw.jsonl.part"] {
        phone.wait_for(&phone.at(unit), "sample", 0);
    }
    phone.shell_on(&second, &format!("kill -9 $(cat {PHONE_FOLDER}/jobs/*/pid)"));
    phone.wait_for(&phone.at("each.unit1.raw.jsonl.part"), "sample", count(&phone.at("each.unit1.raw.jsonl.part"), "sample"));
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(interrupted.is_ok_and(|status| status.success()));
    finish(child);
    let kept = fs::read_to_string(phone.at("each.unit1.raw.jsonl.part")).expect("samples were kept");
    let done =
        finish(phone.build_on(&both, "each", &[&ROUGH[..], &["--replicate", "--resume"]].concat()).spawn().expect("it starts"));
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && said.contains(" %"), "{said}");
    assert!(fs::read_to_string(phone.at("each.unit1.raw.jsonl")).expect("raw samples").starts_with(kept.trim_end()));
    let table = fs::read_to_string(phone.at("each.csv")).expect("a table");
    assert!(table.contains("# mode = \"replicate\"") && table.contains("# largest_spread = "), "{table}");
    assert!(phone.at("each.unit1.csv").exists() && phone.at("each.unit2.csv").exists());
    for address in both {
        assert_eq!(phone.shell_on(address, &format!("ls {PHONE_FOLDER}/jobs")).trim(), "");
    }
}

/// The version that agent and host speak, as the profiler's source states it.
fn protocol() -> u32 {
    let source = fs::read_to_string(support::project_root().join("profiler/src/protocol/mod.rs")).expect("the source");
    let stated = source.lines().find_map(|line| line.strip_prefix("pub const PROTOCOL: u32 = ")?.strip_suffix(';'));
    stated.and_then(|number| number.parse().ok()).expect("a line that states the protocol")
}

/// A program that speaks as an agent does, and then misbehaves; compiled for the phone.
fn misbehaving(folder: &std::path::Path, how: &str) -> std::path::PathBuf {
    let program = folder.join(format!("agent-{how}"));
    let compiled = Command::new("aarch64-linux-gnu-gcc")
        .args(["-static", "-O1", "-o"])
        .arg(&program)
        .arg(format!("-D{how}"))
        .arg(format!("-DPROTOCOL={}", protocol()))
        .arg(support::project_root().join("tests/device/misbehaving-agent.c"))
        .output()
        .expect("scripts/setup-aarch64.sh brings the compiler");
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    program
}

#[test]
fn an_agent_that_misbehaves_is_an_error_that_says_what_it_did() {
    let Some(mut phone) = Device::start(&[]) else { return };
    for (how, names) in [
        ("CUT_LINE", &["--resume"][..]),
        ("NONSENSE", &["not JSON at all"]),
        ("CRASH", &["'overhead'", "signal 11"]),
        ("OLD", &["protocol 1"]),
        ("CLOCK_BACK", &["--resume"]),
        ("CLOCK_AHEAD", &["--resume"]),
        ("WRONG", &["'overhead'"]),
    ] {
        let agent = misbehaving(phone.folder.path(), how);
        phone.set("BLOCKTIME_AGENT", agent.to_str().expect("UTF-8"));
        fail(phone.build("table", &["--overwrite"]), 3, names);
        assert!(!phone.at("table.csv").exists(), "{how}");
        assert_eq!(phone.left_over(), "", "{how}");
    }
}

#[test]
fn models_that_the_engine_refuses_or_computes_wrongly_are_named() {
    let Some(phone) = Device::start(&[]) else { return };
    let space = blocks::Space::load("pfld").expect("built in");
    let candidate = space.unique_candidates().remove(0);
    let graph = candidate.graph();
    let write = |name: &str, weights: &blocks::Weights| {
        let bytes = blocks::onnx::model(&graph, weights, &blocks::onnx::Options::default()).expect("a model");
        fs::write(phone.at(name), bytes).expect("a file");
        phone.at(name).to_str().expect("UTF-8").to_string()
    };
    let sound = blocks::Weights::for_measuring(&graph, 1);
    let good = write("good.onnx", &sound);
    let mut broken = sound.clone();
    broken.0.values_mut().for_each(|values| values.iter_mut().for_each(|v| *v = f32::NAN));
    let wrong = write("wrong.onnx", &broken);
    let refused = phone.at("refused.onnx");
    fs::write(&refused, &fs::read(&good).expect("a file")[..500]).expect("a file");
    let refused = refused.to_str().expect("UTF-8");
    let bench =
        |model: &str| phone.profiler(&["bench", &good, model, "--device", &phone.address, "--sample", "1ms", "--passes", "1"]);
    fail(bench(refused), 2, &["refused.onnx"]);
    // An operator that no engine knows, called as long as one that all do.
    let odd = phone.at("odd.onnx");
    let text = fs::read(&good).expect("a file");
    let at = text.windows(4).position(|part| part == b"Conv").expect("a convolution");
    fs::write(&odd, [&text[..at], b"Odd1", &text[at + 4..]].concat()).expect("a file");
    fail(bench(odd.to_str().expect("UTF-8")), 2, &["odd.onnx"]);
    // The right output of a user's model is unknown, but an output that is no number is reported.
    fail(bench(&wrong), 0, &["wrong.onnx", "--input"]);
    assert_eq!(phone.left_over(), "");
}
