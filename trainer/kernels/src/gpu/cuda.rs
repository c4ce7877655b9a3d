//! NVIDIA's GPUs. CUDA's libraries are looked for when a GPU is opened, so that a program with this feature starts without them, too.

use std::collections::HashMap;
use std::ffi::{CString, c_int, c_void};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use cudarc::cublas::result as cublas;
use cudarc::cublas::sys::{self as cublas_sys, cublasHandle_t, cublasOperation_t};
use cudarc::driver::result as driver;
use cudarc::driver::sys::{self as driver_sys, CUcontext, CUfunction, CUmodule, CUstream};
use cudarc::nvrtc;

use super::machine::{Address, GpuError, Machine, Product, Result};
use super::{ARCHITECTURE, source};

/// Threads of a block.
const THREADS: usize = 256;

/// A GPU with its queue of work, its kernels, and cuBLAS.
#[derive(Debug)]
pub struct Cuda {
    number: usize,
    context: CUcontext,
    stream: CUstream,
    module: CUmodule,
    kernels: HashMap<&'static str, CUfunction>,
    /// One thread at a time may call cuBLAS with it.
    blas: Mutex<cublasHandle_t>,
    in_use: AtomicUsize,
    peak: AtomicUsize,
}

// SAFETY: CUDA's functions may be called from any thread, on handles of a context that each call makes current.
unsafe impl Send for Cuda {}
// SAFETY: as above; cuBLAS stands behind a lock.
unsafe impl Sync for Cuda {}

/// A failure of one of CUDA's functions.
fn failed(what: &str) -> impl Fn(driver::DriverError) -> GpuError + '_ {
    move |error| {
        let name = error.error_string().map(|text| text.to_string_lossy().into_owned());
        GpuError(format!("{what}: {}", name.unwrap_or_else(|_| format!("CUDA's error {}", error.0 as u32))))
    }
}

/// Whether all libraries are there.
fn libraries() -> Result<()> {
    // SAFETY: these look a library up and load it.
    let found = unsafe {
        [
            ("libcuda, the GPU's driver", driver_sys::is_culib_present()),
            ("libnvrtc, CUDA's run-time compiler", nvrtc::sys::is_culib_present()),
            ("libcublas, CUDA's matrix products", cublas_sys::is_culib_present()),
        ]
    };
    match found.iter().find(|(_, found)| !found) {
        Some((name, _)) => Err(GpuError(format!("{name}, was not found; add its folder to LD_LIBRARY_PATH"))),
        None => Ok(()),
    }
}

impl Cuda {
    /// The GPU of that number, from 0.
    ///
    /// # Errors
    /// CUDA's driver, NVRTC or cuBLAS is not there, or there is no such GPU.
    pub fn open(number: usize) -> Result<Arc<Self>> {
        libraries()?;
        driver::init().map_err(failed("CUDA does not start"))?;
        let device = driver::device::get(number as c_int).map_err(failed("there is no such GPU"))?;
        // SAFETY: the device is one that CUDA has named.
        let context = unsafe { driver::primary_ctx::retain(device) }.map_err(failed("the GPU cannot be opened"))?;
        // SAFETY: the context was just made.
        unsafe { driver::ctx::set_current(context) }.map_err(failed("the GPU cannot be opened"))?;
        let stream =
            driver::stream::create(driver::stream::StreamKind::NonBlocking).map_err(failed("cannot create a stream on the GPU"))?;
        let (module, kernels) = compile()?;
        let blas = cublas::create_handle().map_err(|e| GpuError(format!("cuBLAS does not start: {e}")))?;
        // SAFETY: handle and stream were just made; both libraries know a stream by the same pointer.
        unsafe { cublas::set_stream(blas, stream.cast()) }.map_err(|e| GpuError(format!("cuBLAS does not start: {e}")))?;
        Ok(Arc::new(Self {
            number,
            context,
            stream,
            module,
            kernels,
            blas: Mutex::new(blas),
            in_use: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
        }))
    }

    /// Its number.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Its queue of work.
    pub(super) fn stream(&self) -> CUstream {
        self.stream
    }

    /// Lets this thread's calls go to this GPU.
    fn make_current(&self) -> Result<()> {
        // SAFETY: the context lives as long as the GPU.
        unsafe { driver::ctx::set_current(self.context) }.map_err(failed("the GPU cannot be reached"))
    }
}

/// Compiles the kernels, for the current context.
fn compile() -> Result<(CUmodule, HashMap<&'static str, CUfunction>)> {
    let options = nvrtc::CompileOptions { arch: Some(ARCHITECTURE), ..Default::default() };
    let ptx =
        nvrtc::compile_ptx_with_opts(source(THREADS), options).map_err(|e| GpuError(format!("the kernels do not compile: {e}")))?;
    let image = ptx.as_bytes().ok_or_else(|| GpuError("NVRTC has compiled nothing".into()))?;
    // SAFETY: NVRTC ends its image with a zero.
    let module = unsafe { driver::module::load_data(image.as_ptr().cast()) }.map_err(failed("the GPU cannot load the kernels"))?;
    let mut kernels = HashMap::new();
    for kernel in super::kernels() {
        let name = CString::new(kernel.name).map_err(|_| GpuError(format!("{} is no name", kernel.name)))?;
        // SAFETY: the module was just loaded.
        let function = unsafe { driver::module::get_function(module, name) }.map_err(failed(kernel.name))?;
        kernels.insert(kernel.name, function);
    }
    Ok((module, kernels))
}

