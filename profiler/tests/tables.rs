//! Commands that need no engine: listings, and tables good and bad.

#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use common::run;

/// A sound table of the small space, as text.
fn table(folder: &Path) -> String {
    let space = common::small_space(folder);
    let header = format!(
        "# format = \"blocktime-lut\"\n# schema = 1\n# rows = 7\n# source = \"simulated\"\n# date = \"2026-01-02T03:04:05Z\"\n\
         # profiler = \"0.1.0\"\n# method = \"made up\"\n# points = 106\n# threads = 1\n# cpus = []\n#\n# [space]\n\
         # name = \"small\"\n# hash = \"{}\"\n#\n# [device]\n# model = \"none\"\n# arch = \"none\"\n#\n# [engine]\n\
         # name = \"onnxruntime\"\n# version = \"0\"\n",
        space.hash()
    );
    let columns = "key,kind,primitive,c_in,c_out,stride,h,w,macs,params,latency_us,ci95_low_us,ci95_high_us,p0_us,p10_us,p50_us,\
                   p90_us,p100_us,n,discarded_canary,discarded_moved,discarded_preempted,cold_us,checksum\n";
    let row = |c: &blocks::Candidate| {
        let identity = c.primitive.is_identity(&c.layer);
        let (kind, figures) = if identity { ("identity", "0,,,,,,,,0") } else { ("block", "4.5,4.25,4.75,,,,,,30") };
        format!("{},{kind},{},8,8,1,6,6,10,10,{figures},0,0,0,,\n", c.key(), c.primitive)
    };
    format!("{header}{columns}{}# end\n", space.unique_candidates().iter().map(row).collect::<String>())
}

/// The same, as if a device had been measured.
fn measured(folder: &Path) -> String {
    let text = table(folder).replace("\"simulated\"", "\"measured\"");
    let (header, rows) = text.split_once("\nkey,").expect("a header");
    format!("{header}\n# [canary]\n# kind = \"loop\"\n# stated_us = 10.0\n# median_us = 10.0\nkey,{rows}")
}

/// Writes the text as a table, validates it, and gives exit code and message.
fn validate(folder: &Path, text: &str) -> (i32, String) {
    std::fs::write(folder.join("t.csv"), text).unwrap();
    let (code, out, err) = run(folder, "lut validate {}/t.csv --space {}/space.toml");
    assert_eq!(out, "", "messages belong to stderr");
    (code, err)
}

#[test]
fn a_sound_table_passes_and_each_bad_one_has_its_message() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let good = table(folder);
    assert_eq!(validate(folder, &good).0, 0, "{}", validate(folder, &good).1);

    let sep = good.lines().find(|l| l.starts_with("sep_k3@")).unwrap();
    let without = good.replace(&format!("{sep}\n"), "").replace("rows = 7", "rows = 6");
    let gh = good.lines().find(|l| l.starts_with("gh_k3@")).unwrap();
    let without_two = without.replace(&format!("{gh}\n"), "").replace("rows = 6", "rows = 5");
    let latency = |value: &str| good.replace(sep, &sep.replace(",4.5,", &format!(",{value},")));
    let hash = common::small_space(folder).hash();
    let cases = [
        (without, vec!["sep_k3@32x14x14-s1-32"]),
        (without_two, vec!["sep_k3@32x14x14-s1-32", "gh_k3@32x14x14-s2-32"]),
        (latency("NaN"), vec!["sep_k3@32x14x14-s1-32", "latency_us"]),
        (latency("0"), vec!["sep_k3@32x14x14-s1-32", " 0"]),
        (latency("-1"), vec!["sep_k3@32x14x14-s1-32", "-1"]),
        (good.replace(sep, &sep.replace("4.25", "-0.5")), vec!["sep_k3@32x14x14-s1-32", "-0.5"]),
        (good.replace(&hash, "0123"), vec!["'small'", "0123"]),
        (good[..good.len() / 2].to_string(), vec![]),
        (good[..good.len() - 6].to_string(), vec!["# end"]),
        ("layer,op,ms\n1,conv,3\n".to_string(), vec![]),
        (good.replace("schema = 1", "schema = 9"), vec!["schema 9"]),
        (
            good.replace(sep, &format!("{sep}\n{}", sep.replace("4.5", "4.6"))).replace("rows = 7", "rows = 8"),
            vec!["sep_k3@32x14x14-s1-32"],
        ),
    ];
    for (text, expected) in cases {
        let (code, message) = validate(folder, &text);
        assert_eq!(code, 2, "{message}");
        assert!(message.contains("t.csv"), "the file is named: {message}");
        for part in expected {
            assert!(message.contains(part), "'{part}' is not in: {message}");
        }
    }
    assert_eq!(run(folder, "lut validate {}/none.csv").0, 2);
}

