//! A run on one self-contained HTML page.

pub mod front;
mod svg;

use std::fmt::Write as _;
use std::path::Path;

use crate::baseline::last;
use crate::error::{Error, Result};
use crate::finetune::Finetuned;
use crate::run::{FileError, FinetuneConfig, MetricsLog, Phase, Row, RunConfig, RunFolder};
use crate::search::{ArchFile, LayerChoice, Provenance, TablePrediction};
use front::{BASELINE, Front};
use svg::{Chart, Series};

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#222}\
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}table{border-collapse:collapse;font-size:13px}\
td,th{padding:.25rem .6rem;border-bottom:1px solid #ddd;text-align:right}td:first-child,th:first-child{text-align:left}\
.chosen{outline:2px solid #c0392b;outline-offset:-2px}.loud{background:#fde8e8;border-left:4px solid #c0392b;padding:.5rem 1rem}\
pre{background:#f6f6f6;padding:.8rem;overflow:auto;font-size:12px}svg{max-width:100%;height:auto}figure{margin:1rem 0}\
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(26rem,1fr));gap:1rem}";

/// The page of the run in `folder`.
///
/// # Errors
/// There is no run, or its files cannot be read.
pub fn page(folder: &RunFolder) -> Result<String> {
    let config = RunConfig::load(&folder.file("config.toml"))?;
    if config == RunConfig::default() {
        return Err(Error::Usage(format!("{} holds no run: it has no config.toml", folder.root().display())));
    }
    let log = MetricsLog::open(&folder.file("metrics.csv"))?;
    let arch_path = folder.file("arch.json");
    let arch = if arch_path.exists() { Some(ArchFile::load(&arch_path)?) } else { None };
    let measured = measured(folder)?;

    let name = folder.root().file_name().map_or_else(|| "run".into(), |n| n.to_string_lossy().into_owned());
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title><style>{STYLE}</style></head><body><h1>{0}</h1>",
        escape(&name)
    );
    if let Some(arch) = &arch {
        provenance(&mut html, arch);
        if let Some(finetune) = finetuned_otherwise(&config, arch) {
            other_network(&mut html, finetune);
        }
        architecture(&mut html, arch, measured);
    }
    if measured.is_none() && folder.file(MEASURED).exists() {
        html.push_str("<p class=\"loud\"><b>measured.json is of other models</b>: there is no subnet among them.</p>");
    }
    summary(&mut html, log.rows(), folder);
    if let Some(done) = Finetuned::load(&folder.file(Finetuned::FILE))? {
        errors(&mut html, &done);
    }
    beside(&mut html, folder)?;
    charts(&mut html, log.rows(), arch.as_ref().map_or("µs", |a| a.unit.as_str()));
    let text =
        std::fs::read_to_string(folder.file("config.toml")).map_err(FileError::new("cannot read", &folder.file("config.toml")))?;
    push(&mut html, format_args!("<h2>Configuration</h2><pre>{}</pre></body></html>\n", escape(&text)));
    Ok(html)
}

/// What the finetune trained, where that is another network than the search chose.
fn finetuned_otherwise<'a>(config: &'a RunConfig, arch: &ArchFile) -> Option<&'a FinetuneConfig> {
    config.finetune.as_ref().filter(|finetune| finetune.choice != arch.choice)
}

/// What the profiler's `bench --json` is saved as in a run's folder.
const MEASURED: &str = "measured.json";

/// Median µs and half-width of its 95 % interval of the exported net, where [`MEASURED`] has it: of samples paired with the canary, as
/// the table's are, where there are such.
fn measured(folder: &RunFolder) -> Result<Option<(f64, f64)>> {
    let path = &folder.file(MEASURED);
    if !path.exists() {
        return Ok(None);
    }
    #[derive(serde::Deserialize)]
    struct Bench {
        model: Option<String>,
        median_us: f64,
        #[serde(default)]
        ci95_us: serde_json::Value,
        paired_us: Option<f64>,
        #[serde(default)]
        paired_ci95_us: serde_json::Value,
    }
    let text = std::fs::read_to_string(path).map_err(FileError::new("cannot read", path))?;
    let bench: Vec<Bench> =
        serde_json::from_str(&text).map_err(std::io::Error::other).map_err(FileError::new("cannot read", path))?;
    let half = |v: &serde_json::Value| match v {
        serde_json::Value::Array(ends) => ends.last().zip(ends.first()).and_then(|(h, l)| Some((h.as_f64()? - l.as_f64()?) / 2.0)),
        other => other.as_f64(),
    };
    let figure = |b: &Bench| match b.paired_us {
        Some(paired) => (paired, half(&b.paired_ci95_us).unwrap_or(f64::NAN)),
        None => (b.median_us, half(&b.ci95_us).unwrap_or(f64::NAN)),
    };
    // Other models may have been measured with it.
    let own = |b: &&Bench| b.model.as_ref().is_none_or(|model| Path::new(model).file_stem().is_some_and(|stem| stem == "subnet"));
    Ok(bench.iter().find(own).map(figure))
}

