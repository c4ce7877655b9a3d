//! NVIDIA's compiler accepts the kernels: the one that a GPU's program calls when it starts, without a GPU.

#![allow(clippy::unwrap_used)]

use std::ffi::{CString, c_char, c_int, c_void};
use std::process::Command;
use std::ptr::{null, null_mut};

use kernels::gpu::{ARCHITECTURE, kernels, source};
use libloading::{Library, Symbol};

/// The library where it is on this machine (`scripts/setup-nvrtc.sh` fetches it); `None`, with a message, where not. With
/// `BLOCKTIME_REQUIRE_NVRTC=1` that is a failure.
fn nvrtc() -> Option<Library> {
    let script = support::project_root().join("scripts/setup-nvrtc.sh");
    let found = Command::new("sh").arg(script).arg("--found").output().unwrap();
    let path = String::from_utf8(found.stdout).unwrap();
    if path.trim().is_empty() {
        support::skip("BLOCKTIME_REQUIRE_NVRTC", "NVRTC is missing; scripts/setup-nvrtc.sh fetches it");
        return None;
    }
    // SAFETY: the library's initialisers only set up its own state.
    Some(unsafe { Library::new(path.trim()) }.unwrap())
}

/// What the library returns for a program: a text, by the functions that tell its size and write it.
fn text(library: &Library, program: *mut c_void, size: &str, write: &str) -> String {
    let mut len = 0usize;
    // SAFETY: nvrtc.h declares both so; the buffer has the size that the first one tells.
    unsafe {
        let size: Symbol<unsafe extern "C" fn(*mut c_void, *mut usize) -> c_int> = library.get(size.as_bytes()).unwrap();
        assert_eq!(size(program, &mut len), 0);
        let mut buffer = vec![0u8; len];
        let write: Symbol<unsafe extern "C" fn(*mut c_void, *mut c_char) -> c_int> = library.get(write.as_bytes()).unwrap();
        assert_eq!(write(program, buffer.as_mut_ptr().cast()), 0);
        String::from_utf8_lossy(&buffer).trim_end_matches('\0').to_string()
    }
}

/// The kernels in the GPU's intermediate language.
fn ptx(library: &Library, architecture: &str) -> String {
    type Create = unsafe extern "C" fn(
        *mut *mut c_void,
        *const c_char,
        *const c_char,
        c_int,
        *const *const c_char,
        *const *const c_char,
    ) -> c_int;
    type Compile = unsafe extern "C" fn(*mut c_void, c_int, *const *const c_char) -> c_int;
    let (source, name) = (CString::new(source(256)).unwrap(), CString::new("kernels.cu").unwrap());
    let option = CString::new(format!("--gpu-architecture={architecture}")).unwrap();
    let mut program = null_mut();
    // SAFETY: nvrtc.h declares them so; the strings live to the end.
    unsafe {
        let create: Symbol<Create> = library.get(b"nvrtcCreateProgram").unwrap();
        assert_eq!(create(&mut program, source.as_ptr(), name.as_ptr(), 0, null(), null()), 0);
        let compile: Symbol<Compile> = library.get(b"nvrtcCompileProgram").unwrap();
        let result = compile(program, 1, [option.as_ptr()].as_ptr());
        assert_eq!(result, 0, "{architecture}: {}", text(library, program, "nvrtcGetProgramLogSize", "nvrtcGetProgramLog"));
    }
    text(library, program, "nvrtcGetPTXSize", "nvrtcGetPTX")
}

#[test]
fn every_kernel_compiles_for_gpus_and_none_adds_in_any_order() {
    let Some(library) = nvrtc() else { return };
    for architecture in [ARCHITECTURE, "compute_90"] {
        let ptx = ptx(&library, architecture);
        for kernel in kernels() {
            assert!(ptx.contains(&format!(".entry {}(", kernel.name)), "{architecture}: {} is missing", kernel.name);
        }
        let entries = ptx.matches(".entry ").count();
        assert_eq!(entries, kernels().len(), "{architecture}: kernels that are never launched");
        let atomic = ptx.split_whitespace().find(|word| word.starts_with("atom.") || word.starts_with("red."));
        assert_eq!(atomic, None, "{architecture}: an atomic addition, whose order is not fixed");
    }
}