#[test]
fn a_byte_order_mark_is_passed_over_and_what_is_no_table_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let good = table(folder);
    let (code, message) = validate(folder, &format!("\u{feff}{good}"));
    assert_eq!(code, 0, "{message}");
    let (code, message) = validate(folder, &format!("\u{feff}{}", good.replace('\n', "\r\n")));
    assert_eq!(code, 0, "{message}");
    let space = std::fs::read_to_string(folder.join("space.toml")).unwrap();
    std::fs::write(folder.join("space.toml"), format!("\u{feff}{space}")).unwrap();
    let (code, message) = validate(folder, &good);
    assert_eq!(code, 0, "{message}");
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 132735\n";
    let (code, message) = validate(folder, pointer);
    assert!(code == 2 && message.contains("t.csv") && message.contains("git lfs pull"), "{message}");
    let (code, message) = validate(folder, "<!DOCTYPE html>\n<html>");
    assert!(code == 2 && message.contains(&files::Impostor::WebPage.to_string()), "{message}");
    std::fs::write(folder.join("space.toml"), pointer).unwrap();
    let (code, message) = validate(folder, &good);
    assert!(code == 2 && message.contains("space.toml") && message.contains("git lfs pull"), "{message}");
}

#[test]
fn a_table_is_shown_by_layer() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.csv"), table(folder.path())).unwrap();
    let (code, out, _) = run(folder.path(), "lut show {}/t.csv --space {}/space.toml");
    assert_eq!(code, 0);
    for part in ["layer 1", "layer 2", "identity", "4.5 ±0.2", "sep_k5", "simulated"] {
        assert!(out.contains(part), "'{part}' is not in: {out}");
    }
    let (code, json, _) = run(folder.path(), "lut show {}/t.csv --json");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, json["rows"].as_array().map(Vec::len)), (0, Some(7)));
    assert!(["pairs", "changed", "certain"].iter().all(|f| json["flops_mislead"][f].is_number()), "{json}");
}

#[test]
fn flops_mislead_where_the_table_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let good = table(folder);
    // sep_k5 with fewer multiply-adds than the others of its layer, and twice their time.
    let sep = good.lines().find(|l| l.starts_with("sep_k5@")).unwrap();
    let slow = sep.replace(",10,10,4.5,4.25,4.75,", ",9,10,9.0,8.5,9.5,");
    std::fs::write(folder.join("t.csv"), good.replace(sep, &slow)).unwrap();
    let show = "lut show {}/t.csv --space {}/space.toml";
    let (code, out, err) = run(folder, show);
    assert_eq!(code, 0, "{err}");
    let (_, json, _) = run(folder, &format!("{show} --json"));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["flops_mislead"]["changed"], &json["flops_mislead"]["certain"]), (&2.into(), &2.into()), "{json}");
    assert!(out.contains("2.00"), "{out}");
    assert!(!out.contains('\x1b'), "no colours where there is no terminal");
    let (_, coloured, _) = run(folder, &format!("{show} --color always"));
    assert!(coloured.contains("\x1b[48;"), "{coloured}");
    for (ending, start) in [("svg", b"<?xml".as_slice()), ("html", b"<!doctype html>"), ("png", b"\x89PNG")] {
        let (code, _, err) = run(folder, &format!("{show} --out {{}}/picture.{ending}"));
        assert_eq!(code, 0, "{err}");
        assert!(std::fs::read(folder.join(format!("picture.{ending}"))).unwrap().starts_with(start));
    }
    let page = std::fs::read_to_string(folder.join("picture.html")).unwrap();
    for part in ["<svg", "FLOPs", "sep_k5", "9.0 ±0.5", "identity", "simulated"] {
        assert!(page.contains(part), "'{part}' is not in: {page}");
    }
    let (code, _, err) = run(folder, &format!("{show} --out {{}}/picture.bmp"));
    assert!(code == 2 && err.contains("--out") && err.contains(".svg"), "{err}");
}