fn push(html: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = html.write_fmt(text);
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn provenance(html: &mut String, arch: &ArchFile) {
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
            format_args!(
                "<p class=\"loud\"><b>The latencies are {}</b>: no device ran these blocks for this table.</p>",
                escape(&table.source)
            ),
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
fn other_network(html: &mut String, finetune: &FinetuneConfig) {
    push(
        html,
        format_args!(
            "<p class=\"loud\"><b>The finetune is of another network than the search chose</b>: {} ({}). Its error is that network's, as \
             are size and measured time of a subnet.onnx exported from it; what is predicted here is not.</p>",
            escape(&finetune.choice.join(" ")),
            escape(&finetune.space)
        ),
    );
}

fn cost(value: f64, unit: &str) -> String {
    if unit == "MAC" { format!("{:.3} MMAC", value / 1e6) } else { format!("{value:.1} {unit}") }
}

fn architecture(html: &mut String, arch: &ArchFile, measured: Option<(f64, f64)>) {
    push(
        html,
        format_args!(
            "<h2>Chosen architecture</h2><p>space {}, {} points, after {} epochs; red frame: chosen, colour: probability, number: predicted cost</p><table>",
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
    html.push_str("</table><table><tr><th>part</th><th>predicted</th></tr>");
    for layer in &arch.layers {
        push(
            html,
            format_args!(
                "<tr><td>layer {}: {}</td><td>{}</td></tr>",
                layer.layer,
                escape(&layer.chosen),
                cost(layer.cost, &arch.unit)
            ),
        );
    }
    for piece in &arch.trunk {
        push(html, format_args!("<tr><td>trunk:{}</td><td>{}</td></tr>", escape(&piece.name), cost(piece.cost, &arch.unit)));
    }
    push(
        html,
        format_args!(
            "<tr><td><b>whole net{}</b></td><td><b>{}</b>{}</td></tr>",
            if arch.predicted.trunk.is_some() { "" } else { " without trunk" },
            cost(arch.predicted.total, &arch.unit),
            arch.predicted.interval.map(|[low, high]| format!(" (95 %: {low:.1} to {high:.1})")).unwrap_or_default()
        ),
    );
    if let Some((median, half)) = measured {
        push(html, format_args!("<tr><td><b>measured</b></td><td><b>{median:.1} ± {half:.1} µs</b></td></tr>"));
    }
    html.push_str("</table>");
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

fn summary(html: &mut String, rows: &[Row], folder: &RunFolder) {
    html.push_str("<h2>Phases</h2><table><tr><th>phase</th><th>epochs</th><th>last loss</th><th>last NME %</th><th>images/s</th><th>minutes</th></tr>");
    for phase in [Phase::Warmup, Phase::Search, Phase::Finetune] {
        let of: Vec<&Row> = rows.iter().filter(|r| r.phase == phase).collect();
        let Some(last) = of.last() else { continue };
        let nme = of.iter().rev().find_map(|r| r.val_nme).map_or("–".to_string(), |n| format!("{n:.2}"));
        let speed = of.iter().map(|r| r.images_per_s).sum::<f64>() / of.len() as f64;
        let minutes = of.iter().map(|r| r.seconds).sum::<f64>() / 60.0;
        push(
            html,
            format_args!(
                "<tr><td>{phase:?}</td><td>{}</td><td>{:.5}</td><td>{nme}</td><td>{speed:.0}</td><td>{minutes:.1}</td></tr>",
                of.len(),
                last.train_loss
            ),
        );
    }
    html.push_str("</table>");
    if let Ok(file) = folder.file("subnet.onnx").metadata() {
        push(html, format_args!("<p>subnet.onnx: {:.0} KB</p>", file.len() as f64 / 1e3));
    }
}

/// The finished subnet's errors, with the cumulative error curve.
fn errors(html: &mut String, Finetuned { evaluation, on }: &Finetuned) {
    push(
        html,
        format_args!(
            "<h2>Errors</h2><p>{} faces ({}): NME {:.2} %, failures {:.2} % (NME above 10 %), AUC {:.4} (up to 10 %)</p>",
            evaluation.faces,
            escape(on),
            100.0 * evaluation.nme,
            100.0 * evaluation.failure_rate_10,
            evaluation.auc
        ),
    );
    let points = evaluation.curve.iter().map(|&[nme, share]| (100.0 * nme, 100.0 * share)).collect();
    let title = "faces, %, within an NME, %".to_string();
    push(
        html,
        format_args!(
            "<figure>{}</figure>",
            Chart { title, log: false, ends: Some((0.0, 100.0)), series: vec![Series { name: "faces", points }] }.svg()
        ),
    );
}

/// The run's network beside those of its sweep, random ones and the baseline, where there are any.
fn beside(html: &mut String, folder: &RunFolder) -> Result<()> {
    let front = Front::of(folder)?;
    let several = front.nets.len() > 1;
    if !several && front.unmeasured.is_none() {
        return Ok(());
    }
    html.push_str("<h2>Beside other networks</h2>");
    if several {
        networks(html, &front);
    }
    if let Some(nme) = front.unmeasured {
        unmeasured(html, nme, &RunFolder::new(&folder.file("baselines/mobilenet")));
    }
    if let Some(comparison) = front::comparison(folder)? {
        let sentences = comparison.sentences().iter().map(|sentence| escape(sentence)).collect::<Vec<_>>();
        push(html, format_args!("<p>{}.</p>", sentences.join(".<br>")));
    }
    Ok(())
}

/// The networks in a picture and a table.
fn networks(html: &mut String, Front { nets, unit, .. }: &Front) {
    let (quantity, meaning) = match unit.as_str() {
        "MAC" => ("multiply-adds", ""),
        _ => ("latency", " Predicted latency; the baseline's is measured."),
    };
    push(
        html,
        format_args!(
            "<figure>{}</figure><p>Line: the front, which no network here is below.{meaning}</p>\
             <table><tr><th>network</th><th>{quantity}</th><th>NME %</th><th></th></tr>",
            front::picture(nets, unit)
        ),
    );
    for net in nets {
        let front = if net.on_front { "front" } else { "" };
        push(
            html,
            format_args!(
                "<tr><td>{}</td><td>{}</td><td>{:.3}</td><td>{front}</td></tr>",
                escape(&net.name),
                cost(net.cost, unit),
                net.nme
            ),
        );
    }
    html.push_str("</table>");
}

/// How to measure the trained baseline in `folder`.
fn unmeasured(html: &mut String, nme: f64, folder: &RunFolder) {
    let onnx = folder.file("subnet.onnx");
    let export = if onnx.is_file() {
        String::new()
    } else {
        format!("trainer export --subnet {} --out {}\n", last(folder).display(), onnx.display())
    };
    let bench = format!("profiler bench {} --json > {}", onnx.display(), folder.file(MEASURED).display());
    push(
        html,
        format_args!(
            "<p class=\"loud\"><b>{BASELINE} is trained (NME {nme:.3} %) but not measured yet</b>, so it is not among the networks \
             here:</p><pre>{}</pre>",
            escape(&(export + &bench))
        ),
    );
}

fn charts(html: &mut String, rows: &[Row], unit: &str) {
    html.push_str("<h2>Curves</h2><div class=\"charts\">");
    for (stage, finetune) in [("search", false), ("finetune", true)] {
        let of: Vec<&Row> = rows.iter().filter(|r| (r.phase == Phase::Finetune) == finetune).collect();
        if of.is_empty() {
            continue;
        }
        let series = |name: &'static str, get: &dyn Fn(&Row) -> Option<f64>| Series {
            name,
            points: of.iter().filter_map(|r| Some((r.epoch as f64, get(r)?))).collect(),
        };
        let chart = |what: &str, log, series| Chart { title: format!("{stage}: {what}"), log, ends: None, series };
        let losses = vec![
            series("weights", &|r| Some(r.train_loss)),
            series("architecture", &|r| r.arch_loss),
            series("validation", &|r| r.val_loss),
        ];
        let costs = vec![series("expected", &|r| r.expected_cost), series("chosen", &|r| r.chosen_cost)];
        let charts = [
            chart("loss", true, losses),
            chart("NME, %", true, vec![series("NME", &|r| r.val_nme)]),
            chart(&format!("cost, {unit}"), false, costs),
            chart("temperature", true, vec![series("τ", &|r| r.temperature)]),
            chart("learning rate", false, vec![series("lr", &|r| Some(r.lr))]),
        ];
        for chart in charts.iter().filter(|c| c.series.iter().any(|s| !s.points.is_empty())) {
            push(html, format_args!("<figure>{}</figure>", chart.svg()));
        }
    }
    html.push_str("</div>");
}
