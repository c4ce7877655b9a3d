//! A GPU in a test: the kernels of `cuda/*.cu`, compiled as C++ and run on the CPU.

use std::alloc::Layout;
use std::collections::{BTreeSet, HashMap};
use std::ffi::c_void;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use kernels::gpu::{Address, GpuError, Machine, Product, Result, kernels, source};
use libloading::Library;

/// Threads of a block: fewer than on a GPU, and still several turns of a sum.
const THREADS: usize = 32;

/// Bytes behind each allocation that must not be written, and what is in them. As floats they are not numbers.
const GUARD: usize = 64;
const UNWRITTEN: u8 = 0xff;

/// How a kernel is called: blocks, whether its threads run in descending order, pointers to its arguments.
type Call = unsafe extern "C" fn(u32, i32, *mut *mut c_void);

/// The compiled kernels; `None`, with a message, where there is no C++ compiler. With `BLOCKTIME_REQUIRE_CXX=1` that is a failure.
fn library() -> Option<&'static Library> {
    static LIBRARY: OnceLock<Option<Library>> = OnceLock::new();
    LIBRARY.get_or_init(compile).as_ref()
}

fn compile() -> Option<Library> {
    let compiler = std::env::var_os("CXX").unwrap_or_else(|| "c++".into());
    if Command::new(&compiler).arg("--version").output().is_err() {
        support::skip("BLOCKTIME_REQUIRE_CXX", "there is no C++ compiler to run the kernels for GPUs with; set CXX");
        return None;
    }
    let exports: String = kernels().iter().map(|kernel| format!("EXPORT({}, {})\n", kernel.name, kernel.reduces)).collect();
    let code = format!("#define THREADS {THREADS}\n#include \"shim.h\"\n#undef THREADS\n{}{exports}", source(THREADS));
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let (file, built) = (folder.path().join("kernels.cpp"), folder.path().join("kernels.so"));
    std::fs::write(&file, code).expect("the folder takes files");
    let mut command = Command::new(&compiler);
    // Contraction would round otherwise than the kernels say, which ask for it by name.
    command.args(["-std=c++17", "-O2", "-march=native", "-ffp-contract=off", "-U_FORTIFY_SOURCE", "-Wall", "-Wextra", "-Werror"]);
    command
        .args(["-shared", "-fPIC", "-o"])
        .arg(&built)
        .arg(file)
        .arg("-I")
        .arg(support::project_root().join("trainer/kernels/tests/shim"));
    let done = command.output().expect("the compiler starts");
    assert!(done.status.success(), "the kernels do not compile as C++:\n{}", String::from_utf8_lossy(&done.stderr));
    // SAFETY: the library has no initialisers.
    Some(unsafe { Library::new(&built) }.expect("what was just compiled can be loaded"))
}

/// The GPU that is none.
#[derive(Debug)]
pub struct Shim {
    calls: HashMap<&'static str, Call>,
    /// Sizes of what is allocated.
    allocated: Mutex<HashMap<Address, usize>>,
    bytes: usize,
    in_use: AtomicUsize,
    peak: AtomicUsize,
    /// Kernels that have run.
    launched: Mutex<BTreeSet<&'static str>>,
    descending: AtomicBool,
}

impl Shim {
    /// `None`, with a message, where there is no C++ compiler.
    pub fn new() -> Option<Arc<Self>> {
        Self::with_memory(usize::MAX)
    }

    /// One with so many bytes.
    pub fn with_memory(bytes: usize) -> Option<Arc<Self>> {
        let library = library()?;
        let call = |name: &'static str| {
            // SAFETY: `EXPORT` has declared it so.
            let call = unsafe { library.get::<Call>(format!("run_{name}").as_bytes()) };
            (name, *call.unwrap_or_else(|e| panic!("{name}: {e}")))
        };
        Some(Arc::new(Self {
            calls: kernels().iter().map(|kernel| call(kernel.name)).collect(),
            allocated: Mutex::default(),
            bytes,
            in_use: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
            launched: Mutex::default(),
            descending: AtomicBool::new(false),
        }))
    }

    /// Lets the threads of a block run in descending order from now on.
    pub fn descend(&self) {
        self.descending.store(true, Ordering::Relaxed);
    }

    /// Bytes that are allocated.
    pub fn in_use(&self) -> usize {
        self.in_use.load(Ordering::Relaxed)
    }

    /// Kernels that no launch has asked for.
    pub fn idle_kernels(&self) -> Vec<&'static str> {
        let launched = self.launched.lock().unwrap();
        kernels().iter().map(|kernel| kernel.name).filter(|name| !launched.contains(name)).collect()
    }
}

