//! What a check found: the networks one by one, and their sums.

use luts::{Checked, Prediction, kendall_tau};
use serde::Serialize;

use super::conditions::Conditions;
use super::error::CheckError;
use super::shared::{self, Suspects};
use crate::show::text;
use crate::stats::{Median, median};

/// Errors up to this are good ones.
pub const WITHIN: f64 = 0.05;
/// Networks named as the worst.
const WORST: usize = 5;

/// One network.
#[derive(Clone, Debug, Serialize)]
pub struct Net {
    /// Its primitives.
    pub architecture: String,
    /// By the table.
    pub predicted_us: f64,
    /// 95 % interval of the prediction, where the table gives one.
    pub predicted_ci95_us: Option<[f64; 2]>,
    /// By the device, relative to the table's canary.
    pub measured_us: f64,
    /// 95 % interval of the measured figure.
    pub measured_ci95_us: [f64; 2],
    /// (predicted − measured) / measured.
    pub error: f64,
    /// Standard error of the measured figure, relative.
    pub noise: f64,
    /// Whether the predicted interval holds the measured figure, the figure's own uncertainty allowed for.
    pub covered: bool,
}

impl Net {
    /// A network's prediction beside its figure, from which the device's state is taken out.
    pub(super) fn new(architecture: String, prediction: &Prediction, measured: Median, conditions: Option<&Conditions>) -> Self {
        let predicted_us = prediction.total.0;
        let interval = prediction.interval.map(|i| [i.low.0, i.high.0]);
        let noise = measured.standard_error() / measured.value;
        // What separates the two is the prediction's error, the figure's, the state's, and what the sessions differ by.
        let covered = interval.is_some_and(|[low, high]| {
            let off = measured.value - predicted_us;
            let reach = if off > 0.0 { high - predicted_us } else { predicted_us - low };
            let allowed = conditions.map_or(reach, |conditions| {
                let own = 1.96 * noise.hypot(conditions.state_error).hypot(conditions.between_sessions()) * measured.value;
                reach.hypot(own)
            });
            off.abs() <= allowed
        });
        Self {
            architecture,
            predicted_us,
            predicted_ci95_us: interval,
            measured_us: measured.value,
            measured_ci95_us: measured.interval(),
            error: predicted_us / measured.value - 1.0,
            noise,
            covered,
        }
    }
}

/// What was found; errors are shares.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Mean absolute error.
    pub mape: f64,
    /// Mean signed error.
    pub bias: f64,
    /// Share of networks within 5 %.
    pub within_5: f64,
    /// Share of networks within 10 %.
    pub within_10: f64,
    /// Largest absolute error.
    pub largest: f64,
    /// Agreement of the orders.
    pub kendall_tau: f64,
    /// Share of networks whose figure lies in the predicted 95 % interval.
    pub covered: f64,
    /// Median over the networks of the relative standard error of the measured figure.
    pub noise: f64,
    /// Mean signed error of the predictions against the figures as they were measured, with the device's state in them.
    pub bias_with_state: f64,
    /// The conditions: the device's state, which the networks' measured figures are without, and what may disturb. Absent of a simulated
    /// device, which has no state.
    #[serde(flatten)]
    pub conditions: Option<Conditions>,
    /// Why there is no verdict; empty where there is one.
    pub disturbances: Vec<String>,
    /// The networks with the largest errors, the largest first.
    pub worst: Vec<Net>,
    /// The candidates that they share.
    pub suspects: Suspects,
    /// The networks.
    pub nets: Vec<Net>,
}

/// How many times as long as at the build everything takes.
pub(super) fn slowdown(conditions: Option<&Conditions>) -> f64 {
    1.0 + conditions.and_then(|conditions| conditions.state).unwrap_or_default()
}

impl Report {
    /// Sums the networks up; `conditions` are those of a device with noise.
    pub fn of(nets: Vec<Net>, conditions: Option<Conditions>) -> Self {
        let slowdown = slowdown(conditions.as_ref());
        let share = |test: &dyn Fn(&Net) -> bool| nets.iter().filter(|n| test(n)).count() as f64 / nets.len() as f64;
        let mean = |value: &dyn Fn(&Net) -> f64| nets.iter().map(value).sum::<f64>() / nets.len() as f64;
        let mut order: Vec<usize> = (0..nets.len()).collect();
        order.sort_by(|&a, &b| nets[b].error.abs().total_cmp(&nets[a].error.abs()));
        order.truncate(WORST);
        let pairs: Vec<_> = nets.iter().map(|n| (n.predicted_us, n.measured_us)).collect();
        let errors: Vec<_> = nets.iter().map(|n| (n.architecture.split(' ').collect(), n.error)).collect();
        Self {
            worst: order.iter().map(|&i| nets[i].clone()).collect(),
            suspects: shared::find(&errors, &order),
            mape: mean(&|n| n.error.abs()),
            bias: mean(&|n| n.error),
            within_5: share(&|n| n.error.abs() <= WITHIN),
            within_10: share(&|n| n.error.abs() <= 0.1),
            largest: nets.iter().map(|n| n.error.abs()).fold(0.0, f64::max),
            kendall_tau: kendall_tau(&pairs),
            covered: share(&|n| n.covered),
            noise: median(nets.iter().map(|n| n.noise)).unwrap_or_default(),
            bias_with_state: mean(&|n| (1.0 + n.error) / slowdown - 1.0),
            disturbances: conditions.as_ref().map(Conditions::disturbances).unwrap_or_default(),
            conditions,
            nets,
        }
    }

