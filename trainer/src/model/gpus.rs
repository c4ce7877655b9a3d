//! Numbers of GPUs.

use std::fmt;
use std::str::FromStr;

/// Numbers of GPUs, from 0 to 63, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gpus(u64);

impl Gpus {
    /// The GPU of that number.
    ///
    /// # Panics
    /// Beyond 63.
    pub fn one(number: usize) -> Self {
        assert!(number < 64, "GPU {number}");
        Self(1 << number)
    }

    /// Their numbers, ascending.
    pub fn numbers(self) -> Vec<usize> {
        (0..64).filter(|number| self.0 >> number & 1 == 1).collect()
    }

    /// How many.
    pub fn count(self) -> usize {
        self.0.count_ones() as usize
    }
}

impl fmt::Display for Gpus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<_> = self.numbers().iter().map(usize::to_string).collect();
        f.write_str(&numbers.join(","))
    }
}

impl FromStr for Gpus {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut gpus = Self(0);
        for number in text.split(',') {
            let number: usize = number.parse().ok().filter(|number| *number < 64).ok_or("GPUs are numbers from 0 to 63")?;
            if gpus.0 >> number & 1 == 1 {
                return Err(format!("GPU {number} is named twice"));
            }
            gpus.0 |= 1 << number;
        }
        Ok(gpus)
    }
}
