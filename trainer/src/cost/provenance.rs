//! Where a table's times come from, and what a user of them must know.

use luts::{Header, ModelError, Simulator, Source, Table};
use serde::{Deserialize, Serialize};

/// Where a table comes from, as arch.json and reports state it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// How the times were got: `measured`, `simulated`, `emulated`, `imported`.
    pub source: String,
    /// Of the table's content.
    pub sha256: String,
    /// Device and processor.
    pub device: String,
    /// Name and version of the engine.
    pub engine: String,
    /// Threads it used.
    pub threads: usize,
    /// When the table was made; a simulated one is the same whenever it is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// Landmarks of the networks that were measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points: Option<usize>,
    /// How `trunk:fc` was scaled, where this net has another number of landmarks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scaled: Option<String>,
    /// What simulated the device, of a simulated table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simulator: Option<Simulator>,
}

impl Provenance {
    /// Of a table; `scaled` says how its last piece was.
    pub fn of(table: &Table, scaled: Option<String>) -> Self {
        let header: &Header = &table.header;
        let device = [Some(header.device.model.clone()), header.device.soc.clone()];
        Self {
            source: header.source.to_string(),
            sha256: table.digest(),
            device: device.into_iter().flatten().collect::<Vec<_>>().join(", "),
            engine: format!("{} {}", header.engine.name, header.engine.version),
            threads: header.threads,
            date: header.date.clone(),
            points: header.points,
            scaled,
            simulator: header.simulator.clone(),
        }
    }

    /// In one line.
    pub fn line(&self) -> String {
        let date = self.date.as_ref().map(|date| format!(", {date}")).unwrap_or_default();
        format!(
            "table: {} on {}, {}, {} thread{}{date}, sha256 {:.12}",
            self.source,
            self.device,
            self.engine,
            self.threads,
            if self.threads == 1 { "" } else { "s" },
            self.sha256
        )
    }

    /// Warnings about times that were not measured on a device; none if they were.
    pub fn warnings(&self) -> Vec<String> {
        if self.source == Source::Measured.to_string() {
            return Vec::new();
        }
        let source = self.source.to_uppercase();
        let mut lines = vec![format!("WARNING: the times of this table are {source}, not measured on a device")];
        if self.source == Source::Simulated.to_string() {
            lines.extend(self.nearness().into_iter().map(|near| format!("WARNING: {near}")));
            lines.push(
                "WARNING: use simulated times only to rank networks while you have no phone; then measure a table on it with \
                 `profiler build --device adb`"
                    .to_string(),
            );
        }
        lines
    }

    /// The simulator's errors on real chips, a line each.
    pub fn nearness(&self) -> Vec<String> {
        let errors = self.simulator.iter().flat_map(|simulator| &simulator.errors);
        let lines: Vec<String> = errors.map(near).collect();
        if lines.is_empty() { vec!["the table does not state the simulator's error on real chips".to_string()] } else { lines }
    }
}

fn near(error: &ModelError) -> String {
    let ModelError { what, count, mape, bias, largest, kendall_tau } = error;
    let largest = largest.map(|largest| format!(", at most {:.1} %", 100.0 * largest)).unwrap_or_default();
    let tau = kendall_tau.map(|tau| format!(", Kendall tau {tau:.3}")).unwrap_or_default();
    format!(
        "the simulator's error on real chips, {what} ({count} times): mean absolute {:.1} %, bias {:+.1} %{largest}{tau}",
        100.0 * mape,
        100.0 * bias
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simulated_table_says_how_near_it_is() {
        let error =
            ModelError { what: "networks".into(), count: 6, mape: 0.051, bias: -0.004, largest: Some(0.11), kendall_tau: None };
        let table = |source: Source, errors: Vec<ModelError>| Provenance {
            source: source.to_string(),
            sha256: String::new(),
            device: String::new(),
            engine: String::new(),
            threads: 1,
            date: None,
            points: Some(106),
            scaled: None,
            simulator: Some(Simulator { errors, ..Simulator::default() }),
        };
        assert_eq!(table(Source::Measured, vec![]).warnings(), Vec::<String>::new());
        assert_eq!(table(Source::Emulated, vec![]).warnings().len(), 1);
        let warnings = table(Source::Simulated, vec![error]).warnings();
        assert_eq!(warnings.len(), 3);
        assert!(
            warnings[0].contains("SIMULATED") && warnings[1].contains("5.1 %") && warnings[1].contains("11.0 %"),
            "{warnings:?}"
        );
        assert_eq!(table(Source::Simulated, vec![]).warnings().len(), 3);
    }
}
