//! Tables as files.
//!
//! First the header: TOML, each line behind `# `, beginning with `format = "blocktime-lut"`. Then CSV: a line of column names and a line a
//! row. The last line is `# end`; it and the header's `rows` show whether a file is whole.
//!
//! Reading holds one line at a time besides the rows themselves, and neither lines nor their number may be beyond reason: no file,
//! whatever its bytes, makes it panic or fill the memory.
//!
//! A spreadsheet may have saved the file: quotes around cells, line ends of Windows and a byte-order mark are read. What it does to the
//! header cannot be undone, and is named with its line.

mod lines;
mod newer;
mod read;
mod record;
mod write;

pub use read::read_from;
pub use write::write_whole;

use serde::Serialize;

use crate::header::Header;

/// The latest version of the columns and of the header. It is written of spaces of ONNX files, which it was made for.
pub const SCHEMA: i64 = 4;
/// The version that is written of spaces of primitives, so that programs of before read them, and a table stays the same bytes.
const SCHEMA_OF_PRIMITIVES: i64 = 3;
/// The oldest version that is read. It knew no device's clusters; the second knew no engine's build and nothing that tells processors of
/// one name apart. Both lack columns ([`record::columns`]).
const SCHEMA_FIRST: i64 = 1;

/// What the first line says the file is.
const FORMAT: &str = "blocktime-lut";
/// The last line.
const END: &str = "# end";

/// The header as TOML.
#[derive(Serialize)]
struct HeaderFile {
    format: String,
    schema: i64,
    rows: u64,
    #[serde(flatten)]
    header: Header,
}
