//! Tables as files: what is written is read back, and nothing broken is read as a table.

#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use blocks::Space;
use luts::*;
use proptest::prelude::*;

fn pfld() -> Space {
    Space::load("pfld").unwrap()
}

fn read(bytes: &[u8]) -> Result<Table, TableError> {
    luts::file::read_from(bytes, Path::new("t.csv"))
}

/// The PFLD table as its file holds it.
fn text() -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    common::table(&pfld()).write(&path, Overwrite::No).unwrap();
    std::fs::read_to_string(path).unwrap()
}

fn error(text: &str) -> TableError {
    read(text.as_bytes()).unwrap_err()
}

/// The faults of a table that is read, but not valid.
fn faults(text: &str) -> Vec<Fault> {
    match error(text) {
        TableError::Faults { faults, .. } => faults,
        other => panic!("{other}"),
    }
}

#[test]
fn tables_of_earlier_schemas_are_read() {
    let table = common::table(&pfld());
    let earlier = |schema: i64, columns: &[&str]| {
        let text = text().replace("# schema = 3", &format!("# schema = {schema}"));
        let head: Vec<String> = text.lines().find(|l| l.starts_with("key,")).unwrap().split(',').map(String::from).collect();
        let known = |line: &str| {
            let cells = line.split(',').zip(&head).filter(|(_, column)| !columns.contains(&column.as_str()));
            cells.map(|(cell, _)| cell).collect::<Vec<_>>().join(",")
        };
        let lines = text.lines().map(|line| if line.starts_with('#') { line.to_string() } else { known(line) } + "\n");
        lines.collect::<String>()
    };
    let of_third = ["discarded_unsteady", "discarded_loud"];
    assert_eq!(read(earlier(2, &of_third).as_bytes()).unwrap(), table);
    let of_second = ["discarded_temperature", "discarded_unsteady", "discarded_loud"];
    let old = earlier(1, &of_second);
    // Columns of another schema are no columns of this one.
    let mixed = earlier(2, &of_second);
    let columns = mixed.lines().position(|line| line.starts_with("key,")).unwrap() as u64 + 1;
    assert!(matches!(error(&mixed), TableError::Row { line, .. } if line == columns));
    assert_eq!(read(old.as_bytes()).unwrap().rows(), table.rows());
}

#[test]
fn a_written_table_is_read_back() {
    let table = read(text().as_bytes()).unwrap();
    assert_eq!(table, common::table(&pfld()));
    assert_eq!(table.digest(), common::table(&pfld()).digest());
}

#[test]
fn the_committed_tables_are_written_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let tables = std::fs::read_dir(support::project_root().join("luts")).unwrap().map(|entry| entry.unwrap().path());
    let mut count = 0;
    for path in tables.filter(|path| files::has_ending(path, "csv")) {
        let copy = folder.path().join(path.file_name().unwrap());
        Table::read(&path).unwrap().write(&copy, Overwrite::No).unwrap();
        assert!(std::fs::read(&path).unwrap() == std::fs::read(&copy).unwrap(), "{}", path.display());
        count += 1;
    }
    assert!(count >= 5, "{count} tables");
}

#[test]
fn an_existing_file_stays_unless_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    std::fs::write(&path, "precious").unwrap();
    let table = common::table(&pfld());
    assert!(matches!(table.write(&path, Overwrite::No), Err(TableError::Exists { .. })));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
    table.write(&path, Overwrite::Yes).unwrap();
    assert_eq!(Table::read(&path).unwrap(), table);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
}

#[test]
fn a_table_cut_anywhere_is_refused() {
    let text = text();
    for length in (0..text.len() - 1).step_by(7) {
        assert!(read(&text.as_bytes()[..length]).is_err(), "{length} bytes are read as a table");
    }
    let names = |text: &str, numbers: &[&str]| match error(text) {
        TableError::Truncated { reason, .. } => assert!(numbers.iter().all(|number| reason.contains(number)), "{reason}"),
        other => panic!("{other}"),
    };
    names(&text[..text.len() / 2], &["36"]);
    // A row less, the end still there.
    let lines: Vec<_> = text.lines().collect();
    let short = [&lines[..lines.len() - 2], &["# end\n"]].concat().join("\n");
    names(&short, &["36", "35"]);
}

