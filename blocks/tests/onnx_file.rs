//! ONNX files of other people: weights beside them, whatever the working folder; what is not one.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as the tests do")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use blocks::onnx::{self, DataFault, FileError};
use files::Impostor;
use support::onnx::{bytes, floats, int, means, node};

const VALUES: [f32; 6] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
const NOTES: [(&str, &str); 3] = [("location", "m.onnx.data"), ("offset", "4"), ("length", "24")];

fn raw(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// A model whose weight lies elsewhere as the notes say, in a new folder with its data.
fn model(notes: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("m.onnx"), means("batch", 8, 2, support::onnx::beside("weight", &[3, 2], notes), bias())).unwrap();
    fs::write(folder.path().join("m.onnx.data"), [&[9; 4], &raw(&VALUES)[..], &[9; 5]].concat()).unwrap();
    folder
}

fn bias() -> Vec<u8> {
    floats("bias", &[2], &[0.5, 0.25])
}

/// What Git leaves where a large file was not fetched.
const LFS_POINTER: &str = "version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 33\n";

/// What is wrong with the data beside a model.
fn fault(path: &Path) -> DataFault {
    match onnx::read(path).unwrap_err() {
        FileError::Data { fault, .. } => fault,
        other => panic!("{other}"),
    }
}

#[test]
fn weights_beside_a_model_come_along() {
    let folder = model(&NOTES);
    let path = folder.path().join("m.onnx");
    let whole = onnx::read(&path).unwrap();
    assert!(whole.joined);
    assert_eq!(whole.inputs.as_deref(), Some(&["input".to_string()][..]));
    let constants = onnx::constants(&whole.bytes).unwrap();
    assert_eq!((&constants["weight"][..], &constants["bias"][..]), (&VALUES[..], &[0.5, 0.25][..]));
    // The same bytes as a file that was written with its weights, except for the order of a tensor's fields, which has no meaning.
    assert_eq!(whole.bytes, means("batch", 8, 2, floats("weight", &[3, 2], &VALUES), bias()));
    // Without a length it is that of the shape; below the model's folder, and by a path that says so, is fine.
    fs::create_dir(folder.path().join("deep")).unwrap();
    fs::rename(folder.path().join("m.onnx.data"), folder.path().join("deep/d")).unwrap();
    fs::write(
        &path,
        means("1", 8, 2, support::onnx::beside("weight", &[3, 2], &[("location", "./deep/d"), ("offset", "4")]), bias()),
    )
    .unwrap();
    assert_eq!(onnx::constants(&onnx::read(&path).unwrap().bytes).unwrap()["weight"], VALUES);
}

#[test]
fn a_file_that_holds_its_weights_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.onnx");
    // With a field and an operator that are not known here, and an input that names a constant, as old files have it.
    let file = [means("batch", 8, 2, floats("weight", &[3, 2], &VALUES), bias()), bytes(900, "new")].concat();
    fs::write(&path, &file).unwrap();
    let whole = onnx::read(&path).unwrap();
    assert_eq!((whole.bytes, whole.joined), (file, false));
    let old = support::onnx::model(
        &[node("Mul", &["x", "w"], &["y"], &[])],
        &[floats("w", &[1], &[2.0])],
        &[support::onnx::port("x", 1, "1"), support::onnx::port("w", 1, "1")],
        &[support::onnx::port("y", 1, "1")],
    );
    fs::write(&path, &old).unwrap();
    assert_eq!(onnx::read(&path).unwrap().inputs.as_deref(), Some(&["x".to_string()][..]));
    // ONNX Runtime's own format is left to it.
    fs::write(&path, b"\x20\0\0\0ORTM and so on").unwrap();
    assert_eq!(onnx::read(&path).unwrap().inputs, None);
}

#[test]
fn weights_of_a_constant_within_a_branch_come_along() {
    let weight = support::onnx::beside("weight", &[3, 2], &NOTES);
    let value = [bytes(1, "value"), bytes(5, &weight), support::onnx::number(20, 4)].concat();
    let branch = bytes(1, node("Constant", &[], &["c"], &[value]));
    let graph = [bytes(1, "then_branch"), bytes(6, branch), support::onnx::number(20, 5)].concat();
    let folder = model(&NOTES);
    let path = folder.path().join("m.onnx");
    fs::write(&path, support::onnx::model(&[node("If", &["x"], &["y"], &[graph, int("n", 1)])], &[], &[], &[])).unwrap();
    let whole = onnx::read(&path).unwrap().bytes;
    assert!(whole.windows(24).any(|part| part == raw(&VALUES)) && !whole.windows(8).any(|part| part == b"location"));
}