    /// Whether the mean absolute error is small enough.
    ///
    /// # Errors
    /// [`CheckError::Disturbed`] where the conditions allow no verdict, [`CheckError::Failed`].
    pub fn verdict(&self, max_mape: f64) -> Result<(), CheckError> {
        if !self.disturbances.is_empty() {
            return Err(CheckError::Disturbed { reasons: self.disturbances.clone() });
        }
        if self.mape <= max_mape {
            return Ok(());
        }
        Err(CheckError::Failed { mape: self.mape, allowed: max_mape })
    }

    pub(super) fn summary(&self, seed: u64) -> Checked {
        Checked {
            date: self.conditions.as_ref().map(|_| text::now()),
            nets: self.nets.len(),
            seed,
            mape: self.mape,
            bias: self.bias,
            within_5: self.within_5,
            within_10: self.within_10,
            kendall_tau: self.kendall_tau,
            state: self.conditions.as_ref().and_then(|conditions| conditions.state),
            bias_with_state: self.conditions.as_ref().map(|_| self.bias_with_state),
            covered: Some(self.covered),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(predicted_us: f64, measured_us: f64) -> Net {
        let error = predicted_us / measured_us - 1.0;
        let measured_ci95_us = [0.99 * measured_us, 1.01 * measured_us];
        let architecture = format!("a b{predicted_us}");
        Net {
            architecture,
            predicted_us,
            predicted_ci95_us: None,
            measured_us,
            measured_ci95_us,
            error,
            noise: 0.01,
            covered: true,
        }
    }

    #[test]
    fn sums_are_those_of_the_networks() {
        let undisturbed = |state| Some(Conditions { state, idle_samples: 30.0, limit: 1.1, ..Conditions::default() });
        let report = Report::of(vec![net(104.0, 100.0), net(188.0, 200.0), net(360.0, 300.0)], undisturbed(Some(0.01)));
        assert!((report.mape - (0.04 + 0.06 + 0.2) / 3.0).abs() < 1e-12);
        assert!((report.bias - (0.04 - 0.06 + 0.2) / 3.0).abs() < 1e-12);
        assert!((report.within_5 - 1.0 / 3.0).abs() < 1e-12 && (report.within_10 - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!(report.kendall_tau, 1.0);
        assert_eq!(Report::of(vec![net(1.0, 3.0), net(2.0, 2.0), net(3.0, 1.0)], undisturbed(None)).kendall_tau, -1.0);
        // The same against the figures as they were taken, 1 % higher.
        assert!((report.bias_with_state - ((1.04 + 0.94 + 1.2) / 3.0 / 1.01 - 1.0)).abs() < 1e-12);
        assert!(report.verdict(0.11).is_ok());
        assert!(matches!(report.verdict(0.09), Err(CheckError::Failed { allowed: 0.09, .. })));
        let disturbed = Report::of(report.nets, undisturbed(Some(0.05)));
        assert!(matches!(disturbed.verdict(0.11), Err(CheckError::Disturbed { .. })));
        // A simulated device is never disturbed, and has no state.
        let simulated = Report::of(disturbed.nets, None);
        assert!(simulated.verdict(0.11).is_ok() && (simulated.bias_with_state - simulated.bias).abs() < 1e-12);
        assert!(serde_json::to_value(&simulated).unwrap().get("state").is_none() && (simulated.largest - 0.2).abs() < 1e-12);
    }

    #[test]
    fn the_worst_come_first() {
        let nets: Vec<Net> =
            (0..8u32).map(|i| net(100.0 + f64::from(i * i) * if i % 2 == 0 { 1.0 } else { -1.0 }, 100.0)).collect();
        let report = Report::of(nets, Some(Conditions::default()));
        let errors: Vec<f64> = report.worst.iter().map(|n| (100.0 * n.error).round()).collect();
        assert_eq!(errors, [-49.0, 36.0, -25.0, 16.0, -9.0]);
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["worst"].as_array().map(Vec::len), Some(5));
        assert!(json["suspects"]["candidates"].is_array());
    }
}
