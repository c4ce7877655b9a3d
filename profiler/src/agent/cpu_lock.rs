//! One measurement at a time on a CPU: two at once spoil each other's figures.
//!
//! Each CPU has a file. The process that measures on the CPU holds a lock on it, which the kernel releases when the process ends, even by a kill.
//! What stands in the file is for people: who it is.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FlockArg, OFlag};

/// Names another folder for the files, which all measurements must share.
const VARIABLE: &str = "BLOCKTIME_LOCKS";
/// Where the files are: in what `profiler clean` takes away from an Android; else in the folder that everybody may write to.
const FOLDERS: [&str; 2] = ["/data/local/tmp/blocktime", "/tmp"];
/// Time between two looks at a CPU that is waited for.
const LOOK: Duration = Duration::from_millis(200);
/// Most bytes read of who it is.
const HOLDER_LIMIT: u64 = 500;

/// CPUs that this process alone measures on, until it is dropped or the process ends.
#[derive(Debug)]
pub struct CpuLock {
    /// Held for their locks.
    #[expect(dead_code)]
    files: Vec<File>,
    /// Why one of the CPUs has no lock, in words; absent where all have.
    pub lacking: Option<String>,
}

/// A CPU that another measures on, and who it is.
#[derive(Debug, PartialEq, Eq)]
pub struct Busy {
    /// The CPU.
    pub cpu: usize,
    /// Process, command, since when, as far as it says.
    pub holder: String,
}

/// Why there is no lock on a file.
#[derive(Debug)]
pub(crate) enum NotLocked {
    /// Another process holds it; who, in that one's own words.
    Held(String),
    /// The file can be neither opened nor made.
    File(io::Error),
    /// It is there, but cannot be locked: its file system has no locks.
    Lock(File, io::Error),
}

impl CpuLock {
    /// Takes those CPUs, all or none; waits for `wait` where another measures on one of them. Where a file cannot be used (in a read-only
    /// folder, without permission, on a file system without locks) its CPU is measured on without, and [`CpuLock::lacking`] says why.
    ///
    /// # Errors
    /// [`Busy`].
    pub fn take(cpus: &[usize], holder: &str, wait: Duration) -> Result<Self, Busy> {
        match folder() {
            Ok(folder) => Self::take_in(&folder, cpus, holder, wait),
            Err(lacking) => Ok(Self { files: Vec::new(), lacking: Some(lacking) }),
        }
    }

    /// The same with files in this folder.
    fn take_in(folder: &Path, cpus: &[usize], holder: &str, wait: Duration) -> Result<Self, Busy> {
        let began = Instant::now();
        loop {
            match Self::at_once(folder, cpus, holder) {
                Err(_) if began.elapsed() < wait => thread::sleep(LOOK),
                done => return done,
            }
        }
    }

    fn at_once(folder: &Path, cpus: &[usize], holder: &str) -> Result<Self, Busy> {
        let (mut files, mut lacking) = (Vec::new(), None);
        for &cpu in cpus {
            let path = folder.join(format!("blocktime-cpu{cpu}.lock"));
            match lock(&path, holder) {
                Ok(file) => files.push(file),
                Err(NotLocked::Held(holder)) => return Err(Busy { cpu, holder }),
                Err(NotLocked::File(e) | NotLocked::Lock(_, e)) => lacking = Some(format!("{}: {e}", path.display())),
            }
        }
        Ok(Self { files, lacking })
    }
}

/// The folder of the files.
///
/// # Errors
/// Why there is none, in words.
fn folder() -> Result<PathBuf, String> {
    match std::env::var_os(VARIABLE).map(PathBuf::from) {
        Some(named) if named.is_dir() => Ok(named),
        Some(named) => Err(format!("{VARIABLE} names '{}', which is no folder", named.display())),
        None => FOLDERS
            .map(PathBuf::from)
            .into_iter()
            .find(|folder| folder.is_dir())
            .ok_or_else(|| format!("there is no folder {}", FOLDERS.join(" or "))),
    }
}

