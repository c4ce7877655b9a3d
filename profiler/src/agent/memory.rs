//! Memory of this process and of the device, as the kernel tells it.

/// Memory of this process that is resident, in KiB; 0 where it is not known.
pub(super) fn resident_kib() -> u64 {
    field("/proc/self/status", "VmRSS:").unwrap_or_default()
}

/// Memory that the system could give away without swapping, in KiB.
pub(super) fn available_kib() -> Option<u64> {
    field("/proc/meminfo", "MemAvailable:")
}

/// The number behind a name in a file of the kernel's.
fn field(file: &str, name: &str) -> Option<u64> {
    number(&std::fs::read_to_string(file).ok()?, name)
}

fn number(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_tells() {
        let text = "MemTotal:  100 kB\nMemAvailable:   3072 kB\n";
        assert_eq!((number(text, "MemAvailable:"), number(text, "SwapFree:")), (Some(3072), None));
        assert_eq!(number("VmRSS:\tmany kB\n", "VmRSS:"), None);
        assert!(cfg!(not(target_os = "linux")) || resident_kib() > 100);
    }
}
