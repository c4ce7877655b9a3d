//! The run's network beside others, as HTML.

use drawing::{escape, svg};

use super::front::{self, Front};
use super::front_picture::picture;
use super::html::{cost, push};
use super::network::BASELINE;
use super::reported::METRIC;
use crate::compare::CompareError;
use crate::cost::MACS;
use crate::run::{MEASURED, RunFolder, Training};

/// The run's network beside those of its sweep, random ones and the baseline, where there are any.
pub(super) fn beside(html: &mut String, folder: &RunFolder) -> Result<(), CompareError> {
    let front = Front::of(folder)?;
    let several = front.nets.len() > 1;
    if !several && front.unmeasured.is_none() {
        return Ok(());
    }
    html.push_str("<h2 id=\"others\">Other networks</h2>");
    if several {
        networks(html, &front);
    }
    if let Some(nme) = front.unmeasured {
        unmeasured(html, nme, &RunFolder::new(&folder.file("baselines/mobilenet")));
    }
    if let Some(comparison) = front::comparison(folder)? {
        let sentences = comparison.sentences(METRIC).iter().map(|sentence| escape(sentence)).collect::<Vec<_>>();
        push(html, format_args!("<p>{}.</p>", sentences.join(".<br>")));
    }
    Ok(())
}

/// The networks in a picture and a table.
fn networks(html: &mut String, Front { nets, unit, .. }: &Front) {
    let (quantity, meaning) = match unit.as_str() {
        MACS => ("multiply-adds", ""),
        _ => ("latency", " Predicted latency; the baseline's is measured."),
    };
    push(
        html,
        format_args!(
            "<figure>{}</figure><p>Line: the Pareto front.{meaning}</p>\
             <div class=\"wide\"><table><tr><th>network</th><th>{quantity}</th><th>{METRIC} %</th><th></th></tr>",
            svg::element(&picture(nets, unit))
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
    html.push_str("</table></div>");
}

/// How to measure the trained baseline in `folder`.
fn unmeasured(html: &mut String, nme: f64, folder: &RunFolder) {
    let onnx = folder.file("subnet.onnx");
    let export = if onnx.is_file() {
        String::new()
    } else {
        format!("trainer export --subnet {} --out {}\n", folder.checkpoint(Training::Finetune, "last").display(), onnx.display())
    };
    let bench = format!("profiler bench {} --json > {}", onnx.display(), folder.file(MEASURED).display());
    push(
        html,
        format_args!(
            "<p class=\"loud\" id=\"unmeasured\"><b>{BASELINE} is trained ({METRIC} {nme:.3} %) but not measured</b>, so it is missing here. To \
             measure it:</p><pre>{}</pre>",
            escape(&terminal::program::named(&(export + &bench)))
        ),
    );
}
