//! Two tables side by side, as text.

use std::fmt::{self, Write};

use super::text::{columns, percent};
use crate::tables::diff::{Caches, Diff, LayerDiff, Side};

/// What differs between `a` and `b`, as text.
pub fn text(diff: &Diff, a: &Side, b: &Side) -> String {
    let mut text = String::new();
    // Writing to a String does not fail.
    let _ = describe(&mut text, diff, a, b);
    text
}

fn describe(out: &mut String, diff: &Diff, a: &Side, b: &Side) -> fmt::Result {
    for (letter, side) in [("A", a), ("B", b)] {
        let h = &side.table.header;
        let caches = if side.caches == Caches::Cold { ", cold caches" } else { "" };
        let (model, engine) = (&h.device.model, &h.engine);
        writeln!(
            out,
            "{letter}  {}: {model}, {} {}, {} thread(s){caches}, {} ({})",
            side.name,
            engine.name,
            engine.version,
            h.threads,
            h.source,
            h.made()
        )?;
    }
    for line in diff.measured.lines("A", "B") {
        writeln!(out, "   {line}")?;
    }
    if !diff.measured.unknown.is_empty() {
        writeln!(out, "   stated by only one of the tables: {}", diff.measured.unknown.join(", "))?;
    }
    writeln!(out, "\nB takes {:.3} × as long as A (median of {} rows)\n", diff.median_ratio, diff.rows.len())?;
    let mut lines = vec![["", "A µs", "B µs", "B / A", "from the median"].map(String::from).to_vec()];
    lines.extend(diff.rows.iter().map(|row| {
        vec![
            row.key.clone(),
            format!("{:.1}", row.first_us),
            format!("{:.1}", row.second_us),
            format!("{:.3}", row.second_us / row.first_us),
            percent(row.change),
        ]
    }));
    out.push_str(&columns(&lines));
    writeln!(
        out,
        "\ndifference from the median: median {:.1} %, largest {:.1} %",
        100.0 * diff.median_change,
        100.0 * diff.largest_change
    )?;
    if diff.layers.is_empty() { Ok(()) } else { describe_swaps(out, &diff.layers) }
}

fn describe_swaps(out: &mut String, layers: &[LayerDiff]) -> fmt::Result {
    writeln!(out, "\nCandidates whose order differs (*: with certainty, intervals do not overlap)")?;
    for layer in layers {
        let numbers: Vec<_> = layer.layers.iter().map(usize::to_string).collect();
        let [in_a, in_b] = &layer.fastest;
        let fastest = if in_a == in_b { format!("fastest in both: {in_a}") } else { format!("fastest in A: {in_a}, in B: {in_b}") };
        writeln!(out, "layer {}: {fastest}; {} pairs change order", numbers.join(", "), layer.swaps.len())?;
        for s in &layer.swaps {
            let ([a1, a2], [b1, b2]) = (s.first_us, s.second_us);
            let mark = if s.certain { "*" } else { " " };
            writeln!(
                out,
                "  {mark} A prefers {} ({a1:.1} to {a2:.1} µs), B {} ({b2:.1} to {b1:.1} µs)",
                s.first_prefers, s.second_prefers
            )?;
        }
    }
    Ok(())
}
