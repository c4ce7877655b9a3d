//! Whole files: written, read, gone on with.

use std::fs;
use std::io::Write;
use std::path::Path;

use blocks::{Measurable, PrimitiveSpace, Space};
use flate2::Compression;
use flate2::write::GzEncoder;
use luts::Table;

use super::*;
use crate::fit::table::Plan;
use crate::measure::choice::Choice;
use crate::measure::design;
use crate::measure::model::Model;
use crate::measure::reserve::ReservedError;
use crate::measure::subject::Subject;
use crate::protocol::{DeviceFacts, EngineFacts, Event, Sample, SampleFault, Start, examples};
use crate::random::Random;

const REQUEST: &str = r#"{"space":"s","points":1,"threads":1,"cpus":[],"engine":"ort","device":"local","items":["a"]}"#;
const SAMPLE: &str = r#"{"event":"sample","id":"a","at_ms":9.0,"us":10,"before_us":4,"after_us":6,"cpu":1,"fault":null}"#;
const FAULTY: &str = r#"{"event":"sample","id":"a","at_ms":9.0,"us":10,"before_us":4,"after_us":9,"cpu":1,"fault":"canary"}"#;
/// Most bytes that a table's raw file may have.
const MOST: u64 = super::LIMIT as u64;

fn parse(text: impl AsRef<[u8]>) -> Result<(Request, Samples), String> {
    let bytes = text.as_ref();
    read_from(bytes, bytes.len() as u64, Path::new("r")).map_err(|e: super::RawError| e.to_string())
}

/// Everything but what a sample's order of arrival leaves in memory.
fn state(samples: &Samples) -> String {
    format!("{samples:?}")
}

/// Writes a file and gives its samples as they came, its samples as they are read back, and its size.
fn written(path: &Path, request: &Request, events: &[Event]) -> (Samples, Samples, u64) {
    let mut raw = RawFile::create(path, request).unwrap();
    let mut live = Samples::default();
    for event in events {
        live.add(event).unwrap();
        raw.line(&serde_json::to_vec(event).unwrap()).unwrap();
    }
    assert_eq!(state(&super::read(&partial(path)).unwrap().1), state(&live), "the unfinished file");
    raw.finish().unwrap();
    let (found, samples) = super::read(path).unwrap();
    assert_eq!(&found, request);
    (live, samples, fs::metadata(path).unwrap().len())
}

fn request(items: &[Model]) -> Request {
    Request { items: items.iter().map(|m| m.subject.to_string()).collect(), ..serde_json::from_str(REQUEST).unwrap() }
}

/// How a made-up device behaves.
struct Manner {
    /// Share of samples that are left out.
    faulty: f64,
    /// By how much the canary, and everything with it, goes up and down.
    unrest: f64,
}

/// A time of each model, of about its multiply-adds; networks differ a little.
fn times(models: &[Model]) -> Vec<f64> {
    let macs = |model: &Model| match model.part() {
        Some((_, part)) => part.macs.unwrap_or_default() as f64,
        None => 5e6 + 1e5 * model.subject.to_string().len() as f64,
    };
    models.iter().map(|model| 3.0 + macs(model) * 1e-5).collect()
}

