//! Tables as files.
//!
//! First the header: TOML, each line behind `# `, beginning with `format = "blocktime-lut"`. Then a line of column names and
//! a line a row. The last line is `# end`; it and the header's `rows` show whether a file is whole.
//!
//! Reading holds one line at a time besides the rows themselves, and neither lines nor their number may be beyond reason:
//! no file, whatever its bytes, makes it panic or fill the memory.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::str::FromStr;

use csv::{ByteRecord, ReaderBuilder};
use serde::{Deserialize, Serialize};

use crate::fault::TableError;
use crate::header::Header;
use crate::row::{Discarded, Interval, Kind, Quantiles, Row, Shapes};
use crate::table::Table;
use crate::units::Micros;

/// Version of the columns and of the header that is written.
pub const SCHEMA: i64 = 2;
/// The one before, which is read too: it had no column [`TEMPERATURE`], and knew no device's clusters.
const SCHEMA_BEFORE: i64 = 1;

const FORMAT: &str = "blocktime-lut";
const END: &str = "# end";
const COLUMNS: [&str; 25] = [
    "key",
    "kind",
    "primitive",
    "c_in",
    "c_out",
    "stride",
    "h",
    "w",
    "macs",
    "params",
    "latency_us",
    "ci95_low_us",
    "ci95_high_us",
    "p0_us",
    "p10_us",
    "p50_us",
    "p90_us",
    "p100_us",
    "n",
    "discarded_canary",
    "discarded_moved",
    "discarded_preempted",
    "discarded_temperature",
    "cold_us",
    "checksum",
];

/// Place of the column that schema 1 lacks.
const TEMPERATURE: usize = 22;

/// Longest line of rows, and of the header; most bytes of the header; most rows.
const LINE_LIMIT: usize = 4096;
const HEADER_LINE_LIMIT: usize = 64 << 10;
const HEADER_LIMIT: usize = 4 << 20;
const ROW_LIMIT: u64 = 1_000_000;

/// Whether a file that is there already may be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrite {
    /// No: an error.
    No,
    /// Yes.
    Yes,
}

#[derive(Serialize, Deserialize)]
struct HeaderFile {
    format: String,
    schema: i64,
    rows: u64,
    #[serde(flatten)]
    header: Header,
}

impl Table {
    /// The whole file.
    pub(crate) fn to_text(&self) -> String {
        let file =
            HeaderFile { format: FORMAT.to_string(), schema: SCHEMA, rows: self.rows().len() as u64, header: self.header.clone() };
        let header = toml::to_string_pretty(&file).expect("a header has no map keys but names");
        let mut text = String::new();
        for line in header.lines() {
            // Writing to a String cannot fail.
            let _ = if line.is_empty() { writeln!(text, "#") } else { writeln!(text, "# {line}") };
        }
        text.push_str(&COLUMNS.join(","));
        text.push('\n');
        for row in self.rows() {
            push_row(&mut text, row);
        }
        text.push_str(END);
        text.push('\n');
        text
    }

    /// Writes the table, whole or not at all, so that no half table is ever there.
    ///
    /// # Errors
    /// [`TableError::Exists`] where a file is there and may not be replaced, [`TableError::Write`].
    pub fn write(&self, path: impl AsRef<Path>, overwrite: Overwrite) -> Result<(), TableError> {
        write_whole(path.as_ref(), self.to_text().as_bytes(), overwrite)
    }
}

/// Writes a file whole or not at all: to a new file beside `path` first, which then takes its name.
pub(crate) fn write_whole(path: &Path, bytes: &[u8], overwrite: Overwrite) -> Result<(), TableError> {
    let failed = |source| TableError::Write { path: path.into(), source };
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".table-").permissions(readable()).tempfile_in(folder).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    let placed = match overwrite {
        Overwrite::Yes => file.persist(path),
        Overwrite::No => file.persist_noclobber(path),
    };
    match placed {
        Ok(_) => Ok(()),
        Err(e) if e.error.kind() == io::ErrorKind::AlreadyExists => Err(TableError::Exists { path: path.into() }),
        Err(e) => Err(failed(e.error)),
    }
}

