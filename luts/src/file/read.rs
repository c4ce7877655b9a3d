//! A table read.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use csv::StringRecord;
use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, Deserializer};

use super::lines::RowLines;
use super::newer::newer;
use super::record::{Record, columns};
use super::{END, FORMAT, HeaderFile, SCHEMA, SCHEMA_FIRST, SCHEMA_OF_PRIMITIVES};
use crate::fault::{LISTED, TableError};
use crate::header::Header;
use crate::layout::Layout;
use crate::row::Row;
use crate::table::Table;

/// Longest line of the header, and most bytes of all of it.
const HEADER_LINE_LIMIT: usize = 64 << 10;
const HEADER_LIMIT: usize = 4 << 20;
/// Most rows.
const ROW_LIMIT: usize = 1_000_000;

impl Table {
    /// Reads a table and checks its own figures; see [`crate::file`].
    ///
    /// # Errors
    /// [`TableError`]: not readable, not a table, another schema, truncated, or with faults, which are all listed.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, TableError> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|source| TableError::Read { path: path.into(), source })?;
        read_from(BufReader::with_capacity(1 << 16, file), path)
    }

    /// Reads a table and [validates](Self::validate) it against a space.
    ///
    /// # Errors
    /// As [`Table::read`], and [`TableError::Faults`] where it does not fit the space.
    pub fn read_for(path: impl AsRef<Path>, space: impl Into<Layout>) -> Result<Self, TableError> {
        let table = Self::read(&path)?;
        table.validate_file(space, path)?;
        Ok(table)
    }

    /// [Validates](Self::validate) a table that was read from `path` against a space.
    ///
    /// # Errors
    /// [`TableError::Faults`] where it does not fit the space.
    pub fn validate_file(&self, space: impl Into<Layout>, path: impl AsRef<Path>) -> Result<(), TableError> {
        self.validate(space).map_err(|faults| TableError::Faults { path: path.as_ref().into(), faults })
    }
}

/// Reads a table from any source; `path` stands in the errors.
///
/// # Errors
/// As [`Table::read`].
pub fn read_from(mut input: impl BufRead, path: &Path) -> Result<Table, TableError> {
    let (header, header_lines) = read_header(&mut input, path)?;
    let truncated = |reason: String| TableError::Truncated { path: path.into(), reason };
    let lines = RowLines::new(input, header_lines);
    let mut csv = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(lines);
    let mut content = Content::new(header.schema);
    let mut record = StringRecord::new();
    loop {
        let read = csv.read_record(&mut record);
        let line = csv.get_ref().number;
        csv.get_mut().in_record = false;
        match read {
            Ok(false) => break,
            Ok(true) => content.add(&record, line),
            Err(error) => content.fail(error, line).map_err(|source| unreadable(source, path))?,
        }
        if content.rows.len() > ROW_LIMIT {
            return Err(TableError::NotATable { path: path.into(), reason: format!("more than {ROW_LIMIT} rows") });
        }
    }
    let whole = content.rows.len();
    if !content.has_columns {
        return Err(truncated("it has no rows".to_string()));
    }
    if !csv.get_ref().ended {
        let reason = format!("its last line is not '{END}'; {whole} of {} rows are complete", header.rows);
        return Err(truncated(reason));
    }
    if let Some((line, reason)) = content.damaged {
        return Err(TableError::Row { path: path.into(), line, reason });
    }
    if whole as u64 != header.rows {
        return Err(truncated(format!("the header announces {} rows, but there are {whole}", header.rows)));
    }
    let mut faults = Vec::new();
    for (row, &line) in content.rows.iter().zip(&content.lines) {
        faults.extend(row.faults(line));
        if faults.len() > LISTED {
            break;
        }
    }
    Table::from_lines(header.header, content.rows, &content.lines, faults)
        .map_err(|faults| TableError::Faults { path: path.into(), faults })
}

/// What the lines of rows hold.
struct Content {
    schema: i64,
    /// The columns of this schema.
    columns: StringRecord,
    /// Whether the line of the columns' names was read.
    has_columns: bool,
    rows: Vec<Row>,
    /// Where each row stands.
    lines: Vec<u64>,
    /// The first line that is no row, and why. It is reported only once it is certain that it is not just where the file was cut.
    damaged: Option<(u64, String)>,
}

impl Content {
    fn new(schema: i64) -> Self {
        let columns = columns(schema).into();
        Self { schema, columns, has_columns: false, rows: Vec::new(), lines: Vec::new(), damaged: None }
    }

    /// Takes the next record, which begins at that line.
    fn add(&mut self, record: &StringRecord, line: u64) {
        let added = if self.has_columns { self.row(record).map(Some) } else { self.check_columns(record).map(|()| None) };
        self.has_columns = true;
        match added {
            Ok(row) => {
                self.lines.extend(row.is_some().then_some(line));
                self.rows.extend(row);
            }
            Err(reason) => drop(self.damaged.get_or_insert((line, reason))),
        }
    }

    /// Takes an error; gives it back where nothing more can be read.
    fn fail(&mut self, error: csv::Error, line: u64) -> io::Result<()> {
        match error.into_kind() {
            csv::ErrorKind::Io(error) => Err(error),
            // Bytes that are no UTF-8: what is left, since lengths may differ and positions are not sought.
            _ => {
                self.has_columns = true;
                self.damaged.get_or_insert((line, "it is not text".to_string()));
                Ok(())
            }
        }
    }

    fn check_columns(&self, record: &StringRecord) -> Result<(), String> {
        if *record == self.columns {
            return Ok(());
        }
        let names = self.columns.iter().collect::<Vec<_>>().join(",");
        match record.iter().any(|field| field.contains(';')) {
            true => Err("semicolons separate its columns; save it with commas".to_string()),
            false => Err(format!("the columns are not those of schema {}: {names}", self.schema)),
        }
    }

