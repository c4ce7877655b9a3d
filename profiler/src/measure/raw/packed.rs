//! The form of a finished file: after the request a line that says what follows, then the agent's lines except for samples and
//! `loading`, then the samples as [`columns`].

use std::collections::BTreeMap;
use std::io::BufRead;

use serde::{Deserialize, Serialize};

use super::columns::{self, Last, NAMES, Row};
use super::lines::{Fault, line};
use super::{Request, rounded};
use crate::protocol::Event;

/// Version of the form.
const FORM: u32 = 1;
/// How the line begins that says what follows. No line of an agent does.
pub const MARK: &[u8] = b"{\"packed\":";

/// What follows.
#[derive(Serialize, Deserialize)]
struct Contents {
    /// [`FORM`].
    packed: u32,
    /// Lines of the agent.
    lines: u64,
    /// Samples.
    samples: u64,
    /// The items' names, in the order of their numbers.
    names: Vec<String>,
    /// The columns' names, each with the bytes of its numbers.
    columns: Vec<(String, u8)>,
}

/// The whole file, not yet compressed.
///
/// # Errors
/// None that anybody has seen: JSON is written to memory.
pub fn write(request: &Request, events: &[Event]) -> serde_json::Result<Vec<u8>> {
    let mut numbers = BTreeMap::new();
    let mut names = Vec::new();
    let (mut rows, mut lines, mut last) = (Vec::new(), Vec::new(), Last::default());
    let mut process = 0;
    let mut count = 0;
    for event in events {
        match event {
            Event::Sample(sample) => {
                let item = *numbers.entry(sample.id.as_str()).or_insert_with(|| {
                    names.push(sample.id.clone());
                    names.len() as u64 - 1
                });
                rows.push(last.write(sample, process, item));
                continue;
            }
            Event::Loading { .. } => continue,
            Event::Cold { id, us, canary_us } => {
                let (us, canary_us) = (rounded::digits(*us), rounded::digits(*canary_us));
                serde_json::to_writer(&mut lines, &Event::Cold { id: id.clone(), us, canary_us })?;
            }
            Event::Ready { id, runs, error, checksum, took: _ } => {
                let error = error.map(rounded::digits);
                serde_json::to_writer(
                    &mut lines,
                    &Event::Ready { id: id.clone(), runs: *runs, error, checksum: checksum.clone(), took: None },
                )?;
            }
            other => serde_json::to_writer(&mut lines, other)?,
        }
        lines.push(b'\n');
        count += 1;
        process += u64::from(matches!(event, Event::Start(_)));
    }
    let widths = columns::widths(&rows);
    let columns = std::iter::zip(NAMES, widths).map(|(name, width)| (name.to_string(), width)).collect();
    let contents = Contents { packed: FORM, lines: count, samples: rows.len() as u64, names, columns };
    let mut whole = serde_json::to_vec(request)?;
    whole.push(b'\n');
    serde_json::to_writer(&mut whole, &contents)?;
    whole.push(b'\n');
    whole.append(&mut lines);
    columns::write(&rows, &widths, &mut whole);
    Ok(whole)
}

/// Reads what follows the request. `first` is the line that says what; a process's samples come just before it is done.
///
/// # Errors
/// [`Fault`], or what `each` has against an event.
pub fn read(first: &[u8], mut input: impl BufRead, each: &mut dyn FnMut(Event) -> Result<(), String>) -> Result<(), Fault> {
    let cut = || Fault::Said("is truncated".to_string());
    let contents: Contents = serde_json::from_slice(first).map_err(|e| Fault::at(2, e))?;
    if contents.packed != FORM {
        return Err(Fault::Said(format!(
            "has version {} of the packed format; this program reads version {FORM}",
            contents.packed
        )));
    }
    let named = |(column, name): (&(String, u8), &&str)| column.0 == **name && (1..=8).contains(&column.1);
    if contents.columns.len() != NAMES.len() || !std::iter::zip(&contents.columns, &NAMES).all(named) {
        return Err(Fault::Said(format!("line 2: its columns are not {}", NAMES.join(", "))));
    }
    let widths = std::array::from_fn(|i| contents.columns[i].1);
    let mut events = Vec::new();
    for number in 0..contents.lines {
        let number = number + 3;
        let text = line(&mut input, number)?.ok_or_else(cut)?;
        events.push(serde_json::from_slice::<Event>(&text).map_err(|e| Fault::at(number, e))?);
    }
    let rows = columns::read(&mut input, contents.samples, &widths)?.ok_or_else(cut)?;
    if !input.fill_buf()?.is_empty() {
        return Err(Fault::Said("has more data after its last column".to_string()));
    }
    let mut samples = Samples { rows: &rows, names: &contents.names, read: 0, last: Last::default(), each };
    let mut process = 0;
    for event in events {
        if matches!(event, Event::Start(_) | Event::Done { .. }) {
            samples.of(process)?;
        }
        process += u64::from(matches!(event, Event::Start(_)));
        (samples.each)(event).map_err(Fault::Said)?;
    }
    samples.of(process)?;
    if samples.read < rows.len() {
        return Err(Fault::Said(format!("sample {}: its measurement pass is not in the file", samples.read + 1)));
    }
    Ok(())
}

/// The samples, as they are read.
struct Samples<'a> {
    rows: &'a [Row],
    names: &'a [String],
    /// How many have been read.
    read: usize,
    last: Last,
    each: &'a mut dyn FnMut(Event) -> Result<(), String>,
}

impl Samples<'_> {
    /// Reads those of a process, which must be the next ones.
    fn of(&mut self, process: u64) -> Result<(), Fault> {
        while let Some(row) = self.rows.get(self.read).filter(|row| row[0] == process) {
            self.read += 1;
            let said = |reason: String| Fault::Said(format!("sample {}: {reason}", self.read));
            let sample =
                self.last.read(row, self.names).ok_or_else(|| said("its numbers are not those of a sample".to_string()))?;
            (self.each)(Event::Sample(sample)).map_err(said)?;
        }
        Ok(())
    }
}