#[test]
fn candidates_of_the_built_in_space() {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, _) = run(folder.path(), "candidates --space pfld --json");
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    let candidates = json["candidates"].as_array().unwrap();
    assert_eq!((code, candidates.len(), json["keys"].as_u64()), (0, 45, Some(27)));
    assert!(candidates.iter().all(|c| ["layer", "primitive", "key", "macs", "params"].iter().all(|f| !c[f].is_null())));
    let fc = |points: &str| {
        let (_, out, _) = run(folder.path(), &format!("candidates --json --points {points}"));
        serde_json::from_str::<serde_json::Value>(&out).unwrap()["trunk"][8]["macs"].as_u64().unwrap()
    };
    assert_eq!(2 * fc("53"), fc("106"));
}

#[test]
fn a_network_is_written_before_it_is_trained() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (code, out, err) = run(folder, "net --arch sep_k3,mb_k5_res,gh_k5,mb_k5_res,gh_k5 --points 68 --out {}/a.onnx");
    assert_eq!((code, out.trim()), (0, folder.join("a.onnx").to_str().unwrap()), "{err}");
    assert!(err.contains("sep_k3 mb_k5_res gh_k5 mb_k5_res gh_k5"), "{err}");
    let file = blocks::onnx::inspect(&std::fs::read(folder.join("a.onnx")).unwrap());
    assert!(file.is_ok(), "{file:?}");
    let (code, _, err) = run(folder, "net --seed 3 --out {}/b.onnx");
    assert_eq!(code, 0, "{err}");
    for bad in ["net --arch sep_k3 --out {}/c.onnx", "net --arch a --seed 3 --out {}/c.onnx", "net --out {}/none/c.onnx", "net"] {
        let (code, _, err) = run(folder, bad);
        assert_eq!(code, 2, "'{bad}': {err}");
    }
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 2);
}

#[test]
fn bad_usage_has_code_2_and_a_device_out_of_reach_code_3() {
    let folder = tempfile::tempdir().unwrap();
    for bad in [
        "",
        "build",
        "build --out {}/t.csv --precision 0",
        "build --out {}/t.csv --device usb",
        "build --out {}/none/t.csv",
        "build --out {}/t.csv --space nowhere",
        "build --out {}/t.csv --threads 0",
        "bench",
        "candidates --points 0",
    ] {
        let (code, out, err) = run(folder.path(), bad);
        assert_eq!((code, out.as_str()), (2, ""), "'{bad}': {err}");
        assert!(!err.is_empty());
    }
    let space = common::small_space(folder.path());
    assert_eq!(space.name(), "small");
    let (code, _, err) = run(folder.path(), "build --space {}/space.toml --out {}/t.csv --device ssh://nobody@127.0.0.1:1");
    assert!(code == 3 && err.contains("127.0.0.1"), "{err}");
    std::fs::remove_file(folder.path().join("space.toml")).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn an_existing_table_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.csv"), "precious").unwrap();
    let (code, _, err) = run(folder.path(), "build --out {}/t.csv");
    assert!(code == 2 && err.contains("--overwrite"), "{err}");
    assert_eq!(std::fs::read_to_string(folder.path().join("t.csv")).unwrap(), "precious");
}

/// Replaces a block's time in a table.
fn with_time(table: &str, primitive: &str, us: f64) -> String {
    let row = |line: &str| {
        if !line.starts_with(&format!("{primitive}@")) {
            return format!("{line}\n");
        }
        let mut cells: Vec<String> = line.split(',').map(str::to_string).collect();
        (cells[10], cells[11], cells[12]) = (us.to_string(), (0.98 * us).to_string(), (1.02 * us).to_string());
        format!("{}\n", cells.join(","))
    };
    table.lines().map(row).collect()
}

