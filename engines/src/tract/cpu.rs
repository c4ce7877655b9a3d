//! Which of its kernels tract takes: those for the core that a thread runs on.

/// tract's name of the core that this thread may run on; `None` where the system does not tell its cores.
pub fn of_this_thread() -> Option<&'static str> {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    kind(&std::fs::read_to_string("/proc/cpuinfo").ok()?, &status)
}

/// tract's name of a core, by `/proc/cpuinfo` and a thread's `/proc/…/status`.
///
/// Where there are cores of several kinds, the last one counts that the thread is allowed on: it is the large one on most chips,
/// and the one that measuring is pinned to unless told otherwise. Kernels of old phones state a part only once, after all
/// processors: so the last part of the file stands for a processor that has none.
fn kind(cpuinfo: &str, status: &str) -> Option<&'static str> {
    let value = |line: &str| line.split_once(':').map_or("", |(_, value)| value).trim().to_string();
    let mut processor = None;
    let mut parts: Vec<(Option<usize>, String)> = Vec::new();
    for line in cpuinfo.lines() {
        if line.starts_with("processor") {
            processor = value(line).parse().ok();
        } else if line.starts_with("CPU part") {
            parts.push((processor, value(line)));
        }
    }
    let allowed = status.lines().find(|line| line.starts_with("Cpus_allowed_list:")).map(value).unwrap_or_default();
    let own = parts.iter().rfind(|(processor, _)| processor.is_some_and(|cpu| contains(&allowed, cpu)));
    own.or(parts.last()).map(|(_, part)| of_part(part))
}

/// Whether the kernel's list (`0-3,5`) has that number.
fn contains(list: &str, number: usize) -> bool {
    list.split(',').any(|range| {
        let (from, to) = range.split_once('-').unwrap_or((range, range));
        matches!((from.trim().parse::<usize>(), to.trim().parse::<usize>()), (Ok(from), Ok(to)) if (from..=to).contains(&number))
    })
}

/// tract's name of a part; `generic` for all that it has no kernels of their own for.
fn of_part(part: &str) -> &'static str {
    match part.to_ascii_lowercase().as_str() {
        "0xd03" => "a53",
        "0xd05" => "a55",
        "0xd08" => "a72",
        "0xd09" => "a73",
        "0xd0a" => "a75",
        "0xd0c" | "0xd40" | "0xd49" | "0xd4f" | "0xd83" | "0xd8e" => "neoverse",
        _ => "generic",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of processors with these parts.
    fn cpuinfo(parts: &[&str]) -> String {
        let block = |(i, part): (usize, &&str)| format!("processor\t: {i}\nCPU implementer\t: 0x41\nCPU part\t: {part}\n\n");
        parts.iter().enumerate().map(block).collect::<String>() + "Hardware\t: Qualcomm Technologies, Inc MSM8953\n"
    }

    fn allowed(list: &str) -> String {
        format!("Name:\tprofiler\nCpus_allowed:\tff\nCpus_allowed_list:\t{list}\n")
    }

    #[test]
    fn all_cores_alike() {
        assert_eq!(kind(&cpuinfo(&["0xd03"; 8]), &allowed("7")), Some("a53"));
        assert_eq!(kind(&cpuinfo(&["0xd08"; 4]), ""), Some("a72"));
        assert_eq!(kind(&cpuinfo(&["0xD0C"; 2]), &allowed("0-1")), Some("neoverse"));
        assert_eq!(kind(&cpuinfo(&["0x801"; 2]), &allowed("0-1")), Some("generic"));
    }

    #[test]
    fn large_and_small_cores() {
        let phone = cpuinfo(&["0xd05", "0xd05", "0xd05", "0xd05", "0xd0a", "0xd0a", "0xd41", "0xd41"]);
        for (list, expected) in
            [("0-3", "a55"), ("2", "a55"), ("0-5", "a75"), ("0,4", "a75"), ("7", "generic"), ("0-7", "generic"), ("", "generic")]
        {
            assert_eq!(kind(&phone, &allowed(list)), Some(expected), "{list}");
        }
        assert_eq!(kind(&phone, "no list"), Some("generic"));
    }

    #[test]
    fn one_part_for_all_processors() {
        let old = "Processor\t: AArch64 Processor rev 4 (aarch64)\nprocessor\t: 0\nprocessor\t: 1\n\nCPU part\t: 0xd03\n";
        assert_eq!(kind(old, &allowed("0")), Some("a53"));
    }

    #[test]
    fn no_arm_at_all() {
        assert_eq!(kind("processor\t: 0\nvendor_id\t: GenuineIntel\n", &allowed("0")), None);
        assert_eq!(kind("", ""), None);
    }
}
