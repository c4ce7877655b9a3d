//! NNI's tables: files of numpy are read, ours are read back, and nothing else passes for one.

#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use blocks::Space;
use luts::nni::literal::LiteralError;
use luts::nni::npy::{Layer, NpyError};
use luts::nni::text::{TextError, TextFault};
use luts::nni::{Form, Import, Imported, NniError, Repeats, Unit, export, npy};
use luts::*;
use pickle::{PickleError, PickleFault};

/// Two layers with two choices each.
fn tiny() -> Space {
    Space::load(support::project_root().join("tests/spaces/tiny.toml").to_str().unwrap()).unwrap()
}

/// What every file in `data/nni` holds.
fn layers() -> Vec<Layer> {
    let layer = |values: [(&str, f64); 2]| values.map(|(name, value)| (name.to_string(), value)).to_vec();
    vec![layer([("mb_k3_res", 48.997), ("sep_k3", 31.5)]), layer([("mb_k3_e2_res", 102.0), ("gh_k3", 1e-3)])]
}

fn data(name: &str) -> Vec<u8> {
    std::fs::read(support::project_root().join("luts/tests/data/nni").join(name)).unwrap()
}

fn how(space: &Space, unit: Option<Unit>) -> Import<'_> {
    let (date, profiler) = ("2026-01-02T03:04:05Z".to_string(), "0.1.0".to_string());
    Import { space, unit, repeats: Repeats::Refuse, date, profiler }
}

fn import(space: &Space, unit: Option<Unit>, bytes: &[u8], name: &str) -> Result<Imported, NniError> {
    how(space, unit).read_from(bytes, Form::of(Path::new(name)).unwrap(), Path::new(name))
}

/// The faults of a file that is read, but makes no table.
fn faults(space: &Space, unit: Option<Unit>, bytes: &[u8], name: &str) -> Vec<Fault> {
    match import(space, unit, bytes, name) {
        Err(NniError::Faults { faults, .. }) => faults,
        other => panic!("{other:?}"),
    }
}

/// The limit that a pickle goes beyond: of what, and how many.
fn limit(bytes: &[u8]) -> (&'static str, usize) {
    match npy::read(bytes) {
        Err(NpyError::Pickle(PickleError { fault: PickleFault::TooMany { what, limit }, .. })) => (what, limit),
        other => panic!("{other:?}"),
    }
}

/// What is wrong with the pickle in a `lut.npy`, and the byte where it is.
fn fault(bytes: &[u8]) -> (usize, PickleFault) {
    match npy::read(bytes) {
        Err(NpyError::Pickle(PickleError { offset, fault })) => (offset, fault),
        other => panic!("{other:?}"),
    }
}

/// A name that a pickle would import.
fn import_of(name: &str) -> PickleFault {
    PickleFault::Global(name.to_string())
}

/// Something that is not what it must be, whatever the words for it.
const UNFIT: PickleFault = PickleFault::Unfit("");

/// Whether they are equal except for the words of [`PickleFault::Unfit`].
fn alike(found: &PickleFault, expected: &PickleFault) -> bool {
    matches!((found, expected), (PickleFault::Unfit(_), PickleFault::Unfit(_))) || found == expected
}

/// Where a `lut.txt` is wrong.
fn text_error(space: &Space, bytes: &[u8]) -> TextError {
    match import(space, None, bytes, "lut.txt") {
        Err(NniError::Text { source, .. }) => source,
        other => panic!("{other:?}"),
    }
}

fn line(name: &str, shape: &str, latency: &str) -> String {
    format!("{{'op_name': '{name}', 'op_data_shape': {shape}, 'op_dtype': 'float', 'op_latency': {latency}}}\n")
}

/// A whole `lut.txt` of [`tiny`].
fn tiny_text() -> String {
    let (first, second) = ("(14, 14, 32, 32, 1)", "(14, 14, 32, 64, 2)");
    [("mb_k3_res", first, "48.997"), ("sep_k3", first, "31.5"), ("mb_k3_e2_res", second, "102"), ("gh_k3", second, "0.001")]
        .map(|(name, shape, latency)| line(name, shape, latency))
        .concat()
}

