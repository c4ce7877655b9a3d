//! Files that describe the host: a program does not find them. QEMU looks for each path among the simulated device's files first, and then
//! among the host's; a path that is on neither side is asked for in their place.

use simulator::Settings;

use crate::guest::Guest;

/// Longest path that is looked at; the system allows no longer one (`PATH_MAX`).
const LONGEST: usize = 4096;

/// Folders and files that describe a system.
const OF_A_SYSTEM: [&str; 5] = ["/sys", "/proc", "/etc/hostname", "/etc/machine-id", "/etc/os-release"];

/// What a process sees of itself: QEMU answers for some of it, and the rest is the emulator's process, which differs between hosts only where
/// it tells of memory.
const OF_ITSELF: [&str; 2] = ["/proc/self", "/proc/thread-self"];

/// Stands at the beginning of no file's name.
const NO_NAME: u8 = 1;

/// A path in the program's memory that was changed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hidden {
    address: u64,
    was: u8,
}

impl Hidden {
    /// Changes the path at this address if it names a file that describes the host.
    pub(crate) fn hide(path: u64, guest: &Guest, settings: &Settings) -> Option<Self> {
        let text = guest.read_text(path, LONGEST)?;
        if !is_of_a_system(&text) || settings.in_place_of(&text).exists() {
            return None;
        }
        // The byte behind the first slash.
        let hidden = Self { address: path + 1, was: *text.as_bytes().get(1)? };
        guest.write(hidden.address, &[NO_NAME]);
        Some(hidden)
    }

    /// Writes back what stood there.
    pub(crate) fn show_again(self, guest: &Guest) {
        guest.write(self.address, &[self.was]);
    }
}

fn is_of_a_system(path: &str) -> bool {
    let is_in = |folder: &&str| path.strip_prefix(*folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let of_a_process = path.strip_prefix("/proc/").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    OF_A_SYSTEM.iter().any(is_in) && !OF_ITSELF.iter().any(is_in) && !of_a_process
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_hidden_and_a_process_sees_itself() {
        for path in [
            "/sys",
            "/sys/devices/system/cpu/cpu0/cache/index3/size",
            "/proc/version",
            "/proc/sys/kernel/osrelease",
            "/etc/hostname",
        ] {
            assert!(is_of_a_system(path), "{path}");
        }
        for path in
            ["/proc/self/maps", "/proc/thread-self/stat", "/proc/123/stat", "/system/lib", "/procedures", "/etc/hosts", "sys/a", ""]
        {
            assert!(!is_of_a_system(path), "{path}");
        }
    }
}
