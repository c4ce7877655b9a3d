//! Where the time of a simulated table's rows goes, from the raw file beside it.

use luts::Table;
use serde::Serialize;
use simulator::Cause;

use crate::measure::raw::Samples;
use crate::measure::subject::Subject;
use crate::show::explain::{Explanation, Share};
use crate::show::text;

/// A row of the table.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Its key.
    pub key: String,
    /// Its own graph, alone.
    pub alone: Explanation,
}

/// Causes of a column: those of instructions that issue, …
const WORK: [Cause; 3] = [Cause::IssuedTwo, Cause::IssuedOne, Cause::LongIssue];
/// … and those of memory.
const MEMORY: [Cause; 5] = [Cause::L2, Cause::Dram, Cause::LoadMisses, Cause::StoreMisses, Cause::Translation];

/// What is known of the table's rows, in its order.
pub fn rows(table: &Table, samples: &Samples) -> Vec<Row> {
    let of = |key: &str| samples.items.get(&Subject::from(key))?.explained.iter().find(|kept| !kept.cold).map(Explanation::of_kept);
    table.rows().iter().filter_map(|row| Some(Row { key: row.key.clone(), alone: of(&row.key)? })).collect()
}

/// As text: a line per row of the table.
pub fn text(rows: &[Row]) -> String {
    let head = ["alone", "µs", "multiply-adds per cycle", "issuing", "memory", "other waiting", "from memory", "most in"];
    let lines = rows.iter().map(|Row { key, alone }| {
        let share = |causes: &[Cause]| {
            let is_one = |part: &&Share| causes.iter().any(|cause| cause.name() == part.name);
            alone.causes.iter().filter(is_one).map(|part| part.share).sum::<f64>()
        };
        let (work, memory) = (share(&WORK), share(&MEMORY));
        let percent = |share: f64| format!("{:.0} %", 100.0 * share);
        let most = alone.functions.first().map(|f| format!("{} {}", f.name, percent(f.share))).unwrap_or_default();
        vec![
            key.clone(),
            format!("{:.1}", alone.us),
            format!("{:.2}", alone.multiply_adds_a_cycle),
            percent(work),
            percent(memory),
            percent((1.0 - work - memory).max(0.0)),
            format!("{:.1} KB", alone.memory.dram_read_bytes as f64 / 1e3),
            most,
        ]
    });
    text::columns(&std::iter::once(head.map(String::from).to_vec()).chain(lines).collect::<Vec<_>>())
}
