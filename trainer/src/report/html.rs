//! Writing HTML: the frame of a page, light and dark, and its small parts.

use std::fmt::Write as _;

use drawing::escape;

/// What wide is, as a table of candidates, scrolls by itself; the page does not. Pictures keep their white ground in the dark.
const STYLE: &str = ":root{color-scheme:light dark;--ink:#222;--paper:#fff;--line:#ddd;--loud:#fde8e8;--code:#f6f6f6;--mark:#c0392b}\
@media(prefers-color-scheme:dark){:root{--ink:#d8dbe2;--paper:#16181d;--line:#3a3f4a;--loud:#48201f;--code:#22252c;--mark:#ff7a6b}}\
body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:var(--ink);background:var(--paper);overflow-wrap:anywhere}\
p,ul{max-width:62rem}h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}.wide{overflow-x:auto;margin:1rem 0}\
table{border-collapse:collapse;font-size:13px;overflow-wrap:normal}\
td,th{padding:.25rem .4rem;border-bottom:1px solid var(--line);text-align:right}td:first-child,th:first-child{text-align:left}\
.chosen{outline:2px solid var(--mark);outline-offset:-2px}\
.loud{background:var(--loud);border-left:4px solid var(--mark);padding:.5rem 1rem}\
pre{background:var(--code);padding:.8rem;overflow:auto;font-size:12px;overflow-wrap:normal}svg{max-width:100%;height:auto;border-radius:4px}\
figure{margin:1rem 0}.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(26rem,100%),1fr));gap:1rem}";

/// The beginning of a page, up to its heading.
pub(super) fn begin(title: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{0}</title><style>{STYLE}</style></head><body><h1>{0}</h1>",
        escape(title)
    )
}

/// Its end.
pub(super) const END: &str = "</body></html>\n";

/// Appends text.
pub(super) fn push(html: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = html.write_fmt(text);
}

/// A cost with its unit.
pub(super) fn cost(value: f64, unit: &str) -> String {
    let (shown, scale) = crate::cost::shown(unit);
    let digits = if unit == crate::cost::MACS { 3 } else { 1 };
    format!("{:.digits$} {shown}", value / scale)
}
