//! Where an engine's shared library is looked for, and whether it can be loaded at all.
//!
//! Handing a broken file to the system's loader may end the process (a truncated library faults when its pages are
//! touched), so the file's header is read first.

use std::path::{Path, PathBuf};

use crate::elf::{Elf, System};

/// An engine that comes as a shared library: what it is called, and where it is looked for.
#[derive(Debug)]
pub struct Library {
    /// The engine's own name: `ONNX Runtime`.
    pub title: &'static str,
    /// The name of its file, behind which a version may stand: `libonnxruntime.so`.
    pub file: &'static str,
    /// The environment variable that names its file.
    pub variable: &'static str,
    /// Its folder in the [cache folder](files::cache_folder).
    pub folder: &'static str,
    /// The command that fetches it for this machine: `profiler setup ort`.
    pub setup: &'static str,
    /// Where else a library for Linux is got.
    pub for_linux: &'static str,
    /// Where a library for Android is got.
    pub for_android: &'static str,
    /// Where Android's apps have it: `the .aar of onnxruntime-android`.
    pub in_apps: &'static str,
    /// Where it lies in the archive (AAR) that Android apps get it in: architecture and path.
    pub in_aar: &'static [(&'static str, &'static str)],
}

/// A library that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// In none of the usual places.
    #[error(
        "no {} library found; tried{}\n{}",
        .library.title,
        .tried.iter().map(|t| format!("\n  {t}")).collect::<String>(),
        .library.to_get_one(System::own())
    )]
    NotFound {
        /// The engine's.
        library: &'static Library,
        /// The places, in the order of the search.
        tried: Vec<String>,
    },
    /// There, but not loadable.
    #[error("{path} cannot be used as an engine library: {reason}\n{}", .library.to_get_one(System::own()))]
    Unusable {
        /// The engine's.
        library: &'static Library,
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// Made for another system than this program.
    #[error("{path} is a library for {found}, but this program is for {program}\n{}", .library.to_get_one(*.program))]
    OtherSystem {
        /// The engine's.
        library: &'static Library,
        /// The file.
        path: String,
        /// The system it is made for.
        found: System,
        /// This program's.
        program: System,
    },
    /// A process can hold one such library only.
    #[error("{asked} cannot be opened: this process has already loaded {loaded}, and it can hold only one {title}")]
    AlreadyLoaded {
        /// The engine's own name.
        title: &'static str,
        /// What was asked for.
        asked: String,
        /// What is there.
        loaded: String,
    },
}

impl Library {
    /// How a library for that system is got.
    pub fn to_get_one(&self, system: System) -> String {
        match system {
            System::Linux => format!("to get one, run `{}`; or {}", self.setup, self.for_linux),
            System::Android => format!("to get one, {}", self.for_android),
        }
    }

    /// The command that fetches it for agents for Linux: `profiler setup ort aarch64`.
    pub fn setup_for_agents(&self) -> String {
        format!("{} aarch64", self.setup)
    }

    /// Whether a file has the library's name, with or without a version.
    pub fn is_name(&self, file_name: &str) -> bool {
        file_name.starts_with(self.file)
    }