/// cuBLAS's sizes.
fn int(size: usize) -> Result<c_int> {
    c_int::try_from(size)
        .map_err(|_| GpuError(format!("a matrix with {size} rows or columns is too large for a GPU; give a smaller --batch")))
}

impl Machine for Cuda {
    fn threads(&self) -> usize {
        THREADS
    }

    fn allocate(&self, bytes: usize) -> Result<Address> {
        self.make_current()?;
        // SAFETY: contents are unspecified by contract.
        let address = unsafe { driver::malloc_sync(bytes) }.map_err(failed("the GPU has not enough memory"))?;
        let in_use = self.in_use.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.peak.fetch_max(in_use, Ordering::Relaxed);
        Ok(address)
    }

    fn free(&self, address: Address, bytes: usize) {
        self.in_use.fetch_sub(bytes, Ordering::Relaxed);
        // A GPU that has failed keeps its memory to the end of the process.
        // SAFETY: the memory is from `allocate`; CUDA waits for work on it.
        let _ = self.make_current().and_then(|()| unsafe { driver::free_sync(address) }.map_err(failed("memory")));
    }

    unsafe fn zero(&self, address: Address, bytes: usize) -> Result<()> {
        self.make_current()?;
        // SAFETY: promised by the caller.
        unsafe { driver::memset_d8_async(address, 0, bytes, self.stream) }.map_err(failed("the GPU fails to clear memory"))
    }

    unsafe fn upload(&self, from: &[u8], to: Address) -> Result<()> {
        if from.is_empty() {
            return Ok(());
        }
        self.make_current()?;
        // SAFETY: promised by the caller; CUDA copies from ordinary memory before it returns.
        unsafe { driver::memcpy_htod_async(to, from, self.stream) }.map_err(failed("cannot copy values to the GPU"))
    }

    unsafe fn download(&self, from: Address, to: &mut [u8]) -> Result<()> {
        self.make_current()?;
        let failed = failed("cannot copy values from the GPU");
        // SAFETY: promised by the caller; the copy is waited for.
        unsafe {
            if !to.is_empty() {
                driver::memcpy_dtoh_async(to, from, self.stream).map_err(&failed)?;
            }
            driver::stream::synchronize(self.stream).map_err(&failed)
        }
    }

    unsafe fn launch(&self, kernel: &'static str, blocks: usize, args: &mut [*mut c_void]) -> Result<()> {
        self.make_current()?;
        let function = self.kernels.get(kernel).ok_or_else(|| GpuError(format!("there is no kernel {kernel}")))?;
        let blocks = u32::try_from(blocks).map_err(|_| GpuError(format!("{kernel}: {blocks} blocks are too many")))?;
        if blocks == 0 {
            return Ok(());
        }
        // SAFETY: promised by the caller.
        unsafe { driver::launch_kernel(*function, (blocks, 1, 1), (THREADS as u32, 1, 1), 0, self.stream, args) }
            .map_err(failed(kernel))
    }

    unsafe fn multiply(&self, product: &Product) -> Result<()> {
        self.make_current()?;
        let Product { m, n, k, a: (a, a_row, a_turned), b: (b, b_row, b_turned), c: (c, c_row), accumulate, count, steps } =
            *product;
        let turned = |turned| if turned { cublasOperation_t::CUBLAS_OP_T } else { cublasOperation_t::CUBLAS_OP_N };
        let (m, n, k) = (int(m)?, int(n)?, int(k)?);
        let (a_row, b_row, c_row) = (int(a_row)?, int(b_row)?, int(c_row)?);
        let (alpha, beta) = (1.0f32, if accumulate { 1.0f32 } else { 0.0 });
        let blas = self.blas.lock().unwrap_or_else(PoisonError::into_inner);
        // cuBLAS goes column after column, where our rows are its columns: Cᵀ = op(B)ᵀ·op(A)ᵀ.
        // SAFETY: promised by the caller.
        let done = unsafe {
            cublas::sgemm_strided_batched(
                *blas,
                turned(b_turned),
                turned(a_turned),
                n,
                m,
                k,
                &alpha,
                b as *const f32,
                b_row,
                steps[1] as i64,
                a as *const f32,
                a_row,
                steps[0] as i64,
                &beta,
                c as *mut f32,
                c_row,
                steps[2] as i64,
                int(count)?,
            )
        };
        done.map_err(|e| GpuError(format!("a matrix product of {m}×{k}×{n}: {e}")))
    }

    fn peak(&self) -> usize {
        self.peak.load(Ordering::Relaxed)
    }
}

impl Drop for Cuda {
    fn drop(&mut self) {
        let blas = *self.blas.lock().unwrap_or_else(PoisonError::into_inner);
        // Nothing can be done about a GPU that fails here.
        // SAFETY: they are not used any more.
        unsafe {
            let _ = self.make_current();
            let _ = cublas::destroy_handle(blas);
            let _ = driver::module::unload(self.module);
            let _ = driver::stream::destroy(self.stream);
            if let Ok(device) = driver::device::get(self.number as c_int) {
                let _ = driver::primary_ctx::release(device);
            }
        }
    }
}
