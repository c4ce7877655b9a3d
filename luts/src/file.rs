//! Tables as files.
//!
//! First the header: TOML, each line behind `# `, beginning with `format = "blocktime-lut"`. Then a line of column names and
//! a line a row. The last line is `# end`; it and the header's `rows` show whether a file is whole.
//!
//! Reading holds a batch of lines at a time besides the rows themselves, and neither lines nor their number may be beyond reason:
//! no file, whatever its bytes, makes it panic or fill the memory.

use std::fmt::Write as _;
use std::fs::File;
use std::hash::BuildHasher;
use std::io::{self, BufRead, BufReader, Read};
use std::ops::Range;
use std::path::Path;
use std::str::FromStr;

use files::Overwrite;
use serde::{Deserialize, Serialize};

use crate::fault::{Fault, LISTED, TableError};
use crate::header::Header;
use crate::row::{Discarded, Interval, Kind, Quantiles, Row, Shapes};
use crate::table::{KeyHasher, Origin, Table};
use crate::units::Micros;

/// Version of the columns and of the header that is written.
pub const SCHEMA: i64 = 3;
/// The first one. It and the second are read too: it knew no device's clusters; the second knew no engine's build and nothing that tells
/// processors of one name apart. Both lack columns ([`has_column`]).
const SCHEMA_FIRST: i64 = 1;

const FORMAT: &str = "blocktime-lut";
const END: &str = "# end";
const COLUMNS: [&str; 27] = [
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
    "discarded_unsteady",
    "discarded_loud",
    "cold_us",
    "checksum",
];

/// Places of the columns that earlier schemas lack.
const TEMPERATURE: usize = 22;
const UNSTEADY: usize = 23;
const LOUD: usize = 24;

/// Whether tables of that schema have that column.
fn has_column(schema: i64, column: usize) -> bool {
    match column {
        TEMPERATURE => schema >= 2,
        UNSTEADY | LOUD => schema >= 3,
        _ => true,
    }
}

/// Longest line of rows, and of the header; most bytes of the header; most rows.
const LINE_LIMIT: usize = 4096;
const HEADER_LINE_LIMIT: usize = 64 << 10;
const HEADER_LIMIT: usize = 4 << 20;
const ROW_LIMIT: u64 = 1_000_000;

/// Lines that are parsed at a time, by all processors together; and least lines that are worth a thread of their own.
const BATCH: usize = 4096;
const SHARE: usize = 1024;

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

/// Writes a file whole or not at all.
pub(crate) fn write_whole(path: &Path, bytes: &[u8], overwrite: Overwrite) -> Result<(), TableError> {
    files::write(path, bytes, overwrite).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => TableError::Exists { path: path.into() },
        _ => TableError::Write { path: path.into(), source },
    })
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
    let Discarded { canary, moved, preempted, temperature, unsteady, loud } = row.discarded;
    let _ = write!(text, ",{},{canary},{moved},{preempted},{temperature},{unsteady},{loud},", row.samples);
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
    let not_a_table = |reason: String| TableError::NotATable { path: path.into(), reason };
    let mut lines = RowLines { input, line: Vec::new(), number: header_lines, ended: false };
    let next = |lines: &mut RowLines<_>| {
        lines.advance().map_err(|e| match e.kind() {
            io::ErrorKind::InvalidData => not_a_table(e.to_string()),
            _ => TableError::Read { path: path.into(), source: e },
        })
    };
    if !next(&mut lines)? {
        return Err(truncated("it has no rows".to_string()));
    }
    // A damaged row is reported only once it is certain that it is not just where the file was cut.
    let mut damaged = None;
    let has = |column: usize| has_column(header.schema, column);
    let expected = COLUMNS.iter().enumerate().filter(|(i, _)| has(*i)).map(|(_, name)| name.as_bytes());
    if !lines.line.split(|&b| b == b',').eq(expected) {
        damaged = Some((lines.number, format!("the columns are not those of schema {}: {}", header.schema, COLUMNS.join(","))));
    }
    let (mut origins, mut rows, mut faults) = (Vec::new(), Vec::new(), Vec::new());
    let hasher = KeyHasher::default();
    let mut batch = Batch::default();
    loop {
        batch.clear();
        while batch.ends.len() < BATCH && next(&mut lines)? {
            batch.push(&lines.line, lines.number);
        }
        if batch.ends.is_empty() {
            break;
        }
        for share in batch.parse(&hasher, &has) {
            rows.append(&mut share.rows);
            origins.append(&mut share.origins);
            faults.append(&mut share.faults);
            faults.truncate(LISTED + 1);
            damaged = damaged.or(share.damaged.take());
        }
        if rows.len() as u64 > ROW_LIMIT {
            return Err(not_a_table(format!("more than {ROW_LIMIT} rows")));
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
    Table::from_checked(header.header, rows, &origins, hasher, faults)
        .map_err(|faults| TableError::Faults { path: path.into(), faults })
}

/// Reads the comment lines at the start, and gives their number too.
fn read_header(input: &mut impl BufRead, path: &Path) -> Result<(HeaderFile, u64), TableError> {
    let not_a_table = |reason: &str| TableError::NotATable { path: path.into(), reason: reason.to_string() };
    let failed = |source| TableError::Read { path: path.into(), source };
    let (mut text, mut count) = (String::new(), 0);
    let mut line = Vec::new();
    let head = input.fill_buf().map_err(failed)?;
    if let Some(impostor) = files::impostor(head) {
        return Err(not_a_table(&format!("it {impostor}")));
    }
    let mark = head.len() - files::without_mark(head).len();
    input.consume(mark);
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
        Some(SCHEMA_FIRST..=SCHEMA) => {}
        Some(found) => return Err(TableError::Schema { path: path.into(), found, known: SCHEMA }),
        None => return Err(not_a_table("its header has no 'schema'")),
    }
    Ok((toml::from_str(&text).map_err(invalid)?, count))
}

