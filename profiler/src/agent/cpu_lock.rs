//! One measurement at a time on a CPU: two at once spoil each other's figures.
//!
//! Each CPU has a file. The process that measures on the CPU holds a lock on it, which the kernel releases when the process ends, even by a kill.
//! What stands in the file is for people: who it is.

use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;

/// Names another folder for the files, which all who measure must share.
const VARIABLE: &str = "BLOCKTIME_LOCKS";
/// Where the files are: in what `profiler clean` takes away from an Android; else in the folder that everybody may write to.
const FOLDERS: [&str; 2] = ["/data/local/tmp/blocktime", "/tmp"];
/// Time between two looks at a CPU that is waited for.
const LOOK: Duration = Duration::from_millis(200);
/// Most bytes read of who it is.
const HOLDER_LIMIT: u64 = 500;

/// CPUs that this process alone measures on, until it is dropped or the process ends.
#[derive(Debug)]
pub struct CpuLock(
    /// Held for their locks.
    #[expect(dead_code)]
    Vec<File>,
);

/// A CPU that another measures on, and who it is.
#[derive(Debug, PartialEq, Eq)]
pub struct Busy {
    /// The CPU.
    pub cpu: usize,
    /// Process, command, since when, as far as it says.
    pub holder: String,
}

/// The folder of the files; absent where there is none to share.
pub fn folder() -> Option<PathBuf> {
    let named = std::env::var_os(VARIABLE).map(PathBuf::from);
    named.into_iter().chain(FOLDERS.map(PathBuf::from)).find(|folder| folder.is_dir())
}

impl CpuLock {
    /// Takes those CPUs, all or none; waits for `wait` where another measures on one of them. Where a file cannot be used
    /// (a full or read-only folder) its CPU is measured on without.
    ///
    /// # Errors
    /// [`Busy`].
    pub fn take(folder: &Path, cpus: &[usize], holder: &str, wait: Duration) -> Result<Self, Busy> {
        let began = Instant::now();
        loop {
            let of = |cpu: usize| {
                let path = folder.join(format!("blocktime-cpu{cpu}.lock"));
                lock(&path, holder).map_err(|holder| Busy { cpu, holder })
            };
            let files = cpus.iter().map(|&cpu| of(cpu)).collect::<Result<Vec<_>, _>>();
            match files {
                Ok(files) => return Ok(Self(files.into_iter().flatten().collect())),
                Err(busy) if began.elapsed() >= wait => return Err(busy),
                Err(_) => thread::sleep(LOOK),
            }
        }
    }
}

/// Locks the file at `path`, which is made where it is not there, and writes into it who holds it. Nothing where there can be none.
///
/// # Errors
/// Who holds it, in that one's own words.
pub(crate) fn lock(path: &Path, holder: &str) -> Result<Option<File>, String> {
    let Ok(mut file) = open(path) else { return Ok(None) };
    match file.try_lock() {
        Ok(()) => {
            // One who cannot be told holds it all the same.
            let _ = sign(&mut file, holder);
            Ok(Some(file))
        }
        Err(TryLockError::WouldBlock) => Err(read(&mut file)),
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

/// Opens a file that may be another user's, or makes it for everybody.
fn open(path: &Path) -> io::Result<File> {
    // Neither a link to another place nor a pipe: anybody may write to the folder.
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
    let there = |write: bool| OpenOptions::new().read(true).write(write).custom_flags(flags).open(path);
    match there(true) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            let made = OpenOptions::new().read(true).write(true).create_new(true).custom_flags(flags).open(path);
            match made {
                Ok(file) => {
                    file.set_permissions(Permissions::from_mode(0o666))?;
                    Ok(file)
                }
                Err(_) => there(true),
            }
        }
        // To lock it, reading it is enough.
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => there(false),
        other => other,
    }
}

fn sign(file: &mut File, holder: &str) -> io::Result<()> {
    file.set_len(0)?;
    file.write_all(holder.as_bytes())
}

/// Who holds it. Anybody may have written there.
fn read(file: &mut File) -> String {
    let mut bytes = Vec::new();
    // What could be read is as good as a short text.
    let _ = file.take(HOLDER_LIMIT).read_to_end(&mut bytes);
    let text: String = String::from_utf8_lossy(&bytes).chars().filter(|c| !c.is_control()).collect();
    if text.trim().is_empty() { "another process".to_string() } else { text.trim().to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_measures_until_the_first_is_gone() {
        let folder = tempfile::tempdir().expect("a folder");
        let take = |cpus: &[usize], holder: &str| CpuLock::take(folder.path(), cpus, holder, Duration::ZERO);
        let first = take(&[1, 2], "process 7 (build), since noon").expect("free");
        let busy = take(&[0, 2], "process 8").expect_err("busy");
        assert_eq!(busy, Busy { cpu: 2, holder: "process 7 (build), since noon".into() });
        // All or none: CPU 0 was not kept.
        let other = take(&[0, 3], "process 9").expect("free");
        drop(first);
        let again = take(&[1, 2], "8").expect("free again");
        assert_eq!(take(&[1], "").expect_err("busy").holder, "8", "what the first wrote is gone");
        drop((other, again));
    }

    #[test]
    fn one_who_waits_gets_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = CpuLock::take(folder.path(), &[1], "first", Duration::ZERO).expect("free");
        thread::scope(|scope| {
            let second = scope.spawn(|| CpuLock::take(folder.path(), &[1], "second", Duration::from_secs(60)).map(drop));
            thread::sleep(Duration::from_millis(50));
            assert!(!second.is_finished());
            drop(first);
            assert_eq!(second.join().expect("no panic"), Ok(()));
        });
    }

    #[test]
    fn what_cannot_be_locked_is_no_hindrance() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("blocktime-cpu0.lock");
        std::os::unix::fs::symlink("/etc/passwd", &path).expect("a link");
        assert!(CpuLock::take(folder.path(), &[0], "x", Duration::ZERO).is_ok());
        assert!(CpuLock::take(&folder.path().join("none"), &[0], "x", Duration::ZERO).is_ok());
        let mut odd = tempfile::tempfile().expect("a file");
        assert_eq!(read(&mut odd), "another process");
    }
}
