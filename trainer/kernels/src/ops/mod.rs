//! The kernels, each written once over [`crate::simd`].

use rayon::prelude::*;

use crate::buffer::{Buffer, Pool, Ptr};
use crate::simd::{LANES, V16};

pub mod depthwise;
pub mod lanes;
pub mod layout;
pub mod matmul;
pub mod peak;
pub mod planar;
pub mod pool;
pub mod rows;
pub mod statistics;

/// Parts that a batch is cut into, whatever the number of threads, so that sums are taken in one order everywhere.
pub const PARTS: usize = 8;

/// The images of part `p` of a batch of `n`.
pub fn part(n: usize, p: usize) -> std::ops::Range<usize> {
    p * n / PARTS..(p + 1) * n / PARTS
}

/// Runs `work` for each part of the batch that has images, on all threads.
pub(crate) fn for_parts(n: usize, work: impl Fn(usize, std::ops::Range<usize>) + Send + Sync) {
    (0..PARTS).into_par_iter().with_max_len(1).for_each(|p| {
        let images = part(n, p);
        if !images.is_empty() {
            work(p, images);
        }
    });
}

/// Zeroes a buffer on all threads.
pub(crate) fn clear(buffer: &mut [V16]) {
    buffer.par_chunks_mut(1 << 12).for_each(|chunk| chunk.fill(V16::ZERO));
}

/// Partial sums of the parts of a batch: each part fills its own, then they are added in their order.
pub(crate) struct Partial {
    buffer: Buffer,
    len: usize,
    n: usize,
}

impl Partial {
    /// Room for `len` vectors a part of a batch of `n`; unspecified contents.
    pub fn new(pool: &Pool, len: usize, n: usize) -> Self {
        Self { buffer: pool.take(PARTS * len), len, n }
    }

    /// The vectors of one part, set to zero: called once by the thread that fills them.
    pub fn start(&self, p: usize) -> Ptr {
        // SAFETY: each part has its own `len` vectors of the buffer; all-zero bits are 0.0.
        unsafe {
            let own = self.buffer.ptr().at(p * self.len);
            std::ptr::write_bytes(own.cast::<V16>(), 0, self.len);
            Ptr(own)
        }
    }

    /// The sum over all parts that had images.
    pub fn sum(&mut self) -> &[V16] {
        let parts: Vec<usize> = (0..PARTS).filter(|&p| !part(self.n, p).is_empty()).collect();
        let (len, first) = (self.len, parts[0]);
        let buffer = self.buffer.ptr();
        (0..len.div_ceil(512)).into_par_iter().for_each(|chunk| {
            for i in chunk * 512..len.min((chunk + 1) * 512) {
                // SAFETY: every thread has its own indices `i` of every part.
                unsafe {
                    let total: &mut V16 = &mut *buffer.at(first * len + i).cast();
                    for &p in &parts[1..] {
                        let add: &V16 = &*buffer.at(p * len + i).cast();
                        for lane in 0..LANES {
                            total.0[lane] += add.0[lane];
                        }
                    }
                }
            }
        });
        &self.buffer[first * len..(first + 1) * len]
    }
}

/// Runs `work` with three areas of the calling thread's scratch memory, of `lens` vectors each, with unspecified contents.
///
/// `work` must not ask for scratch itself.
pub(crate) fn with_scratch<R>(lens: [usize; 3], work: impl FnOnce([Ptr; 3]) -> R) -> R {
    use std::cell::RefCell;
    thread_local! {
        static SCRATCH: RefCell<Vec<V16>> = const { RefCell::new(Vec::new()) };
    }
    SCRATCH.with(|scratch| {
        let mut scratch = scratch.borrow_mut();
        let len: usize = lens.iter().sum();
        if scratch.len() < len {
            scratch.resize(len, V16::ZERO);
        }
        let base = Ptr(scratch.as_mut_ptr().cast());
        // SAFETY: the offsets lie inside the scratch vector by the resize above.
        let at = |i| Ptr(unsafe { base.at(i) });
        work([base, at(lens[0]), at(lens[0] + lens[1])])
    })
}
