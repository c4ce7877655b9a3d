//! The seam between the plan and a GPU: memory, launches, one matrix product.

use std::ffi::c_void;
use std::fmt;

/// Why a GPU does not compute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GpuError(pub String);

impl fmt::Display for GpuError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for GpuError {}

/// What GPU functions return.
pub type Result<T> = std::result::Result<T, GpuError>;

/// An address in a GPU's memory; 0 is no address.
pub type Address = u64;

/// C (+)= op(A)·op(B) of single-precision matrices, row after row; op turns columns into rows where asked. Several of them at once: the
/// matrices of the next one begin `steps` values further on.
#[derive(Clone, Copy, Debug)]
pub struct Product {
    /// Rows and columns of C.
    pub m: usize,
    /// Columns of C.
    pub n: usize,
    /// Columns of op(A), rows of op(B).
    pub k: usize,
    /// A, values from one row to the next, and whether it is turned.
    pub a: (Address, usize, bool),
    /// B, likewise.
    pub b: (Address, usize, bool),
    /// C, and values from one row to the next.
    pub c: (Address, usize),
    /// Whether C is added to.
    pub accumulate: bool,
    /// How many.
    pub count: usize,
    /// Values from one A, B, C to the next.
    pub steps: [usize; 3],
}

/// A GPU, or what stands for it in tests. It does what it is told in order; only [`Machine::download`] waits.
///
/// Any thread may use it. Sizes are in bytes.
pub trait Machine: fmt::Debug + Send + Sync {
    /// Threads in a block: a power of two, the same for all kernels.
    fn threads(&self) -> usize;

    /// New memory with unspecified contents.
    ///
    /// # Errors
    /// There is not enough.
    fn allocate(&self, bytes: usize) -> Result<Address>;

    /// Gives memory back that [`Machine::allocate`] gave, with the size that was asked for.
    fn free(&self, address: Address, bytes: usize);

    /// Fills memory with zeros.
    ///
    /// # Errors
    /// The GPU fails.
    ///
    /// # Safety
    /// The memory must be allocated.
    unsafe fn zero(&self, address: Address, bytes: usize) -> Result<()>;

    /// Copies to the GPU.
    ///
    /// # Errors
    /// The GPU fails.
    ///
    /// # Safety
    /// The memory must be allocated.
    unsafe fn upload(&self, from: &[u8], to: Address) -> Result<()>;

    /// Copies from the GPU, when all that was asked before is done.
    ///
    /// # Errors
    /// The GPU fails, now or in something asked before.
    ///
    /// # Safety
    /// The memory must be allocated.
    unsafe fn download(&self, from: Address, to: &mut [u8]) -> Result<()>;

    /// Runs a kernel of [`super::kernels`] in so many blocks; `args` points at each of its arguments.
    ///
    /// # Errors
    /// The GPU fails.
    ///
    /// # Safety
    /// The arguments must be those of the kernel.
    unsafe fn launch(&self, kernel: &'static str, blocks: usize, args: &mut [*mut c_void]) -> Result<()>;

    /// Matrix products.
    ///
    /// # Errors
    /// The GPU fails.
    ///
    /// # Safety
    /// The matrices must be allocated.
    unsafe fn multiply(&self, product: &Product) -> Result<()>;

    /// The most bytes that were allocated at once.
    fn peak(&self) -> usize;
}
