//! Whole builds, and what is refused before one begins.

use std::fs;
use std::os::fd::AsRawFd;
use std::thread;

use luts::{Interval, Kind, Overwrite, Row, Source, Table};
use profiler::measure::raw::{Purpose, read};
use profiler::measure::subject::Subject;

use crate::common::{CHECK_RAW, alone, check, engine, run, small_space, until_verdict};
use crate::{BUILD, CHECK, PART, Place, build, names};

#[test]
fn a_small_space_is_built_checked_and_fitted_again() {
    let _alone = alone();
    let Some(_) = engine() else { return };
    until_verdict(|folder| {
        let space = small_space(folder);
        let table = build(folder, "--budget 60s --precision 10% --nets 4");
        assert_eq!(table.validate(&space), Ok(()));
        assert_eq!(table.header.source, Source::Measured);
        let fitted = table.header.fit.as_ref().unwrap().architectures.clone();
        assert_eq!(fitted.len(), 4);
        let identities: Vec<_> = table.rows().iter().filter(|r| r.kind == Kind::Identity).map(|r| r.primitive.as_str()).collect();
        assert_eq!(identities, ["skip"]);
        assert!(table.rows().iter().all(|r| r.kind == Kind::Identity || (r.checksum.is_some() && r.samples >= 6)));
        assert_eq!(names(folder), ["space.toml", "t.csv", "t.raw.gz"]);

        // The raw file alone gives the same figures again.
        fs::remove_file(folder.join("t.csv")).unwrap();
        let again = build(folder, "--budget 60s --precision 10% --nets 4 --resume");
        assert_eq!(again.rows(), table.rows());
        assert_eq!(names(folder), ["space.toml", "t.csv", "t.raw.gz"]);

        // Networks outside the fit are measured and written into the header; the table stays the same.
        // The bar is low for machines under load; a table that is wrong is far above it (below).
        let of_four = CHECK.replace("--nets 2", "--nets 4");
        let (code, out, err) =
            check(folder, &format!("{of_four} --max-mape 50% --json --picture {{}}/check.svg --raw {{}}/{CHECK_RAW}"))?;
        assert_eq!(code, 0, "{err}");
        let (request, samples) = read(&folder.join(CHECK_RAW)).unwrap();
        assert!(err.contains("check.svg"), "{err}");
        assert_eq!(request.purpose, Purpose::Check { table: again.digest(), seed: 1 });
        assert_eq!(request.space, Some(space.hash()));
        assert!(
            request.items.len() >= 2 && request.items.iter().all(|item| !samples.items[&Subject::from(item)].samples.is_empty())
        );
        // A raw file that is there already is not written over.
        let (code, _, err) = run(folder, &format!("{CHECK} --raw {{}}/{CHECK_RAW}"));
        assert!(code == 2 && err.contains(CHECK_RAW), "{err}");
        let picture = fs::read_to_string(folder.join("check.svg")).unwrap();
        let report: serde_json::Value = serde_json::from_str(&out).unwrap();
        for field in ["mape", "bias", "within_5", "within_10", "kendall_tau"] {
            assert!(report[field].is_number(), "{field} is missing in {out}");
        }
        let nets = report["nets"].as_array().unwrap();
        assert!(nets.len() >= 2 && nets.iter().all(|n| !fitted.iter().any(|f| n["architecture"] == f.as_str())));
        assert_eq!(report["worst"].as_array().map(Vec::len), Some(nets.len().min(5)));
        assert!(report["suspects"]["candidates"].is_array());
        for net in nets {
            let [predicted, measured] = ["predicted_us", "measured_us"].map(|f| net[f].as_f64().unwrap());
            let shown = format!("{predicted:.1} µs predicted, {measured:.1} µs measured");
            assert!(picture.contains(&shown), "'{shown}' is not in {picture}");
        }
        let checked = Table::read(folder.join("t.csv")).unwrap();
        assert_eq!(checked.header.checked.as_ref().map(|c| c.nets), Some(nets.len()));
        assert_eq!(checked.digest(), again.digest());

        // A table whose times are all wrong does not pass.
        let rows = checked.rows().iter().map(|row| Row { latency: row.latency * 2.5, ..row.clone() });
        let rows = rows.map(|row| Row { interval: row.interval.map(|i| Interval { low: i.low * 2.5, high: i.high * 2.5 }), ..row });
        Table::new(checked.header.clone(), rows.collect()).unwrap().write(folder.join("wrong.csv"), Overwrite::No).unwrap();
        let (code, _, err) = check(folder, &format!("{} --max-mape 50% --no-write", of_four.replace("t.csv", "wrong.csv")))?;
        assert_eq!(code, 1, "{err}");

        // Where the header cannot be written, the figures are printed all the same. Here the table is another name of the file, in a place
        // where no file can be made.
        let open = fs::File::open(folder.join("t.csv")).unwrap();
        let elsewhere = format!("/proc/{}/fd/{}", std::process::id(), open.as_raw_fd());
        let of_elsewhere = of_four.replace("{}/t.csv", &elsewhere);
        let (code, out, err) = check(folder, &format!("{of_elsewhere} --max-mape 50% --json"))?;
        let report: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert!(code == 2 && report["mape"].is_number() && err.contains(&elsewhere), "{code}: {err}");

        // A bar that no table passes; the picture is drawn all the same.
        let strict = format!("{of_four} --max-mape 0.000001 --no-write");
        let (code, _, err) = check(folder, &format!("{strict} --picture {{}}/check.png"))?;
        assert_eq!(code, 1, "{err}");
        assert!(fs::read(folder.join("check.png")).unwrap().starts_with(b"\x89PNG"));
        // A picture that cannot be written is refused before anything is measured.
        let (code, _, err) = run(folder, &format!("{strict} --picture {{}}/none/check.png"));
        assert!(code == 2 && err.contains("/none"), "{err}");
        let (code, _, err) = run(folder, &format!("{strict} --picture {{}}/check.gif"));
        assert!(code == 2 && err.contains("--picture") && err.contains(".svg"), "{err}");
        Some(())
    });
}