#[test]
fn each_kind_of_broken_file_has_its_message() {
    let text = text();
    for other in ["", "a,b,c\n1,2,3\n"] {
        assert!(matches!(error(other), TableError::NotATable { .. }), "{other}");
    }
    assert!(matches!(error(&text.replace("# schema = 3", "# schema = 5")), TableError::Schema { found: 5, known: 4, .. }));
    assert!(matches!(error(&text.replace("# points = 106", "# points = many")), TableError::Header { .. }));
    assert!(matches!(error(&text.replace("key,kind", "name,kind")), TableError::Row { .. }));
    let row = text.lines().find(|l| l.starts_with("sep_k3@")).unwrap();
    let latency = row.split(',').nth(10).unwrap();
    let with = |value: &str| text.replace(row, &row.replacen(&format!(",{latency},"), &format!(",{value},"), 1));
    let at = text.lines().position(|line| line == row).unwrap() as u64 + 1;
    let key = "sep_k3@32x14x14-s1-32";
    assert!(faults(&with("NaN")).contains(&Fault::NotANumber { line: at, key: key.into(), field: "latency_us" }));
    assert!(faults(&with("0")).contains(&Fault::NotPositive { line: at, key: key.into(), latency: Micros(0.0) }));
    assert!(matches!(error(&with("fast")), TableError::Row { line, .. } if line == at));
    let twice = text.replace(row, &format!("{row}\n{}", row.replacen("block", "identity", 1)));
    let faults = faults(&twice.replace("# rows = 36", "# rows = 37"));
    assert!(faults.contains(&Fault::Duplicate { key: key.into(), first: at, line: at + 1 }), "{faults:?}");
    for beyond in [format!("{text}more"), text.replace(row, &"9".repeat(5000))] {
        assert!(matches!(error(&beyond), TableError::NotATable { .. }));
    }
}

#[test]
fn an_exact_repetition_and_foreign_line_ends_are_harmless() {
    let text = text();
    let row = text.lines().find(|l| l.starts_with("sep_k3@")).unwrap();
    let twice = text.replace(row, &format!("{row}\n{row}")).replace("# rows = 36", "# rows = 37");
    assert_eq!(read(twice.as_bytes()).unwrap(), common::table(&pfld()));
    assert_eq!(read(text.replace('\n', "\r\n").as_bytes()).unwrap(), common::table(&pfld()));
    assert_eq!(read(text.trim_end().as_bytes()).unwrap(), common::table(&pfld()));
}

