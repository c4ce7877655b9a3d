//! A check for people: as text, and as a picture.

mod scatter;

use luts::Header;

use super::picture::{Page, Section};
use super::text;
use crate::check::report::{Net, Report};

/// Candidates named as what the worst networks share.
const SUSPECTS: usize = 5;

/// As text: a line per network, the sums, the worst networks and what they share.
pub fn text(report: &Report) -> String {
    format!(
        "{}\n{}\n\nlargest errors:\n{}\n{}",
        text::columns(&rows(&report.nets)),
        sums(report),
        text::columns(&rows(&report.worst)),
        suspected(report)
    )
}

/// As a picture; the table's header says where it was measured.
pub fn page(report: &Report, header: &Header) -> Page {
    let section = |heading: &str, notes: String, rows| Section {
        heading: heading.to_string(),
        notes: notes.lines().map(String::from).collect(),
        rows,
    };
    let sections = vec![
        section("Largest errors", String::new(), rows(&report.worst)),
        section("Candidates common to the worst networks", remark(report), suspects(report)),
        section("All networks", sums(report), rows(&report.nets)),
    ];
    Page { drawing: scatter::draw(report, header), sections }
}

fn sums(report: &Report) -> String {
    format!(
        "mean absolute error {:.2} %, bias {:+.2} %, largest error {:.2} %, within 5 %: {:.0} %, within 10 %: {:.0} %, Kendall tau {:.3}\n\
         the predicted 95 % interval contains {:.0} % of the networks; {}",
        100.0 * report.mape,
        100.0 * report.bias,
        100.0 * report.largest,
        100.0 * report.within_5,
        100.0 * report.within_10,
        report.kendall_tau,
        100.0 * report.covered,
        circumstances(report)
    )
}

/// What the figures were measured under.
fn circumstances(report: &Report) -> String {
    let Some(conditions) = &report.conditions else { return "the device is simulated: its figures have no noise".to_string() };
    let unknown = || {
        "\nthe table has no networks that can be measured again, so it is not known whether the device is as fast as in the build"
            .to_string()
    };
    let state = conditions.state.map_or_else(unknown, |state| {
        format!(
            "\nthe device is {} slower than when the table was built (networks measured then and now; standard error {:.2} %); \
             the figures are corrected for it; without the correction the bias is {:+.2} %",
            text::percent(state),
            100.0 * conditions.state_error,
            100.0 * report.bias_with_state
        )
    });
    format!(
        "standard error of a network's own figure: {:.2} %; samples on an idle device: {:.0} per network{}",
        100.0 * report.noise,
        conditions.idle_samples,
        state
    )
}

fn suspected(report: &Report) -> String {
    let rows = suspects(report);
    let table = if rows.len() > 1 { text::columns(&rows) } else { String::new() };
    format!("candidates common to the worst networks: {}\n{table}", remark(report))
}

/// How much is to be made of the candidates listed.
fn remark(report: &Report) -> String {
    match report.suspects.by_chance {
        Some(chance) => format!(
            "mean error, without the bias, of the networks that have a candidate at a layer; by chance alone the first mean would \
             be as large in {:.0} % of cases",
            100.0 * chance
        ),
        None => "no candidate occurs in more than one network".to_string(),
    }
}

/// Rows of the candidates that the worst networks share, the first of which is the head.
fn suspects(report: &Report) -> Vec<Vec<String>> {
    let head = ["candidate", "layer", "networks", "of the worst", "mean error without bias", "standard error", "ratio"];
    let rows = report.suspects.candidates.iter().take(SUSPECTS).map(|s| {
        vec![
            s.candidate.clone(),
            s.layer.to_string(),
            s.nets.to_string(),
            s.worst.to_string(),
            format!("{:+.2} %", 100.0 * s.mean_residual),
            format!("{:.2} %", 100.0 * s.standard_error),
            format!("{:+.1}", s.z()),
        ]
    });
    std::iter::once(head.map(String::from).to_vec()).chain(rows).collect()
}

/// A row a network, the first of which is the head.
fn rows(nets: &[Net]) -> Vec<Vec<String>> {
    let head = ["architecture", "predicted µs", "measured µs", "error", "noise"].map(String::from).to_vec();
    let rows = nets.iter().map(|n| {
        vec![
            n.architecture.clone(),
            format!("{:.1}", n.predicted_us),
            format!("{:.1}", n.measured_us),
            text::percent(n.error),
            format!("±{:.1} %", 100.0 * n.noise),
        ]
    });
    std::iter::once(head).chain(rows).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::conditions::Conditions;

    #[test]
    fn the_text_names_the_worst_and_what_they_share() {
        let net = |i: u32| Net {
            architecture: format!("a b{i}"),
            predicted_us: 100.0 + f64::from(i),
            predicted_ci95_us: None,
            measured_us: 100.0,
            measured_ci95_us: [99.0, 101.0],
            error: 0.01 * f64::from(i),
            noise: 0.01,
            covered: true,
        };
        let shown = text(&Report::of((0..8).map(net).collect(), Some(Conditions::default())));
        assert!(shown.contains("a b7") && shown.contains("+7.0 %"), "{shown}");
    }
}
