//! Where an engine's shared library is looked for, and whether it can be loaded at all.
//!
//! Handing a broken file to the system's loader may end the process (a truncated library faults when its pages are
//! touched), so the file's header is read first.

use std::path::{Path, PathBuf};

use crate::elf::{Elf, System};

/// Environment variable that names ONNX Runtime's library.
pub const ORT_VARIABLE: &str = "ORT_DYLIB_PATH";

/// A library that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// In none of the usual places.
    #[error(
        "no ONNX Runtime library found; tried{}\n{}",
        .tried.iter().map(|t| format!("\n  {t}")).collect::<String>(),
        to_get_one(System::own())
    )]
    NotFound {
        /// The places, in the order of the search.
        tried: Vec<String>,
    },
    /// There, but not loadable.
    #[error("{path} cannot be used as an engine library: {reason}\n{}", to_get_one(System::own()))]
    Unusable {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// Made for another system than this program.
    #[error("{path} is a library for {library}, and this program is one for {program}: both must be of one kind\n{}", to_get_one(*.program))]
    OtherSystem {
        /// The file.
        path: String,
        /// The system it is made for.
        library: System,
        /// This program's.
        program: System,
    },
    /// A process can hold one ONNX Runtime only.
    #[error("{asked} cannot be opened: this process has already loaded {loaded}")]
    AlreadyLoaded {
        /// What was asked for.
        asked: String,
        /// What is there.
        loaded: String,
    },
}

impl LibraryError {
    /// The error for that file.
    pub(crate) fn unusable(path: &Path, reason: impl ToString) -> Self {
        Self::Unusable { path: path.display().to_string(), reason: reason.to_string() }
    }
}

/// How a library for that system is got.
pub const fn to_get_one(system: System) -> &'static str {
    match system {
        System::Linux => {
            "to get one, run `profiler setup ort`; or take it from `pip download --no-deps onnxruntime` (unzip, \
             onnxruntime/capi/libonnxruntime.so.*) and name it with --engine-lib"
        }
        System::Android => {
            "to get one, take the .aar of onnxruntime-android that your app's build fetches, or libonnxruntime.so out of it, and name it \
             with --engine-lib (docs/src/engines.md)"
        }
    }
}

/// The ONNX Runtime library to load: `explicit` if given, else [`ORT_VARIABLE`], else the newest in the cache folder
/// (`$BLOCKTIME_CACHE`, `$XDG_CACHE_HOME/blocktime` or `~/.cache/blocktime`), else the one beside the executable.
///
/// # Errors
/// [`LibraryError::NotFound`], with all places that were tried. A path that was named but does not exist is an error; the
/// other places are not searched then.
pub fn find(explicit: Option<&Path>) -> Result<PathBuf, LibraryError> {
    let named = match explicit {
        Some(path) => Some((path.to_path_buf(), "named")),
        None => std::env::var_os(ORT_VARIABLE).filter(|v| !v.is_empty()).map(|v| (PathBuf::from(v), ORT_VARIABLE)),
    };
    if let Some((path, how)) = named {
        if path.is_file() {
            return Ok(path);
        }
        return Err(LibraryError::NotFound { tried: vec![format!("{} ({how}): not a file", path.display())] });
    }
    let mut tried = vec![format!("${ORT_VARIABLE}: not set")];
    let cache = cache_folder().map(|folder| folder.join("onnxruntime"));
    let beside = std::env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_path_buf));
    for (folder, depth) in [(cache, 3), (beside, 0)] {
        let Some(folder) = folder else { continue };
        let mut found = Vec::new();
        libraries_in(&folder, depth, &mut found);
        found.retain(|path| check_header(path).is_ok());
        if let Some(newest) = found.into_iter().max_by_key(|path| version_in_name(path)) {
            return Ok(newest);
        }
        let below = if depth > 0 { "/**" } else { "" };
        tried.push(format!("{}{below}/libonnxruntime.so*: none for this machine", folder.display()));
    }
    Err(LibraryError::NotFound { tried })
}

/// Where downloads of this project are kept: `$BLOCKTIME_CACHE`, `$XDG_CACHE_HOME/blocktime` or `~/.cache/blocktime`.
pub fn cache_folder() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    variable("BLOCKTIME_CACHE")
        .or_else(|| variable("XDG_CACHE_HOME").map(|cache| cache.join("blocktime")))
        .or_else(|| variable("HOME").map(|home| home.join(".cache/blocktime")))
}

/// Collects `libonnxruntime.so*` in the folder and up to `depth` levels below.
fn libraries_in(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() {
            if depth > 0 {
                libraries_in(&path, depth - 1, found);
            }
        } else if name.to_string_lossy().starts_with("libonnxruntime.so") {
            found.push(path);
        }
    }
}