/// Far more rows than any space has.
#[test]
fn a_large_table_keeps_its_order_and_names_the_broken_line() {
    let small = common::table(&pfld());
    let row = |i: usize| Row { key: format!("{}{i}", small.rows()[0].key), ..small.rows()[0].clone() };
    let large = Table::new(small.header.clone(), (0..40_000).map(row).collect()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    large.write(&path, Overwrite::No).unwrap();
    assert_eq!(Table::read(&path).unwrap(), large);

    let text = std::fs::read_to_string(&path).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    let first = lines.iter().position(|line| !line.starts_with('#')).unwrap() + 1;
    for broken in [first + 39_000, first + 9_000] {
        lines[broken] = "mb_k3,block";
        assert!(matches!(error(&(lines.join("\n") + "\n")), TableError::Row { line, .. } if line == broken as u64 + 1));
    }
}

/// What a spreadsheet saves: quotes around cells, line ends of Windows, a byte-order mark.
#[test]
fn rows_that_a_spreadsheet_saved_are_read() {
    let quoted = |line: &str| line.split(',').map(|cell| format!("\"{cell}\"")).collect::<Vec<_>>().join(",");
    let text = text();
    let lines = text.lines().map(|line| if line.starts_with('#') { line.to_string() } else { quoted(line) });
    let saved = format!("\u{feff}{}\r\n", lines.collect::<Vec<_>>().join("\r\n"));
    assert_eq!(read(saved.as_bytes()).unwrap(), common::table(&pfld()));
}

#[test]
fn what_a_spreadsheet_breaks_is_named_by_line() {
    let text = text();
    let first = text.lines().next().unwrap();
    let in_header = |line: &str| matches!(read(text.replacen(first, line, 1).as_bytes()), Err(TableError::Row { line: 1, .. }));
    assert!(in_header("\"# format = \"\"blocktime-lut\"\"\""));
    assert!(in_header(&format!("{first},,,,,")));
    let columns = text.lines().position(|line| line.starts_with("key,")).unwrap() as u64 + 1;
    let lines = text.lines().map(|line| if line.starts_with('#') { line.to_string() } else { line.replace(',', ";") } + "\n");
    let semicolons = lines.collect::<String>();
    assert!(matches!(read(semicolons.as_bytes()), Err(TableError::Row { line, .. }) if line == columns));
    let row = text.lines().find(|line| line.starts_with("sep_k3@")).unwrap();
    let open = text.replace(row, &format!("\"{row}"));
    let line = text.lines().position(|line| line == row).unwrap() + 1;
    assert!(matches!(error(&open), TableError::NotATable { reason, .. } if reason.contains(&line.to_string())));
    // A cell with a comma is no key, whatever stands around it.
    let comma = text.replace("sep_k3@32x14x14-s1-32,", "\"sep_k3,32x14x14-s1-32\",");
    let faults = faults(&comma);
    assert!(faults.iter().any(|fault| matches!(fault, Fault::BadKey { line: at, .. } if *at == line as u64)), "{faults:?}");
}

#[test]
fn a_cell_that_is_no_number_is_named_by_line_and_column() {
    let text = text();
    let (at, row) = text.lines().enumerate().find(|(_, line)| line.starts_with("sep_k3@")).unwrap();
    let columns: Vec<&str> = text.lines().find(|line| line.starts_with("key,")).unwrap().split(',').collect();
    for (i, column) in columns.iter().enumerate().filter(|(_, column)| !["key", "primitive", "checksum"].contains(column)) {
        let mut cells: Vec<&str> = row.split(',').collect();
        cells[i] = "1 234";
        match read(text.replace(row, &cells.join(",")).as_bytes()) {
            Err(TableError::Row { line, reason, .. }) => {
                assert!(line == at as u64 + 1 && reason.starts_with(&format!("{column} '1 234' ")), "{line}: {reason}");
            }
            other => panic!("{column}: {other:?}"),
        }
    }
}

fn micros() -> impl Strategy<Value = Micros> {
    (1e-300..1e300f64).prop_map(Micros)
}

prop_compose! {
    fn any_row()(
        (key, latency, below, above) in ("[a-z0-9_]{1,12}@[0-9x]{1,9}-s1-[0-9]{1,4}", 1e-6..1e9f64, 0.01..1.0f64, 1.0..9.0f64),
        quantiles in proptest::option::of(proptest::collection::vec(1e-9..1e9f64, 5)),
        (macs, params, samples, canary, moved) in (any::<u64>(), any::<u64>(), any::<u64>(), any::<u64>(), any::<u64>()),
        (c_in, c_out, h) in (any::<usize>(), any::<usize>(), any::<usize>()),
        cold in proptest::option::of(micros()),
        checksum in proptest::option::of("[0-9a-f]{8}"),
    ) -> Row {
        let quantiles = quantiles.map(|mut q| {
            q.sort_by(f64::total_cmp);
            let [p0, p10, p50, p90, p100] = [0, 1, 2, 3, 4].map(|i| Micros(q[i]));
            Quantiles { p0, p10, p50, p90, p100 }
        });
        Row {
            key, kind: Kind::Block, primitive: "sep_k3".into(), shapes: Shapes { c_in, c_out, stride: 2, h, w: h },
            macs: Some(macs), params, latency: Micros(latency),
            interval: Some(Interval { low: Micros(latency * below), high: Micros(latency * above) }),
            quantiles, samples, discarded: Discarded { canary, moved, preempted: canary, temperature: moved, unsteady: canary, loud: moved }, cold, checksum,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn write_then_read_is_identity(
        rows in proptest::collection::vec(any_row(), 0..20), model in "\\PC{0,30}", date in any::<String>(), stated in micros(),
        architectures in proptest::collection::vec("[a-z0-9_ ]{0,60}", 0..5),
    ) {
        let space = pfld();
        let mut header = common::header(&space);
        header.device.model = model;
        header.date = Some(date);
        header.canary = Some(Canary { kind: "loop".into(), stated_us: stated, median_us: stated });
        header.fit = Some(Fit { residual: 0.25, noise: Some(0.01), anchors: vec![], architectures });
        // Equal keys with different values are an error by design.
        let mut seen = std::collections::BTreeSet::new();
        let rows: Vec<_> = rows.into_iter().filter(|r| seen.insert(r.key.clone())).collect();
        let table = Table::new(header, rows).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        table.write(&path, Overwrite::No).unwrap();
        prop_assert_eq!(Table::read(&path).unwrap(), table);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let _ = read(&bytes);
    }

    #[test]
    fn no_damage_makes_the_reader_panic(
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0usize..40), 1..6)
    ) {
        let mut bytes = text().into_bytes();
        for (at, byte, removed) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes.drain(at..(at + removed).min(bytes.len() - 1));
        }
        if let Ok(table) = read(&bytes) {
            prop_assert!(table.rows().iter().all(|r| r.kind == Kind::Identity || r.latency.0 > 0.0));
        }
    }
}
