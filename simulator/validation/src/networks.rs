//! Whole networks: what others published, and what was simulated.

use crate::problem::Problem;

/// Published milliseconds, all of one thread and single precision on a QRB2210 at 2.0 GHz: ncnn, benchmark/README.md, "Arduino UNO Q", the
/// least of its runs.
const PUBLISHED: [(&str, f64); 3] = [("squeezenet", 94.15), ("mobilenet", 146.45), ("blazeface", 13.90)];

/// Published milliseconds of Paddle-Lite, one thread, single precision, on a Snapdragon 625 (Redmi 6 Pro); quoted, not compared: engines
/// differ.
pub const PADDLE_LITE: [(&str, f64); 4] =
    [("MobileNetV1", 143.6), ("MobileNetV2", 106.2), ("MobileNetV3-large", 96.1), ("MobileNetV3-small", 39.1)];

/// A network.
#[derive(Clone, Debug)]
pub struct Network {
    /// Its name.
    pub name: String,
    /// Milliseconds, where they are published and known here.
    pub published: Option<f64>,
    /// Milliseconds.
    pub simulated: f64,
}

impl Network {
    /// Reads lines `network milliseconds`, with or without `ms` behind.
    pub fn read(text: &str) -> Result<Vec<Self>, Problem> {
        text.lines()
            .map(|line| {
                let mut words = line.split_whitespace();
                let name = words.next().unwrap_or_default().to_owned();
                let simulated = words.next().and_then(|word| word.parse().ok()).ok_or_else(|| format!("'{line}' is no time"))?;
                let published = PUBLISHED.iter().find(|(known, _)| *known == name).map(|(_, time)| *time);
                Ok(Self { name, published, simulated })
            })
            .collect()
    }

    /// How much of the published time the simulated one has too much.
    pub fn error(&self) -> Option<f64> {
        self.published.map(|published| self.simulated / published - 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_compared_where_its_time_is_known() {
        let networks = Network::read("squeezenet 98.0 ms\nother 3.5\n").unwrap();
        assert!((networks[0].error().unwrap() - (98.0 / 94.15 - 1.0)).abs() < 1e-12);
        assert_eq!(networks[1].error(), None);
        assert!(Network::read("squeezenet").is_err());
    }
}
