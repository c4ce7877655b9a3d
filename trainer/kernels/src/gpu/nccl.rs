//! Sums over several GPUs with NCCL, on the GPUs themselves.

use std::ffi::c_int;
use std::ptr::null_mut;
use std::sync::{Arc, Mutex, PoisonError};

use cudarc::nccl::result as nccl;
use cudarc::nccl::sys::{self as nccl_sys, ncclComm_t, ncclDataType_t, ncclRedOp_t};

use super::cuda::Cuda;
use super::machine::{GpuError, Machine, Result};
use crate::group::Group;

/// Whether NCCL's library is there.
pub fn has_nccl() -> bool {
    // SAFETY: this looks the library up and loads it.
    unsafe { nccl_sys::is_culib_present() }
}

/// The GPUs as a group, a member each.
///
/// # Errors
/// NCCL does not start between them.
pub fn nccl_group(gpus: &[Arc<Cuda>]) -> Result<Vec<Arc<dyn Group>>> {
    let numbers: Vec<c_int> = gpus.iter().map(|gpu| gpu.number() as c_int).collect();
    let mut members: Vec<ncclComm_t> = vec![null_mut(); gpus.len()];
    // SAFETY: both have as many places as there are GPUs.
    unsafe { nccl::comm_init_all(members.as_mut_ptr(), numbers.len() as c_int, numbers.as_ptr()) }
        .map_err(|e| GpuError(format!("NCCL cannot connect the GPUs: {e:?}")))?;
    let all = Arc::new(Members { members, aborted: Mutex::new(false) });
    let member =
        |(rank, gpu): (usize, &Arc<Cuda>)| -> Arc<dyn Group> { Arc::new(Member { rank, gpu: gpu.clone(), all: all.clone() }) };
    Ok(gpus.iter().enumerate().map(member).collect())
}

/// NCCL's handles.
#[derive(Debug)]
struct Members {
    members: Vec<ncclComm_t>,
    aborted: Mutex<bool>,
}

// SAFETY: each handle is used by its member's thread, and `abort` may be called beside that.
unsafe impl Send for Members {}
// SAFETY: as above.
unsafe impl Sync for Members {}

impl Members {
    /// Ends what any member waits for.
    fn abort(&self) {
        let mut aborted = self.aborted.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::replace(&mut *aborted, true) {
            for &member in &self.members {
                // Nothing can be done about one that does not end.
                // SAFETY: the handles are aborted once.
                let _ = unsafe { nccl::comm_abort(member) };
            }
        }
    }
}

impl Drop for Members {
    fn drop(&mut self) {
        self.abort();
    }
}

#[derive(Debug)]
struct Member {
    rank: usize,
    gpu: Arc<Cuda>,
    all: Arc<Members>,
}

impl Group for Member {
    fn size(&self) -> usize {
        self.all.members.len()
    }

    fn rank(&self) -> usize {
        self.rank
    }

    fn sum(&self, values: &mut [f64]) {
        let bytes = size_of_val(values);
        // SAFETY: numbers are bytes, and the memory has their size.
        let done = unsafe {
            let own = std::slice::from_raw_parts_mut(values.as_mut_ptr().cast::<u8>(), bytes);
            let room = bytes.max(1);
            self.gpu.allocate(room).and_then(|at| {
                let summed = self.gpu.upload(own, at).map(|()| self.sum_on_gpu(at, at, bytes / 8));
                let done = summed.and_then(|_| self.gpu.download(at, own));
                self.gpu.free(at, room);
                done
            })
        };
        done.unwrap_or_else(|e| panic!("a sum over the GPUs: {e}"));
    }

    fn sum_on_gpu(&self, from: u64, to: u64, len: usize) -> bool {
        let (from, to) = (from as *const std::ffi::c_void, to as *mut std::ffi::c_void);
        let (doubles, sum) = (ncclDataType_t::ncclFloat64, ncclRedOp_t::ncclSum);
        // SAFETY: the caller's memory holds `len` doubles; both libraries know a stream by the same pointer.
        let done = unsafe { nccl::all_reduce(from, to, len, doubles, sum, self.all.members[self.rank], self.gpu.stream().cast()) };
        // Without the sum all that follows is wrong.
        done.unwrap_or_else(|e| panic!("NCCL fails: {e:?}"));
        true
    }

    fn leave(&self) {
        self.all.abort();
    }
}
