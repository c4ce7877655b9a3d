//! Phases, errors and curves of a run, as HTML.

use drawing::{escape, svg};

use super::chart::{Chart, Series};
use super::html::push;
use super::reported::{EXAMPLES, Evaluation, METRIC};
use crate::run::{EpochKind, Row, RunFolder};
use crate::train::Finetuned;

/// A row for each kind of epoch.
pub(super) fn summary(html: &mut String, rows: &[Row], folder: &RunFolder) {
    push(
        html,
        format_args!(
            "<h2>Phases</h2><div class=\"wide\"><table><tr><th>phase</th><th>epochs</th><th>last loss</th><th>last {METRIC} %</th>\
             <th>images/s</th><th>minutes</th></tr>"
        ),
    );
    for kind in [EpochKind::Warmup, EpochKind::Search, EpochKind::Finetune] {
        let of: Vec<&Row> = rows.iter().filter(|r| r.phase == kind).collect();
        let Some(last) = of.last() else { continue };
        let nme = of.iter().rev().find_map(|r| r.val_nme).map_or("–".to_string(), |n| format!("{n:.2}"));
        let speed = of.iter().map(|r| r.images_per_s).sum::<f64>() / of.len() as f64;
        let minutes = of.iter().map(|r| r.seconds).sum::<f64>() / 60.0;
        push(
            html,
            format_args!(
                "<tr><td>{kind:?}</td><td>{}</td><td>{:.5}</td><td>{nme}</td><td>{speed:.0}</td><td>{minutes:.1}</td></tr>",
                of.len(),
                last.train_loss
            ),
        );
    }
    html.push_str("</table></div>");
    if let Ok(file) = folder.file("subnet.onnx").metadata() {
        push(html, format_args!("<p>subnet.onnx: {:.0} KB</p>", file.len() as f64 / 1e3));
    }
}

/// The finished subnet's errors, with the cumulative error curve.
pub(super) fn errors(html: &mut String, Finetuned { evaluation, on }: &Finetuned<Evaluation>) {
    push(
        html,
        format_args!(
            "<h2>Errors</h2><p>{} {EXAMPLES} ({}): {METRIC} {:.2} %, failures {:.2} % ({METRIC} above 10 %), AUC {:.4} (up to 10 %)</p>",
            evaluation.faces,
            escape(on),
            100.0 * evaluation.nme,
            100.0 * evaluation.failure_rate_10,
            evaluation.auc
        ),
    );
    let points = evaluation.curve.iter().map(|&[nme, share]| (100.0 * nme, 100.0 * share)).collect();
    let title = format!("{EXAMPLES} with at most this {METRIC}, %");
    push(
        html,
        format_args!(
            "<figure>{}</figure>",
            svg::element(
                &Chart { title, log: false, ends: Some((0.0, 100.0)), series: vec![Series { name: EXAMPLES, points }] }.drawing()
            )
        ),
    );
}

/// Curves over the epochs.
pub(super) fn charts(html: &mut String, rows: &[Row], unit: &str) {
    html.push_str("<h2>Curves</h2><div class=\"charts\">");
    for (training, finetune) in [("search", false), ("finetune", true)] {
        let of: Vec<&Row> = rows.iter().filter(|r| (r.phase == EpochKind::Finetune) == finetune).collect();
        if of.is_empty() {
            continue;
        }
        let series = |name: &'static str, get: &dyn Fn(&Row) -> Option<f64>| Series {
            name,
            points: of.iter().filter_map(|r| Some((r.epoch as f64, get(r)?))).collect(),
        };
        let chart = |what: &str, log, series| Chart { title: format!("{training}: {what}"), log, ends: None, series };
        let losses = vec![
            series("weights", &|r| Some(r.train_loss)),
            series("architecture", &|r| r.arch_loss),
            series("validation", &|r| r.val_loss),
        ];
        let costs = vec![series("expected", &|r| r.expected_cost), series("chosen", &|r| r.chosen_cost)];
        let charts = [
            chart("loss", true, losses),
            chart(&format!("{METRIC}, %"), true, vec![series(METRIC, &|r| r.val_nme)]),
            chart(&format!("cost, {unit}"), false, costs),
            chart("temperature", true, vec![series("τ", &|r| r.temperature)]),
            chart("learning rate", false, vec![series("lr", &|r| Some(r.lr))]),
        ];
        for chart in charts.iter().filter(|c| c.series.iter().any(|s| !s.points.is_empty())) {
            push(html, format_args!("<figure>{}</figure>", svg::element(&chart.drawing())));
        }
    }
    html.push_str("</div>");
}
