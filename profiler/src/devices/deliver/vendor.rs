//! Engine libraries that the user brings: a vendor's `.so`, or the `.aar` that an Android app's build fetches.
//!
//! Two builds of one version can differ by half in speed, so a library must not change unnoticed: the first use of a file notes its
//! SHA-256 in a lock file in the cache folder, later uses compare.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use engines::library::Library;
use files::FileError;

use super::error::DeliveryError;
use crate::devices::notice::Notice;

/// Name of the lock file in the cache folder: a line a file, its SHA-256, two blanks, its name.
const LOCK: &str = "engine-libs.lock";
/// Largest library taken out of an AAR; today's have 20 MB.
const SIZE_LIMIT: u64 = 1 << 30;

/// The library in that file, for a device of that architecture. The file's hash is compared with the lock file's, or noted there
/// once `check` has found the library fit: what was refused is no first use. That it was noted is a notice for the user.
///
/// # Errors
/// [`DeliveryError::EngineChanged`]; [`DeliveryError::WrongFile`] where an AAR holds no such library; [`DeliveryError::File`]; those of
/// `check`.
pub(super) fn library(
    engine: &Library,
    device: &str,
    arch: &str,
    given: &Path,
    cache: Option<&Path>,
    check: impl Fn(&Path) -> Result<(), DeliveryError>,
) -> Result<(PathBuf, Option<Notice>), DeliveryError> {
    let hash = files::sha256_of(given).map_err(FileError::new("cannot read", given))?;
    let lock = cache.map(|cache| Lock::open(cache.join(LOCK))).transpose()?;
    let noted = lock.as_ref().map(|lock| lock.compare(given, &hash)).transpose()?;
    let library = unpacked(engine, device, arch, given, &hash, cache)?;
    check(&library)?;
    let notice = match (lock, noted) {
        (Some(lock), Some(false)) => Some(lock.note(given, &hash)?),
        _ => None,
    };
    Ok((library, notice))
}

/// The library itself: the file, or what an AAR holds for that architecture, in the cache folder.
fn unpacked(
    engine: &Library,
    device: &str,
    arch: &str,
    given: &Path,
    hash: &str,
    cache: Option<&Path>,
) -> Result<PathBuf, DeliveryError> {
    if !files::has_ending(given, "aar") {
        return Ok(given.to_path_buf());
    }
    let wrong = |reason: String| DeliveryError::WrongFile { path: given.to_path_buf(), device: device.to_string(), reason };
    let Some(cache) = cache else { return Err(wrong("there is no cache folder to unpack it to; set BLOCKTIME_CACHE".to_string())) };
    let Some((_, name)) = engine.in_aar.iter().find(|(a, _)| *a == arch) else {
        return Err(wrong(format!("an AAR has no library for {arch}")));
    };
    let folder = cache.join(engine.folder).join(format!("aar-{}", &hash[..16]));
    let library = folder.join(engine.file);
    if !library.exists() {
        let file = File::open(given).map_err(FileError::new("cannot read", given))?;
        let mut archive = zip::ZipArchive::new(file).map_err(|e| wrong(format!("it is not an AAR (a zip file): {e}")))?;
        let packed = archive.by_name(name).map_err(|_| wrong(format!("it does not contain {name}")))?;
        fs::create_dir_all(&folder).map_err(FileError::new("cannot make", &folder))?;
        unpack(packed, &library).map_err(FileError::new("cannot unpack", &library))?;
    }
    Ok(library)
}

/// Writes to a file beside the target, which then takes its name.
fn unpack(from: impl io::Read, to: &Path) -> io::Result<()> {
    files::write_with(to, files::Overwrite::Yes, |file| match io::copy(&mut from.take(SIZE_LIMIT), file)? {
        SIZE_LIMIT => Err(io::Error::other("the library in it is too large")),
        _ => Ok(()),
    })
}

/// The lock file: what it held when it was read.
struct Lock {
    path: PathBuf,
    text: String,
}