/// Locks the file at `path`, which is made where it is not there, and writes into it who holds it.
///
/// # Errors
/// [`NotLocked`].
pub(crate) fn lock(path: &Path, holder: &str) -> Result<File, NotLocked> {
    let mut file = open(path).map_err(NotLocked::File)?;
    match try_lock(&file) {
        Ok(()) => {
            // One who cannot be told, as on a full disk, holds it all the same.
            let _ = sign(&mut file, holder);
            Ok(file)
        }
        Err(Errno::EWOULDBLOCK) => Err(NotLocked::Held(read(&mut file))),
        Err(e) => Err(NotLocked::Lock(file, e.into())),
    }
}

/// The standard library's own locks do not exist on Android.
#[expect(
    deprecated,
    reason = "what replaces it unlocks when it is dropped, also for the governor's watchdog, which shares the lock"
)]
fn try_lock(file: &File) -> Result<(), Errno> {
    nix::fcntl::flock(file.as_raw_fd(), FlockArg::LockExclusiveNonblock)
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
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => there(true),
                Err(e) => Err(e),
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
        let take = |cpus: &[usize], holder: &str| CpuLock::take_in(folder.path(), cpus, holder, Duration::ZERO);
        let first = take(&[1, 2], "process 7 (build), since noon").expect("free");
        let busy = take(&[0, 2], "process 8").expect_err("busy");
        assert_eq!(busy, Busy { cpu: 2, holder: "process 7 (build), since noon".into() });
        // All or none: CPU 0 was not kept.
        let other = take(&[0, 3], "process 9").expect("free");
        drop(first);
        let again = take(&[1, 2], "8").expect("free again");
        assert_eq!(take(&[1], "").expect_err("busy").holder, "8", "what the first wrote is gone");
        assert_eq!(again.lacking, None);
        drop((other, again));
    }

    #[test]
    fn one_who_waits_gets_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = CpuLock::take_in(folder.path(), &[1], "first", Duration::ZERO).expect("free");
        thread::scope(|scope| {
            let second = scope.spawn(|| CpuLock::take_in(folder.path(), &[1], "second", Duration::from_secs(60)).map(drop));
            thread::sleep(Duration::from_millis(50));
            assert!(!second.is_finished());
            drop(first);
            assert_eq!(second.join().expect("no panic"), Ok(()));
        });
    }

    #[test]
    fn what_cannot_be_locked_is_no_hindrance_but_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        // A link, a folder in its place, and one of two CPUs.
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("blocktime-cpu0.lock")).expect("a link");
        std::fs::create_dir(folder.path().join("blocktime-cpu1.lock")).expect("a folder");
        for cpus in [&[0][..], &[1], &[0, 2], &[2, 1]] {
            let lock = CpuLock::take_in(folder.path(), cpus, "x", Duration::ZERO).expect("no hindrance");
            let file = format!("blocktime-cpu{}.lock", cpus.iter().min_by_key(|&&cpu| cpu == 2).expect("a CPU"));
            assert!(lock.lacking.as_ref().is_some_and(|said| said.contains(&file)), "{cpus:?}: {lock:?}");
        }
        let none = folder.path().join("none");
        assert!(CpuLock::take_in(&none, &[0], "x", Duration::ZERO).is_ok_and(|lock| lock.lacking.is_some()));
        // A place where nobody may make files, not even the system's administrator.
        let (system, lock) = (Path::new("/sys"), |folder: &Path| lock(&folder.join("blocktime-cpu0.lock"), "x"));
        assert!(matches!(lock(system), Err(NotLocked::File(e)) if e.kind() != io::ErrorKind::NotFound), "why it cannot be made");
        let mut odd = tempfile::tempfile().expect("a file");
        assert_eq!(read(&mut odd), "another process");
    }
}
