//! Quantities on the command line: `1%`, `90s`, `0-3,5`.

use std::str::FromStr;
use std::time::Duration;

/// A share: `1%` or `0.01`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share(pub f64);

impl FromStr for Share {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let (number, unit) = match s.strip_suffix('%') {
            Some(number) => (number, 0.01),
            None => (s, 1.0),
        };
        match number.trim().parse::<f64>().map(|n| n * unit) {
            Ok(share) if share > 0.0 && share < 1.0 => Ok(Self(share)),
            _ => Err(format!("'{s}' is not a share between 0 and 1, such as 1% or 0.01")),
        }
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}%", self.0 * 100.0)
    }
}

/// A length of time: `90s`, `500ms`, `250us`, `2min`; a bare number is seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Time(pub Duration);

impl FromStr for Time {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let units = [("ms", 1e-3), ("us", 1e-6), ("µs", 1e-6), ("min", 60.0), ("s", 1.0), ("", 1.0)];
        let fail = || format!("'{s}' is not a length of time above 0 and up to a day, such as 90s, 500ms or 2min");
        let (number, unit) = units.iter().find_map(|(u, f)| s.strip_suffix(u).map(|n| (n, f))).ok_or_else(fail)?;
        match number.trim().parse::<f64>().map(|n| n * unit) {
            Ok(seconds) if seconds > 0.0 && seconds <= 86_400.0 => Ok(Self(Duration::from_secs_f64(seconds))),
            _ => Err(fail()),
        }
    }
}

/// A bound of time, or `auto`: as long as it takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Budget {
    /// By what the models take on the device.
    Auto,
    /// So long.
    Within(Time),
}

impl Budget {
    /// In ms, where it is a bound.
    pub fn ms(self) -> Option<u64> {
        match self {
            Self::Auto => None,
            Self::Within(time) => Some((time.0.as_millis() as u64).max(1)),
        }
    }
}

impl FromStr for Budget {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        if s == "auto" { Ok(Self::Auto) } else { s.parse().map(Self::Within).map_err(|e| format!("{e}, nor auto")) }
    }
}

/// How many, or `auto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// By what they take on the device.
    Auto,
    /// So many.
    Exactly(usize),
}

impl FromStr for Count {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let number = || s.parse().map(Self::Exactly).map_err(|_| format!("'{s}' is not a number, nor auto"));
        if s == "auto" { Ok(Self::Auto) } else { number() }
    }
}

/// A list of CPUs: `0-3,5`.
#[derive(Clone, Debug, PartialEq)]
pub struct Cpus(pub Vec<usize>);

impl FromStr for Cpus {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        numbers(s).map(Self).ok_or_else(|| format!("'{s}' is not a list of CPUs, such as 0-3,5"))
    }
}

/// A list of layers, from 1: `5-8,13-20`.
#[derive(Clone, Debug, PartialEq)]
pub struct Layers(pub Vec<usize>);

impl FromStr for Layers {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let layers = numbers(s).filter(|layers| !layers.contains(&0));
        layers.map(Self).ok_or_else(|| format!("'{s}' is not a list of layers from 1, such as 5-8,13-20"))
    }
}

/// Numbers below 1024, rising, each once; `None` where there are none, or something else.
fn numbers(s: &str) -> Option<Vec<usize>> {
    let number = |t: &str| t.trim().parse::<usize>().ok().filter(|&n| n < 1024);
    let mut numbers = Vec::new();
    for part in s.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        numbers.extend(number(first)?..=number(last)?);
    }
    numbers.sort_unstable();
    numbers.dedup();
    (!numbers.is_empty()).then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_times_and_cpus() {
        assert_eq!("1%".parse(), Ok(Share(0.01)));
        assert_eq!("0.02".parse(), Ok(Share(0.02)));
        assert!(["0", "100%", "-1%", "x", "", "%", "nan"].iter().all(|s| s.parse::<Share>().is_err()));
        assert_eq!("90s".parse(), Ok(Time(Duration::from_secs(90))));
        assert_eq!("2min".parse(), Ok(Time(Duration::from_secs(120))));
        assert_eq!("0.5ms".parse(), Ok(Time(Duration::from_micros(500))));
        assert_eq!("7".parse(), Ok(Time(Duration::from_secs(7))));
        assert!(["", "s", "-1s", "0", "inf", "1e9s", "1h"].iter().all(|s| s.parse::<Time>().is_err()));
        assert_eq!(["auto", "2s"].map(|s| s.parse::<Budget>().map(Budget::ms)), [Ok(None), Ok(Some(2000))]);
        assert_eq!(["auto", "40"].map(str::parse), [Ok(Count::Auto), Ok(Count::Exactly(40))]);
        assert!("never".parse::<Budget>().is_err() && "-1".parse::<Count>().is_err());
        assert_eq!("0-2,5,1".parse(), Ok(Cpus(vec![0, 1, 2, 5])));
        assert!(["", "a", "3-1", "1-", "99999"].iter().all(|s| s.parse::<Cpus>().is_err()));
        assert_eq!("5-8,2".parse(), Ok(Layers(vec![2, 5, 6, 7, 8])));
        assert!("0-3".parse::<Layers>().is_err());
    }
}
