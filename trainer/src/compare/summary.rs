//! A searched network and the baseline, over several seeds.

use serde::Serialize;

use super::findings::Findings;
use super::statistics::{Comparison, FrontPoint, Spread};

/// What the reference publishes for searched / baseline: of the file's size, the latency, and NME.
pub const PUBLISHED: [f64; 3] = [0.69, 0.16, 0.90];

/// A trained and exported network.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// Size of its ONNX file, bytes.
    pub bytes: u64,
    /// Its predicted cost by each table; none for the baseline, which is not of the space.
    pub predicted: Vec<f64>,
    /// Its measured time, µs, by each measurement.
    pub measured_us: Vec<f64>,
    /// Its error, per cent.
    pub nme: f64,
    /// Seconds of all of its training: for the searched network, search, choice and finetune.
    pub training_s: f64,
}

/// The networks of one seed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SeedResult {
    /// The seed.
    pub seed: u64,
    /// The searched network's primitives, a name a layer.
    pub choice: Vec<String>,
    /// The searched network.
    pub searched: Figures,
    /// The published baseline.
    pub baseline: Figures,
    /// The searched network among random ones, if those are trained.
    pub random: Option<Comparison>,
    /// The networks of its sweep among random ones of theirs, if those are trained.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub front: Vec<FrontPoint>,
}

/// The result of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Unit of predicted costs.
    pub unit: String,
    /// What predicts: a device a table.
    pub tables: Vec<String>,
    /// What measured: a device and engine each.
    pub devices: Vec<String>,
    /// On which examples errors were taken: `test`, or `held back`.
    pub on: String,
    /// A seed each, at least one.
    pub seeds: Vec<SeedResult>,
    /// What they say together.
    pub found: Findings,
}

impl Summary {
    /// Adds a seed.
    pub fn add(&mut self, seed: SeedResult) {
        self.seeds.push(seed);
        let runs: Vec<&Comparison> = self.seeds.iter().filter_map(|seed| seed.random.as_ref()).collect();
        let fronts: Vec<&[FrontPoint]> = self.seeds.iter().map(|seed| seed.front.as_slice()).collect();
        self.found = Findings::of(&runs, &fronts);
    }

    /// A figure of the searched networks.
    pub fn searched(&self, figure: impl Fn(&Figures) -> f64) -> Spread {
        Spread::of(self.seeds.iter().map(|seed| figure(&seed.searched)))
    }

    /// A figure of the baselines.
    pub fn baseline(&self, figure: impl Fn(&Figures) -> f64) -> Spread {
        Spread::of(self.seeds.iter().map(|seed| figure(&seed.baseline)))
    }

    /// Searched / baseline, seed by seed.
    pub fn ratio(&self, figure: impl Fn(&Figures) -> f64) -> Spread {
        Spread::of(self.seeds.iter().map(|seed| figure(&seed.searched) / figure(&seed.baseline)))
    }

    /// The searched network's error less that of a random one of its time, percentage points; none if no seed tells.
    pub fn less_random(&self) -> Option<Spread> {
        let adjusted = |seed: &SeedResult| Some(seed.random.as_ref()?.adjusted.as_ref()?.difference.value);
        let values: Vec<f64> = self.seeds.iter().filter_map(adjusted).collect();
        (!values.is_empty()).then(|| Spread::of(values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(bytes: u64, measured: f64, nme: f64) -> Figures {
        Figures { bytes, predicted: Vec::new(), measured_us: vec![measured], nme, training_s: 60.0 }
    }

    #[test]
    fn ratios_are_taken_seed_by_seed() {
        let seed =
            |seed, searched, baseline| SeedResult { seed, choice: Vec::new(), searched, baseline, random: None, front: Vec::new() };
        let seeds = vec![
            seed(0, figures(600, 100.0, 2.0), figures(1000, 1000.0, 2.5)),
            seed(1, figures(700, 300.0, 3.0), figures(1000, 1000.0, 2.5)),
        ];
        let summary = Summary {
            unit: "µs".into(),
            tables: Vec::new(),
            devices: vec!["local".into()],
            on: "test".into(),
            seeds,
            found: Findings::default(),
        };
        let size = summary.ratio(|f| f.bytes as f64);
        assert!((size.mean - 0.65).abs() < 1e-12 && (size.sd.unwrap() - 0.005f64.sqrt()).abs() < 1e-12);
        let time = summary.ratio(|f| f.measured_us[0]);
        assert!((time.mean - 0.2).abs() < 1e-12 && (time.sd.unwrap() - 0.02f64.sqrt()).abs() < 1e-12);
        assert_eq!(summary.searched(|f| f.nme), Spread { mean: 2.5, sd: Some(0.5f64.sqrt()) });
        assert_eq!(summary.baseline(|f| f.nme), Spread { mean: 2.5, sd: Some(0.0) });
        assert_eq!(Spread::of([4.0]), Spread { mean: 4.0, sd: None });
        assert_eq!(summary.less_random(), None);
    }
}