/// The agent's lines of a build: twelve processes, cold runs, rounds.
fn made_up(models: &[Model], count: usize, manner: &Manner) -> Vec<Event> {
    let mut random = Random::new(11);
    let mut events = Vec::new();
    let times = times(models);
    let start = Start {
        version: "0.1.0".to_string(),
        device: DeviceFacts { arch: "x86_64".to_string(), ..DeviceFacts::default() },
        engine: EngineFacts { name: "onnxruntime".to_string(), version: "1".to_string(), ..examples::start().engine },
        cpus: vec![1],
        canary: "loop".to_string(),
        ..examples::start()
    };
    let mut state = 1.0;
    for pass in 0..12 {
        events.push(Event::Start(Box::new(start.clone())));
        for (i, model) in models.iter().enumerate() {
            events.push(Event::Loading { id: model.subject.to_string() });
            let checksum = format!("{:016x}", 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(i as u64 + 1));
            let runs = 20 + random.below(50) as u64;
            events.push(Event::Ready {
                id: model.subject.to_string(),
                runs,
                error: Some(2.1e-7 * random.unit()),
                checksum,
                took: None,
            });
        }
        events.push(Event::Sampling);
        for _ in 0..3 {
            for (model, us) in std::iter::zip(models, &times).filter(|(m, _)| !m.subject.is_network()) {
                let (us, canary_us) = (us * (3.0 + random.unit()), 1.7 + random.unit());
                events.push(Event::Cold { id: model.subject.to_string(), us, canary_us });
            }
        }
        let (mut at_ms, mut before_us) = (30.0, 1.7);
        let mut order: Vec<usize> = (0..models.len()).collect();
        for i in 0..count / 12 {
            if i % models.len() == 0 {
                random.shuffle(&mut order);
                events.push(Event::Round { round: 1 + (i / models.len()) as u64, settled: 0, elapsed_ms: at_ms as u64 });
            }
            let item = order[i % models.len()];
            at_ms += 1.0 + random.unit();
            if random.unit() < 0.1 {
                state = 1.0 + manner.unrest * random.unit();
            }
            let noise = |random: &mut Random| 1.0 + 0.02 * (random.unit() + random.unit() - 1.0);
            let after_us = 1.75 * state * noise(&mut random);
            events.push(Event::Sample(Sample {
                id: models[item].subject.to_string(),
                at_ms,
                us: times[item] * state * noise(&mut random),
                spread: 0.01 + manner.unrest * random.unit(),
                before_us,
                after_us,
                cpu: Some(1),
                mhz: Some(3500.0 / state * noise(&mut random)),
                celsius: None,
                fault: (random.unit() < manner.faulty).then_some(SampleFault::Canary),
            }));
            // Now and then it rests, and reads the canary again.
            before_us = if random.unit() < 0.1 { after_us * noise(&mut random) } else { after_us };
        }
        events.push(Event::Done { precise: pass == 11 });
    }
    events
}

/// The models of a build of the built-in space.
fn models() -> (PrimitiveSpace, Vec<Choice>, Vec<Model>) {
    let space = PrimitiveSpace { space: Space::load("pfld").unwrap(), points: 106 };
    let nets = design::balanced(&space, 80, 20);
    let layers = space.layers();
    let mut models = Model::parts(&space);
    models.extend(nets.iter().map(|choice| Model::net(&layers, choice)));
    (space, nets, models)
}

#[test]
fn a_builds_samples_take_less_than_500_kb_and_give_the_same_table_again() {
    let (space, nets, models) = models();
    assert!(models.len() > 110);
    let folder = tempfile::tempdir().unwrap();
    let table = |samples: &Samples| -> Table {
        let plan =
            Plan { space: &space, points: Some(106), reference: None, threads: 1, precision: 0.005, models: &models, nets: &nets };
        let mut table = plan.table(samples, Path::new("r")).unwrap();
        table.header.date = Some(String::new());
        table
    };
    for (name, manner) in [("loud", Manner { faulty: 0.5, unrest: 0.7 }), ("idle", Manner { faulty: 0.01, unrest: 0.03 })] {
        let path = folder.path().join(format!("{name}.raw.gz"));
        let (live, read, size) = written(&path, &request(&models), &made_up(&models, 60_000, &manner));
        eprintln!("{name}: {size} bytes");
        assert!(size < MOST, "{name}: {size} bytes");
        assert_eq!(state(&live), state(&read), "{name}");
        // A digest is of all that a table's file holds.
        assert_eq!(table(&live).digest(), table(&read).digest(), "{name}");
        let good: usize = read.items.values().map(|item| item.samples.len()).sum();
        let faulty: u64 = read.items.values().flat_map(|item| item.faulty).sum();
        assert_eq!(good as u64 + faulty, 60_000);
        assert_eq!((read.passes, read.processes), (12, 12));

        // Made unfinished and finished again, it is the same to the byte.
        let before = fs::read(&path).unwrap();
        RawFile::reopen(&path).unwrap();
        RawFile::append(&path).unwrap().finish().unwrap();
        assert!(fs::read(&path).unwrap() == before, "{name}");
    }
}

#[test]
fn what_was_left_out_of_a_long_build_is_only_counted() {
    let (_, _, models) = models();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.raw.gz");
    let events = made_up(&models, 90_000, &Manner { faulty: 0.6, unrest: 0.7 });
    let (live, read, size) = written(&path, &request(&models), &events);
    assert!(size < MOST, "{size} bytes");
    assert_eq!(state(&live), state(&read));
    let before = fs::read(&path).unwrap();
    RawFile::reopen(&path).unwrap();
    RawFile::append(&path).unwrap().finish().unwrap();
    assert!(fs::read(&path).unwrap() == before);
}

