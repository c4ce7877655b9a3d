//! Aligned buffers that are handed back and used again, so that a step touches no fresh memory.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::simd::{LANES, V16};

/// Buffers that are free, by size.
#[derive(Debug, Default)]
struct Free {
    buffers: Vec<Vec<V16>>,
}

/// Source of buffers; clones share the same store.
#[derive(Clone, Debug, Default)]
pub struct Pool(Arc<Mutex<Free>>);

impl Pool {
    /// The one store of all plans that are alive: what one net's backward pass hands back serves the other's.
    pub fn shared() -> Self {
        static SHARED: Mutex<Weak<Mutex<Free>>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(free) = shared.upgrade() {
            return Self(free);
        }
        let pool = Self::default();
        *shared = Arc::downgrade(&pool.0);
        pool
    }

    /// A buffer of `len` vectors with **unspecified** contents: the caller writes before it reads.
    pub fn take(&self, len: usize) -> Buffer {
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Best fit, but never one that is more than twice too large: small maps would pin the large ones.
        let fit = (0..free.buffers.len())
            .filter(|&i| (len..=2 * len + 64).contains(&free.buffers[i].capacity()))
            .min_by_key(|&i| free.buffers[i].capacity());
        let mut data = match fit {
            Some(i) => free.buffers.swap_remove(i),
            None => Vec::with_capacity(len),
        };
        drop(free);
        data.resize(len, V16::ZERO);
        Buffer { data, home: self.clone() }
    }

    /// A buffer of `len` zero vectors.
    pub fn zeros(&self, len: usize) -> Buffer {
        let mut buffer = self.take(len);
        buffer.fill(V16::ZERO);
        buffer
    }
}

/// A run of vectors that goes back to its [`Pool`] when dropped.
#[derive(Debug)]
pub struct Buffer {
    data: Vec<V16>,
    home: Pool,
}

impl Buffer {
    /// First float.
    pub(crate) fn ptr(&self) -> Ptr {
        Ptr(self.data.as_ptr().cast_mut().cast())
    }
}

impl Deref for Buffer {
    type Target = [V16];
    fn deref(&self) -> &[V16] {
        &self.data
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [V16] {
        &mut self.data
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let data = std::mem::take(&mut self.data);
        self.home.0.lock().unwrap_or_else(PoisonError::into_inner).buffers.push(data);
    }
}

/// A pointer into a buffer that threads work on in disjoint parts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ptr(pub *mut f32);

// SAFETY: kernels give each thread its own rows; the plan keeps the buffers alive over the parallel section.
unsafe impl Send for Ptr {}
// SAFETY: as above.
unsafe impl Sync for Ptr {}

impl Ptr {
    /// The pointer `vectors` vectors further on.
    ///
    /// # Safety
    /// The result must lie in the same buffer.
    #[inline(always)]
    pub unsafe fn at(self, vectors: usize) -> *mut f32 {
        unsafe { self.0.add(vectors * LANES) }
    }
}
