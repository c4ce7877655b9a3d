//! The kernels, each written once over [`crate::simd`].

use rayon::prelude::*;

pub mod depthwise;
pub mod layout;
pub mod matmul;
pub mod pool;
pub mod rows;
pub mod statistics;

/// Parts that a batch is cut into, whatever the number of threads, so that sums are taken in one order everywhere.
pub const PARTS: usize = 16;

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

/// Scratch memory of the calling thread, at least `len` vectors with unspecified contents.
///
/// `slot` tells apart scratch areas that are in use at once.
pub(crate) fn with_scratch<R>(lens: [usize; 3], work: impl FnOnce([crate::buffer::Ptr; 3]) -> R) -> R {
    use crate::simd::V16;
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
        let base = crate::buffer::Ptr(scratch.as_mut_ptr().cast());
        // SAFETY: the offsets lie inside the scratch vector by the resize above.
        let at = |i| crate::buffer::Ptr(unsafe { base.at(i) });
        work([base, at(lens[0]), at(lens[0] + lens[1])])
    })
}
