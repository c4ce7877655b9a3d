//! Writing a file whole or not at all.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// Whether a file that exists may be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrite {
    /// No: an error of kind [`AlreadyExists`](io::ErrorKind::AlreadyExists).
    No,
    /// Yes.
    Yes,
}

/// Writes a file. A reader, or a crash, finds the old contents or the new ones, never a part.
///
/// # Errors
/// The file exists and may not be replaced, or its folder cannot be written to.
pub fn write(path: &Path, bytes: &[u8], overwrite: Overwrite) -> io::Result<()> {
    write_with(path, overwrite, |file| file.write_all(bytes))
}

/// [`write`](fn@write) of what `contents` writes. It goes to a new file in the same folder, which then takes the name.
///
/// # Errors
/// As [`write`](fn@write), and those of `contents`; then nothing is left behind.
pub fn write_with(path: &Path, overwrite: Overwrite, contents: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".writing-");
    // A temporary file is private by default. This one gets the rights of any new file, which the umask limits.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder)?;
    contents(file.as_file_mut())?;
    file.as_file().sync_all()?;
    let placed = match overwrite {
        Overwrite::Yes => file.persist(path),
        Overwrite::No => file.persist_noclobber(path),
    };
    placed.map(drop).map_err(|e| e.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_whole_or_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write(&path, b"old", Overwrite::No).unwrap();
        assert_eq!(write(&path, b"new", Overwrite::No).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        let failed = write_with(&path, Overwrite::Yes, |file| {
            file.write_all(b"half")?;
            Err(io::Error::other("full"))
        });
        assert!(failed.is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        write(&path, b"new", Overwrite::Yes).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(write(&folder.path().join("none/a"), b"", Overwrite::Yes).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn others_may_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (ours, plain) = (folder.path().join("ours"), folder.path().join("plain"));
        write(&ours, b"", Overwrite::No).unwrap();
        std::fs::write(&plain, "").unwrap();
        let mode = |path| std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&plain));
    }
}
