//! Batches: their order, their independence of threads, and what damaged folders give.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use faces::FacesError;
use faces::augment::Augment;
use faces::data::{Batch, Dataset, DatasetOptions, Loader, LoaderOptions, Share, Split};
use std::path::Path;
use std::sync::Arc;

/// A folder of `count` pictures of 40×40 with 2 points, and wide ones of 72×72 for the even faces.
fn folder(count: usize) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let train = root.path().join("train_data");
    for name in ["imgs", "imgs_wide"] {
        std::fs::create_dir_all(train.join(name)).unwrap();
    }
    let mut list = String::new();
    for face in 0..count {
        let picture = |side: u32| image::RgbImage::from_fn(side, side, |x, y| image::Rgb([x as u8, y as u8, 10 * face as u8]));
        picture(40).save(train.join(format!("imgs/{face}.jpg"))).unwrap();
        if face % 2 == 0 {
            picture(72).save(train.join(format!("imgs_wide/{face}.jpg"))).unwrap();
        }
        list += &format!("train_data/imgs/{face}.jpg 0.25 0.5 0.75 0.5 1 2 {face}\n");
    }
    std::fs::write(train.join("list.txt"), list).unwrap();
    std::fs::write(root.path().join("points.toml"), "count = 2\nnme_pair = [0, 1]\nmirror = [1, 0]\n").unwrap();
    root
}

fn open(root: &Path) -> Arc<Dataset> {
    let options = DatasetOptions { side: 40, ..DatasetOptions::default() };
    Arc::new(Dataset::open(root, Split::Train, &options).unwrap())
}

fn all(loader: &Loader, epoch: u64) -> Vec<Batch> {
    loader.epoch(epoch).map(Result::unwrap).collect()
}

/// The batches' faces, and what stands in their places, share after share.
#[test]
fn shares_make_up_the_batch() {
    let root = folder(11);
    let dataset = open(root.path());
    let options = LoaderOptions { drop_last: false, ..LoaderOptions::train(4, 3, Some(Augment::MILD)) };
    let whole = all(&Loader::all(dataset.clone(), options.clone()).unwrap(), 2);
    for of in [2, 3] {
        let share =
            |index| all(&Loader::all(dataset.clone(), LoaderOptions { share: Share { index, of }, ..options.clone() }).unwrap(), 2);
        let shares: Vec<_> = (0..of).map(share).collect();
        // Eleven faces make two batches of four and one of three, each cut down to equal shares.
        for (number, batch) in whole.iter().enumerate() {
            let kept = batch.len() / of * of;
            let joined: Vec<usize> = shares.iter().flat_map(|s| s[number].indices.clone()).collect();
            assert_eq!(joined, batch.indices[..kept]);
            let images: Vec<f32> = shares.iter().flat_map(|s| s[number].images.clone()).collect();
            assert_eq!(images, batch.images[..images.len()]);
        }
    }
    // A last batch of fewer faces than shares is none.
    let nine =
        Loader::new(dataset.clone(), (0..9).collect(), LoaderOptions { share: Share { index: 0, of: 2 }, ..options.clone() });
    assert_eq!(nine.unwrap().batches(), 2);
    assert!(Loader::all(dataset, LoaderOptions { share: Share { index: 0, of: 5 }, ..options }).is_err());
}

#[test]
fn batches_do_not_depend_on_threads_or_on_epochs_before() {
    let root = folder(23);
    let dataset = open(root.path());
    let loader = |threads| {
        let options = LoaderOptions { threads, ahead: threads, ..LoaderOptions::train(4, 9, Some(Augment::MILD)) };
        Loader::all(Arc::clone(&dataset), options).unwrap()
    };
    let (one, many) = (loader(1), loader(5));
    let later = all(&one, 3);
    assert_eq!(later, all(&many, 3));
    assert_eq!(all(&one, 0).len(), 5);
    assert_eq!(later, all(&one, 3));
    assert_ne!(later, all(&one, 4));
}

#[test]
fn an_epoch_shows_every_face_once_and_may_leave_out_the_last_batch() {
    let root = folder(10);
    let dataset = open(root.path());
    let seen = |options: LoaderOptions, indices: Vec<usize>| -> (Vec<usize>, Vec<usize>) {
        let batches = all(&Loader::new(Arc::clone(&dataset), indices, options).unwrap(), 1);
        (batches.iter().map(Batch::len).collect(), batches.iter().flat_map(|batch| batch.indices.clone()).collect())
    };
    assert_eq!(seen(LoaderOptions::eval(4), (0..10).collect()), (vec![4, 4, 2], (0..10).collect()));
    let (sizes, mut faces) = seen(LoaderOptions { drop_last: false, ..LoaderOptions::train(4, 1, None) }, (0..10).collect());
    assert_eq!(sizes, [4, 4, 2]);
    assert_ne!(faces, (0..10).collect::<Vec<_>>());
    faces.sort_unstable();
    assert_eq!(faces, (0..10).collect::<Vec<_>>());
    assert_eq!(seen(LoaderOptions::train(4, 1, None), (0..10).collect()).0, [4, 4]);
    assert_eq!(seen(LoaderOptions::train(4, 1, None), vec![3, 5, 7]).0, [3]);
}

#[test]
fn a_batch_holds_the_faces_it_names() {
    let root = folder(6);
    let dataset = open(root.path());
    let mut batches = Loader::new(Arc::clone(&dataset), vec![5, 2], LoaderOptions::eval(2)).unwrap().epoch(0);
    let batch = batches.next().unwrap().unwrap();
    assert_eq!((batch.images.len(), batch.landmarks.len()), (2 * 3 * 40 * 40, 8));
    assert_eq!(batch.angles, [1.0, 2.0, 5.0, 1.0, 2.0, 2.0]);
    assert_eq!(batch.landmarks[..4], [0.25, 0.5, 0.75, 0.5]);
    // Blue comes first.
    assert!((batch.images[0] - 50.0 / 255.0).abs() < 0.05 && (batch.images[4800] - 20.0 / 255.0).abs() < 0.05);
}

