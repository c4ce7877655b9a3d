//! Round numbers along an axis.

/// A range of values whose ends and ticks are round numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// The values marked, rising; the first and last are the axis's ends.
    pub ticks: Vec<f64>,
    decimals: usize,
    logarithmic: bool,
}

impl Axis {
    /// An axis that holds all values, with about `count` steps. Values that are no numbers are passed over.
    pub fn over(values: impl IntoIterator<Item = f64>, count: usize) -> Self {
        let finite = values.into_iter().filter(|v| v.is_finite());
        let (mut low, mut high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        if high - low <= 1e-9 * high.abs() {
            let room = if low == 0.0 { 1.0 } else { 0.1 * low.abs() };
            (low, high) = (low - room, high + room);
        }
        let rough = (high - low) / count.max(1) as f64;
        let power = rough.log10().floor();
        let unit = 10f64.powf(power);
        let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * unit).into_iter().find(|s| *s >= 0.999 * rough).unwrap_or(10.0 * unit);
        // A hair inwards, so that 0.30000000000000004 does not make one more step.
        let (first, last) = ((low / step + 1e-9).floor() as i64, (high / step - 1e-9).ceil() as i64);
        let decimals = (-step.log10().floor()).max(0.0) as usize;
        Self { ticks: (first..=last.max(first + 1)).map(|i| i as f64 * step).collect(), decimals, logarithmic: false }
    }

    /// A logarithmic axis of whole decades that holds all values. Values that are not above 0 are passed over.
    pub fn decades(values: impl IntoIterator<Item = f64>) -> Self {
        let logarithms = values.into_iter().filter(|v| *v > 0.0 && v.is_finite()).map(f64::log10);
        let (low, high) = logarithms.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        let (low, high) = if low > high { (0.0, 1.0) } else { (low.floor(), high.ceil().max(low.floor() + 1.0)) };
        Self { ticks: (low as i32..=high as i32).map(|power| 10f64.powi(power)).collect(), decimals: 0, logarithmic: true }
    }

    /// The share of the way from the axis's start to its end at which a value lies.
    pub fn share(&self, value: f64) -> f64 {
        let scale = |value: f64| if self.logarithmic { value.log10() } else { value };
        (scale(value) - scale(self.low())) / (scale(self.high()) - scale(self.low()))
    }

    /// Its start.
    pub fn low(&self) -> f64 {
        self.ticks[0]
    }

    /// Its end.
    pub fn high(&self) -> f64 {
        self.ticks[self.ticks.len() - 1]
    }

    /// A tick's value in as many digits as tell the ticks apart.
    pub fn label(&self, value: f64) -> String {
        let decimals = if self.logarithmic { (-value.log10().round()).max(0.0) as usize } else { self.decimals };
        format!("{value:.decimals$}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_hold_all_values() {
        assert_eq!(Axis::over([0.0, 10.0], 5).ticks, [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        let axis = Axis::over([141.2, 196.7], 5);
        assert_eq!(axis.ticks, [140.0, 160.0, 180.0, 200.0]);
        assert_eq!((axis.share(140.0), axis.share(170.0), axis.share(200.0)), (0.0, 0.5, 1.0));
        let fine = Axis::over([0.1, 0.3], 4);
        assert_eq!(fine.ticks.iter().map(|t| fine.label(*t)).collect::<Vec<_>>(), ["0.10", "0.15", "0.20", "0.25", "0.30"]);
    }

    #[test]
    fn decades_hold_all_values() {
        let axis = Axis::decades([0.03, 20.0]);
        assert_eq!(axis.ticks.len(), 5);
        assert!((axis.low() - 0.01).abs() < 1e-12 && (axis.high() - 100.0).abs() < 1e-9);
        assert!((axis.share(1.0) - 0.5).abs() < 1e-12);
        assert_eq!(axis.ticks.iter().map(|t| axis.label(*t)).collect::<Vec<_>>(), ["0.01", "0.1", "1", "10", "100"]);
        assert_eq!(Axis::decades([0.0, f64::NAN]).ticks, [1.0, 10.0]);
        assert_eq!(Axis::decades([1.0]).ticks, [1.0, 10.0]);
    }

    #[test]
    fn odd_values_make_an_axis_too() {
        for values in [vec![], vec![0.0], vec![7.0, 7.0], vec![f64::NAN, 3.0], vec![1e9, 1e9 + 1.0]] {
            let axis = Axis::over(values.clone(), 4);
            assert!(axis.high() > axis.low() && axis.ticks.len() < 20, "{axis:?}");
            let held = values.iter().filter(|v| v.is_finite()).all(|&v| (0.0..=1.0).contains(&axis.share(v)));
            assert!(held, "{values:?}: {axis:?}");
        }
    }
}