#[test]
fn files_of_all_numpys_and_protocols_are_read() {
    let written = ["numpy1.npy", "numpy1-protocol2.npy", "numpy1-protocol5.npy", "numpy2.npy", "numpy2-protocol2.npy"];
    for name in written.into_iter().chain(["numpy2-protocol5.npy", "written.npy"]) {
        assert_eq!(npy::read(&data(name)), Ok(layers()), "{name}");
    }
}

/// Numbers, strings and dicts of other types than Python's own, in the oldest and the newest protocol (`make.py`).
#[test]
fn what_is_as_good_as_a_number_a_string_or_a_dict_is_read_as_one() {
    let kinds = ["float64", "float32", "big-endian", "no-dimension", "str", "OrderedDict", "defaultdict", "Counter"];
    for kind in kinds.into_iter().chain(["list-alone", "dict-alone"]) {
        for protocol in ["p2", "p5"] {
            let found =
                npy::read(&data(&format!("kinds/{kind}-{protocol}.npy"))).unwrap_or_else(|e| panic!("{kind} {protocol}: {e}"));
            for ((name, value), (expected_name, expected)) in std::iter::zip(found.iter().flatten(), layers().iter().flatten()) {
                assert_eq!(name, expected_name, "{kind} {protocol}");
                assert!((value / expected - 1.0).abs() < 1e-7, "{kind} {protocol}: {name} {value}, not {expected}");
            }
            assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2], "{kind} {protocol}");
        }
    }
}

/// What stands where no value is needed may be anything; where one is, it is refused by its name.
#[test]
fn what_is_not_read_is_refused_only_where_its_value_is_needed() {
    let head: &[u8] = b"\x80\x03cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85C\x01b\x87R(K\x01K\x02\x85NN](";
    let file = |value: &[u8]| with_pickle(&[head, b"}", value, b"}X\x01\0\0\0bK\x07setb."].concat());
    let read = |value: &[u8]| npy::read(&file(value));
    let seven = vec![Vec::new(), vec![("b".to_string(), 7.0)]];
    // Made, and thrown away again.
    assert_eq!(read(b"cdatetime\ndate\n)R0"), Ok(seven.clone()));
    assert_eq!(read(b"(cos\nsystem\n)1"), Ok(seven));
    for (value, at, expected) in [
        (&b"X\x01\0\0\0acdatetime\ndate\nC\x04abcd\x85Rs"[..], 206, import_of("datetime.date")),
        (b"X\x01\0\0\0a\x8a\x09123456789s", 206, UNFIT),
        (b"X\x01\0\0\0aX\x01\0\0\0\xffs", 206, UNFIT),
        (b"ccustom\nName\n)\x81K\x01s", 200, import_of("custom.Name")),
        (b"X\x01\0\0\0acnumpy.core.multiarray\nscalar\nK\x01\x85Rs", 206, UNFIT),
        (b"X\x01\0\0\0aNs", 206, UNFIT),
        (b"K\x01K\x01s", 200, UNFIT),
    ] {
        let (offset, fault) = fault(&file(value));
        assert!(offset == at && alike(&fault, &expected), "{}: byte {offset}, {fault:?}", value.escape_ascii());
    }
    let long = [&b"X\x00\x10\0\0"[..], &[b'a'; 4096], b"K\x01s"].concat();
    assert!(matches!(fault(&file(&long)), (200, PickleFault::Unfit(_))));
}

