//! A fixed compute loop: what the machine is worth at this moment.
//!
//! Its work is the same on every device and in every build of a device, so its time tells the true clock, and interference
//! on the core's other hardware thread. It multiplies small f32 matrices that fit the first-level cache, with many independent
//! sums: the same units that a network keeps busy, so that what slows one slows the other.

use std::hint::black_box;

use super::clock;

/// Side of the matrices.
const N: usize = 32;

/// Name of this kind of canary in tables; another loop must have another name. Without optimisation it is another loop.
pub const KIND: &str =
    if cfg!(debug_assertions) { "f32 32x32x32 matrix product, debug build" } else { "f32 32x32x32 matrix product" };

/// The loop, and how many units of it make one canary.
pub struct Canary {
    a: Box<[[f32; N]; N]>,
    b: Box<[[f32; N]; N]>,
    c: Box<[[f32; N]; N]>,
    units: u64,
}

/// One reading of a canary.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// Time of one unit in µs.
    pub us: f64,
    /// Whether another process had the CPU meanwhile.
    pub preempted: bool,
}

impl Canary {
    /// A canary that takes about `length_us`.
    pub fn new(length_us: f64) -> Self {
        let matrix = |k: usize| -> Box<[[f32; N]; N]> {
            let mut m = Box::new([[0.0; N]; N]);
            for (i, row) in m.iter_mut().enumerate() {
                for (j, x) in row.iter_mut().enumerate() {
                    *x = ((i * 7 + j * k) % 13) as f32 / 64.0;
                }
            }
            m
        };
        let mut canary = Self { a: matrix(3), b: matrix(5), c: matrix(1), units: 16 };
        // The fastest of a few readings: a slow moment at the start must not make all canaries short.
        let unit = (0..20).map(|_| canary.once().us).fold(f64::INFINITY, f64::min);
        canary.units = (length_us / unit.max(1e-3)).ceil().clamp(1.0, 1e7) as u64;
        canary
    }

    fn once(&mut self) -> Reading {
        let preemptions = clock::preemptions();
        let start = clock::now_us();
        for _ in 0..self.units {
            product(black_box(&self.a), black_box(&self.b), black_box(&mut self.c));
        }
        let us = (clock::now_us() - start) / self.units as f64;
        Reading { us, preempted: clock::preemptions() != preemptions }
    }

    /// Reads it; once or twice again where another process came between.
    pub fn read(&mut self) -> Reading {
        let mut reading = self.once();
        for _ in 0..2 {
            if !reading.preempted {
                break;
            }
            reading = self.once();
        }
        reading
    }
}

/// `c = a·b`.
#[inline(never)]
fn product(a: &[[f32; N]; N], b: &[[f32; N]; N], c: &mut [[f32; N]; N]) {
    for (a, c) in std::iter::zip(a, c) {
        let mut sums = [0.0f32; N];
        for (&x, b) in std::iter::zip(a, b) {
            for (sum, &y) in std::iter::zip(&mut sums, b) {
                *sum += x * y;
            }
        }
        *c = sums;
    }
}
