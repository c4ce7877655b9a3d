//! The networks that a search chose from, as HTML.

use drawing::escape;

use super::html::{cost, push};
use super::reported::{EXAMPLES, METRIC};
use crate::choose::Candidate;
use crate::cost::ArchFile;

/// Candidates that are shown; the file has all of them.
const SHOWN: usize = 12;

/// The best candidates with their errors, where a choice was made among several.
pub(super) fn candidates(html: &mut String, candidates: &[Candidate], arch: &ArchFile) {
    if candidates.is_empty() {
        return;
    }
    let seconds: f64 = candidates.iter().map(|candidate| candidate.seconds).sum();
    push(
        html,
        format_args!(
            "<h2 id=\"candidates\">Choice</h2><p>{} of the most probable networks were compared on held-back {EXAMPLES}, which took {seconds:.0} \
             s. The chosen one comes first.</p><div class=\"wide\"><table><tr><th>network</th><th>ln probability</th><th>predicted</th>\
             <th>recalibrated {METRIC} %</th><th>finetuned {METRIC} %</th><th>epochs</th></tr>",
            candidates.len()
        ),
    );
    let shown = |error: Option<f64>| error.map_or("–".to_string(), |error| format!("{error:.3}"));
    for candidate in candidates.iter().take(SHOWN) {
        push(
            html,
            format_args!(
                "<tr><td>{}</td><td>{:.2}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                escape(&candidate.choice),
                candidate.log_probability,
                cost(candidate.predicted, &arch.unit),
                shown(candidate.recalibrated_nme),
                shown(candidate.finetuned_nme),
                candidate.epochs
            ),
        );
    }
    html.push_str("</table></div>");
    if candidates.len() > SHOWN {
        push(html, format_args!("<p>{} more: candidates.csv</p>", candidates.len() - SHOWN));
    }
}