#[test]
fn a_text_of_numpys_numbers_and_a_byte_order_mark_is_read() {
    let space = tiny();
    let plain = import(&space, None, tiny_text().as_bytes(), "lut.txt").unwrap().table;
    let numpy =
        tiny_text().replace("(14, 14, 32, ", "(np.int64(14), np.int64(14), numpy.int64(32), ").replace("31.5", "np.float64(31.5)");
    let numpy = numpy.replace("'float'", "np.str_('float')").replace("102}", "array(102.), 'when': datetime.date(2024, 1, 2)}");
    let ordered = tiny_text().replace("{'op_name': 'sep_k3', ", "OrderedDict({'op_name': 'sep_k3', ").replace("31.5}", "31.5})");
    for text in [format!("\u{feff}{}", tiny_text()), numpy, ordered] {
        let table = import(&space, None, text.as_bytes(), "lut.txt").unwrap_or_else(|e| panic!("{e}: {text}")).table;
        assert_eq!(table.rows(), plain.rows(), "{text}");
    }
    let needed = tiny_text().replace("31.5", "datetime.date(2024, 1, 2)");
    let line = text_error(&space, needed.as_bytes());
    assert!(matches!(line, TextError { line: 2, fault: TextFault::Entry { entry: "op_latency", .. } }), "{line:?}");
    let pointer = import(&space, None, b"version https://git-lfs.github.com/spec/v1\n", "LUT.TXT");
    assert!(matches!(pointer, Err(NniError::Impostor { impostor: files::Impostor::LfsPointer, .. })), "{pointer:?}");
}

/// `written.npy` is what numpy was seen to load (`make.py --check`).
#[test]
fn what_is_written_is_what_numpy_was_seen_to_load() {
    assert_eq!(npy::write(&layers()), data("written.npy"));
}

#[test]
fn an_import_has_the_files_values_and_says_what_it_is() {
    let space = tiny();
    for (bytes, name) in [(data("numpy2.npy"), "lut.npy"), (tiny_text().into_bytes(), "lut.txt")] {
        let Imported { table, unused } = import(&space, Some(Unit::Micros), &bytes, name).unwrap();
        table.validate(&space).unwrap();
        let latencies: Vec<f64> = table.rows().iter().map(|r| r.latency.0).collect();
        assert_eq!((latencies, unused), (vec![48.997, 31.5, 102.0, 1e-3], 0));
        assert!(table.header.source == Source::Imported && !table.has_trunk());
        assert!(table.header.method.contains(name), "{}", table.header.method);
        assert!(table.rows().iter().all(|r| r.macs > Some(0) && r.params > 0 && r.interval.is_none()));
        let millis = import(&space, Some(Unit::Millis), &bytes, name).unwrap().table;
        assert_eq!(millis.rows()[1].latency, Micros(31_500.0));
    }
    assert!(matches!(import(&space, None, &data("numpy2.npy"), "lut.npy"), Err(NniError::NoUnit { .. })));
    assert!(import(&space, None, tiny_text().as_bytes(), "lut.txt").is_ok(), "its unit is known");
}

#[test]
fn an_exported_table_comes_back_with_the_same_latencies() {
    let space = Space::load("pfld").unwrap();
    let table = common::table(&space);
    let folder = tempfile::tempdir().unwrap();
    for name in ["lut.npy", "lut.txt"] {
        let path = folder.path().join(name);
        export(&table, &space, &path, Overwrite::No).unwrap();
        let back = how(&space, Some(Unit::Micros)).read(&path).unwrap().table;
        assert_eq!(back.rows().len(), 27);
        for candidate in space.unique_candidates() {
            assert_eq!(back.latency(&candidate), table.latency(&candidate), "{name}");
        }
        let again = export(&table, &space, &path, Overwrite::No).unwrap_err();
        assert!(matches!(again, NniError::Table(TableError::Exists { .. })), "{again}");
        export(&table, &space, &path, Overwrite::Yes).unwrap();
    }
    let csv = export(&table, &space, &folder.path().join("lut.csv"), Overwrite::No).unwrap_err();
    assert!(matches!(csv, NniError::Extension { .. }));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else is left");
}

