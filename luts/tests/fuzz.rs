//! No damage makes the table's reader or the importers of NNI's tables panic, or take memory out of proportion.

#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use blocks::Space;
use luts::nni::{Form, Import, Repeats, Unit, npy};
use luts::*;
use support::fuzz::{Fuzz, Watched};

#[global_allocator]
static ALLOCATOR: Watched = Watched;

/// Two layers with two choices each.
fn tiny() -> Space {
    Space::load(support::project_root().join("tests/spaces/tiny.toml").to_str().unwrap()).unwrap()
}

/// Files of tables: a few rows, and every part of the header.
fn tables() -> Vec<Vec<u8>> {
    let space = Space::load("pfld").unwrap();
    let mut rows = common::rows(&space);
    rows.truncate(3);
    let quantile = |share: f64| Micros(rows[0].latency.0 * share);
    let (p0, p10, p50, p90, p100) = (quantile(0.9), quantile(0.95), quantile(1.0), quantile(1.1), quantile(7.0));
    rows[0].quantiles = Some(Quantiles { p0, p10, p50, p90, p100 });
    rows[1] = Row { kind: Kind::Identity, latency: Micros(0.0), interval: None, ..rows[1].clone() };
    rows[2] = common::row("trunk:stem", Kind::Trunk, 12.5);
    let mut header = common::header(&space);
    header.clock = Some(ClockBand { min_mhz: Megahertz(600.0), median_mhz: Megahertz(1800.5), max_mhz: Megahertz(2016.0) });
    header.temperature = Some(TemperatureBand { start_c: Celsius(30.5), min_c: Celsius(30.0), max_c: Celsius(61.25) });
    let (date, nets, seed) = (Some("2026-01-02T03:04:05Z".to_string()), 30, 7);
    header.checked = Some(Checked {
        date,
        nets,
        seed,
        mape: 0.01,
        bias: -0.001,
        within_5: 1.0,
        within_10: 1.0,
        kendall_tau: 0.9,
        state: Some(0.01),
        bias_with_state: Some(-0.011),
        covered: Some(0.96),
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    let bare = Header { canary: None, fit: None, clock: None, checked: None, source: Source::Imported, ..header.clone() };
    let write = |header, rows| {
        Table::new(header, rows).unwrap().write(&path, Overwrite::Yes).unwrap();
        std::fs::read(&path).unwrap()
    };
    let of_folder = support::project_root().join("tests/corpus/table/folder-sound.csv");
    vec![write(header, rows.clone()), write(bare, rows), std::fs::read(of_folder).unwrap()]
}

#[test]
fn tables_survive() {
    let words: &[&[u8]] = &[
        b"# end\n",
        b"#",
        b",,,",
        b"\r\n",
        b"\0",
        b"[fit]",
        b"= [[",
        b"\"\"\"",
        b"trunk:",
        b"identity",
        b"\"",
        b",\"",
        b"\",",
        b"\"#",
        b"[[space.folder.slots]]",
        b"candidates = []",
    ];
    Fuzz { name: "table", seeds: tables(), words, memory: 400 }.run(|bytes| match luts::file::read_from(bytes, Path::new("t")) {
        Ok(table) => {
            assert!(table.rows().iter().all(|r| r.kind == Kind::Identity || (r.latency.0 > 0.0 && r.latency.0.is_finite())));
            assert_eq!(table.digest().len(), 64);
            format!("{} rows", if table.rows().is_empty() { "no" } else { "some" })
        }
        Err(e) => e.to_string(),
    });
}

/// Imports, and requires that what is accepted is a whole table.
fn import(space: &Space, bytes: &[u8], form: Form) -> String {
    let (date, profiler) = ("2026-01-02T03:04:05Z".to_string(), "0.1.0".to_string());
    let import = Import { space, unit: Some(Unit::Millis), repeats: Repeats::Mean, date, profiler };
    match import.read_from(bytes, form, Path::new("lut")) {
        Ok(imported) => {
            assert_eq!(imported.table.validate(space), Ok(()));
            format!("imported, {} unused", if imported.unused > 0 { "some" } else { "none" })
        }
        Err(e) => e.to_string(),
    }
}

#[test]
fn npy_files_survive() {
    let folder = support::project_root().join("luts/tests/data/nni");
    let names = ["numpy1.npy", "numpy1-protocol2.npy", "numpy2.npy", "numpy2-protocol5.npy", "written.npy"];
    let mut seeds = names.map(|name| std::fs::read(folder.join(name)).unwrap()).to_vec();
    seeds.push(npy::write(&vec![Vec::new(); 3]));
    let kinds = ["float64-p2", "big-endian-p5", "no-dimension-p5", "str-p2", "defaultdict-p5", "Counter-p5", "dict-alone-p2"];
    seeds.extend(kinds.map(|name| std::fs::read(folder.join(format!("kinds/{name}.npy"))).unwrap()));
    let words: &[&[u8]] = &[
        b"\x80\x04",
        b"(",
        b"t",
        b"\x85",
        b"\x86",
        b"\x87",
        b"R",
        b"b",
        b"]",
        b"a",
        b"e",
        b"}",
        b"s",
        b"u",
        b"\x94",
        b"h\0",
        b"h\x02",
        b"j\0\0\0\0",
        b"q\0",
        b"r\xff\xff\xff\xff",
        b"N",
        b"\x88",
        b"\x89",
        b"K\x01",
        b"M\xff\xff",
        b"J\xff\xff\xff\xff",
        b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"G\x7f\xf8\0\0\0\0\0\0",
        b"\x8c\x02O8",
        b"X\x01\0\0\0|",
        b"C\0",
        b".",
        b"cnumpy\ndtype\n",
        b"cnumpy\nndarray\n",
        b"c_codecs\nencode\n",
        b"cos\nsystem\n",
        b"\x93",
        b"}\x94(h\0h\0u",
        b"]\x94h\0a",
        b"sep_k3",
        b"\x81",
        b"\x92",
        b"\x8f",
        b"\x90",
        b"\x91",
        b"0",
        b"1",
        b"2",
        b"Q",
        b"cnumpy.core.multiarray\nscalar\n",
        b"ccollections\nOrderedDict\n)R",
        b"ccollections\nCounter\n}\x85R",
        b"c__builtin__\nset\n]\x85R",
        b"\x8c\x02f8",
        b"\x8c\x02U9",
        b"\x8e\x01\0\0\0\0\0\0\0",
    ];
    let space = tiny();
    Fuzz { name: "npy", seeds, words, memory: 400 }.run(|bytes| import(&space, bytes, Form::Npy));
}

#[test]
fn txt_files_survive() {
    let line = |name: &str, c_out: usize, stride: usize| {
        format!(
            "{{'op_name': '{name}', 'op_data_shape': (14, 14, 32, {c_out}, {stride}), 'op_dtype': 'float', 'op_latency': 31.5}}\n"
        )
    };
    let text = line("mb_k3_res", 32, 1) + &line("sep_k3", 32, 1) + &line("mb_k3_e2_res", 64, 2) + &line("gh_k3", 64, 2);
    let words: &[&[u8]] = &[
        b"((((",
        b"))))",
        b"[[",
        b"{{",
        b"{'a': ",
        b"'",
        b"\"",
        b"\\",
        b"True",
        b"None",
        b"nan",
        b"\xc3\xa9",
        b"\0",
        b"\n",
        b", , ",
        b"np.float64(",
        b"OrderedDict([('a', 1)])",
        b"<class>",
        b"=",
        b".x(",
    ];
    let space = tiny();
    let seeds = vec![text.clone().into_bytes(), text.repeat(8).into_bytes()];
    Fuzz { name: "txt", seeds, words, memory: 400 }.run(|bytes| import(&space, bytes, Form::Text));
}
