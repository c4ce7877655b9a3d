//! The band of temperatures across passes.

use super::CollectError;
use super::made_up::{RAW, Weather, measured};
use crate::measure::raw::{Samples, partial, read};
use crate::protocol::Job;

/// The first temperature that each process was given.
fn starts(jobs: &[Job]) -> Vec<Option<f64>> {
    jobs.iter().map(|job| job.hold.start_celsius).collect()
}

#[test]
fn all_passes_keep_the_band_of_the_first_reading() {
    let folder = tempfile::tempdir().unwrap();
    // 40 °C is read once; when the first good sample is taken the device has 42.5 °C, around which 44 °C would be allowed.
    let first = Weather { begins: Some(40.0), samples: Some(42.5), is_disturbed: true, ..Weather::default() };
    let later = Weather { begins: Some(44.0), samples: Some(44.0), ..Weather::default() };
    let (given, done) = measured(folder.path(), &[first, later, later], Samples::default());
    let samples = done.unwrap();
    assert_eq!(starts(&given), [None, Some(40.0), Some(40.0)]);
    assert!(samples.celsius.iter().all(|celsius| (37.0..=43.0).contains(celsius)), "{:?}", samples.celsius);
    // It stands in the finished file, from which the table is fitted again.
    assert_eq!((samples.start_celsius(), read(&folder.path().join(RAW)).unwrap().1.start_celsius()), (Some(40.0), Some(40.0)));
}

#[test]
fn a_sensor_that_answers_later_gives_the_first_reading_then() {
    let folder = tempfile::tempdir().unwrap();
    let of = |celsius| Weather { begins: celsius, samples: celsius, ..Weather::default() };
    let (given, done) = measured(folder.path(), &[of(None), of(Some(41.0)), of(Some(45.0))], Samples::default());
    assert_eq!((starts(&given), done.unwrap().start_celsius()), (vec![None, None, Some(41.0)], Some(41.0)));
}

#[test]
fn what_is_resumed_keeps_the_band_though_the_first_process_took_no_good_sample() {
    let folder = tempfile::tempdir().unwrap();
    let dies = Weather { begins: Some(40.0), samples: Some(42.5), is_disturbed: true, dies: true, ..Weather::default() };
    let (given, done) = measured(folder.path(), &[dies], Samples::default());
    assert!(matches!(done, Err(CollectError::Agent { .. })) && starts(&given) == [None]);
    let (_, earlier) = read(&partial(&folder.path().join(RAW))).unwrap();
    assert!(earlier.celsius.is_empty());
    let later = Weather { begins: Some(44.0), samples: Some(44.0), ..Weather::default() };
    let (given, done) = measured(folder.path(), &[later; 3], earlier);
    assert_eq!(starts(&given), [Some(40.0); 3]);
    assert!(done.unwrap().celsius.iter().all(|celsius| *celsius <= 43.0));
}