#[test]
fn rounding_moves_the_times_of_a_table_by_little_of_their_intervals() {
    let (space, nets, models) = models();
    let plan =
        Plan { space: &space, points: Some(106), reference: None, threads: 1, precision: 0.005, models: &models, nets: &nets };
    let events = made_up(&models, 12_000, &Manner { faulty: 0.3, unrest: 0.3 });
    let mut kept = Samples::default();
    events.iter().for_each(|event| kept.add(event).unwrap());
    // The same samples as the agent gave them.
    let mut whole = kept.clone();
    let mut places = std::collections::BTreeMap::new();
    whole.canaries.clear();
    for event in &events {
        let Event::Sample(sample) = event else { continue };
        if sample.fault.is_none() {
            let place = places.entry(sample.id.clone()).or_insert(0);
            let into = &mut whole.items.get_mut(&Subject::from(&sample.id)).unwrap().samples[*place];
            assert!(into.us != sample.us || into.after_us != sample.after_us || into.spread != sample.spread);
            *into = Sample { id: String::new(), ..sample.clone() };
            whole.canaries.push(sample.canary_us());
            *place += 1;
        }
    }
    let [kept, whole] = [kept, whole].map(|samples| plan.table(&samples, Path::new("r")).unwrap());
    // A sample near a limit may count in one and not in the other.
    let moved: Vec<f64> = std::iter::zip(kept.rows(), whole.rows())
        .filter_map(|(a, b)| Some((a.latency.0 - b.latency.0).abs() / (b.interval?.high.0 - b.latency.0)))
        .collect();
    let (mean, most) = (moved.iter().sum::<f64>() / moved.len() as f64, moved.iter().copied().fold(0.0, f64::max));
    assert!(mean < 0.08 && most < 0.25, "{mean} {most}");
}

#[test]
fn samples_of_all_faults_sensors_and_processes_come_back() {
    let (_, _, models) = models();
    let models = &models[..9];
    let mut events = made_up(models, 1200, &Manner { faulty: 0.3, unrest: 0.5 });
    let mut random = Random::new(6);
    for event in &mut events {
        let Event::Sample(sample) = event else { continue };
        sample.fault = sample.fault.map(|_| SampleFault::ALL[random.below(4)]);
        sample.celsius = (random.below(3) > 0).then(|| 130.0 * random.unit() - 30.0);
        sample.mhz = sample.mhz.filter(|_| random.below(3) > 0);
        sample.cpu = (random.below(3) > 0).then(|| random.below(300));
        sample.us *= 10f64.powi(random.below(8) as i32);
    }
    // A process that was killed: no `done`; and one that did not get as far as a sample.
    let cut = events.iter().rposition(|event| matches!(event, Event::Done { .. })).unwrap();
    events.remove(cut);
    events.push(events[0].clone());
    let folder = tempfile::tempdir().unwrap();
    let (live, read, _) = written(&folder.path().join("x.raw.gz"), &request(models), &events);
    assert_eq!(state(&live), state(&read));
    assert!(live.celsius.len() > 100 && live.items.values().all(|item| item.faulty.iter().all(|n| *n > 0)));
    assert_eq!((read.passes, read.processes), (11, 13));
}

#[test]
fn samples_that_are_all_alike_are_read_too() {
    let (_, _, models) = models();
    let mut events = made_up(&models[..2], 24_000, &Manner { faulty: 0.0, unrest: 0.0 });
    for event in &mut events {
        if let Event::Sample(sample) = event {
            (sample.us, sample.before_us, sample.after_us, sample.mhz, sample.at_ms) = (4.0, 2.0, 2.0, None, 1.0);
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let (live, read, _) = written(&folder.path().join("x.raw.gz"), &request(&models[..2]), &events);
    assert_eq!(state(&live), state(&read));
}

#[test]
fn a_file_that_unpacks_without_end_is_refused() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(format!("{REQUEST}\n").as_bytes()).unwrap();
    for _ in 0..200 {
        encoder.write_all(&format!("{SAMPLE}\n").repeat(5_000).into_bytes()).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 2 << 20);
    let error = parse(&bomb).unwrap_err();
    assert!(error.contains(" 16 "), "{error}");
}

#[test]
fn damage_to_a_packed_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.raw.gz");
    let mut raw = RawFile::create(&path, &serde_json::from_str(REQUEST).unwrap()).unwrap();
    [SAMPLE, FAULTY].iter().for_each(|line| raw.line(line.as_bytes()).unwrap());
    raw.finish().unwrap();
    let whole = fs::read(&path).unwrap();
    assert!(parse(&whole[..whole.len() / 2]).is_err());
    let mut bytes = Vec::new();
    std::io::copy(&mut flate2::read::GzDecoder::new(&whole[..]), &mut bytes).unwrap();
    assert_eq!(parse(&bytes).unwrap().1.items[&Subject::from("a")].ratios(), [2.0]);
    let cut = parse(&bytes[..bytes.len() - 1]).unwrap_err();
    let longer = parse([&bytes[..], b"\0"].concat()).unwrap_err();
    assert_ne!(cut, longer);
    let text = |from: &str, to: &str| {
        let at = bytes.windows(from.len()).position(|part| part == from.as_bytes()).unwrap();
        [&bytes[..at], to.as_bytes(), &bytes[at + from.len()..]].concat()
    };
    assert!(parse(text("\"packed\":1", "\"packed\":2")).unwrap_err().contains(" 2"));
    assert!(parse(text("\"spread\",", "\"speed\",")).is_err());
    assert!(parse(text("\"names\":[\"a\"]", "\"names\":[]")).unwrap_err().contains("sample 1"));
    assert_eq!(parse(text("\"samples\":2", "\"samples\":99999999999")).unwrap_err(), cut);
}

