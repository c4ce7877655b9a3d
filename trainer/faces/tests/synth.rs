//! Made faces: the folder they come in, and that they are the same for the same seed.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use faces::FacesError;
use faces::data::{Dataset, DatasetOptions, Split};
use faces::synth::{SynthOptions, synth_face, write_synth};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

fn options(seed: u64) -> SynthOptions {
    SynthOptions { train: 6, test: 3, points: 106, seed, overwrite: false }
}

/// Every file below `root` with its bytes.
fn contents(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else {
                let name = entry.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                files.insert(name, std::fs::read(entry).unwrap());
            }
        }
    }
    files
}

#[test]
fn a_made_folder_opens_like_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("faces");
    let made = AtomicUsize::new(0);
    write_synth(&out, &options(1), || {
        made.fetch_add(1, Ordering::Relaxed);
    })
    .unwrap();
    assert_eq!(made.into_inner(), 9);
    let train = Dataset::open(&out, Split::Train, &DatasetOptions::default()).unwrap();
    let test = Dataset::open(&out, Split::Test, &DatasetOptions::default()).unwrap();
    assert_eq!((train.len(), train.wide_pictures(), test.len(), test.wide_pictures()), (6, 6, 3, 0));
    assert_eq!(train.scheme().count, 106);
    for dataset in [&train, &test] {
        for index in 0..dataset.len() {
            let picture = dataset.picture(index).unwrap();
            assert_eq!((picture.width, dataset.resized()), (112, 0));
            assert!(dataset.faces()[index].landmarks.iter().all(|value| (0.0..=1.0).contains(value)));
        }
    }
    let names: Vec<String> = contents(folder.path()).into_keys().filter(|name| !name.starts_with("faces/")).collect();
    assert!(names.is_empty(), "left over: {names:?}");
}

#[test]
fn the_same_seed_gives_the_same_files_whatever_the_threads() {
    let folder = tempfile::tempdir().unwrap();
    let make = |name: &str, seed: u64, threads: usize| {
        let out = folder.path().join(name);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| write_synth(&out, &options(seed), || ())).unwrap();
        contents(&out)
    };
    let first = make("a", 7, 1);
    assert!(first == make("b", 7, 3), "the files differ");
    assert!(first["train_data/list.txt"] != make("c", 8, 2)["train_data/list.txt"]);
}

#[test]
fn a_folder_is_replaced_only_when_asked_and_only_a_made_one() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("faces");
    std::fs::create_dir(&out).unwrap();
    write_synth(&out, &options(1), || ()).unwrap();
    assert!(matches!(write_synth(&out, &options(2), || ()), Err(FacesError::NotEmpty { path }) if path == out));
    let before = contents(&out);
    write_synth(&out, &SynthOptions { overwrite: true, ..options(2) }, || ()).unwrap();
    assert!(contents(&out) != before);
    std::fs::remove_file(out.join("synth.toml")).unwrap();
    let message = write_synth(&out, &SynthOptions { overwrite: true, ..options(2) }, || ()).unwrap_err().to_string();
    assert!(message.contains("synth.toml"), "{message}");
    assert!(out.join("train_data/list.txt").is_file());
}

#[test]
fn impossible_requests_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("faces");
    let refused = |options: SynthOptions| match write_synth(&out, &options, || ()).unwrap_err() {
        FacesError::Usage(said) | FacesError::Points(said) => said,
        other => panic!("{other}"),
    };
    let points = refused(SynthOptions { points: 68, ..options(1) });
    assert!(points.contains("106") && points.contains("68"), "{points}");
    refused(SynthOptions { test: 0, ..options(1) });
    assert!(!out.exists());
}

/// The points must be where the picture shows the features: pupils are darker than the whites beside them.
#[test]
fn pupils_are_dark_where_their_points_are() {
    let (mut dark, mut seen) = (0, 0);
    for index in 0..60 {
        let face = synth_face(3, 0, index);
        let brightness = |[x, y]: [f32; 2]| -> i32 {
            let at = ((y * 112.0 + 16.0) as usize * 144 + (x * 112.0 + 16.0) as usize) * 3;
            face.wide.rgb[at..at + 3].iter().map(|&value| i32::from(value)).sum()
        };
        let point = |i: usize| [face.landmarks[2 * i], face.landmarks[2 * i + 1]];
        for (pupil, inner, outer, upper, lower) in [(38, 39, 35, 40, 33), (92, 89, 93, 94, 87)] {
            if point(lower)[1] - point(upper)[1] < 0.03 {
                continue;
            }
            let white = [inner, outer].map(|corner| [0, 1].map(|axis| 0.45 * point(pupil)[axis] + 0.55 * point(corner)[axis]));
            seen += 1;
            dark += i32::from(white.into_iter().any(|place| brightness(place) > brightness(point(pupil)) + 40));
        }
    }
    assert!(seen > 60 && dark * 100 > seen * 95, "{dark} of {seen}");
}
