//! Reading a table of a million rows, the most that are read (a PFLD table has 36). Two seconds are allowed.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use luts::*;

fn large(rows: usize) -> Table {
    let us = |x: f64| Micros(x);
    let row = |i: usize| {
        let latency = us(3.0 + i as f64 / 7.0);
        let at = |f: f64| us(latency.0 * f);
        Row {
            key: format!("mb_k3_e2_res@{i}x14x14-s1-32"),
            kind: Kind::Block,
            primitive: "mb_k3_e2_res".into(),
            shapes: Shapes { c_in: i, c_out: 32, stride: 1, h: 14, w: 14 },
            macs: Some(100 * i as u64),
            params: i as u64,
            latency,
            interval: Some(Interval { low: at(0.99), high: at(1.01) }),
            quantiles: Some(Quantiles { p0: at(1.1), p10: at(1.2), p50: at(1.3), p90: at(1.4), p100: at(1.5) }),
            samples: 40,
            discarded: Discarded::default(),
            cold: None,
            checksum: Some("0123456789abcdef".into()),
        }
    };
    let space = SpaceId { name: "large".into(), hash: "0".into(), folder: None };
    let header = Header { points: Some(106), ..Header::unmeasured(Source::Simulated, space) };
    Table::new(header, (0..rows).map(row).collect()).expect("sound rows")
}

fn load(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("large.csv");
    large(1_000_000).write(&path, Overwrite::No).expect("written");
    let mut group = c.benchmark_group("table");
    group.sample_size(10);
    group.bench_function("read 1e6 rows", |b| b.iter_with_large_drop(|| Table::read(black_box(&path)).expect("read")));
}

criterion_group!(benches, load);
criterion_main!(benches);