#[test]
fn tables_side_by_side_show_what_would_change_a_search() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let good = table(folder);
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    let times = [("sep_k3", 4.0), ("mb_k3_res", 5.0), ("conv1x1", 4.05)];
    write("a.csv", &times.iter().fold(good.clone(), |t, (name, us)| with_time(&t, name, *us)));
    // Twice as slow throughout; but these two change places, and one more does so within its interval.
    let times = [("sep_k3", 12.0), ("mb_k3_res", 9.0), ("conv1x1", 8.1), ("gh_k3", 9.0), ("mb_k3_e2", 9.0), ("sep_k5", 9.0)];
    write("b.csv", &times.iter().fold(good.clone(), |t, (name, us)| with_time(&t, name, *us)));
    let (code, out, err) = run(folder, "lut diff {}/a.csv {}/b.csv --space {}/space.toml");
    assert_eq!(code, 0, "{err}");
    assert!(out.contains(" 2.000 ×"), "{out}");
    let swap = out.lines().find(|line| line.contains("sep_k3") && line.contains("mb_k3_res")).expect("the pair");
    assert!(["4.0", "5.0", "9.0", "12.0"].iter().all(|us| swap.contains(us)), "{swap}");
    let (code, out, err) = run(folder, "lut diff {}/a.csv {}/b.csv --space {}/space.toml --json");
    assert_eq!(code, 0, "{err}");
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    let swaps: Vec<_> = json["layers"].as_array().unwrap().iter().flat_map(|l| l["swaps"].as_array().unwrap()).collect();
    assert_eq!(swaps.iter().filter(|s| s["certain"] == true).count(), 1, "{out}");
    assert_eq!(json["layers"][0]["fastest"][0], "sep_k3");

    // Unlike conditions.
    write("threads.csv", &good.replace("# threads = 1", "# threads = 4"));
    let (code, _, err) = run(folder, "lut diff {}/a.csv {}/threads.csv");
    assert!(code == 2 && ["threads", "1", "4", "--force"].iter().all(|part| err.contains(part)), "{err}");
    assert_eq!(run(folder, "lut diff {}/a.csv {}/threads.csv --force").0, 0);
    let (code, _, err) = run(folder, "lut diff {}/a.csv {}/b.csv --caches warm --caches cold");
    assert!(code == 2 && ["warm", "cold", "--force"].iter().all(|part| err.contains(part)), "{err}");
    let (code, _, err) = run(folder, "lut diff {}/a.csv {}/b.csv --caches cold");
    assert!(code == 2 && err.contains("a.csv") && err.contains("b.csv"), "{err}");
}

/// Merges two tables; gives what was said and the row of `sep_k3`, or the message.
fn merge(folder: &Path, a: &str, b: &str) -> Result<(String, luts::Row, luts::Table), String> {
    std::fs::write(folder.join("a.csv"), a).unwrap();
    std::fs::write(folder.join("b.csv"), b).unwrap();
    let (code, out, err) = run(folder, "lut merge {}/a.csv {}/b.csv --out {}/c.csv --overwrite");
    if code != 0 {
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        return Err(err);
    }
    let merged = luts::Table::read(folder.join("c.csv")).unwrap();
    let row = merged.rows().iter().find(|row| row.primitive == "sep_k3").unwrap().clone();
    Ok((err, row, merged))
}

#[test]
fn tables_are_merged_by_how_sure_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let good = measured(folder);
    // Equally sure, and within what their errors explain: the mean, with an interval narrower by the root of two.
    let (said, row, _) = merge(folder, &with_time(&good, "sep_k3", 4.0), &with_time(&good, "sep_k3", 4.04)).unwrap();
    assert_eq!(said, "");
    assert!((row.latency.0 - 4.02).abs() < 1e-4, "{}", row.latency);
    let half = row.interval.unwrap().relative_half_width(row.latency);
    assert!((half - 0.02 / 2f64.sqrt()).abs() < 1e-5, "{half}");
    let (code, _, err) = run(folder, "lut merge {}/a.csv {}/b.csv --out {}/c.csv");
    assert!(code == 2 && err.contains("c.csv") && err.contains("--overwrite"), "{err}");
    // The surer one counts more.
    let sure = with_time(&good, "sep_k3", 4.0).replace("3.92,4.08", "3.98,4.02");
    assert!(merge(folder, &sure, &with_time(&good, "sep_k3", 4.04)).unwrap().1.latency.0 < 4.01);
}

