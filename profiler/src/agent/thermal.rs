//! Temperature: held near the first reading of the whole measurement, where it can be read.
//!
//! A warm chip leaks more and is throttled sooner; one that cooled down while it waited runs faster than in use. So nothing is
//! sampled outside of the band: too warm, the device rests; too cold, it computes.

use std::fs;
use std::path::PathBuf;

use super::clock;
use crate::hardware::{Sensor, celsius};
use crate::protocol::Hold;

/// Time between two readings, in ms: a reading takes up to a millisecond on some phones, and silicon needs longer to change.
const INTERVAL_MS: f64 = 100.0;
/// How far inside the band the device must be before sampling continues, in °C: otherwise it would stop again at once.
const MARGIN: f64 = 1.0;

/// What is to be done before the next sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fitness {
    /// Nothing.
    Fit,
    /// Rest: it is this warm, in °C.
    TooWarm(f64),
    /// Compute: it is this cold, in °C.
    TooCold(f64),
}

/// Watches the processors' sensors.
pub struct Thermometer {
    files: Vec<PathBuf>,
    band: Option<f64>,
    start: Option<f64>,
    /// The first reading of the measurement, if it is this process's, until it is told.
    untold: Option<f64>,
    last: Option<f64>,
    read_at_ms: f64,
    outside: bool,
}

impl Thermometer {
    /// For these sensors; the warmest of the processors' counts. It only reads where nothing is to be held.
    pub fn new(sensors: &[Sensor], hold: &Hold) -> Self {
        Self::of_files(sensors.iter().filter(|sensor| sensor.is_of_processors()).map(|sensor| sensor.path().into()).collect(), hold)
    }

    /// For sensors that are read from these files.
    pub(crate) fn of_files(files: Vec<PathBuf>, hold: &Hold) -> Self {
        let (band, start) = (hold.celsius, hold.start_celsius);
        Self { files, band, start, untold: None, last: None, read_at_ms: f64::NEG_INFINITY, outside: false }
    }

    /// The first reading of the measurement, in °C, once; none where an earlier process made it.
    pub fn take_first(&mut self) -> Option<f64> {
        self.untold.take()
    }

    /// The last reading, in °C.
    pub fn celsius(&self) -> Option<f64> {
        self.last
    }

    /// Reads, if the last reading is old, and says what is to be done.
    pub fn look(&mut self) -> Fitness {
        let now = clock::now_us() * 1e-3;
        if now - self.read_at_ms < INTERVAL_MS && !self.outside {
            return Fitness::Fit;
        }
        self.read_at_ms = now;
        let read = |file: &PathBuf| celsius(&fs::read_to_string(file).ok()?);
        let warmest = self.files.iter().filter_map(read).reduce(f64::max);
        self.judge(warmest)
    }

    /// Whether the last reading was outside of the band.
    pub fn is_outside(&self) -> bool {
        self.outside
    }

    fn judge(&mut self, reading: Option<f64>) -> Fitness {
        self.last = reading;
        if self.start.is_none() {
            (self.start, self.untold) = (reading, reading);
        }
        let (Some(now), Some(start), Some(band)) = (reading, self.start, self.band) else {
            self.outside = false;
            return Fitness::Fit;
        };
        let allowed = if self.outside { (band - MARGIN).max(0.0) } else { band };
        self.outside = (now - start).abs() > allowed;
        match self.outside {
            false => Fitness::Fit,
            true if now > start => Fitness::TooWarm(now),
            true => Fitness::TooCold(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hold(start_celsius: Option<f64>) -> Hold {
        Hold { celsius: Some(3.0), start_celsius, governor: false }
    }

    #[test]
    fn the_band_is_that_of_the_first_pass() {
        let mut thermometer = Thermometer::new(&[], &hold(Some(35.0)));
        // By itself, this pass would take 40 °C for its start.
        assert_eq!(thermometer.judge(Some(40.0)), Fitness::TooWarm(40.0));
        assert_eq!(thermometer.judge(Some(36.0)), Fitness::Fit);
        assert_eq!(thermometer.take_first(), None);
    }

    #[test]
    fn the_first_reading_is_told_once() {
        for band in [Some(3.0), None] {
            let mut thermometer = Thermometer::new(&[], &Hold { celsius: band, ..hold(None) });
            thermometer.judge(None);
            assert_eq!(thermometer.take_first(), None);
            thermometer.judge(Some(40.0));
            thermometer.judge(Some(41.0));
            assert_eq!([thermometer.take_first(), thermometer.take_first()], [Some(40.0), None]);
        }
    }

    #[test]
    fn the_band_holds_both_ways_and_is_left_by_a_margin_only() {
        let mut thermometer = Thermometer::new(&[], &hold(None));
        let mut judge = |c: f64| thermometer.judge(Some(c));
        assert_eq!(judge(40.0), Fitness::Fit);
        assert_eq!(judge(43.0), Fitness::Fit);
        assert_eq!(judge(43.5), Fitness::TooWarm(43.5));
        assert_eq!(judge(42.5), Fitness::TooWarm(42.5));
        assert_eq!(judge(42.0), Fitness::Fit);
        assert_eq!(judge(42.5), Fitness::Fit);
        assert_eq!(judge(36.0), Fitness::TooCold(36.0));
        assert_eq!(judge(39.0), Fitness::Fit);
    }

    #[test]
    fn a_device_without_sensors_is_always_fit() {
        let battery = Sensor { zone: 0, kind: "battery".to_string(), celsius: 30.0 };
        let mut thermometer = Thermometer::new(&[battery], &hold(None));
        assert_eq!((thermometer.look(), thermometer.celsius()), (Fitness::Fit, None));
        // A sensor that stops to answer is no reason to wait for ever.
        thermometer.judge(Some(40.0));
        thermometer.judge(Some(50.0));
        assert!(thermometer.is_outside());
        assert_eq!(thermometer.judge(None), Fitness::Fit);
    }
}
