//! Writing HTML.

use std::fmt::Write as _;

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