#[test]
fn a_table_of_another_device_or_engine_is_not_checked() {
    let _alone = alone();
    let Some(_) = engine() else { return };
    until_verdict(|folder| {
        small_space(folder);
        let table = build(folder, "--budget 60s --precision 10% --nets 2");
        let cpus = &table.header.cpus;
        let pinned = table.header.device.clusters.iter().position(|cluster| {
            profiler::hardware::CpuList::parse(&cluster.cpus).is_some_and(|list| list.0.iter().any(|cpu| cpus.contains(cpu)))
        });
        let path = folder.join("t.csv");
        let lenient = format!("{CHECK} --max-mape 99%");
        // Each is one change of the header.
        type Change = fn(&mut luts::Header, usize);
        let changes: [(&str, Change); 6] = [
            ("processor: GenuineIntel family 6 model 1", |h, i| {
                h.device.clusters[i].processor = Some("GenuineIntel family 6 model 1 stepping 1".into());
            }),
            ("instruction sets: sse", |h, i| h.device.clusters[i].instruction_sets = Some("sse".into())),
            ("device: Intel Xeon", |h, _| h.device.model = "Intel Xeon".into()),
            ("cluster: CPUs 900-903", |h, i| {
                h.device.clusters[i].cpus = "900-903".into();
                h.cpus = vec![903];
            }),
            ("engine: onnxruntime 1.0.0", |h, _| h.engine.version = "1.0.0".into()),
            ("engine's library: 00", |h, _| h.engine.library_sha256 = Some("00".into())),
        ];
        for (said, change) in changes {
            let mut other = table.clone();
            change(&mut other.header, pinned.expect("the pinned cluster is known"));
            other.write(&path, Overwrite::Yes).unwrap();
            let before = fs::read(&path).unwrap();
            let (code, out, err) = run(folder, &lenient);
            assert!(code == 4 && out.is_empty() && err.contains(said) && err.contains("--other-device"), "{code}: {err}");
            assert_eq!(fs::read(&path).unwrap(), before, "{said}");
        }
        // Where it is allowed it is said, and nothing is written.
        let before = fs::read(&path).unwrap();
        let (code, _, err) = check(folder, &format!("{lenient} --other-device"))?;
        assert!(code == 0 && err.contains("engine's library: 00"), "{err}");
        assert_eq!(fs::read(&path).unwrap(), before);

        // Another engine is known before anything is prepared, whether this program holds it or not.
        let (code, _, err) = run(folder, &format!("{lenient} --engine tract"));
        assert!(code == 4 && err.contains("engine: onnxruntime (the table), tract"), "{err}");

        // A table of an earlier schema states less: what it states is compared, the rest is listed.
        let lines = fs::read_to_string(&path).unwrap();
        let known =
            |line: &&str| !["# processor =", "# instruction_sets =", "# library_sha256 ="].iter().any(|s| line.starts_with(s));
        let without = |line: &str| {
            let cells = line.split(',').enumerate().filter(|(i, _)| line.starts_with('#') || !(23..=24).contains(i));
            cells.map(|(_, cell)| cell).collect::<Vec<_>>().join(",").replace("# schema = 3", "# schema = 2") + "\n"
        };
        let earlier: String = lines.lines().filter(known).map(without).collect();
        fs::write(&path, earlier).unwrap();
        let (code, _, err) = check(folder, &lenient)?;
        assert!(code == 0 && err.contains("processor, instruction sets, engine's library"), "{err}");
        Some(())
    });
}