    /// The library to load: `explicit` if given, else the one that the [variable](Self::variable) names, else the newest in the
    /// [cache folder](files::cache_folder), else the one beside the executable.
    ///
    /// # Errors
    /// [`LibraryError::NotFound`], with all places that were tried. A path that was named but does not exist is an error; the
    /// other places are not searched then.
    pub fn find(&'static self, explicit: Option<&Path>) -> Result<PathBuf, LibraryError> {
        let not_found = |tried| LibraryError::NotFound { library: self, tried };
        let named = match explicit {
            Some(path) => Some((path.to_path_buf(), "named")),
            None => std::env::var_os(self.variable).filter(|v| !v.is_empty()).map(|v| (PathBuf::from(v), self.variable)),
        };
        if let Some((path, how)) = named {
            return match path.is_file() {
                true => Ok(path),
                false => Err(not_found(vec![format!("{} ({how}): not a file", path.display())])),
            };
        }
        let mut tried = vec![format!("${}: not set", self.variable)];
        let cache = files::cache_folder().map(|folder| folder.join(self.folder));
        let beside = std::env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_path_buf));
        for (folder, depth) in [(cache, 3), (beside, 0)] {
            let Some(folder) = folder else { continue };
            let mut found = Vec::new();
            self.collect(&folder, depth, &mut found);
            found.retain(|path| self.check(path).is_ok());
            if let Some(newest) = found.into_iter().max_by_key(|path| self.version_in_name(path)) {
                return Ok(newest);
            }
            let below = if depth > 0 { "/**" } else { "" };
            tried.push(format!("{}{below}/{}*: no library for this machine", folder.display(), self.file));
        }
        Err(not_found(tried))
    }

    /// Collects the libraries in the folder and up to `depth` levels below.
    fn collect(&self, folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
        let Ok(entries) = std::fs::read_dir(folder) else { return };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                if depth > 0 {
                    self.collect(&path, depth - 1, found);
                }
            } else if self.is_name(&entry.file_name().to_string_lossy()) {
                found.push(path);
            }
        }
    }

    /// The numbers behind the library's name; a longer or larger list is newer. The path breaks ties.
    fn version_in_name(&self, path: &Path) -> (Vec<u32>, PathBuf) {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let numbers = name.trim_start_matches(self.file).split('.').filter_map(|n| n.parse().ok()).collect();
        (numbers, path.to_path_buf())
    }

    /// The error for that file.
    pub(crate) fn unusable(&'static self, path: &Path, reason: impl ToString) -> LibraryError {
        LibraryError::Unusable { library: self, path: path.display().to_string(), reason: reason.to_string() }
    }

    /// Checks that a file is a whole 64-bit ELF shared library for this architecture and system.
    ///
    /// # Errors
    /// [`LibraryError::Unusable`], with what is wrong; [`LibraryError::OtherSystem`]. On systems without ELF every readable file passes.
    pub fn check(&'static self, path: &Path) -> Result<(), LibraryError> {
        check_headers(path).map_err(|reason| self.unusable(path, reason))?;
        self.check_system(path, System::own())
    }

    /// Checks that a library is made for that system, where it tells.
    fn check_system(&'static self, path: &Path, program: System) -> Result<(), LibraryError> {
        if !HAS_ELF {
            return Ok(());
        }
        match Elf::read(path).map_err(|reason| self.unusable(path, reason))?.system {
            Some(found) if found != program => {
                Err(LibraryError::OtherSystem { library: self, path: path.display().to_string(), found, program })
            }
            _ => Ok(()),
        }
    }
}

/// Whether this system's libraries are ELF files.
const HAS_ELF: bool = cfg!(any(target_os = "linux", target_os = "android"));

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

/// Checks that a file's headers are those of a whole shared library for this architecture; otherwise says why not.
fn check_headers(path: &Path) -> Result<(), String> {
    let fail = |reason: &str| Err(reason.to_string());
    let (header, length) = read_start(path).map_err(|e| e.to_string())?;
    if length == 0 {
        return fail("the file is empty");
    }
    if !HAS_ELF {
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
        return fail("it is an ELF file, but not a shared library");
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
        let Some(end) = at.checked_add(56).filter(|&end| end <= header.len()) else { return fail("it is truncated or damaged") };
        let loaded = header[at..at + 4] == [1, 0, 0, 0];
        if loaded && u64_at(end - 48).checked_add(u64_at(end - 24)).is_none_or(|end| end > length) {
            return fail("it is truncated");
        }
    }
    // The section table, where there is one, is the last thing in the file.
    let (sections, size, count) = (u64_at(40), u64::from(u16_at(58)), u64::from(u16_at(60)));
    if sections.checked_add(size * count).is_none_or(|end| end > length) {
        return fail("it is truncated");
    }
    Ok(())
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
        let library = &crate::onnxruntime::LIBRARY;
        assert!(library.check_system(&own, System::Linux).is_ok());
        let said = library.check_system(&own, System::Android).unwrap_err().to_string();
        assert!(said.contains("Linux") && said.contains("Android"), "{said}");
        assert!(said.contains(".aar") && !said.contains("setup ort"), "{said}");
    }
}
