//! Cost of a face: decoding, writing its planes, warping it; and the whole loader on real faces where there are any.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use faces::augment::{Augment, Change, warp_planes};
use faces::data::{Dataset, DatasetOptions, Loader, LoaderOptions, Split};
use faces::picture::{ChannelOrder, decode, write_planes};
use std::hint::black_box;
use std::sync::Arc;

fn loading(criterion: &mut Criterion) {
    // Smooth shapes, as in a photograph: noise would make the JPEG, and so its decoding, many times larger.
    let picture = image::RgbImage::from_fn(144, 144, |x, y| {
        let wave = |a: f32, b: f32| (127.0 + 60.0 * (x as f32 / a).sin() + 60.0 * (y as f32 / b).cos()) as u8;
        image::Rgb([wave(9.0, 14.0), wave(11.0, 7.0), wave(23.0, 5.0)])
    });
    let mut jpeg = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 90).encode_image(&picture).expect("encoding to memory");
    let decoded = decode(&jpeg).expect("a whole JPEG").picture;
    criterion.bench_function("decode 144x144", |bench| bench.iter(|| decode(black_box(&jpeg))));
    let mut planes = vec![0.0; 3 * 144 * 144];
    criterion.bench_function("planes 144x144", |bench| {
        bench.iter(|| write_planes(black_box(&decoded), ChannelOrder::Bgr, &mut planes));
    });
    let change = Change::draw(&Augment::MILD, 1, 0, 0, true);
    let mut out = vec![0.0; 3 * 112 * 112];
    criterion.bench_function("warp 144x144 to 112x112", |bench| {
        bench.iter(|| warp_planes(black_box(&decoded), 16, &change, ChannelOrder::Bgr, 112, &mut out));
    });
}

fn real_faces(criterion: &mut Criterion) {
    let Some(root) = support::shared("faces") else { return };
    let points_file = Some(support::project_root().join("trainer/points/scut86.toml"));
    let options = DatasetOptions { points_file, ..DatasetOptions::default() };
    let dataset = Arc::new(Dataset::open(&root, Split::Train, &options).expect("the shared faces"));
    let faces: Vec<usize> = (0..512).collect();
    let mut group = criterion.benchmark_group("512 real faces, 1 thread");
    group.throughput(Throughput::Elements(512)).sample_size(10);
    for (name, augment) in [("plain", None), ("mild", Some(Augment::MILD)), ("strong", Some(Augment::STRONG))] {
        let loader = Loader::new(Arc::clone(&dataset), faces.clone(), LoaderOptions::train(32, 1, augment)).expect("a loader");
        group.bench_function(name, |bench| {
            bench.iter(|| {
                let mut batches = loader.epoch(0);
                while let Some(batch) = batches.next() {
                    batches.recycle(batch.expect("a batch"));
                }
            });
        });
    }
}

criterion_group!(benches, loading, real_faces);
criterion_main!(benches);
