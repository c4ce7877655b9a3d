//! Cost of a face: decoding, writing its planes, warping it.

use criterion::{Criterion, criterion_group, criterion_main};
use faces::augment::{Augment, Change, warp_planes};
use faces::picture::{ChannelOrder, decode, write_planes};
use std::hint::black_box;

fn loading(criterion: &mut Criterion) {
    // Smooth shapes, as in a photograph: noise would make the JPEG, and so its decoding, many times larger.
    let picture = image::RgbImage::from_fn(144, 144, |x, y| {
        let wave = |a: f32, b: f32| (127.0 + 60.0 * (x as f32 / a).sin() + 60.0 * (y as f32 / b).cos()) as u8;
        image::Rgb([wave(9.0, 14.0), wave(11.0, 7.0), wave(23.0, 5.0)])
    });
    let mut jpeg = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 90).encode_image(&picture).expect("encoding to memory");
    let decoded = decode(&jpeg).expect("a whole JPEG");
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

criterion_group!(benches, loading);
criterion_main!(benches);
