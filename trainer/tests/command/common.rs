//! What the command's tests share: a few made faces, a made-up table, and the command itself.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use blocks::{Graph, Space};
use faces::synth::{SynthOptions, write_synth};
use luts::{Canary, Device, EngineId, Header, Interval, Kind, Micros, Overwrite, Row, Shapes, Source, SpaceId, Table, trunk_key};

/// Whether ONNX Runtime is there; says what is left out without it.
pub fn engine() -> bool {
    let found = engines::onnxruntime::LIBRARY.find(None);
    if let Err(missing) = &found {
        support::skip("BLOCKTIME_REQUIRE_ENGINE", &format!("what ONNX Runtime computes: {missing}"));
    }
    found.is_ok()
}

/// A folder with `faces/` and `lut.csv`.
pub struct Fixture {
    pub folder: tempfile::TempDir,
}

impl Fixture {
    pub fn new(train: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = SynthOptions { train, test: 8, points: 106, seed: 5, overwrite: false };
        write_synth(&folder.path().join("faces"), &options, || {}).unwrap();
        table(Source::Measured).write(folder.path().join("lut.csv"), Overwrite::No).unwrap();
        Self { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The command, run in the folder.
    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trainer"));
        command.current_dir(self.folder.path()).args(line.split_whitespace());
        command
    }

    /// Runs it to its end.
    pub fn run(&self, line: &str) -> Output {
        self.command(line).output().unwrap()
    }

    /// Runs it; it must succeed. Gives its standard output.
    #[track_caller]
    pub fn done(&self, line: &str) -> String {
        let output = self.run(line);
        assert!(output.status.success(), "{line}\n{}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Runs it; it must end with `code`. Gives what it says on standard error.
    #[track_caller]
    pub fn refused(&self, line: &str, code: i32) -> String {
        let output = self.run(line);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{line}\n{said}");
        said
    }

    /// Runs it; it must end with `code` and tell that error.
    #[track_caller]
    pub fn fails(&self, line: &str, code: i32, error: &dyn std::error::Error) {
        let said = self.refused(line, code);
        assert!(said.contains(&error.to_string()), "{line}\n{said}\ninstead of\n{error}");
    }
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A made-up table of the PFLD space.
pub fn table(source: Source) -> Table {
    table_of("pfld", source)
}

/// A made-up table of a built-in space: a microsecond for 20,000 multiply-adds, next to nothing for what has none.
pub fn table_of(space: &str, source: Source) -> Table {
    let space = Space::load(space).unwrap();
    let header = Header {
        date: Some("2026-01-02T03:04:05Z".into()),
        profiler: "0.1.0".into(),
        method: "made up".into(),
        points: Some(106),
        device: Device { model: "a board".into(), arch: "aarch64".into(), ..Device::default() },
        engine: EngineId { name: "onnxruntime".into(), version: "1.0.0".into(), ..EngineId::default() },
        canary: Some(Canary { kind: "loop".into(), stated_us: Micros(100.0), median_us: Micros(100.0) }),
        ..Header::unmeasured(source, SpaceId::from(&space))
    };
    let row = |key: String, kind, graph: &Graph| {
        let latency = (graph.macs() as f64 / 20_000.0).max(0.01);
        let primitive = key.rsplit(':').next().unwrap().split('@').next().unwrap().to_string();
        Row {
            macs: Some(graph.macs()),
            params: graph.parameter_count() as u64,
            latency: Micros(latency),
            interval: Some(Interval { low: Micros(latency * 0.99), high: Micros(latency * 1.01) }),
            samples: 30,
            ..Row::unmeasured(key, kind, primitive, Shapes { c_in: 1, c_out: 1, stride: 1, h: 1, w: 1 })
        }
    };
    let candidates = space.unique_candidates();
    let blocks = candidates.iter().map(|c| row(c.key(), Kind::Block, &c.graph()));
    let pieces = space.trunk_pieces(106);
    let trunk = pieces.iter().map(|p| row(trunk_key(p.piece), Kind::Trunk, &p.graph));
    Table::new(header, blocks.chain(trunk).collect()).unwrap()
}

/// A search of a few seconds.
pub const SEARCH: &str =
    "search --lut lut.csv --data faces --batch 8 --base-lr 1e-3 --start-epoch 1 --end-epoch 4 --tau-decay 0.5 --seed 3 --threads 2";

/// A finetune of the fewest steps.
pub const FINETUNE: &str = "finetune --data faces --batch 8 --base-lr 1e-3 --end-epoch 1 --seed 3";

/// A search of the fewest steps, done, in `run`.
pub fn searched() -> Fixture {
    let fixture = Fixture::new(24);
    fixture.done(&format!("{} --out run", SEARCH.replace("--end-epoch 4", "--end-epoch 2")));
    fixture
}

/// A run of the fewest steps, finished.
pub fn finished() -> Fixture {
    let fixture = searched();
    fixture.done(&format!("{FINETUNE} --out run"));
    fixture
}

pub fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