/// The lines of rows, one at a time, without comments and empty lines. After `# end` nothing may follow.
struct RowLines<R> {
    input: R,
    /// The current line, without its break.
    line: Vec<u8>,
    /// Its number in the file, from 1.
    number: u64,
    ended: bool,
}

impl<R: BufRead> RowLines<R> {
    /// Goes to the next line; false at the end of the file. Lines beyond reason are [`io::ErrorKind::InvalidData`].
    fn advance(&mut self) -> io::Result<bool> {
        let beyond = |what: String| Err(io::Error::new(io::ErrorKind::InvalidData, what));
        loop {
            self.line.clear();
            if self.input.by_ref().take(LINE_LIMIT as u64 + 1).read_until(b'\n', &mut self.line)? == 0 {
                return Ok(false);
            }
            self.number += 1;
            if self.line.len() > LINE_LIMIT {
                return beyond(format!("line {} is longer than {LINE_LIMIT} bytes", self.number));
            }
            let length = self.line.trim_ascii_end().len();
            self.line.truncate(length);
            match self.line.first() {
                None => {}
                Some(_) if self.ended => return beyond(format!("text follows its last line '{END}'")),
                Some(b'#') => self.ended = self.line == END.as_bytes(),
                Some(_) => return Ok(true),
            }
        }
    }
}

/// Lines of rows, one behind the other.
#[derive(Default)]
struct Batch {
    text: Vec<u8>,
    /// Where each line ends, and its number in the file.
    ends: Vec<(usize, u64)>,
    /// What the lines hold, a part a thread; kept from batch to batch for their memory.
    shares: Vec<Share>,
}

/// What some lines of a batch hold.
#[derive(Default)]
struct Share {
    rows: Vec<Row>,
    /// Where each is from.
    origins: Vec<Origin>,
    /// What is wrong with them; not much more than is listed.
    faults: Vec<Fault>,
    /// The first line that is no row, and why.
    damaged: Option<(u64, String)>,
}

impl Batch {
    fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    fn push(&mut self, line: &[u8], number: u64) {
        self.text.extend_from_slice(line);
        self.ends.push((self.text.len(), number));
    }

    /// Parses all lines, by several threads where there are enough of them; in the order of the lines.
    fn parse(&mut self, hasher: &KeyHasher, has: &(impl Fn(usize) -> bool + Sync)) -> &mut [Share] {
        let count = self.ends.len();
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(count / SHARE).max(1);
        let each = count.div_ceil(threads);
        self.shares.resize_with(threads, Share::default);
        let (text, ends) = (&self.text, &self.ends);
        std::thread::scope(|scope| {
            let mut parts = self.shares.iter_mut().enumerate().map(|(i, share)| {
                let lines = (i * each).min(count)..((i + 1) * each).min(count);
                move || share.parse(text, ends, lines, hasher, has)
            });
            let own = parts.next();
            parts.for_each(|part| drop(scope.spawn(part)));
            own.into_iter().for_each(|part| part());
        });
        &mut self.shares
    }
}