    fn row(&self, record: &StringRecord) -> Result<Row, String> {
        if record.len() != self.columns.len() {
            return Err(format!("{} columns instead of {}", record.len(), self.columns.len()));
        }
        // The CSV reader takes these for numbers, other readers do not. Texts may begin so.
        let is_text = |column: &str| ["key", "kind", "primitive", "checksum"].contains(&column);
        let mut cells = self.columns.iter().zip(record);
        if let Some((column, text)) = cells.find(|(column, text)| text.starts_with("0x") && !is_text(column)) {
            return Err(format!("{column} '{text}' is not a number"));
        }
        record.deserialize::<Record>(Some(&self.columns)).map_err(|error| self.reason(&error, record))?.try_into()
    }

    /// Why a record is no row, with the column. Texts are taken as they are, so that it is always a number.
    fn reason(&self, error: &csv::Error, record: &StringRecord) -> String {
        let field = match error.kind() {
            csv::ErrorKind::Deserialize { err, .. } => err.field().and_then(|field| usize::try_from(field).ok()),
            _ => None,
        };
        match field.and_then(|field| Some((self.columns.get(field)?, record.get(field)?))) {
            Some((column, text)) => format!("{column} '{text}' is not a number"),
            None => error.to_string(),
        }
    }
}

fn unreadable(source: io::Error, path: &Path) -> TableError {
    match source.kind() {
        io::ErrorKind::InvalidData => TableError::NotATable { path: path.into(), reason: source.to_string() },
        _ => TableError::Read { path: path.into(), source },
    }
}

/// Reads the comment lines at the start, and gives their number too.
fn read_header(input: &mut impl BufRead, path: &Path) -> Result<(HeaderFile, u64), TableError> {
    let not_a_table = |reason: &str| TableError::NotATable { path: path.into(), reason: reason.to_string() };
    let failed = |source| TableError::Read { path: path.into(), source };
    let (text, count) = header_text(input, path)?;
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
    let invalid = |mut source: toml::de::Error| {
        source.set_input(Some(&text));
        TableError::Header { path: path.into(), source: Box::new(source) }
    };
    let schema = toml::from_str::<toml::Table>(&text).map_err(invalid)?.get("schema").and_then(toml::Value::as_integer);
    if let Some(reason) = newer(&text) {
        return Err(invalid(serde::de::Error::custom(reason)));
    }
    match schema {
        Some(SCHEMA_FIRST..=SCHEMA) => {}
        Some(found) => return Err(TableError::Schema { path: path.into(), found, known: SCHEMA }),
        None => return Err(not_a_table("its header has no 'schema'")),
    }
    let header = parse(&text).map_err(invalid)?;
    if header.header.space.folder.is_some() && header.schema <= SCHEMA_OF_PRIMITIVES {
        return Err(invalid(serde::de::Error::custom(format!("space.folder is unknown to schema {}", header.schema))));
    }
    Ok((header, count))
}

/// The entries of the file alone.
#[derive(Deserialize)]
struct OfFile {
    format: String,
    schema: i64,
    rows: u64,
}

/// Reads the file's own entries apart from the header's: errors in a flattened struct do not know their lines.
fn parse(text: &str) -> Result<HeaderFile, toml::de::Error> {
    let root = DeTable::parse(text)?;
    let span = root.span();
    let (mut of_file, mut header) = (DeTable::new(), root.into_inner());
    for name in ["format", "schema", "rows"] {
        of_file.extend(header.remove_entry(name));
    }
    let deserializer = |table| Deserializer::from(Spanned::new(span.clone(), table));
    let OfFile { format, schema, rows } = OfFile::deserialize(deserializer(of_file))?;
    Ok(HeaderFile { format, schema, rows, header: Header::deserialize(deserializer(header))? })
}

/// The header's TOML, and how many lines it takes.
fn header_text(input: &mut impl BufRead, path: &Path) -> Result<(String, u64), TableError> {
    let not_a_table = |reason: &str| TableError::NotATable { path: path.into(), reason: reason.to_string() };
    let failed = |source| TableError::Read { path: path.into(), source };
    let (mut text, mut count, mut line) = (String::new(), 0, Vec::new());
    let head = input.fill_buf().map_err(failed)?;
    if let Some(impostor) = files::impostor(head) {
        return Err(not_a_table(&format!("it {impostor}")));
    }
    let mark = head.len() - files::without_mark(head).len();
    input.consume(mark);
    loop {
        let next = input.fill_buf().map_err(failed)?;
        let quoted = next.starts_with(b"\"#");
        if !quoted && next.first() != Some(&b'#') {
            return Ok((text, count));
        }
        count += 1;
        line.clear();
        input.by_ref().take(HEADER_LINE_LIMIT as u64 + 1).read_until(b'\n', &mut line).map_err(failed)?;
        if line.len() > HEADER_LINE_LIMIT || text.len() + line.len() > HEADER_LIMIT {
            return Err(not_a_table("its header is too long"));
        }
        if quoted || line.trim_ascii_end().ends_with(b",,") {
            let reason =
                "a spreadsheet has put quotes or commas into the header: copy the lines that begin with # from the original";
            return Err(TableError::Row { path: path.into(), line: count, reason: reason.to_string() });
        }
        let body = std::str::from_utf8(&line).map_err(|_| not_a_table("its header is not text"))?;
        let body = body.trim_end_matches(['\n', '\r']);
        text.push_str(body.strip_prefix("# ").unwrap_or(&body[1..]));
        text.push('\n');
    }
}