#[test]
fn samples_are_gathered_and_a_half_line_is_passed_over() {
    let (request, samples) = parse(format!("{REQUEST}\n{SAMPLE}\n{FAULTY}\n{SAMPLE}\n{}", &SAMPLE[..40])).unwrap();
    assert_eq!(request.items, ["a"]);
    assert_eq!((request.purpose, request.space.as_deref()), (Purpose::Build, Some("s")));
    assert_eq!(samples.items[&Subject::from("a")].ratios(), [2.0, 2.0]);
    assert_eq!(samples.items[&Subject::from("a")].faulty, [1, 0, 0, 0]);
    assert_eq!((samples.spent_ms(), samples.passes), (9.0, 0));
    assert_eq!(samples.canary_us(), Some((5.0, 5.0)));
}

#[test]
fn what_is_no_raw_file_is_refused_with_its_line() {
    assert!(parse("").is_err());
    assert!(parse("key,kind\n").unwrap_err().contains("line 1"));
    assert!(parse(format!("{REQUEST}\n{SAMPLE}\nnonsense\n")).unwrap_err().contains("line 3"));
    for nothing in ["0", "-4", "1e-9", "1e300"] {
        let line = SAMPLE.replace("\"before_us\":4", &format!("\"before_us\":{nothing}"));
        assert!(parse(format!("{REQUEST}\n{line}\n")).unwrap_err().contains("line 2"), "{nothing}");
    }
    let late = SAMPLE.replace("\"at_ms\":9.0", "\"at_ms\":1e300");
    assert!(parse(format!("{REQUEST}\n{late}\n")).unwrap_err().contains("1e300 ms"));
}

#[test]
fn an_unfinished_file_is_gone_on_with_behind_its_last_whole_line() {
    let folder = tempfile::tempdir().unwrap();
    let (request, _) = parse(format!("{REQUEST}\n")).unwrap();
    for name in ["x.jsonl", "x.raw.gz"] {
        let path = folder.path().join(name);
        let mut raw = RawFile::create(&path, &request).unwrap();
        assert_eq!(raw.kept(), None);
        raw.line(SAMPLE.as_bytes()).unwrap();
        assert!(raw.kept().is_some_and(|kept| kept.resumes && kept.path == partial(&path)));
        drop(raw);
        fs::OpenOptions::new().append(true).open(partial(&path)).unwrap().write_all(&SAMPLE.as_bytes()[..30]).unwrap();
        let mut raw = RawFile::append(&path).unwrap();
        raw.line(SAMPLE.as_bytes()).unwrap();
        raw.finish().unwrap();
        assert_eq!(super::read(&path).unwrap().1.items[&Subject::from("a")].samples.len(), 2);
        assert!(!partial(&path).exists());
        assert_eq!(fs::read(&path).unwrap().starts_with(&[0x1f, 0x8b]), name != "x.jsonl");

        // Made unfinished again, and gone on with.
        RawFile::reopen(&path).unwrap();
        let mut raw = RawFile::append(&path).unwrap();
        raw.line(SAMPLE.as_bytes()).unwrap();
        raw.finish().unwrap();
        assert_eq!(super::read(&path).unwrap().1.items[&Subject::from("a")].samples.len(), 3);
    }
}

