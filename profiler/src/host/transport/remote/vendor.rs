//! Engine libraries that the user brings: a vendor's `.so`, or the `.aar` that an Android app's build fetches.
//!
//! Two builds of one version can differ by half in speed, so a library must not change unnoticed: the first use of a file notes its
//! SHA-256 in a lock file in the cache folder, later uses compare.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::RemoteError;

/// Name of the lock file in the cache folder: a line a file, its SHA-256, two blanks, its name.
const LOCK: &str = "engine-libs.lock";
/// The library in an AAR, by the device's architecture.
const IN_AAR: [(&str, &str); 2] = [("aarch64", "jni/arm64-v8a/libonnxruntime.so"), ("x86_64", "jni/x86_64/libonnxruntime.so")];
/// Largest library taken out of an AAR; today's have 20 MB.
const SIZE_LIMIT: u64 = 1 << 30;

/// The library in that file, for a device of that architecture; its hash is checked against the lock file.
///
/// # Errors
/// [`RemoteError::EngineChanged`]; [`RemoteError::WrongFile`] where an AAR holds no such library; [`RemoteError::File`].
pub(super) fn library(device: &str, arch: &str, given: &Path, cache: Option<&Path>) -> Result<PathBuf, RemoteError> {
    let hash = super::sha256(given)?;
    if let Some(cache) = cache {
        check_lock(&cache.join(LOCK), given, &hash)?;
    }
    if given.extension().is_none_or(|e| e != "aar") {
        return Ok(given.to_path_buf());
    }
    let wrong = |reason: String| RemoteError::WrongFile { path: given.to_path_buf(), device: device.to_string(), reason };
    let Some(cache) = cache else { return Err(wrong("there is no cache folder to unpack it to; set BLOCKTIME_CACHE".to_string())) };
    let Some((_, name)) = IN_AAR.iter().find(|(a, _)| *a == arch) else {
        return Err(wrong(format!("an AAR has no library for {arch}")));
    };
    let folder = cache.join("onnxruntime").join(format!("aar-{}", &hash[..16]));
    let library = folder.join("libonnxruntime.so");
    if !library.exists() {
        let file = File::open(given).map_err(RemoteError::file("read", given))?;
        let mut archive = zip::ZipArchive::new(file).map_err(|e| wrong(format!("it is no AAR (a zip file): {e}")))?;
        let packed = archive.by_name(name).map_err(|_| wrong(format!("it holds no {name}")))?;
        fs::create_dir_all(&folder).map_err(RemoteError::file("make", &folder))?;
        unpack(packed, &library).map_err(RemoteError::file("unpack", &library))?;
    }
    Ok(library)
}

/// Writes to a file beside the target, which then takes its name.
fn unpack(from: impl io::Read, to: &Path) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(to.parent().unwrap_or(Path::new(".")))?;
    let copied = io::copy(&mut from.take(SIZE_LIMIT), &mut file)?;
    if copied == SIZE_LIMIT {
        return Err(io::Error::other("the library in it is beyond reason"));
    }
    file.persist(to).map(drop).map_err(|e| e.error)
}

/// Compares a file's hash with the one noted at its first use; notes it where there is none.
fn check_lock(lock: &Path, file: &Path, hash: &str) -> Result<(), RemoteError> {
    // An AAR's name holds its version; a library is called the same everywhere.
    let name = match file.extension().is_some_and(|e| e == "aar") {
        true => file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        false => file.canonicalize().unwrap_or_else(|_| file.to_path_buf()).display().to_string(),
    };
    let text = match fs::read_to_string(lock) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => String::new(),
        Err(e) => return Err(RemoteError::file("read", lock)(e)),
    };
    match text.lines().filter_map(|line| line.split_once("  ")).find(|(_, noted)| *noted == name) {
        Some((noted, _)) if noted == hash => Ok(()),
        Some((noted, _)) => Err(RemoteError::EngineChanged {
            path: file.to_path_buf(),
            noted: noted.to_string(),
            found: hash.to_string(),
            lock: lock.to_path_buf(),
        }),
        None => {
            let folder = lock.parent().unwrap_or(Path::new("."));
            let write = || {
                fs::create_dir_all(folder)?;
                let mut file = tempfile::NamedTempFile::new_in(folder)?;
                writeln!(file, "{text}{hash}  {name}")?;
                file.persist(lock).map_err(|e| e.error)
            };
            write().map_err(RemoteError::file("write", lock))?;
            eprintln!("{}: SHA-256 {hash} noted in {}", file.display(), lock.display());
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aar(path: &Path, content: &[u8]) {
        let mut archive = zip::ZipWriter::new(File::create(path).unwrap());
        let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        archive.start_file("classes.jar", options).unwrap();
        archive.start_file(IN_AAR[0].1, options).unwrap();
        archive.write_all(content).unwrap();
        archive.finish().unwrap();
    }

    #[test]
    fn a_library_is_taken_out_of_an_aar_and_must_stay_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let (file, cache) = (folder.path().join("onnxruntime-android-1.22.0.aar"), folder.path().join("cache"));
        aar(&file, b"first");
        let take = || library("d", "aarch64", &file, Some(&cache));
        assert_eq!(fs::read(take().unwrap()).unwrap(), b"first");
        assert_eq!(take().unwrap(), take().unwrap());
        let noted = fs::read_to_string(cache.join(LOCK)).unwrap();
        assert!(noted.lines().count() == 1 && noted.ends_with("  onnxruntime-android-1.22.0.aar\n"), "{noted}");

        aar(&file, b"second");
        let error = take().unwrap_err();
        assert!(matches!(error, RemoteError::EngineChanged { .. }) && error.to_string().contains(LOCK), "{error}");
        // As the message says: remove its line.
        fs::write(cache.join(LOCK), "").unwrap();
        assert_eq!(fs::read(take().unwrap()).unwrap(), b"second");
    }

    #[test]
    fn what_is_no_aar_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (file, cache) = (folder.path().join("x.aar"), folder.path().join("cache"));
        fs::write(&file, "nonsense").unwrap();
        assert!(library("d", "aarch64", &file, Some(&cache)).unwrap_err().to_string().contains("no AAR"));
        let other = folder.path().join("y.aar");
        aar(&other, b"x");
        assert!(library("d", "x86_64", &other, Some(&cache)).unwrap_err().to_string().contains("holds no jni/x86_64"));
        assert!(matches!(library("d", "aarch64", &folder.path().join("z.so"), Some(&cache)), Err(RemoteError::File { .. })));
    }
}
