//! The local device with the real engine, over a small space: whole builds, and builds that break.

#![allow(clippy::unwrap_used)]

mod broken;
#[path = "../common/mod.rs"]
mod common;
mod kinds;
mod whole;

use std::fs;
use std::path::Path;
use std::sync::MutexGuard;

use common::{alone, engine, run, small_space};
use luts::Table;
use tempfile::TempDir;

const BUILD: &str = "build --space {}/space.toml --out {}/t.csv --sample 200us --canary 100us";
const CHECK: &str = "check {}/t.csv --space {}/space.toml --nets 2 --budget 60s --precision 3%";
/// The samples of an unfinished build.
const PART: &str = "t.raw.gz.part";

/// Runs a build. Budgets are long for machines under load; it is the precision that ends it.
fn build(folder: &Path, extra: &str) -> Table {
    let (code, out, err) = run(folder, &format!("{BUILD} {extra}"));
    assert_eq!(code, 0, "{err}");
    assert_eq!(out.trim(), folder.join("t.csv").to_str().unwrap());
    Table::read(folder.join("t.csv")).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A folder with the small space, and the device for this test alone.
struct Place {
    folder: TempDir,
    space: blocks::Space,
    _alone: MutexGuard<'static, ()>,
}

impl Place {
    /// `None` where there is no engine.
    fn new() -> Option<Self> {
        let alone = alone();
        engine()?;
        let folder = tempfile::tempdir().unwrap();
        let space = small_space(folder.path());
        Some(Self { folder, space, _alone: alone })
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}
