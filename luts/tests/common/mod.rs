//! A whole, sound table of the PFLD space.

// Not every test needs all of it.
#![allow(dead_code)]

use blocks::{Space, TrunkPiece};
use luts::*;

pub fn header(space: &Space) -> Header {
    Header {
        date: Some("2026-01-02T03:04:05Z".into()),
        profiler: "0.1.0".into(),
        method: "made up".into(),
        points: Some(106),
        cpus: vec![1],
        stopped_by: Some("precision".into()),
        device: Device { model: "a \"board\"\nof two lines".into(), arch: "aarch64".into(), ..Device::default() },
        engine: EngineId { name: "onnxruntime".into(), version: "1.32.0".into(), ..EngineId::default() },
        canary: Some(Canary { kind: "loop".into(), stated_us: Micros(100.1), median_us: Micros(101.7) }),
        fit: Some(Fit { residual: 0.01, noise: None, architectures: vec!["a b c".into()], anchors: vec![] }),
        ..Header::unmeasured(Source::Measured, SpaceId::from(space))
    }
}

pub fn row(key: &str, kind: Kind, latency: f64) -> Row {
    Row {
        key: key.into(),
        kind,
        primitive: key.rsplit(':').next().unwrap().split('@').next().unwrap().into(),
        shapes: Shapes { c_in: 32, c_out: 32, stride: 1, h: 14, w: 14 },
        macs: Some(1000),
        params: 10,
        latency: Micros(latency),
        interval: Some(Interval { low: Micros(latency * 0.99), high: Micros(latency * 1.01) }),
        quantiles: None,
        samples: 30,
        discarded: Discarded { canary: 2, ..Discarded::default() },
        cold: None,
        checksum: Some("0123abcd".into()),
    }
}

/// Latencies are 1.1 µs, 2.1 µs, … in the space's order, then the trunk's, 10 µs a piece.
pub fn rows(space: &Space) -> Vec<Row> {
    let blocks = space.unique_candidates().into_iter().enumerate().map(|(i, c)| row(&c.key(), Kind::Block, i as f64 + 1.1));
    blocks.chain(TrunkPiece::PFLD.map(|p| row(&trunk_key(p), Kind::Trunk, 10.0))).collect()
}

pub fn table(space: &Space) -> Table {
    Table::new(header(space), rows(space)).unwrap()
}