#[test]
fn rows_that_contradict_each_other_widen_the_interval() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let good = measured(folder);
    let a = with_time(&good, "sep_k3", 41.0);
    for us in [124.0, 45.0, 5000.0] {
        let (said, row, merged) = merge(folder, &a, &with_time(&good, "sep_k3", us)).unwrap();
        let luts::Interval { low, high } = row.interval.unwrap();
        assert!(low.0 > 0.0 && low.0 <= 41.0 * 0.98 && high.0 >= us * 1.02, "41 and {us} µs gave {low} to {high}");
        assert!(["1 of 7 ", "41.0 µs", &format!("{us:.1} µs")].iter().all(|part| said.contains(part)), "{said}");
        let other = merged.rows().iter().find(|row| row.primitive == "gh_k3").unwrap();
        assert!(other.interval.unwrap().relative_half_width(other.latency) < 0.04, "the others agree");
    }
    // Whole networks are predicted by the fit's residual, which must not hide it.
    let fit = "#\n# [fit]\n# residual = 0.01\n# architectures = []\nkey,";
    let (a, b) = (a.replacen("key,", fit, 1), with_time(&good, "sep_k3", 124.0).replacen("key,", fit, 1));
    let residual = |a: &str, b: &str| merge(folder, a, b).unwrap().2.header.fit.unwrap().residual;
    assert!(residual(&a, &b) > 0.2, "{}", residual(&a, &b));
    let agrees = with_time(&a, "sep_k3", 41.1);
    assert!((residual(&a, &agrees) - 0.01).abs() < 1e-12);
}

/// A simulation says the same however often it is asked.
#[test]
fn a_simulated_table_is_no_second_measurement() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let simulated = with_time(&table(folder), "sep_k3", 4.0);
    let message = merge(folder, &simulated, &simulated).expect_err("a copy");
    assert!(["a.csv", "b.csv", "the same samples"].iter().all(|part| message.contains(part)), "{message}");
    // Another fit of the same runs.
    let (said, row, _) = merge(folder, &simulated, &with_time(&simulated, "sep_k3", 4.04)).unwrap();
    assert_eq!((said.as_str(), row.samples), ("", 30));
    let half = row.interval.unwrap().relative_half_width(row.latency);
    assert!(half > 0.0199, "{half}");
}

#[test]
fn rows_without_intervals_do_not_hide_that_they_differ() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let bare = |us: f64| {
        let text = measured(folder).replace("\"measured\"", "\"imported\"").replace("4.5,4.25,4.75,", "4.5,,,");
        text.lines()
            .map(|line| if line.starts_with("sep_k3@") { line.replace("4.5,", &format!("{us},")) } else { line.into() } + "\n")
            .collect::<String>()
    };
    let (said, row, merged) = merge(folder, &bare(6.78), &bare(20.35)).unwrap();
    assert!(["1 of 7 ", "6.8 µs", "20.4 µs"].iter().all(|part| said.contains(part)), "{said}");
    let luts::Interval { low, high } = row.interval.expect("an interval");
    assert!(low.0 < 6.7801 && high.0 > 20.349, "{low} to {high}");
    assert!(merged.rows().iter().filter(|row| row.interval.is_some()).count() == 1, "the others agree");
    assert_eq!(merge(folder, &bare(4.5), &bare(4.6)).unwrap().0, "");
}

