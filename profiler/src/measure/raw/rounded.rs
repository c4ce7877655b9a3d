//! How much of a sample is kept: enough for every figure that is made of it, and short in a file.
//!
//! Samples are rounded as they are taken in, so that a fit is the same from a device, from an unfinished file, and from a
//! finished one. To round twice changes nothing.

use std::ops::RangeInclusive;

use crate::protocol::Sample;

/// Times that can be one, in µs: from a millionth to 12 days. Others are a fault of the device. Both ends stay what they are when
/// they are rounded.
pub const TIMES: RangeInclusive<f64> = 1.0 / 1_048_576.0..=1_099_511_627_776.0;
/// Longest session, in ms: more than a year.
pub const LONGEST_MS: f64 = 1e11;

/// Clocks and temperatures beyond these are not believed.
const MHZ: RangeInclusive<f64> = 1.0..=1e6;
const CELSIUS: RangeInclusive<f64> = -99.0..=999.0;
const CPUS: usize = 1 << 16;
/// Steps of a spread, and of a degree.
pub const SPREADS: f64 = 1e3;
/// The same for temperatures.
pub const DEGREES: f64 = 10.0;
/// The same for the one around which the band lies: sensors show no more.
const FIRST_DEGREES: f64 = 1000.0;

/// A time's 16 leading bits, which differ from it by 0.0015 % at most: the three upper bytes of an IEEE 754 single.
pub fn time_code(us: f64) -> u32 {
    let bits = (us.clamp(0.0, *TIMES.end()) as f32).to_bits();
    // To the nearest; of two that are as near, to the even one.
    (bits + 0x7f + ((bits >> 8) & 1)) >> 8
}

/// The time that has this code.
pub fn coded_time(code: u32) -> f64 {
    f64::from(f32::from_bits(code << 8))
}

/// A time as it is kept, in µs.
pub fn time(us: f64) -> f64 {
    coded_time(time_code(us))
}

/// The first temperature of a measurement as it is kept, in °C; absent where it is not believed.
pub fn first_temperature(celsius: f64) -> Option<f64> {
    CELSIUS.contains(&celsius).then(|| (celsius * FIRST_DEGREES).round() / FIRST_DEGREES)
}

/// What stands in a file as a decimal number (times of runs with cold caches, errors of outputs) as it is kept: five digits.
pub fn digits(value: f64) -> f64 {
    // What was just printed can be read.
    format!("{value:.4e}").parse().unwrap_or(value)
}

/// A sample as it is kept: times to 16 bits, when it was to 1 ms, its spread to 0.001, clocks to 1 MHz, temperatures to 0.1 °C.
/// Of one that is left out, spread, clock and temperature are not kept.
pub fn sample(sample: &Sample) -> Sample {
    let good = sample.fault.is_none();
    let within = |value: Option<f64>, range: RangeInclusive<f64>| value.filter(|v| good && range.contains(v));
    Sample {
        id: sample.id.clone(),
        at_ms: sample.at_ms.round(),
        us: time(sample.us),
        spread: if good { (sample.spread * SPREADS).round().clamp(0.0, 1e9) / SPREADS } else { 0.0 },
        before_us: time(sample.before_us),
        after_us: time(sample.after_us),
        cpu: sample.cpu.filter(|cpu| *cpu < CPUS),
        mhz: within(sample.mhz, MHZ).map(f64::round),
        celsius: within(sample.celsius, CELSIUS).map(|celsius| (celsius * DEGREES).round() / DEGREES),
        fault: sample.fault,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::SampleFault;
    use crate::random::Random;

    #[test]
    fn times_differ_by_next_to_nothing_and_rounding_twice_changes_nothing() {
        let mut random = Random::new(3);
        for _ in 0..10_000 {
            let us = 10f64.powf(17.9 * random.unit() - 5.95);
            let kept = time(us);
            assert!((kept / us - 1.0).abs() <= 1.6e-5, "{us} {kept}");
            assert_eq!(time(kept), kept);
        }
        // Nonsense stays a number.
        assert_eq!([-1.0, 0.0].map(time), [0.0; 2]);
        assert!([1e300, f64::MAX, f64::INFINITY].map(time).iter().all(|us| TIMES.contains(us)));
    }

    #[test]
    fn a_sample_rounded_twice_is_the_same() {
        let mut random = Random::new(4);
        for i in 0..10_000 {
            let mut any = |scale: f64| scale * random.unit();
            let fault = (i % 4 == 0).then_some(SampleFault::Canary);
            let taken = Sample {
                id: "a".to_string(),
                at_ms: any(1e5),
                us: any(1e3),
                spread: any(3.0),
                before_us: any(5.0),
                after_us: any(5.0),
                cpu: Some(i),
                mhz: Some(1.0 + any(4e3)),
                celsius: Some(any(90.0) - 20.0),
                fault,
            };
            let kept = sample(&taken);
            assert_eq!(sample(&kept), kept);
            if fault.is_none() {
                assert!((kept.mhz.unwrap() - taken.mhz.unwrap()).abs() <= 0.5 && (kept.spread - taken.spread).abs() <= 0.0005001);
                assert!((kept.celsius.unwrap() - taken.celsius.unwrap()).abs() <= 0.0501);
            }
        }
    }
}