#[test]
fn all_bad_values_are_listed() {
    let space = tiny();
    let mut bad = layers();
    bad[0][0].1 = f64::NAN;
    bad[0][1].1 = -2.0;
    bad[1][0].1 = 0.0;
    bad[1].pop();
    let key = |name: &str| name.to_string();
    let nan = |line, name: &str| Fault::NotANumber { line, key: key(name), field: "its value" };
    let not_positive = |line, name: &str, us| Fault::NotPositive { line, key: key(name), latency: Micros(us) };
    let expected = [
        nan(0, "mb_k3_res@32x14x14-s1-32"),
        not_positive(0, "sep_k3@32x14x14-s1-32", -2.0),
        not_positive(0, "mb_k3_e2_res@32x14x14-s2-64", 0.0),
        Fault::Missing { key: key("gh_k3@32x14x14-s2-64") },
    ];
    assert_eq!(faults(&space, Some(Unit::Micros), &npy::write(&bad), "lut.npy"), expected);
    // As text, the lines are named too.
    let text = tiny_text().replace("31.5", "nan").replace("0.001", "-1");
    assert_eq!(
        faults(&space, None, text.as_bytes(), "lut.txt"),
        [nan(2, "sep_k3@32x14x14-s1-32"), not_positive(4, "gh_k3@32x14x14-s2-64", -1.0)]
    );
    let overflow = tiny_text().replace("31.5", "1e308");
    assert!(import(&space, Some(Unit::Millis), overflow.as_bytes(), "lut.txt").is_err());
}

#[test]
fn different_values_of_one_key_are_refused_or_averaged() {
    let space = tiny();
    let same = tiny_text() + &line("sep_k3", "(14, 14, 32, 32, 1)", "31.5");
    assert!(import(&space, None, same.as_bytes(), "lut.txt").is_ok());
    let text = tiny_text() + &line("sep_k3", "(14, 14, 32, 32, 1)", "32.5");
    let twice = Fault::Duplicate { key: "sep_k3@32x14x14-s1-32".into(), first: 2, line: 5 };
    assert_eq!(faults(&space, None, text.as_bytes(), "lut.txt"), [twice]);
    let mean = |text: &str| {
        let how = Import { repeats: Repeats::Mean, ..how(&space, None) };
        how.read_from(text.as_bytes(), Form::Text, Path::new("lut.txt"))
    };
    assert_eq!(mean(&text).unwrap().table.row("sep_k3@32x14x14-s1-32").unwrap().latency, Micros(32.0));
    assert!(mean(&text.replace("32.5", "-1")).is_err(), "a mean hides no negative value");
}

#[test]
fn entries_of_no_candidate_are_counted_and_passed_over() {
    let space = tiny();
    let strange = line("conv9x9", "(14, 14, 32, 32, 1)", "7") + &line("gh_k5", "(14, 14, 32, 32, 1)", "7");
    let other_type = line("sep_k3", "(14, 14, 32, 32, 1)", "7").replace("'float'", "'int8'");
    let text = format!("{strange}\n{other_type}{}", tiny_text());
    assert_eq!(import(&space, None, text.as_bytes(), "lut.txt").unwrap().unused, 3);
    let mut more = layers();
    more[0].push(("gh_k3".to_string(), 1.0));
    assert_eq!(import(&space, Some(Unit::Micros), &npy::write(&more), "lut.npy").unwrap().unused, 1);
    let pfld = Space::load("pfld").unwrap();
    let other_space = import(&pfld, Some(Unit::Micros), &data("numpy2.npy"), "lut.npy");
    assert!(matches!(other_space, Err(NniError::Layers { expected: 5, found: 2, .. })), "{other_space:?}");
}