#[test]
fn with_two_threads_sessions_of_other_models_do_not_slow_a_run() {
    let Some(place) = Place::new() else { return };
    if thread::available_parallelism().unwrap().get() < 2 {
        eprintln!("skipped: one CPU");
        return;
    }
    let folder = place.path();
    let [one, two] =
        [1, 2].map(|threads| build(folder, &format!("--overwrite --budget 60s --precision 50% --nets 2 --threads {threads}")));
    assert_eq!((one.header.threads, two.header.threads, two.header.cpus.len()), (1, 2, 2));
    // Pools of other sessions that went on spinning made a run twenty times as long.
    let all = |table: &Table| table.rows().iter().map(|row| row.latency.0).sum::<f64>();
    assert!(all(&one) > 0.0 && all(&two) < 5.0 * all(&one), "{} {}", all(&one), all(&two));
}

#[test]
fn more_threads_than_cpus_are_refused() {
    let Some(place) = Place::new() else { return };
    let folder = place.path();
    let cpus = thread::available_parallelism().unwrap().get();
    let many = format!("{BUILD} --threads {} --nets 2 --budget 2s", cpus + 1);
    let (code, _, err) = run(folder, &many);
    let remedy = format!("--threads {cpus},");
    assert!(code == 2 && err.contains(&remedy) && err.contains("--oversubscribe"), "{code}: {err}");
    let (code, _, err) = run(folder, &format!("{BUILD} --threads 2 --cpus 0 --nets 2"));
    assert!(code == 2 && err.contains("--threads 1,"), "{code}: {err}");
    assert_eq!(names(folder), ["space.toml"]);
    // With --oversubscribe it is measured, even if only with too few samples.
    let (code, _, err) = run(folder, &format!("{many} --oversubscribe"));
    assert!(code == 0 || code == 3, "{code}: {err}");
}

#[test]
fn samples_of_another_request_are_not_mixed_in() {
    let Some(place) = Place::new() else { return };
    let folder = place.path();
    build(folder, "--budget 60s --precision 10% --nets 0");
    let (code, _, err) = run(folder, &format!("{BUILD} --nets 3 --resume"));
    assert!(code == 2 && err.contains(PART), "{err}");
    // Samples of another length are other samples.
    let (code, _, err) = run(folder, &format!("{} --nets 0 --resume", BUILD.replace("200us", "300us")));
    assert!(code == 2 && err.contains("--sample 200us (then), 300us (now)"), "{err}");
}
