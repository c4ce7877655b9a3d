//! The engine's library for a device.

use std::path::{Path, PathBuf};

use engines::library::Library;

use super::error::DeliveryError;
use super::target::Target;
use super::vendor;
use crate::devices::notice::Notice;

/// The engine's library for a device: the one given, else the newest for its architecture in the cache folder; and what the user should
/// know of it.
///
/// # Errors
/// [`DeliveryError::NoEngine`], [`DeliveryError::WrongFile`].
pub fn find(
    library: &'static Library,
    device: &str,
    target: &Target,
    given: Option<&Path>,
) -> Result<(PathBuf, Option<Notice>), DeliveryError> {
    find_in(library, device, target, given, files::cache_folder())
}

fn find_in(
    library: &'static Library,
    device: &str,
    target: &Target,
    given: Option<&Path>,
    cache: Option<PathBuf>,
) -> Result<(PathBuf, Option<Notice>), DeliveryError> {
    let check = |path: &Path| target.elf(device, path).map(drop);
    let no_engine =
        |tried: Vec<String>| DeliveryError::NoEngine { needed: library, device: device.to_string(), abi: target.abi(), tried };
    if let Some(given) = given {
        if !given.is_file() {
            return Err(no_engine(vec![format!("{}: not a file", given.display())]));
        }
        return vendor::library(library, device, &target.arch, given, cache.as_deref(), check);
    }
    let folder = cache.map(|cache| cache.join(library.folder));
    let found = folder.as_deref().map(|folder| newest(library, folder, &target.arch)).unwrap_or_default();
    match found {
        Some(found) => check(&found).map(|()| (found, None)),
        None => {
            let tried = folder.map(|f| f.join(format!("*-{}/{}*", target.arch, library.file)).display().to_string());
            Err(no_engine(tried.into_iter().collect()))
        }
    }
}

/// The library in `folder/VERSION-ARCH/` with the highest version.
fn newest(library: &Library, folder: &Path, arch: &str) -> Option<PathBuf> {
    let version = |name: &str| -> Option<Vec<u32>> {
        let numbers = name.strip_suffix(arch)?.strip_suffix('-')?;
        numbers.split('.').map(|n| n.parse().ok()).collect()
    };
    let folders = std::fs::read_dir(folder).ok()?.flatten();
    let mut versions: Vec<_> =
        folders.filter_map(|entry| Some((version(&entry.file_name().to_string_lossy())?, entry.path()))).collect();
    versions.sort();
    let in_folder = |folder: &Path| {
        let entries = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
        entries
            .filter(|path| path.is_file())
            .find(|path| path.file_name().is_some_and(|name| library.is_name(&name.to_string_lossy())))
    };
    versions.iter().rev().find_map(|(_, folder)| in_folder(folder))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use engines::onnxruntime::LIBRARY;

    use super::*;

    fn target() -> Target {
        Target { arch: "aarch64".to_string(), android: true }
    }

    /// The first 64 bytes of a static program.
    fn elf(machine: u8) -> Vec<u8> {
        let mut bytes = vec![0u8; 64];
        bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
        bytes[18] = machine;
        bytes
    }

    #[test]
    fn the_newest_engine_of_the_right_architecture() {
        let cache = tempfile::tempdir().unwrap();
        for (folder, machine) in [("1.9.0-aarch64", 183), ("1.20.1-aarch64", 183), ("1.32.0-x86_64", 62)] {
            let folder = cache.path().join("onnxruntime").join(folder);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("libonnxruntime.so.1"), elf(machine)).unwrap();
        }
        let cached = Some(cache.path().to_path_buf());
        let (found, _) = find_in(&LIBRARY, "d", &target(), None, cached.clone()).unwrap();
        assert!(found.to_string_lossy().contains("1.20.1"), "{}", found.display());
        let wrong = cache.path().join("onnxruntime/1.32.0-x86_64/libonnxruntime.so.1");
        assert!(matches!(find_in(&LIBRARY, "d", &target(), Some(&wrong), cached.clone()), Err(DeliveryError::WrongFile { .. })));
        let missing = cache.path().join("none.so");
        assert!(matches!(find_in(&LIBRARY, "d", &target(), Some(&missing), cached), Err(DeliveryError::NoEngine { .. })));
        assert!(matches!(find_in(&LIBRARY, "d", &target(), None, None), Err(DeliveryError::NoEngine { .. })));
    }
}