#[test]
fn lines_that_are_no_records_are_refused_with_their_number() {
    let space = tiny();
    let fault = |line: &str| {
        let error = text_error(&space, (tiny_text() + line).as_bytes());
        assert_eq!(error.line, 5, "{line}");
        error.fault
    };
    for (line, at) in [("__import__('os').system('true')", 1), ("{'op_name': 'sep_k3'", 21)] {
        assert!(matches!(fault(line), TextFault::Literal(LiteralError { column, .. }) if column == at), "{line}");
    }
    for (line, missing) in [
        ("{'op_name': 'sep_k3'}", "op_data_shape"),
        ("{'op_name': 'sep_k3', 'op_data_shape': (1, 2)}", "op_data_shape"),
        ("{'op_name': 3}", "op_name"),
    ] {
        assert!(matches!(fault(line), TextFault::Entry { entry, .. } if entry == missing), "{line}");
    }
    assert_eq!(fault(&(" ".repeat(5000) + "x")), TextFault::TooLong);
    assert_eq!(text_error(&space, b"\n\xff\n"), TextError { line: 2, fault: TextFault::NotText });
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    for name in ["numpy1.npy", "numpy2.npy", "numpy2-protocol2.npy"] {
        let bytes = data(name);
        for length in 0..bytes.len() {
            assert!(npy::read(&bytes[..length]).is_err(), "{length} bytes of {name} are read as a table");
        }
        assert_eq!(fault(&[&bytes[..], b"x"].concat()), (bytes.len() - 1, PickleFault::LEFT_OVER), "{name}");
    }
}

/// A file of the right frame with that pickle in it.
fn with_pickle(pickle: &[u8]) -> Vec<u8> {
    [&npy::write(&layers())[..128], pickle].concat()
}