impl Share {
    /// Parses some of the lines of `text`.
    fn parse(&mut self, text: &[u8], ends: &[(usize, u64)], lines: Range<usize>, hasher: &KeyHasher, has: &impl Fn(usize) -> bool) {
        let mut start = lines.start.checked_sub(1).map_or(0, |before| ends[before].0);
        for &(end, line) in &ends[lines] {
            match Fields::of(&text[start..end], has).and_then(|fields| parse_row(&fields)) {
                Ok(row) => {
                    if self.faults.len() <= LISTED {
                        self.faults.extend(row.faults(line));
                    }
                    self.origins.push(Origin { line, hash: hasher.hash_one(&*row.key) });
                    self.rows.push(row);
                }
                Err(reason) => {
                    self.damaged.get_or_insert((line, reason));
                }
            }
            start = end;
        }
    }
}

/// The fields of a row, in the order of [`COLUMNS`].
struct Fields<'a>([&'a str; COLUMNS.len()]);

impl<'a> Fields<'a> {
    /// Divides a line; the columns that the file's schema does not have are 0.
    fn of(line: &'a [u8], has: &impl Fn(usize) -> bool) -> Result<Self, String> {
        let line = std::str::from_utf8(line).map_err(|_| "it is not text".to_string())?;
        // By hand: fields are shorter than what a search for single characters is made for.
        let ends = line.bytes().enumerate().filter(|&(_, byte)| byte == b',').map(|(at, _)| at).chain([line.len()]);
        let mut start = 0;
        let mut found = ends.map(|end| {
            let field = &line[start..end];
            start = end + 1;
            field
        });
        let mut fields = ["0"; COLUMNS.len()];
        for (_, field) in fields.iter_mut().enumerate().filter(|(i, _)| has(*i)) {
            *field = found.next().ok_or_else(|| columns_error(line))?;
        }
        if found.next().is_some() { Err(columns_error(line)) } else { Ok(Self(fields)) }
    }

    fn number<T: FromStr>(&self, column: usize) -> Result<T, String> {
        let text = self.0[column];
        text.parse().map_err(|_| format!("{} '{text}' is not a number", COLUMNS[column]))
    }

    /// A time that may be left empty.
    fn micros(&self, column: usize) -> Result<Option<Micros>, String> {
        if self.0[column].is_empty() { Ok(None) } else { self.number(column).map(|t| Some(Micros(t))) }
    }
}

fn columns_error(line: &str) -> String {
    format!("{} columns instead of {}", line.split(',').count(), COLUMNS.len())
}

fn parse_row(fields: &Fields) -> Result<Row, String> {
    let interval = both(fields.micros(11)?, fields.micros(12)?, "ci95_low_us and ci95_high_us")?;
    let quantiles = [fields.micros(13)?, fields.micros(14)?, fields.micros(15)?, fields.micros(16)?, fields.micros(17)?];
    let quantiles = match quantiles {
        [Some(p0), Some(p10), Some(p50), Some(p90), Some(p100)] => Some(Quantiles { p0, p10, p50, p90, p100 }),
        [None, None, None, None, None] => None,
        _ => return Err("p0_us … p100_us are there in part only".to_string()),
    };
    let [key, kind, primitive, ..] = fields.0;
    let checksum = fields.0[26];
    Ok(Row {
        key: key.to_string(),
        kind: kind.parse::<Kind>().map_err(|()| format!("kind '{kind}' is unknown"))?,
        primitive: primitive.to_string(),
        shapes: Shapes {
            c_in: fields.number(3)?,
            c_out: fields.number(4)?,
            stride: fields.number(5)?,
            h: fields.number(6)?,
            w: fields.number(7)?,
        },
        macs: fields.number(8)?,
        params: fields.number(9)?,
        latency: Micros(fields.number(10)?),
        interval: interval.map(|(low, high)| Interval { low, high }),
        quantiles,
        samples: fields.number(18)?,
        discarded: Discarded {
            canary: fields.number(19)?,
            moved: fields.number(20)?,
            preempted: fields.number(21)?,
            temperature: fields.number(TEMPERATURE)?,
            unsteady: fields.number(UNSTEADY)?,
            loud: fields.number(LOUD)?,
        },
        cold: fields.micros(25)?,
        checksum: (!checksum.is_empty()).then(|| checksum.to_string()),
    })
}

fn both<T>(a: Option<T>, b: Option<T>, names: &str) -> Result<Option<(T, T)>, String> {
    match (a, b) {
        (Some(a), Some(b)) => Ok(Some((a, b))),
        (None, None) => Ok(None),
        _ => Err(format!("of {names} one is empty")),
    }
}
