//! A GPU's memory, handed back and used again, and its kernels with typed arguments.

use std::ffi::c_void;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::arguments::Arg;
use super::machine::{Address, GpuError, Machine, Product, Result};

/// A GPU with the memory that is free; clones share both. Plans that run one after the other should share it.
#[derive(Clone, Debug)]
pub struct Gpu {
    home: Arc<Home>,
}

/// What clones of a [`Gpu`] and its memory share; the last one that is dropped gives the memory back to the machine.
#[derive(Debug)]
struct Home {
    machine: Arc<dyn Machine>,
    /// Addresses and sizes.
    free: Mutex<Vec<(Address, usize)>>,
}

impl Home {
    fn free(&self) -> MutexGuard<'_, Vec<(Address, usize)>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        for (address, bytes) in self.free().drain(..) {
            self.machine.free(address, bytes);
        }
    }
}

/// Some of a GPU's memory; its next user's when dropped. Work on it is in order, so that the next user need not wait for the last one.
#[derive(Debug)]
pub(super) struct Memory {
    address: Address,
    bytes: usize,
    home: Arc<Home>,
}

impl Memory {
    /// Where it begins.
    pub fn at(&self) -> Address {
        self.address
    }

    /// The address of float `i`.
    pub fn float(&self, i: usize) -> Address {
        self.address + 4 * i as Address
    }

    /// The address of double `i`.
    pub fn double(&self, i: usize) -> Address {
        self.address + 8 * i as Address
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.home.free().push((self.address, self.bytes));
    }
}

/// Plain numbers whose bytes can be copied.
pub(super) trait Number: Copy {}
impl Number for f32 {}
impl Number for f64 {}

/// The bytes of numbers.
fn bytes<T: Number>(values: &[T]) -> &[u8] {
    // SAFETY: numbers have no padding, and bytes no alignment.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
}

/// The same, to be written: any bytes are numbers.
fn bytes_mut<T: Number>(values: &mut [T]) -> &mut [u8] {
    // SAFETY: as above.
    unsafe { std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), size_of_val(values)) }
}

impl Gpu {
    /// The GPU, none of whose memory is in use.
    pub fn new(machine: Arc<dyn Machine>) -> Self {
        Self { home: Arc::new(Home { machine, free: Mutex::default() }) }
    }

    /// What computes.
    pub fn machine(&self) -> &dyn Machine {
        self.home.machine.as_ref()
    }

    /// Memory of that many bytes with unspecified contents.
    fn take(&self, bytes: usize) -> Result<Memory> {
        let mut free = self.home.free();
        // Best fit, but never one that is more than twice too large: small maps would pin the large ones.
        let fits = (0..free.len()).filter(|&i| (bytes..=2 * bytes + 4096).contains(&free[i].1));
        if let Some(i) = fits.min_by_key(|&i| free[i].1) {
            let (address, bytes) = free.swap_remove(i);
            return Ok(Memory { address, bytes, home: self.home.clone() });
        }
        let bytes = bytes.next_multiple_of(256).max(256);
        let address = self.machine().allocate(bytes).or_else(|_| {
            // What is free has the wrong sizes.
            for (address, bytes) in free.drain(..) {
                self.machine().free(address, bytes);
            }
            self.machine().allocate(bytes)
        })?;
        Ok(Memory { address, bytes, home: self.home.clone() })
    }

    /// Floats with unspecified contents.
    pub(super) fn floats(&self, len: usize) -> Result<Memory> {
        self.take(4 * len)
    }

    /// Doubles with unspecified contents.
    pub(super) fn doubles(&self, len: usize) -> Result<Memory> {
        self.take(8 * len)
    }

    /// Zeros.
    pub(super) fn zeros(&self, len: usize) -> Result<Memory> {
        let memory = self.floats(len)?;
        // SAFETY: the memory has this size or more.
        unsafe { self.machine().zero(memory.address, 4 * len)? };
        Ok(memory)
    }

    /// A copy of `values`.
    pub(super) fn upload<T: Number>(&self, values: &[T]) -> Result<Memory> {
        let memory = self.take(size_of_val(values))?;
        // SAFETY: as above.
        unsafe { self.machine().upload(bytes(values), memory.address)? };
        Ok(memory)
    }

    /// Copies back.
    pub(super) fn download<T: Number>(&self, memory: &Memory, values: &mut [T]) -> Result<()> {
        assert!(size_of_val(values) <= memory.bytes, "more than there is");
        // SAFETY: just checked.
        unsafe { self.machine().download(memory.address, bytes_mut(values)) }
    }

    /// Runs a kernel that computes one value a thread; its arguments must be those of the kernel.
    pub(super) fn each(&self, kernel: &'static str, len: usize, args: &[Arg]) -> Result<()> {
        if u32::try_from(len).is_err() {
            return Err(GpuError(format!("a feature map of {len} values is too large for a GPU; give a smaller --batch")));
        }
        self.launch(kernel, len.div_ceil(self.machine().threads()), args)
    }

    /// Runs a kernel that computes one result a block; its arguments must be those of the kernel.
    pub(super) fn reduce(&self, kernel: &'static str, results: usize, args: &[Arg]) -> Result<()> {
        self.launch(kernel, results, args)
    }

    fn launch(&self, kernel: &'static str, blocks: usize, args: &[Arg]) -> Result<()> {
        let mut pointers: Vec<*mut c_void> = args.iter().map(Arg::pointer).collect();
        // SAFETY: the plan's calls have the kernels' arguments; a test runs each of them.
        unsafe { self.machine().launch(kernel, blocks, &mut pointers) }
    }

    /// Matrix products.
    pub(super) fn multiply(&self, product: &Product) -> Result<()> {
        // SAFETY: the plan's matrices are values and weights that it holds.
        unsafe { self.machine().multiply(product) }
    }
}