/// Temporary files are private by default; a table is not.
fn readable() -> std::fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    std::fs::Permissions::from_mode(0o644)
}

fn push_row(text: &mut String, row: &Row) {
    let Shapes { c_in, c_out, stride, h, w } = row.shapes;
    let _ = write!(text, "{},{},{},{c_in},{c_out},{stride},{h},{w}", row.key, row.kind.name(), row.primitive);
    let _ = write!(text, ",{},{},{}", row.macs, row.params, row.latency.0);
    let mut optional = |value: Option<Micros>| {
        let _ = match value {
            Some(Micros(v)) => write!(text, ",{v}"),
            None => write!(text, ","),
        };
    };
    optional(row.interval.map(|i| i.low));
    optional(row.interval.map(|i| i.high));
    let quantiles = row.quantiles.map(|q| [q.p0, q.p10, q.p50, q.p90, q.p100]);
    for i in 0..5 {
        optional(quantiles.map(|q| q[i]));
    }
    let Discarded { canary, moved, preempted, temperature } = row.discarded;
    let _ = write!(text, ",{},{canary},{moved},{preempted},{temperature},", row.samples);
    if let Some(Micros(cold)) = row.cold {
        let _ = write!(text, "{cold}");
    }
    let _ = writeln!(text, ",{}", row.checksum.as_deref().unwrap_or_default());
}

/// Reads a table from a file.
pub(crate) fn read(path: &Path) -> Result<Table, TableError> {
    let file = File::open(path).map_err(|source| TableError::Read { path: path.into(), source })?;
    read_from(BufReader::with_capacity(1 << 16, file), path)
}

/// Reads a table from any source; `path` stands in the errors.
///
/// # Errors
/// As [`Table::read`].
pub fn read_from(mut input: impl BufRead, path: &Path) -> Result<Table, TableError> {
    let (header, header_lines) = read_header(&mut input, path)?;
    let truncated = |reason: String| TableError::Truncated { path: path.into(), reason };
    let mut lines = RowLines { input, line: 0, column: 0, comment: None, ended: false };
    let mut rows = Vec::new();
    // A damaged row is reported only once it is certain that it is not just where the file was cut.
    let mut damaged = None;
    {
        let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).quoting(false).from_reader(&mut lines);
        let mut record = ByteRecord::new();
        let failed = |e: csv::Error| match e.into_kind() {
            csv::ErrorKind::Io(e) if e.kind() == io::ErrorKind::InvalidData => {
                TableError::NotATable { path: path.into(), reason: e.to_string() }
            }
            csv::ErrorKind::Io(source) => TableError::Read { path: path.into(), source },
            other => TableError::NotATable { path: path.into(), reason: format!("{other:?}") },
        };
        if !reader.read_byte_record(&mut record).map_err(failed)? {
            return Err(truncated("it has no rows".to_string()));
        }
        if header.schema == SCHEMA_BEFORE {
            record = with_temperature(&record, COLUMNS[TEMPERATURE]);
        }
        let names_match = record.iter().eq(COLUMNS.iter().map(|c| c.as_bytes()));
        while reader.read_byte_record(&mut record).map_err(failed)? {
            let line = header_lines + record.position().map_or(0, csv::Position::line);
            if header.schema == SCHEMA_BEFORE {
                record = with_temperature(&record, "0");
            }
            match parse_row(&record) {
                _ if rows.len() as u64 >= ROW_LIMIT => {
                    return Err(TableError::NotATable { path: path.into(), reason: format!("more than {ROW_LIMIT} rows") });
                }
                Ok(row) => rows.push((line, row)),
                Err(reason) => {
                    damaged.get_or_insert((line, reason));
                }
            }
        }
        if !names_match {
            damaged = Some((header_lines + 1, format!("the columns are not those of schema {SCHEMA}: {}", COLUMNS.join(","))));
        }
    }
    if !lines.ended {
        let reason = format!("its last line is not '{END}'; the header announces {} rows, {} are whole", header.rows, rows.len());
        return Err(truncated(reason));
    }
    if let Some((line, reason)) = damaged {
        return Err(TableError::Row { path: path.into(), line, reason });
    }
    if rows.len() as u64 != header.rows {
        return Err(truncated(format!("the header announces {} rows, {} are there", header.rows, rows.len())));
    }
    Table::from_numbered(header.header, rows).map_err(|faults| TableError::Faults { path: path.into(), faults })
}