impl Lock {
    /// Reads it; one that does not exist yet is empty.
    fn open(path: PathBuf) -> Result<Self, DeliveryError> {
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => String::new(),
            Err(e) => return Err(FileError::new("cannot read", &path)(e).into()),
        };
        Ok(Self { path, text })
    }

    /// What a file is called in it: an AAR's name holds its version; a library is called the same everywhere.
    fn name(file: &Path) -> String {
        match files::has_ending(file, "aar") {
            true => file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            false => file.canonicalize().unwrap_or_else(|_| file.to_path_buf()).display().to_string(),
        }
    }

    /// Compares a file's hash with the one noted at its first use; false where none is.
    fn compare(&self, file: &Path, hash: &str) -> Result<bool, DeliveryError> {
        let name = Self::name(file);
        match self.text.lines().filter_map(|line| line.split_once("  ")).find(|(_, noted)| *noted == name) {
            Some((noted, _)) if noted == hash => Ok(true),
            Some((noted, _)) => Err(DeliveryError::EngineChanged {
                path: file.to_path_buf(),
                noted: noted.to_string(),
                found: hash.to_string(),
                lock: self.path.clone(),
            }),
            None => Ok(false),
        }
    }

    /// Notes the hash of a file that is used for the first time.
    fn note(&self, file: &Path, hash: &str) -> Result<Notice, DeliveryError> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let write = || {
            fs::create_dir_all(folder)?;
            let text = format!("{}{hash}  {}\n", self.text, Self::name(file));
            files::write(&self.path, text.as_bytes(), files::Overwrite::Yes)
        };
        write().map_err(FileError::new("cannot write", &self.path))?;
        Ok(Notice::LibraryNoted { file: file.to_path_buf(), sha256: hash.to_string(), lock: self.path.clone() })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use engines::onnxruntime::LIBRARY;

    use super::*;

    fn aar(path: &Path, content: &[u8]) {
        let mut archive = zip::ZipWriter::new(File::create(path).unwrap());
        let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        archive.start_file("classes.jar", options).unwrap();
        archive.start_file(LIBRARY.in_aar[0].1, options).unwrap();
        archive.write_all(content).unwrap();
        archive.finish().unwrap();
    }

    #[test]
    fn a_library_is_taken_out_of_an_aar_and_must_stay_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let (file, cache) = (folder.path().join("onnxruntime-android-1.22.0.aar"), folder.path().join("cache"));
        aar(&file, b"first");
        let take = || library(&LIBRARY, "d", "aarch64", &file, Some(&cache), |_| Ok(())).map(|(path, _)| path);
        assert_eq!(fs::read(take().unwrap()).unwrap(), b"first");
        assert_eq!(take().unwrap(), take().unwrap());
        let noted = fs::read_to_string(cache.join(LOCK)).unwrap();
        assert!(noted.lines().count() == 1 && noted.ends_with("  onnxruntime-android-1.22.0.aar\n"), "{noted}");

        aar(&file, b"second");
        let error = take().unwrap_err();
        assert!(matches!(error, DeliveryError::EngineChanged { .. }) && error.to_string().contains(LOCK), "{error}");
        // As the message says: remove its line.
        fs::write(cache.join(LOCK), "").unwrap();
        assert_eq!(fs::read(take().unwrap()).unwrap(), b"second");
    }

    #[test]
    fn what_is_no_aar_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (file, cache) = (folder.path().join("x.aar"), folder.path().join("cache"));
        fs::write(&file, "nonsense").unwrap();
        let take = |arch: &str, file: &Path| library(&LIBRARY, "d", arch, file, Some(&cache), |_| Ok(()));
        assert!(take("aarch64", &file).unwrap_err().to_string().contains("x.aar"));
        let other = folder.path().join("y.aar");
        aar(&other, b"x");
        assert!(take("x86_64", &other).unwrap_err().to_string().contains("jni/x86_64"));
        assert!(matches!(take("aarch64", &folder.path().join("z.so")), Err(DeliveryError::File { .. })));
    }

    #[test]
    fn what_was_refused_is_no_first_use() {
        let folder = tempfile::tempdir().unwrap();
        let (file, cache) = (folder.path().join("lib.so"), folder.path().join("cache"));
        let refuse = |path: &Path| {
            let path = path.to_path_buf();
            Err(DeliveryError::WrongFile { path, device: "d".to_string(), reason: "unfit".to_string() })
        };
        fs::write(&file, "a").unwrap();
        assert!(library(&LIBRARY, "d", "aarch64", &file, Some(&cache), refuse).is_err());
        assert!(!cache.join(LOCK).exists());
        // So the next build of it is not taken for one that was swapped.
        fs::write(&file, "b").unwrap();
        library(&LIBRARY, "d", "aarch64", &file, Some(&cache), |_| Ok(())).unwrap();
        fs::write(&file, "c").unwrap();
        let changed = library(&LIBRARY, "d", "aarch64", &file, Some(&cache), |_| Ok(()));
        assert!(matches!(changed, Err(DeliveryError::EngineChanged { .. })));
    }
}