#[test]
fn data_that_are_not_where_the_model_says_are_named() {
    type Notes<'a> = &'a [(&'a str, &'a str)];
    type Expected = fn(DataFault) -> bool;
    let cases: [(Notes, Expected); 9] = [
        (&[("offset", "0")], |f| matches!(f, DataFault::Unnamed)),
        (&[("location", "gone.data")], |f| matches!(f, DataFault::Missing { location, .. } if location == "gone.data")),
        (&[("location", "../m.onnx.data")], |f| matches!(f, DataFault::Escapes(name) if name == "../m.onnx.data")),
        (&[("location", "deep/../m.onnx.data")], |f| matches!(f, DataFault::Escapes(name) if name == "deep/../m.onnx.data")),
        (&[("location", "/etc/passwd")], |f| matches!(f, DataFault::Escapes(name) if name == "/etc/passwd")),
        (&[("location", "m.onnx.data"), ("offset", "10"), ("length", "24")], |f| {
            matches!(f, DataFault::Short { has: 33, needed: 34, .. })
        }),
        (&[("location", "m.onnx.data"), ("offset", "18446744073709551615"), ("length", "24")], |f| {
            matches!(f, DataFault::Short { has: 33, .. })
        }),
        (&[("location", "m.onnx.data"), ("length", "20")], |f| matches!(f, DataFault::Size { length: 20, needed: 24, .. })),
        (
            &[("location", "m.onnx.data"), ("offset", "-4")],
            |f| matches!(f, DataFault::Number { key: "offset", value, .. } if value == "-4"),
        ),
    ];
    for (notes, expected) in cases {
        let folder = model(notes);
        let path = folder.path().join("m.onnx");
        match onnx::read(&path).unwrap_err() {
            FileError::Data { path: named, tensor, fault } => {
                assert_eq!((named, tensor.as_str()), (path, "weight"));
                let said = format!("{notes:?}: {fault}");
                assert!(expected(fault), "{said}");
            }
            other => panic!("{notes:?}: {other}"),
        }
    }
    let folder = model(&NOTES);
    let (path, data) = (folder.path().join("m.onnx"), folder.path().join("m.onnx.data"));
    fs::write(&data, LFS_POINTER).unwrap();
    assert!(matches!(fault(&path), DataFault::Impostor { found: Impostor::LfsPointer, .. }));
    fs::remove_file(&data).unwrap();
    fs::create_dir(&data).unwrap();
    assert!(matches!(fault(&path), DataFault::NoFile(name) if name == "m.onnx.data"));
}

#[test]
fn links_are_followed_within_a_models_folder_only() {
    let (folder, other) = (model(&NOTES), model(&NOTES));
    let (path, data) = (folder.path().join("m.onnx"), folder.path().join("m.onnx.data"));
    fs::remove_file(&data).unwrap();
    symlink(other.path().join("m.onnx.data"), &data).unwrap();
    assert!(matches!(fault(&path), DataFault::Link { to, .. } if to.starts_with(other.path().canonicalize().unwrap())));
    // As the caches of downloads have it: model and data are links to files in one folder, called by their hashes.
    fs::remove_file(&path).unwrap();
    fs::rename(other.path().join("m.onnx.data"), other.path().join("5f1e")).unwrap();
    fs::rename(other.path().join("m.onnx"), other.path().join("0a7c")).unwrap();
    fs::remove_file(&data).unwrap();
    symlink(other.path().join("5f1e"), &data).unwrap();
    symlink(other.path().join("0a7c"), &path).unwrap();
    assert!(onnx::read(&path).unwrap().joined);
    // A link to a model whose data lie beside it; and where another model's lie beside the link.
    fs::rename(other.path().join("5f1e"), other.path().join("m.onnx.data")).unwrap();
    fs::remove_file(&data).unwrap();
    assert!(onnx::read(&path).unwrap().joined);
    fs::write(&data, [0; 33]).unwrap();
    assert!(matches!(fault(&path), DataFault::Two { .. }));
}

#[test]
fn what_does_not_fit_into_a_file_is_refused_before_it_is_read() {
    let notes = [("location", "m.onnx.data"), ("length", "3221225472")];
    let folder = model(&[]);
    let path = folder.path().join("m.onnx");
    fs::write(&path, means("1", 8, 2, support::onnx::beside("weight", &[3 << 28], &notes), bias())).unwrap();
    fs::File::options().write(true).open(folder.path().join("m.onnx.data")).unwrap().set_len(3 << 30).unwrap();
    assert!(matches!(onnx::read(&path), Err(FileError::TooLarge { bytes, .. }) if bytes > 3 << 30));
    fs::File::options().write(true).open(&path).unwrap().set_len(3 << 30).unwrap();
    assert!(matches!(onnx::read(&path), Err(FileError::TooLarge { .. })));
}

#[test]
fn what_is_no_onnx_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.onnx");
    let read = |content: &[u8]| {
        fs::write(&path, content).unwrap();
        onnx::read(&path).unwrap_err()
    };
    let is = |content: &[u8]| match read(content) {
        FileError::Impostor { path: named, found } => {
            assert_eq!(named, path);
            found
        }
        other => panic!("{other}"),
    };
    assert!(matches!(is(LFS_POINTER.as_bytes()), Impostor::LfsPointer));
    assert!(matches!(is(b"<!DOCTYPE html><html></html>"), Impostor::WebPage));
    assert!(matches!(is(b"404: Not Found"), Impostor::Refusal(_)));
    for content in [&b""[..], b"\x08\x08", b"PK\x03\x04 and so on"] {
        assert!(matches!(read(content), FileError::Damaged { path: named, .. } if named == path), "{content:?}");
    }
    let cut = means("1", 8, 2, floats("weight", &[3, 2], &VALUES), bias());
    for at in [cut.len() / 3, cut.len() / 2, cut.len() - 3] {
        fs::write(&path, &cut[..at]).unwrap();
        assert!(matches!(onnx::read(&path), Err(FileError::Damaged { .. })), "{at}");
    }
    assert!(matches!(onnx::read(&folder.path().join("gone.onnx")), Err(FileError::Read { .. })));
}