/// Reads the comment lines at the start, and gives their number too.
fn read_header(input: &mut impl BufRead, path: &Path) -> Result<(HeaderFile, u64), TableError> {
    let not_a_table = |reason: &str| TableError::NotATable { path: path.into(), reason: reason.to_string() };
    let failed = |source| TableError::Read { path: path.into(), source };
    let (mut text, mut count) = (String::new(), 0);
    let mut line = Vec::new();
    loop {
        if input.fill_buf().map_err(failed)?.first() != Some(&b'#') {
            break;
        }
        line.clear();
        input.by_ref().take(HEADER_LINE_LIMIT as u64 + 1).read_until(b'\n', &mut line).map_err(failed)?;
        if line.len() > HEADER_LINE_LIMIT || text.len() + line.len() > HEADER_LIMIT {
            return Err(not_a_table("its header is too long"));
        }
        let body = std::str::from_utf8(&line).map_err(|_| not_a_table("its header is not text"))?;
        let body = body.trim_end_matches(['\n', '\r']);
        text.push_str(body.strip_prefix("# ").unwrap_or(&body[1..]));
        text.push('\n');
        count += 1;
    }
    let first = format!("format = \"{FORMAT}\"");
    if text.lines().next().map(str::trim) != Some(&first) {
        return Err(not_a_table(&format!("its first line is not '# {first}'")));
    }
    // A cut inside the header shows as a TOML error; but without a single row it is first of all a cut.
    let at_end = input.fill_buf().map_err(failed)?.is_empty();
    if at_end {
        let reason = "it ends within its header".to_string();
        return Err(TableError::Truncated { path: path.into(), reason });
    }
    let invalid = |source| TableError::Header { path: path.into(), source: Box::new(source) };
    let schema = toml::from_str::<toml::Table>(&text).map_err(invalid)?.get("schema").and_then(toml::Value::as_integer);
    match schema {
        Some(SCHEMA | SCHEMA_BEFORE) => {}
        Some(found) => return Err(TableError::Schema { path: path.into(), found, known: SCHEMA }),
        None => return Err(not_a_table("its header has no 'schema'")),
    }
    Ok((toml::from_str(&text).map_err(invalid)?, count))
}

/// Passes the lines of rows on, keeps comments back, and stops at lines beyond reason. After `# end` nothing may follow.
struct RowLines<R> {
    input: R,
    line: u64,
    /// Bytes of the current line so far.
    column: usize,
    /// The current line, where it is a comment.
    comment: Option<Vec<u8>>,
    ended: bool,
}

impl<R: BufRead> RowLines<R> {
    fn end_of_comment(&mut self) {
        if let Some(comment) = self.comment.take() {
            self.ended |= comment.trim_ascii_end() == END.as_bytes();
        }
    }
}