#[test]
fn tables_of_unlike_conditions_are_not_merged() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let phone = table(folder).replace("# cpus = []", "# cpus = [4]\n# governor = \"performance (was interactive)\"");
    let phone = phone.replace("# arch = \"none\"", "# arch = \"aarch64\"\n# serial_hash = \"aa\"\n# system = \"Android 9\"");
    let phone = phone.replace(
        "#\n# [engine]",
        "#\n# [[device.clusters]]\n# cpus = \"0-3\"\n# core = \"Cortex-A53\"\n#\n# [[device.clusters]]\n# cpus = \"4-7\"\n\
         # core = \"Cortex-A73\"\n# max_mhz = 2016.0\n#\n# [engine]",
    );
    let version = "# version = \"0\"\n";
    let clock = |mhz| format!("{version}#\n# [clock]\n# min_mhz = 600.0\n# median_mhz = {mhz}\n# max_mhz = 2016.0\n");
    let canary =
        |us| format!("{version}#\n# [canary]\n# kind = \"f32 32x32x32 matrix product\"\n# stated_us = {us}\n# median_us = {us}\n");
    let cases = [
        ("# model = \"none\"", "# model = \"other\"".to_string(), ["device", "(none, other)"]),
        ("# cpus = [4]", "# cpus = [0]".to_string(), ["cluster", "CPUs 4-7, Cortex-A73 of 2016 MHz, CPUs 0-3, Cortex-A53"]),
        ("max_mhz = 2016.0", "max_mhz = 1800.0".to_string(), ["cluster", "1800 MHz"]),
        ("performance (was", "powersave (was".to_string(), ["governor", "(performance, powersave)"]),
        ("hash = \"aa\"", "hash = \"bb\"".to_string(), ["unit", "(aa, bb)"]),
        ("Android 9", "Android 10".to_string(), ["system", "(Android 9, Android 10)"]),
        ("aarch64", "armv7l".to_string(), ["architecture", "(aarch64, armv7l)"]),
        ("# threads = 1", "# threads = 2".to_string(), ["threads", "(1, 2)"]),
        ("# points = 106", "# points = 68".to_string(), ["landmarks", "(106, 68)"]),
        ("\"simulated\"", "\"emulated\"".to_string(), ["source", "(simulated, emulated)"]),
        (version, "# version = \"1\"\n".to_string(), ["engine", "(onnxruntime 0, onnxruntime 1)"]),
        (version, format!("{version}# precision = \"low\"\n"), ["precision", ", low)"]),
        (version, format!("{version}# library_sha256 = \"ab\"\n"), ["engine librar", ", ab)"]),
        ("# profiler = \"0.1.0\"", "# profiler = \"0.2.0\"".to_string(), ["profiler", "(0.1.0, 0.2.0)"]),
    ];
    for (from, to, expected) in cases {
        assert!(phone.contains(from), "{from}");
        let message = merge(folder, &phone, &phone.replacen(from, &to, 1)).expect_err(expected[0]);
        assert!(expected.iter().chain(&["a.csv", "b.csv"]).all(|part| message.contains(part)), "{expected:?}: {message}");
    }
    let (slow, fast) = (phone.replacen(version, &clock(1400.0), 1), phone.replacen(version, &clock(2016.0), 1));
    let message = merge(folder, &slow, &fast).unwrap_err();
    assert!(message.contains("(1400"), "{message}");
    let message = merge(folder, &phone.replacen(version, &canary(2.0), 1), &phone.replacen(version, &canary(3.0), 1)).unwrap_err();
    assert!(message.contains("2.0") && message.contains("3.0"), "{message}");
    // Another processor of the cluster, and another governor before it was set, are no other conditions.
    let alike = phone.replace("# cpus = [4]", "# cpus = [6]").replace("was interactive", "was schedutil");
    let alike = with_time(&alike, "sep_k3", 4.5);
    let (said, _, merged) =
        merge(folder, &phone.replacen(version, &canary(2.0), 1), &alike.replacen(version, &canary(2.05), 1)).unwrap();
    assert_eq!((said.as_str(), merged.header.cpus), ("", vec![4, 6]));
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_nobody_takes_is_no_panic() {
    use std::process::{Command, Stdio};
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let profiler = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_profiler"));
        command.args(["candidates", "--space", "pfld"]);
        command
    };
    let output = profiler().stdout(full()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    let error = profiler::commands::error::CommandError::Output(std::io::Error::other("")).to_string();
    assert!(said.contains(&error), "{said}");

    let mut child = profiler().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));

    let status = profiler().arg("--nonsense").stderr(full()).status().unwrap();
    assert_eq!(status.code(), Some(2));
}