fn layout(bytes: usize) -> Layout {
    Layout::from_size_align(bytes + GUARD, 256).expect("a size")
}

impl Machine for Shim {
    fn threads(&self) -> usize {
        THREADS
    }

    fn allocate(&self, bytes: usize) -> Result<Address> {
        let peak = self.in_use.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if peak > self.bytes {
            self.in_use.fetch_sub(bytes, Ordering::Relaxed);
            return Err(GpuError("no memory".into()));
        }
        self.peak.fetch_max(peak, Ordering::Relaxed);
        // SAFETY: the size is not 0, and the bytes written are allocated.
        let address = unsafe {
            let at = std::alloc::alloc(layout(bytes));
            assert!(!at.is_null());
            at.write_bytes(UNWRITTEN, bytes + GUARD);
            at as Address
        };
        self.allocated.lock().unwrap().insert(address, bytes);
        Ok(address)
    }

    fn free(&self, address: Address, bytes: usize) {
        let allocated = self.allocated.lock().unwrap().remove(&address);
        assert_eq!(allocated, Some(bytes), "memory goes back that was not allocated so");
        self.in_use.fetch_sub(bytes, Ordering::Relaxed);
        // SAFETY: it was allocated with this layout.
        unsafe {
            let at = address as *mut u8;
            let guard = std::slice::from_raw_parts(at.add(bytes), GUARD);
            assert!(guard.iter().all(|&byte| byte == UNWRITTEN), "a kernel has written behind its memory");
            std::alloc::dealloc(at, layout(bytes));
        }
    }

    unsafe fn zero(&self, address: Address, bytes: usize) -> Result<()> {
        unsafe { (address as *mut u8).write_bytes(0, bytes) };
        Ok(())
    }

    unsafe fn upload(&self, from: &[u8], to: Address) -> Result<()> {
        unsafe { (to as *mut u8).copy_from_nonoverlapping(from.as_ptr(), from.len()) };
        Ok(())
    }

    unsafe fn download(&self, from: Address, to: &mut [u8]) -> Result<()> {
        unsafe { to.as_mut_ptr().copy_from_nonoverlapping(from as *const u8, to.len()) };
        Ok(())
    }

    unsafe fn launch(&self, kernel: &'static str, blocks: usize, args: &mut [*mut c_void]) -> Result<()> {
        let call = self.calls.get(kernel).ok_or_else(|| GpuError(format!("no kernel {kernel}")))?;
        self.launched.lock().unwrap().insert(kernel);
        unsafe { call(blocks as u32, i32::from(self.descending.load(Ordering::Relaxed)), args.as_mut_ptr()) };
        Ok(())
    }

    unsafe fn multiply(&self, product: &Product) -> Result<()> {
        let Product { m, n, k, a, b, c: (c, c_row), accumulate, count, steps } = *product;
        let element = |(at, row, turned): (Address, usize, bool), first: usize, i: usize, j: usize| {
            let place = if turned { j * row + i } else { i * row + j };
            unsafe { *(at as *const f32).add(first + place) }
        };
        for number in 0..count {
            let [a_first, b_first, c_first] = steps.map(|step| number * step);
            for i in 0..m {
                let to = unsafe { std::slice::from_raw_parts_mut((c as *mut f32).add(c_first + i * c_row), n) };
                for (j, to) in to.iter_mut().enumerate() {
                    let of = |l| f64::from(element(a, a_first, i, l)) * f64::from(element(b, b_first, l, j));
                    let sum: f64 = (0..k).map(of).sum();
                    *to = if accumulate { *to + sum as f32 } else { sum as f32 };
                }
            }
        }
        Ok(())
    }

    fn peak(&self) -> usize {
        self.peak.load(Ordering::Relaxed)
    }
}