impl<R: BufRead> Read for RowLines<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let beyond = |what: &str| Err(io::Error::new(io::ErrorKind::InvalidData, what.to_string()));
        if out.is_empty() {
            return Ok(0);
        }
        loop {
            let bytes = self.input.fill_buf()?;
            if bytes.is_empty() {
                // "# end" counts without its line break too.
                self.end_of_comment();
                return Ok(0);
            }
            let (line_length, whole) = match bytes.iter().position(|&b| b == b'\n') {
                Some(at) => (at + 1, true),
                None => (bytes.len(), false),
            };
            let starts = self.column == 0;
            if starts && bytes[0] == b'#' {
                self.comment = Some(Vec::new());
            }
            let taken = if self.comment.is_some() { line_length } else { line_length.min(out.len()) };
            self.column += taken;
            if self.column > LINE_LIMIT {
                return beyond(&format!("line {} of its rows is longer than {LINE_LIMIT} bytes", self.line + 1));
            }
            let passed = match &mut self.comment {
                Some(comment) => {
                    comment.extend_from_slice(&bytes[..taken]);
                    false
                }
                None => {
                    if self.ended && !bytes[..taken].trim_ascii().is_empty() {
                        return beyond(&format!("text follows its last line '{END}'"));
                    }
                    out[..taken].copy_from_slice(&bytes[..taken]);
                    true
                }
            };
            self.input.consume(taken);
            if whole && taken == line_length {
                self.end_of_comment();
                self.column = 0;
                self.line += 1;
            }
            if passed {
                return Ok(taken);
            }
        }
    }
}

/// A record of schema 1 with the column that came later.
fn with_temperature(record: &ByteRecord, text: &str) -> ByteRecord {
    let before = record.iter().take(TEMPERATURE);
    before.chain(std::iter::once(text.as_bytes())).chain(record.iter().skip(TEMPERATURE)).collect()
}

fn parse_row(record: &ByteRecord) -> Result<Row, String> {
    if record.len() != COLUMNS.len() {
        return Err(format!("{} columns instead of {}", record.len(), COLUMNS.len()));
    }
    let text = |i: usize| std::str::from_utf8(&record[i]).map_err(|_| format!("{} is not text", COLUMNS[i]));
    let some_text = |i: usize| text(i).map(|t| (!t.is_empty()).then_some(t));
    let interval = both(micros(&text, 11)?, micros(&text, 12)?, "ci95_low_us and ci95_high_us")?;
    let quantiles: Vec<_> = (13..18).map(|i| micros(&text, i)).collect::<Result<Vec<_>, _>>()?;
    let quantiles = match quantiles[..] {
        [Some(p0), Some(p10), Some(p50), Some(p90), Some(p100)] => Some(Quantiles { p0, p10, p50, p90, p100 }),
        [None, None, None, None, None] => None,
        _ => return Err("p0_us … p100_us are there in part only".to_string()),
    };
    Ok(Row {
        key: text(0)?.to_string(),
        kind: text(1)?.parse::<Kind>().map_err(|()| format!("kind '{}' is unknown", text(1).unwrap_or_default()))?,
        primitive: text(2)?.to_string(),
        shapes: Shapes {
            c_in: number(&text, 3)?,
            c_out: number(&text, 4)?,
            stride: number(&text, 5)?,
            h: number(&text, 6)?,
            w: number(&text, 7)?,
        },
        macs: number(&text, 8)?,
        params: number(&text, 9)?,
        latency: Micros(number(&text, 10)?),
        interval: interval.map(|(low, high)| Interval { low, high }),
        quantiles,
        samples: number(&text, 18)?,
        discarded: Discarded {
            canary: number(&text, 19)?,
            moved: number(&text, 20)?,
            preempted: number(&text, 21)?,
            temperature: number(&text, 22)?,
        },
        cold: micros(&text, 23)?,
        checksum: some_text(24)?.map(str::to_string),
    })
}

fn number<'a, T: FromStr>(text: &impl Fn(usize) -> Result<&'a str, String>, column: usize) -> Result<T, String> {
    let text = text(column)?;
    text.parse().map_err(|_| format!("{} '{text}' is not a number", COLUMNS[column]))
}

/// A time that may be left empty.
fn micros<'a>(text: &impl Fn(usize) -> Result<&'a str, String>, column: usize) -> Result<Option<Micros>, String> {
    if text(column)?.is_empty() { Ok(None) } else { number(text, column).map(|t| Some(Micros(t))) }
}

fn both<T>(a: Option<T>, b: Option<T>, names: &str) -> Result<Option<(T, T)>, String> {
    match (a, b) {
        (Some(a), Some(b)) => Ok(Some((a, b))),
        (None, None) => Ok(None),
        _ => Err(format!("of {names} one is empty")),
    }
}
