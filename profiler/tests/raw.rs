//! Raw files as people use them: beside the tables here, and with Python.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::Command;

use profiler::measure::raw::{RawFile, read};
use profiler::measure::subject::Subject;
use support::project_root;

/// Most bytes of the raw samples beside a table.
const LIMIT: u64 = 500_000;

const REQUEST: &str =
    r#"{"purpose":"bench","threads":1,"cpus":[],"engine":"ort","device":"local","items":["a","b"],"space":null,"points":null}"#;
const LINES: [&str; 9] = [
    r#"{"event":"start","protocol":2,"version":"0.1.0","device":{"known":{"model":null,"soc":null,"system":null,"kernel":null,"memory_mib":null,"clusters":[],"sensors":[]},"arch":"x86_64","serial":null,"emulation":[]},"engine":{"name":"onnxruntime","version":"1.32.0","library_sha256":null},"cpus":[1],"canary":"loop"}"#,
    r#"{"event":"cold","id":"b","us":135.88099670410156,"canary_us":1.76864013671875}"#,
    r#"{"event":"sample","id":"b","at_ms":7.4,"us":10.5,"spread":0.0126,"before_us":4,"after_us":6.25,"cpu":1,"mhz":3206.4,"fault":null}"#,
    r#"{"event":"sample","id":"a","at_ms":9.1,"us":1000000,"spread":0.692,"before_us":6.25,"after_us":9,"cpu":null,"fault":"preempted"}"#,
    r#"{"event":"sample","id":"a","at_ms":309.0,"us":3,"before_us":8,"after_us":8.5,"cpu":300,"celsius":-4.56,"fault":null}"#,
    r#"{"event":"done","precise":false}"#,
    r#"{"event":"start","protocol":2,"version":"0.1.0","device":{"known":{"model":null,"soc":null,"system":null,"kernel":null,"memory_mib":null,"clusters":[],"sensors":[]},"arch":"x86_64","serial":null,"emulation":[]},"engine":{"name":"onnxruntime","version":"1.32.0","library_sha256":null},"cpus":[1],"canary":"loop"}"#,
    r#"{"event":"sample","id":"b","at_ms":5,"us":10.25,"before_us":8.5,"after_us":8.5,"cpu":0,"fault":null}"#,
    r#"{"event":"done","precise":true}"#,
];

/// A packed file.
fn packed(path: &Path) {
    let mut raw = RawFile::create(path, &serde_json::from_str(REQUEST).unwrap()).unwrap();
    LINES.iter().for_each(|line| raw.line(line.as_bytes()).unwrap());
    raw.finish().unwrap();
}

/// The program that docs/src/tables.md shows, on a file of known samples. Pandas has only to make a table of the columns.
#[test]
fn python_reads_a_file_as_the_documentation_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.raw.gz");
    packed(&path);
    let page = fs::read_to_string(project_root().join("docs/src/tables.md")).unwrap();
    let program = page.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
    let program = program.replace("luts/amd-epyc.raw.gz", path.to_str().unwrap());
    assert!(program.contains(path.to_str().unwrap()));
    fs::write(folder.path().join("pandas.py"), "DataFrame = dict\n").unwrap();
    let asked = "\nprint(json.dumps([request['purpose'], [line['event'] for line in lines], lines[1]['us'], samples]))\n";
    let done = Command::new("python3").arg("-c").arg(program + asked).env("PYTHONPATH", folder.path()).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let found: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    let expected = serde_json::json!([
        "bench",
        ["start", "cold", "done", "start", "done"],
        135.88,
        {
            "process": [1, 1, 1, 2],
            "item": ["b", "a", "a", "b"],
            "at_ms": [7, 9, 309, 5],
            "us": [10.5, 1_000_000.0, 3.0, 10.25],
            "before_us": [4.0, 6.25, 8.0, 8.5],
            "after_us": [6.25, 9.0, 8.5, 8.5],
            "fault": [0, 3, 0, 0],
            "cpu": [2, 0, 301, 1],
            "spread": [13, 0, 0, 0],
            "mhz": [3206, 0, 0, 0],
            "celsius": [0, 0, 954, 0],
        }
    ]);
    assert_eq!(found, expected);
}

#[test]
fn the_raw_files_beside_the_tables_are_short_and_whole() {
    let folder = fs::read_dir(project_root().join("luts")).unwrap();
    let names = folder.map(|entry| entry.unwrap().path());
    let raws: Vec<_> = names.filter(|path| path.to_str().unwrap().contains(".raw.") && path.is_file()).collect();
    assert!(!raws.is_empty());
    for path in raws {
        let size = fs::metadata(&path).unwrap().len();
        assert!(size <= LIMIT, "{} has {size} bytes", path.display());
        let (request, samples) = read(&path).unwrap();
        assert!(request.items.iter().all(|item| samples.items.contains_key(&Subject::from(item))), "{}", path.display());
    }
}
