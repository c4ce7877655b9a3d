//! The shared real faces, through the public functions.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use faces::augment::Augment;
use faces::data::{Batch, Dataset, DatasetOptions, Loader, LoaderOptions, Split};
use faces::list::FaceList;
use faces::points::{BUILT_IN, PointScheme, builtin, read_points_file};
use std::path::PathBuf;
use std::sync::Arc;

fn scut() -> PathBuf {
    support::project_root().join("trainer/points/scut86.toml")
}

fn open(split: Split) -> Option<Dataset> {
    let root = support::shared("faces")?;
    let options = DatasetOptions { points_file: Some(scut()), ..DatasetOptions::default() };
    Some(Dataset::open(&root, split, &options).unwrap())
}

/// Largest distance of the mean shape's points from their mirrored twins, as a fraction of the pair's distance.
fn asymmetry(list: &FaceList, scheme: &PointScheme, (a, b): (usize, usize)) -> f32 {
    let n = list.points;
    let mut mean = vec![0.0f32; 2 * n];
    for face in &list.faces {
        for (sum, value) in mean.iter_mut().zip(&face.landmarks) {
            *sum += value / list.faces.len() as f32;
        }
    }
    let point = |i: usize| (mean[2 * i], mean[2 * i + 1]);
    let middle = (point(a).0 + point(b).0) / 2.0;
    let mirror = scheme.mirror.as_ref().unwrap();
    let unit = point(b).0 - point(a).0;
    let off = |i: usize| {
        let ((x, y), (u, v)) = (point(i), point(mirror[i]));
        (2.0 * middle - x - u).hypot(y - v) / unit
    };
    (0..n).map(off).fold(0.0, f32::max)
}

#[test]
fn mean_shapes_are_their_own_mirror_images() {
    let Some(root) = support::shared("faces") else { return };
    let list = FaceList::read(&root.join("train_data/list_106_pseudo.txt"), &root, &BUILT_IN).unwrap();
    let worst = asymmetry(&list, &builtin(106).unwrap(), (35, 93));
    assert!(worst < 0.06, "106: {worst}");
    let list = FaceList::read(&root.join("train_data/list.txt"), &root, &BUILT_IN).unwrap();
    let worst = asymmetry(&list, &read_points_file(&scut()).unwrap(), (46, 50));
    assert!(worst < 0.06, "86: {worst}");
}

#[test]
fn a_folder_opens_with_its_wide_pictures_and_splits_by_person() {
    let Some(train) = open(Split::Train) else { return };
    assert_eq!((train.len(), train.scheme().count, train.wide_pictures()), (4268, 86, 4268));
    let (kept, held) = train.split(0.2, 1).unwrap();
    assert_eq!(kept.len() + held.len(), 4268);
    assert!((840..=854).contains(&held.len()), "{}", held.len());
    let meta = std::fs::read_to_string(support::shared("faces").unwrap().join("train_data/meta.csv")).unwrap();
    let people: std::collections::HashMap<&str, &str> =
        meta.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>()).map(|row| (row[0], row[2])).collect();
    let side = |indices: &[usize]| -> std::collections::HashSet<&str> {
        let name = |i: &usize| train.faces()[*i].path.file_name().unwrap().to_str().unwrap();
        indices.iter().map(|i| people[name(i)]).collect()
    };
    assert!(side(&kept).is_disjoint(&side(&held)));
}

/// The narrow and the wide picture show the same crop: without a change they give nearly the same input.
#[test]
fn wide_pictures_are_cut_at_the_right_place() {
    let Some(train) = open(Split::Train) else { return };
    let train = Arc::new(train);
    let still = Augment { rotation: 0.0, scale: 0.0, shift: 0.0, mirror: false, contrast: 0.0, brightness: 0.0 };
    let first = |augment| -> Batch {
        let options = LoaderOptions { augment, ..LoaderOptions::eval(64) };
        let mut batches = Loader::new(Arc::clone(&train), (0..64).collect(), options).unwrap().epoch(0);
        batches.next().unwrap().unwrap()
    };
    let (narrow, wide) = (first(None), first(Some(still)));
    assert!(narrow.landmarks.iter().zip(&wide.landmarks).all(|(a, b)| (a - b).abs() < 1e-6));
    assert!(narrow.angles == wide.angles, "the angles differ");
    let off: f32 = narrow.images.iter().zip(&wide.images).map(|(a, b)| (a - b).abs()).sum();
    let mean = off / narrow.images.len() as f32;
    assert!(mean < 0.012, "{mean}");
    assert_eq!(train.resized(), 0);
}

/// Slope of the least-squares line of `y` on `x`.
fn slope(pairs: &[(f32, f32)]) -> f32 {
    let n = pairs.len() as f32;
    let (mx, my) = (pairs.iter().map(|p| p.0).sum::<f32>() / n, pairs.iter().map(|p| p.1).sum::<f32>() / n);
    let (sxy, sxx) = pairs.iter().fold((0.0, 0.0), |(a, b), (x, y)| (a + (x - mx) * (y - my), b + (x - mx).powi(2)));
    sxy / sxx
}

/// (degrees of the eye line, roll) and (the nose's offset to the right of the eyes' middle along that line, yaw), for
/// outer eye corners `left` and `right` and a point of the nose.
type Signs = (Vec<(f32, f32)>, Vec<(f32, f32)>);

fn signs<'a>(faces: impl Iterator<Item = (&'a [f32], [f32; 3])>, left: usize, right: usize, nose: usize) -> Signs {
    faces
        .map(|(p, [_, yaw, roll])| {
            let [dx, dy] = [0, 1].map(|axis| p[2 * right + axis] - p[2 * left + axis]);
            let [nx, ny] = [0, 1].map(|axis| p[2 * nose + axis] - (p[2 * right + axis] + p[2 * left + axis]) / 2.0);
            ((dy.atan2(dx).to_degrees(), roll), ((nx * dx + ny * dy) / (dx * dx + dy * dy), yaw))
        })
        .unzip()
}

/// What augmentation and made faces assume of the lists' angles: roll follows the eye line, clockwise positive, and a
/// positive yaw turns the nose to the left of the picture.
#[test]
fn angles_have_the_signs_that_augmentation_and_made_faces_assume() {
    let Some(train) = open(Split::Train) else { return };
    let (roll, yaw) = signs(train.faces().iter().map(|face| (&*face.landmarks, face.angles)), 46, 50, 66);
    let (real_roll, real_yaw) = (slope(&roll), slope(&yaw));
    assert!((0.8..1.1).contains(&real_roll) && real_yaw < -20.0, "{real_roll} {real_yaw}");
    let made: Vec<_> = (0..100).map(|index| faces::synth::synth_face(1, 0, index)).collect();
    let (roll, yaw) = signs(made.iter().map(|face| (&*face.landmarks, face.angles)), 35, 93, 86);
    let (made_roll, made_yaw) = (slope(&roll), slope(&yaw));
    assert!((0.9..1.1).contains(&made_roll) && made_yaw < -20.0, "{made_roll} {made_yaw}");
}
