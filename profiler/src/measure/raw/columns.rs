//! Samples as columns of whole numbers.
//!
//! | column | what stands in it |
//! |---|---|
//! | `process` | lines `start` before the sample |
//! | `item` | its place in the list of names |
//! | `at_ms` | time since the process's sample before it, or since sampling began |
//! | `us`, `after_us` | the upper three bytes of an IEEE 754 single |
//! | `before_us` | the same; 0: it is the `after_us` of the sample before |
//! | `fault` | 0: none; else its place in [`SampleFault::ALL`], from 1 |
//! | `cpu` | one more than its number; 0: not known |
//! | `spread` | thousandths |
//! | `mhz` | MHz; 0: not known |
//! | `celsius` | tenths of a degree above −100 °C; 0: not known |
//!
//! In a file, a column is cut into its lowest bytes, the next ones, and so on: bytes of one kind pack best. A fault's spread, clock and
//! temperature are not kept.

use std::io::{self, Read};

use super::rounded::{self, DEGREES, SPREADS};
use crate::protocol::{Sample, SampleFault};

/// Their names, in order.
pub const NAMES: [&str; 11] =
    ["process", "item", "at_ms", "us", "before_us", "after_us", "fault", "cpu", "spread", "mhz", "celsius"];

/// Those that hold times.
const TIMES: [&str; 3] = ["us", "before_us", "after_us"];

/// A sample in numbers, in the order of [`NAMES`].
pub type Row = [u64; NAMES.len()];

/// Where the temperature's numbers begin, in steps.
const COLDEST: f64 = -100.0 * DEGREES;

/// What a row leaves to the one before it.
#[derive(Default)]
pub struct Last {
    process: u64,
    at_ms: u64,
    after: u64,
}

impl Last {
    /// A sample's row.
    pub fn write(&mut self, sample: &Sample, process: u64, item: u64) -> Row {
        let kept = rounded::sample(sample);
        let [us, before, after] = [kept.us, kept.before_us, kept.after_us].map(|us| u64::from(rounded::time_code(us)));
        let at_ms = kept.at_ms as u64;
        let since = if process == self.process { self.at_ms } else { 0 };
        let row = [
            process,
            item,
            at_ms.saturating_sub(since),
            us,
            if before == self.after { 0 } else { before },
            after,
            kept.fault.map_or(0, |fault| 1 + SampleFault::ALL.iter().take_while(|known| **known != fault).count() as u64),
            kept.cpu.map_or(0, |cpu| cpu as u64 + 1),
            (kept.spread * SPREADS).round() as u64,
            kept.mhz.map_or(0, |mhz| mhz as u64),
            kept.celsius.map_or(0, |celsius| (celsius * DEGREES - COLDEST).round() as u64),
        ];
        *self = Self { process, at_ms, after };
        row
    }

    /// A row's sample; `None` where a number says nothing.
    pub fn read(&mut self, row: &Row, names: &[String]) -> Option<Sample> {
        let [process, item, since, us, before, after, fault, cpu, spread, mhz, celsius] = *row;
        let at_ms = if process == self.process { self.at_ms.checked_add(since)? } else { since };
        let before = if before == 0 { self.after } else { before };
        let time = |code: u64| u32::try_from(code).ok().filter(|code| *code < 1 << 24).map(rounded::coded_time);
        let sample = Sample {
            id: names.get(usize::try_from(item).ok()?)?.clone(),
            at_ms: at_ms as f64,
            us: time(us)?,
            spread: spread as f64 / SPREADS,
            before_us: time(before)?,
            after_us: time(after)?,
            cpu: cpu.checked_sub(1).and_then(|cpu| usize::try_from(cpu).ok()),
            mhz: (mhz > 0).then_some(mhz as f64),
            celsius: (celsius > 0).then_some((celsius as f64 + COLDEST) / DEGREES),
            fault: match fault.checked_sub(1) {
                Some(place) => Some(*SampleFault::ALL.get(usize::try_from(place).ok()?)?),
                None => None,
            },
        };
        *self = Self { process, at_ms, after };
        Some(sample)
    }
}

/// Bytes that each column's numbers need; times always have three.
pub fn widths(rows: &[Row]) -> [u8; NAMES.len()] {
    std::array::from_fn(|column| {
        let most = rows.iter().map(|row| row[column]).max().unwrap_or_default();
        let least = if TIMES.contains(&NAMES[column]) { 3 } else { 1 };
        (u64::BITS - most.leading_zeros()).div_ceil(u8::BITS).max(least) as u8
    })
}

/// Appends the rows' columns.
pub fn write(rows: &[Row], widths: &[u8], into: &mut Vec<u8>) {
    for (column, &width) in widths.iter().enumerate() {
        for byte in 0..width {
            into.extend(rows.iter().map(|row| (row[column] >> (u32::from(byte) * u8::BITS)) as u8));
        }
    }
}

/// Reads so many rows' columns; `None` where the input ends before.
///
/// # Errors
/// Those of the input.
pub fn read(input: &mut impl Read, count: u64, widths: &[u8; NAMES.len()]) -> io::Result<Option<Vec<Row>>> {
    // The count is believed once the input has held as many bytes.
    let of_row: u64 = widths.iter().map(|&width| u64::from(width)).sum();
    let Some(size) = count.checked_mul(of_row) else { return Ok(None) };
    let mut bytes = Vec::new();
    input.take(size).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != size || count == 0 {
        return Ok((count == 0).then(Vec::new));
    }
    let mut rows: Vec<Row> = vec![[0; NAMES.len()]; bytes.len() / of_row as usize];
    let places = widths.iter().enumerate().flat_map(|(column, &width)| (0..u32::from(width)).map(move |byte| (column, byte)));
    for ((column, byte), plane) in std::iter::zip(places, bytes.chunks(rows.len())) {
        for (row, value) in std::iter::zip(&mut rows, plane) {
            row[column] |= u64::from(*value) << (byte * u8::BITS);
        }
    }
    Ok(Some(rows))
}