#[test]
fn a_pickle_is_never_run() {
    for (pickle, at, expected) in [
        (&b"\x80\x03cos\nsystem\nX\x04\0\0\0true\x85R."[..], 130, import_of("os.system")),
        (b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R.", 145, import_of("posix.system")),
        (b"\x80\x02c__builtin__\neval\nX\x01\0\0\0a\x85R.", 130, import_of("__builtin__.eval")),
        (b"\x80\x03cnumpy\nload\n.", 130, import_of("numpy.load")),
        // INST and OBJ call as well, in older protocols.
        (b"\x80\x02(ios\nsystem\n.", 131, PickleFault::Opcode(0x69)),
        (b"\x80\x03c_codecs\nencode\nNNNo.", 149, PickleFault::Opcode(0x6f)),
        (b"\x80\x06.", 128, PickleFault::Protocol(6)),
        (b"\x80\x03cnumpy\ndtype\nX\x02\0\0\0f8\x85R.", 151, UNFIT),
        // What a call would give, called again, and a class made again.
        (b"\x80\x03cos\nsystem\n)R)R.", 130, import_of("os.system")),
        (b"\x80\x03csubprocess\nPopen\n)\x81}b.", 130, import_of("subprocess.Popen")),
        (b"\x80\x04csubprocess\nPopen\n)}\x92.", 130, import_of("subprocess.Popen")),
        (b"\x80\x03K\x01)R.", 133, UNFIT),
        (b"\x80\x03cnumpy\nndarray\nK\x01\x85R.", 130, UNFIT),
        (b"\x80\x03]}.", 132, PickleFault::LEFT_OVER),
        (b"\x80\x03N.", 130, UNFIT),
        (b"\x80\x03a.", 130, UNFIT),
        (b"\x80\x03](a.", 132, UNFIT),
        (b"\x80\x03]Na.", 130, UNFIT),
        (b"\x80\x03h\x09.", 130, UNFIT),
        (b"\x80\x03t.", 130, UNFIT),
        (b"\x80\x03]}NNs.", 135, PickleFault::LEFT_OVER),
        (b"\x80\x03}(Nu.", 133, UNFIT),
        (b"\x80\x03X\xff\xff\xff\xff.", 130, PickleFault::Cut),
        (b"\x80\x03X\x01\0\0\0\xff.", 130, UNFIT),
        (b"\x80\x03\x8a\x09123456789.", 130, UNFIT),
    ] {
        let (offset, fault) = fault(&with_pickle(pickle));
        assert!(offset == at && alike(&fault, &expected), "{}: byte {offset}, {fault:?}", pickle.escape_ascii());
    }
}

#[test]
fn greedy_pickles_end_at_a_limit() {
    let repeated = |part: &[u8]| limit(&with_pickle(&[b"\x80\x04", &part.repeat(600_000)[..]].concat()));
    assert_eq!(repeated(b"("), ("nested objects", 64));
    assert_eq!(repeated(b"]"), ("objects", 500_000));
    assert_eq!(repeated(b"]\x94"), ("objects", 500_000));
    let recalled = [&b"\x80\x04]\x94"[..], &b"h\0".repeat(600_000)].concat();
    assert_eq!(limit(&with_pickle(&recalled)), ("objects on the stack", 500_000));
    // A list in itself, thirty times doubled: shared, it takes no room; written out it would be a billion items.
    let doubled = [&b"\x80\x04]\x94"[..], &b"]\x94(h\0h\0e".repeat(30), b"."].concat();
    assert_eq!(fault(&with_pickle(&doubled)).1, PickleFault::LEFT_OVER);
    // As many layers as a space may have, all of them one dict of many entries.
    let dict = [&b"}\x94("[..], &b"\x8c\x01aG\0\0\0\0\0\0\0\0".repeat(2000), b"u"].concat();
    let head: &[u8] = b"\x80\x03cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85C\x01b\x87R(K\x01M\0\x10\x85NN](";
    let file = [&npy::write(&vec![Vec::new(); 4096])[..128], head, &dict, &b"h\0".repeat(4095), b"etb."].concat();
    assert!(matches!(fault(&file), (_, PickleFault::Unfit(_))), "{:?}", fault(&file));
}

#[test]
fn other_numpy_files_are_refused() {
    let file = npy::write(&layers());
    let with = |from: &str, to: &str| {
        let at = file.windows(from.len()).position(|w| w == from.as_bytes()).unwrap();
        npy::read(&[&file[..at], to.as_bytes(), &file[at + from.len()..]].concat()).unwrap_err()
    };
    let of_array = |error: NpyError, name: &str| matches!(error, NpyError::Array(what) if what.contains(name));
    assert!(of_array(with("'|O'", "'f8'"), "'f8'") && of_array(with("(2,), ", "(2,2),"), "2 "));
    for (from, to) in [("|O'", "<f8"), ("(2,)", "(2 )"), ("(2,)", "2   "), ("NUMPY", "NUMBY")] {
        assert!(matches!(with(from, to), NpyError::Frame(_)), "{to}: {}", with(from, to));
    }
    for (from, to) in [("(2,)", "(3,)"), ("(2,), ", "(),   ")] {
        let error = with(from, to);
        assert!(matches!(&error, NpyError::Pickle(PickleError { fault: PickleFault::Unfit(_), .. })), "{to}: {error}");
    }
    for other in [&b"\x93NUMPY\x09\0"[..], b"PK\x03\x04"] {
        assert!(matches!(npy::read(other), Err(NpyError::Frame(_))));
    }
}

/// The values of NNI 2.5 itself: multiply-adds for the whole space, which must be those that are counted here.
#[test]
fn nnis_own_files_are_imported() {
    let space = Space::load("pfld").unwrap();
    let Some(path) = support::shared("reference/nni_lut_flops.npy") else { return };
    let table = how(&space, Some(Unit::Macs)).read(&path).unwrap().table;
    assert_eq!(table.rows().len(), 27);
    for row in table.rows() {
        assert_eq!(Some(row.latency.0), row.macs.map(|macs| macs as f64), "{}", row.key);
    }
    assert!(table.header.method.contains("nni_lut_flops.npy"), "{}", table.header.method);
    assert!(matches!(how(&space, Some(Unit::Micros)).read(&path), Err(NniError::Macs { .. })));

    let Some(path) = support::shared("reference/nni_lut.txt") else { return };
    let Imported { table, unused } = how(&space, None).read(&path).unwrap();
    assert_eq!((table.rows().len(), unused), (27, 0));
    assert_eq!(table.row("mb_k3_res@32x14x14-s1-32").unwrap().latency, Micros(48.997));
    assert_eq!(table.row("gh_k5@64x7x7-s1-64").unwrap().latency, Micros(379.118));
}
