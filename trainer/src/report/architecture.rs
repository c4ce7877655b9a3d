//! What was chosen and what it costs, as HTML.

use drawing::{escape, svg};

use super::cost_picture::cost_picture;
use super::html::{cost, push};
use crate::cost::{ArchFile, LayerChoice, Provenance, TablePrediction};
use crate::task::Task;
use crate::train::FinetuneConfig;

/// Where the costs come from.
pub(super) fn provenance(html: &mut String, arch: &ArchFile) {
    let Some(only) = &arch.table else {
        html.push_str("<p>Cost: multiply-adds; no table.</p>");
        return;
    };
    if arch.tables.is_empty() {
        return table_line(html, only, "");
    }
    for TablePrediction { table, predicted } in &arch.tables {
        table_line(html, table, &format!("; predicts {}", cost(predicted.total, &arch.unit)));
    }
}

/// Where a table comes from, and what is `more` to say of it.
fn table_line(html: &mut String, table: &Provenance, more: &str) {
    if table.source != "measured" {
        push(
            html,
            format_args!("<p class=\"loud\"><b>The latencies are {}</b>, not measured on a device.</p>", escape(&table.source)),
        );
        if table.source == "simulated" {
            for near in table.nearness() {
                push(html, format_args!("<p>{}</p>", escape(&near)));
            }
        }
    }
    push(
        html,
        format_args!(
            "<p>Table: {} on <b>{}</b>, {}, {} thread(s){}; sha256 <code>{}</code>{}{more}</p>",
            escape(&table.source),
            escape(&table.device),
            escape(&table.engine),
            table.threads,
            table.date.as_ref().map_or(String::new(), |date| format!(", {}", escape(date))),
            escape(&table.sha256),
            table.scaled.as_ref().map_or(String::new(), |s| format!("; {}", escape(s)))
        ),
    );
}

/// That the errors are not of the chosen network.
pub(super) fn other_network<T: Task>(html: &mut String, finetune: &FinetuneConfig<T>) {
    push(
        html,
        format_args!(
            "<p class=\"loud\" id=\"other-network\"><b>The finetune is of another network than the search chose</b>: {} ({}). \
             Error, size and measured time here are that network's; the predicted cost is the chosen network's.</p>",
            escape(&finetune.choice.join(" ")),
            escape(&finetune.space)
        ),
    );
}

/// The candidates with their probabilities, and the cost of each part.
pub(super) fn architecture(html: &mut String, arch: &ArchFile, measured: Option<(f64, f64)>) {
    push(
        html,
        format_args!(
            "<h2>Chosen architecture</h2><p>space {}, {} landmarks, after {} epochs; red frame: chosen; colour: probability; number: predicted cost</p><div class=\"wide\"><table>",
            escape(&arch.space),
            arch.points,
            arch.epoch
        ),
    );
    for layer in &arch.layers {
        push(html, format_args!("<tr><td>layer {}</td>", layer.layer));
        heat_row(html, layer, &arch.unit);
        html.push_str("</tr>");
    }
    html.push_str("</table></div>");
    push(html, format_args!("<figure>{}</figure>", svg::element(&cost_picture(arch))));
    html.push_str("<div class=\"wide\"><table>");
    push(
        html,
        format_args!(
            "<tr><td><b>whole network{}</b></td><td><b>{}</b>{}</td></tr>",
            if arch.predicted.trunk.is_some() { "" } else { " without trunk" },
            cost(arch.predicted.total, &arch.unit),
            arch.predicted.interval.map(|[low, high]| format!(" (95 %: {low:.1} to {high:.1})")).unwrap_or_default()
        ),
    );
    if let Some((median, half)) = measured {
        push(html, format_args!("<tr><td><b>measured</b></td><td><b>{median:.1} ± {half:.1} µs</b></td></tr>"));
    }
    html.push_str("</table></div>");
}

fn heat_row(html: &mut String, layer: &LayerChoice, unit: &str) {
    for candidate in &layer.candidates {
        let shade = (1.0 - candidate.probability.clamp(0.0, 1.0)) * 75.0 + 25.0;
        let class = if candidate.primitive == layer.chosen { " class=\"chosen\"" } else { "" };
        let ink = if shade < 60.0 { "#fff" } else { "#222" };
        push(
            html,
            format_args!(
                "<td{class} style=\"background:hsl(212 70% {shade:.0}%);color:{ink}\" title=\"α {:.4}\">{}<br>{:.0} %<br>{}</td>",
                candidate.path_alpha,
                escape(&candidate.primitive),
                100.0 * candidate.probability,
                cost(candidate.cost, unit)
            ),
        );
    }
}