/// The numbers behind `libonnxruntime.so`; a longer or larger list is newer. The path breaks ties.
fn version_in_name(path: &Path) -> (Vec<u32>, PathBuf) {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let numbers = name.trim_start_matches("libonnxruntime.so").split('.').filter_map(|n| n.parse().ok()).collect();
    (numbers, path.to_path_buf())
}

/// ELF's number of this program's own architecture, where it is one this project runs on.
const fn own_machine() -> Option<(u16, &'static str)> {
    if cfg!(target_arch = "x86_64") {
        Some((62, "x86-64"))
    } else if cfg!(target_arch = "aarch64") {
        Some((183, "aarch64"))
    } else {
        None
    }
}

/// Checks that a file is a whole 64-bit ELF shared library for this architecture.
///
/// # Errors
/// [`LibraryError::Unusable`], with what is wrong; [`LibraryError::OtherSystem`]. On systems without ELF every readable file passes.
pub fn check_header(path: &Path) -> Result<(), LibraryError> {
    let fail = |reason: &str| Err(LibraryError::unusable(path, reason));
    let (header, length) = match read_start(path) {
        Ok(read) => read,
        Err(e) => return fail(&e.to_string()),
    };
    if length == 0 {
        return fail("the file is empty");
    }
    if !cfg!(any(target_os = "linux", target_os = "android")) {
        return Ok(());
    }
    if header.len() < 64 || !header.starts_with(b"\x7fELF") {
        return fail("it is not a shared library (no ELF header)");
    }
    let u16_at = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
    let u64_at = |at: usize| header[at..at + 8].iter().rev().fold(0u64, |n, &byte| n << 8 | u64::from(byte));
    if header[4] != 2 || header[5] != 1 {
        return fail("it is not a 64-bit little-endian library");
    }
    const SHARED_OBJECT: u16 = 3;
    if u16_at(16) != SHARED_OBJECT {
        return fail("it is an ELF file but no shared library");
    }
    if let Some((machine, name)) = own_machine()
        && u16_at(18) != machine
    {
        let other = match u16_at(18) {
            62 => "x86-64".to_string(),
            183 => "aarch64".to_string(),
            40 => "32-bit arm".to_string(),
            n => format!("machine {n}"),
        };
        return fail(&format!("it is built for {other}, this program runs on {name}"));
    }
    // Program headers: 56 bytes each; of a loaded one (type 1) offset and size in the file must lie inside the file.
    let (table, size, count) = (u64_at(32), usize::from(u16_at(54)), usize::from(u16_at(56)));
    for i in 0..count {
        let at = usize::try_from(table).unwrap_or(usize::MAX).saturating_add(i * size);
        let Some(end) = at.checked_add(56).filter(|&end| end <= header.len()) else { return fail("it is cut off or damaged") };
        let loaded = header[at..at + 4] == [1, 0, 0, 0];
        if loaded && u64_at(end - 48).checked_add(u64_at(end - 24)).is_none_or(|end| end > length) {
            return fail("it is cut off");
        }
    }
    // The section table, where there is one, is the last thing in the file.
    let (sections, size, count) = (u64_at(40), u64::from(u16_at(58)), u64::from(u16_at(60)));
    if sections.checked_add(size * count).is_none_or(|end| end > length) {
        return fail("it is cut off");
    }
    check_system(path, System::own())
}

/// Checks that a library is made for that system, where it tells.
fn check_system(path: &Path, program: System) -> Result<(), LibraryError> {
    match Elf::read(path).map_err(|reason| LibraryError::unusable(path, reason))?.system {
        Some(library) if library != program => {
            Err(LibraryError::OtherSystem { path: path.display().to_string(), library, program })
        }
        _ => Ok(()),
    }
}

/// The first 64 KiB of a file (headers lie there), and its length in bytes.
fn read_start(path: &Path) -> std::io::Result<(Vec<u8>, u64)> {
    use std::io::Read;
    let file = std::fs::File::open(path)?;
    let length = file.metadata()?.len();
    let mut start = Vec::new();
    file.take(1 << 16).read_to_end(&mut start)?;
    Ok((start, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_of_another_system_is_named_as_that_with_what_mends_it() {
        // A test is a program for this system, as ONNX Runtime from PyPI is a library for it.
        let own = std::env::current_exe().unwrap();
        assert!(check_system(&own, System::Linux).is_ok());
        let said = check_system(&own, System::Android).unwrap_err().to_string();
        assert!(said.contains("is a library for Linux") && said.contains("one for Android") && said.contains("one kind"), "{said}");
        assert!(said.contains(".aar") && !said.contains("setup ort"), "{said}");
    }
}