#[test]
fn augmentation_needs_no_wide_picture_and_mirrors_names_and_angles() {
    let root = folder(8);
    let dataset = open(root.path());
    let only = Augment { rotation: 0.0, scale: 0.0, shift: 0.0, mirror: true, contrast: 0.0, brightness: 0.0 };
    let loader = Loader::all(Arc::clone(&dataset), LoaderOptions { augment: Some(only), ..LoaderOptions::eval(8) }).unwrap();
    let (mut plain, mut mirrored) = (0, 0);
    for epoch in 0..4 {
        let batch = &all(&loader, epoch)[0];
        for (angles, image) in batch.angles.chunks(3).zip(batch.images.chunks(4800)) {
            // Red, the last plane, rises with x: along the first row it shows which way the picture lies.
            let rising = image[3239] > image[3200];
            if angles[1] == 2.0 {
                plain += 1;
                assert!(rising);
            } else {
                mirrored += 1;
                assert!(angles[1] == -2.0 && !rising);
            }
        }
        assert!(batch.landmarks.chunks(4).all(|points| points == [0.25, 0.5, 0.75, 0.5]));
    }
    assert!(plain > 4 && mirrored > 4, "{plain} {mirrored}");
}

#[test]
fn other_sizes_are_resized_and_counted() {
    let root = folder(3);
    let options = DatasetOptions { side: 20, ..DatasetOptions::default() };
    let dataset = Arc::new(Dataset::open(root.path(), Split::Train, &options).unwrap());
    for augment in [None, Some(Augment::STRONG)] {
        let loader = Loader::all(Arc::clone(&dataset), LoaderOptions { augment, ..LoaderOptions::eval(3) }).unwrap();
        let batch = &all(&loader, 0)[0];
        assert_eq!(batch.images.len(), 3 * 1200);
        assert!(batch.images.iter().all(|value| (0.0..=1.0).contains(value)));
    }
    assert_eq!(dataset.resized(), 6);
}

#[test]
fn a_jpeg_without_a_picture_ends_the_epoch_with_its_name_and_line() {
    let root = folder(9);
    let path = root.path().join("train_data/imgs/6.jpg");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..200]).unwrap();
    let loader = Loader::all(open(root.path()), LoaderOptions { threads: 3, ..LoaderOptions::eval(2) }).unwrap();
    let results: Vec<_> = loader.epoch(0).collect();
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 3);
    assert_eq!(results.len(), 4);
    let error = results[3].as_ref().unwrap_err();
    assert!(matches!(error, FacesError::Picture { path, .. } if path.ends_with("imgs/6.jpg")), "{error}");
    assert!(error.to_string().contains("list.txt:7"), "{error}");
}

#[test]
fn jpegs_without_their_ends_are_read_and_counted() {
    let root = folder(9);
    let cut = |face: usize, lacking: usize| {
        let path = root.path().join(format!("train_data/imgs/{face}.jpg"));
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - lacking]).unwrap();
    };
    cut(3, 2);
    cut(5, 60);
    let dataset = open(root.path());
    let loader = Loader::all(Arc::clone(&dataset), LoaderOptions::eval(2)).unwrap();
    assert_eq!((dataset.cut_note(), all(&loader, 0).len()), (None, 5));
    let note = dataset.cut_note().unwrap();
    assert!(note.contains("list.txt: 2 ") && note.contains("imgs/3.jpg"), "{note}");
    all(&loader, 1);
    assert_eq!(dataset.cut_note(), None, "they were told of");
}

#[test]
fn attributes_in_a_list_are_told() {
    let root = folder(2);
    let list = root.path().join("train_data/list.txt");
    let text = std::fs::read_to_string(&list).unwrap().replace(" 1 2 ", " 0 1 1 1 2 ");
    std::fs::write(&list, text).unwrap();
    let dataset = open(root.path());
    assert_eq!((dataset.scheme().count, dataset.faces()[1].angles), (2, [1.0, 2.0, 1.0]));
    let note = &dataset.notes()[0];
    assert!(["list.txt", " 3 ", " 2 "].iter().all(|part| note.contains(part)), "{note}");
}

#[test]
fn leaving_an_epoch_early_ends_its_threads() {
    let root = folder(20);
    let loader = Loader::all(open(root.path()), LoaderOptions { threads: 4, ..LoaderOptions::train(1, 1, None) }).unwrap();
    for epoch in 0..20 {
        let mut batches = loader.epoch(epoch);
        batches.next().unwrap().unwrap();
    }
}

#[test]
fn wrong_settings_are_refused() {
    let root = folder(3);
    let dataset = open(root.path());
    let refused =
        |indices: Vec<usize>, options: LoaderOptions| match Loader::new(Arc::clone(&dataset), indices, options).err().unwrap() {
            FacesError::Usage(said) => said,
            other => panic!("{other}"),
        };
    refused(vec![], LoaderOptions::eval(1));
    assert!(refused(vec![3], LoaderOptions::eval(1)).contains("3 of 3"));
    refused(vec![0], LoaderOptions::eval(0));
    let wild = Augment { rotation: -1.0, ..Augment::MILD };
    assert!(refused(vec![0], LoaderOptions::train(1, 1, Some(wild))).contains("rotation"));
    assert!(dataset.split(0.0, 1).is_err() && dataset.split(0.1, 1).is_err() && dataset.split(0.4, 1).is_ok());
}