#[test]
fn the_compressed_lines_of_older_builds_are_read_and_packed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.raw.jsonl.gz");
    let mut encoder = GzEncoder::new(fs::File::create(&path).unwrap(), Compression::best());
    encoder.write_all(format!("{REQUEST}\n{SAMPLE}\n{FAULTY}\n").as_bytes()).unwrap();
    encoder.finish().unwrap();
    let (request, before) = super::read(&path).unwrap();
    RawFile::reopen(&path).unwrap();
    RawFile::append(&path).unwrap().finish().unwrap();
    let (again, after) = super::read(&path).unwrap();
    assert_eq!((again, state(&after)), (request, state(&before)));
}

#[test]
fn a_name_that_is_taken_or_has_no_folder_is_refused_before_anything_is_measured() {
    let folder = tempfile::tempdir().unwrap();
    let request = Request { purpose: Purpose::Bench, ..serde_json::from_str(REQUEST).unwrap() };
    let fresh = |path: &Path| RawFile::fresh(path, &request);
    let path = folder.path().join("x.raw.gz");
    let first = fresh(&path).unwrap();
    assert!(
        matches!(fresh(&path), Err(super::RawError::Reserved(ReservedError::Held { path: taken, .. })) if taken == path),
        "two commands, one file"
    );
    drop(first);
    assert!(fresh(&path).is_ok());
    fs::write(partial(&path), "").unwrap();
    assert!(matches!(fresh(&path), Err(super::RawError::Exists { path: taken }) if taken == partial(&path)));
    let none = folder.path().join("none");
    assert!(matches!(fresh(&none.join("x.raw.gz")), Err(super::RawError::NoFolder { folder }) if folder == none));
}

/// A table of these samples states one device and its conditions.
#[test]
fn samples_of_another_unit_or_other_conditions_are_not_mixed_in() {
    let of = |serial: &str, system: &str, kernel: &str, governor: &str| {
        let known = crate::hardware::Knowledge { system: Some(system.into()), kernel: Some(kernel.into()), ..Default::default() };
        let device = DeviceFacts { known, serial: Some(serial.into()), ..DeviceFacts::default() };
        Event::Start(Box::new(Start { device, governor: Some(governor.into()), ..examples::start() }))
    };
    let then = of("a", "Android 9", "4.9", "performance (was interactive)");
    let resumed = |now: Event| {
        let mut samples = Samples::default();
        samples.add(&then).unwrap();
        samples.add(&now)
    };
    assert_eq!(resumed(of("a", "Android 9", "4.9", "performance (was schedutil)")), Ok(()));
    // What one side does not state cannot be compared.
    assert_eq!(resumed(Event::Start(Box::new(examples::start()))), Ok(()));
    for (now, what) in [
        (of("b", "Android 9", "4.9", "performance"), "unit: "),
        (of("a", "Android 10", "4.9", "performance"), "system: Android 9 (then), Android 10 (now)"),
        (of("a", "Android 9", "4.14", "performance"), "kernel: 4.9 (then), 4.14 (now)"),
        (of("a", "Android 9", "4.9", "interactive"), "governor: performance (then), interactive (now)"),
    ] {
        let said = resumed(now).unwrap_err();
        assert!(said.contains(what) && !said.contains("serial"), "{said}");
    }
}

#[test]
fn a_clock_that_goes_back_is_noticed() {
    let earlier = SAMPLE.replace("9.0", "7.5");
    let error = parse(format!("{REQUEST}\n{SAMPLE}\n{earlier}\n")).unwrap_err();
    assert!(["line 3", "9.0", "7.5 ms"].iter().all(|part| error.contains(part)), "{error}");
}

#[test]
fn units_are_pooled_at_the_mean_units_speed() {
    let slower = SAMPLE.replace("\"us\":10", "\"us\":33").replace("\"before_us\":4", "\"before_us\":14");
    let unit = |line: &str| parse(format!("{REQUEST}\n{line}\n")).unwrap().1;
    let units = [unit(SAMPLE), unit(&slower)];
    assert_eq!(units[1].items[&Subject::from("a")].ratios(), [3.3]);
    let pool = Samples::pool(&units);
    let ratios = pool.items[&Subject::from("a")].ratios();
    assert!((ratios[0] - 2.0).abs() < 1e-12 && (ratios[1] - 3.3).abs() < 1e-12, "{ratios:?}");
    // Canaries of 5 and 10 µs.
    assert_eq!(pool.canary_us(), Some((7.5, 7.5)));
}
