//! Files that a program sees in place of the host's: a folder that QEMU looks into first, for every absolute path.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::LazyLock;

use simulator::Chip;
use simulator::rules::LINE_BYTES;

use crate::error::EmulatorError;

/// Bytes of a file of random bytes.
const RANDOM_BYTES: usize = 64 << 10;

/// Random bytes that are the same in every run: more than a program reads as a seed.
static RANDOM: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let hashes = (0..RANDOM_BYTES / 32).map(|part| ::files::sha256(part.to_string()));
    let bytes = |hash: String| (0..32).map(move |k| u8::from_str_radix(&hash[2 * k..2 * k + 2], 16).unwrap_or_default());
    hashes.flat_map(bytes).collect()
});

/// Writes them into an empty folder. Folders of a sysroot are linked to, except for those that tell of a system.
pub(crate) fn write(folder: &Path, chip: &Chip, sysroot: Option<&Path>) -> Result<(), EmulatorError> {
    if let Some(sysroot) = sysroot {
        let entries = fs::read_dir(sysroot).map_err(EmulatorError::file("read the folder", sysroot))?;
        for entry in entries {
            let entry = entry.map_err(EmulatorError::file("read the folder", sysroot))?;
            let name = entry.file_name();
            if ["proc", "sys", "dev"].iter().any(|own| name == *own) {
                continue;
            }
            let target = std::path::absolute(entry.path()).map_err(EmulatorError::file("find", &entry.path()))?;
            symlink(target, folder.join(&name)).map_err(EmulatorError::file("link", &folder.join(&name)))?;
        }
    }
    let khz = format!("{}\n", u64::from(chip.clock_mhz) * 1000);
    let cpuinfo = cpuinfo(&chip.core.name);
    let cpu = "sys/devices/system/cpu";
    for (path, text) in [
        ("proc/cpuinfo".to_owned(), cpuinfo.as_str()),
        ("proc/meminfo".to_owned(), "MemTotal:        3145728 kB\nMemFree:         1572864 kB\nMemAvailable:    1572864 kB\n"),
        ("proc/stat".to_owned(), "cpu  0 0 0 0 0 0 0 0 0 0\ncpu0 0 0 0 0 0 0 0 0 0 0\n"),
        ("proc/loadavg".to_owned(), "0.00 0.00 0.00 1/1 1\n"),
        ("proc/uptime".to_owned(), "1000.00 1000.00\n"),
        ("proc/version".to_owned(), "Linux version 5.10.0 (simulated) #1\n"),
        ("proc/sys/kernel/ostype".to_owned(), "Linux\n"),
        ("proc/sys/kernel/osrelease".to_owned(), "5.10.0\n"),
        ("proc/sys/kernel/hostname".to_owned(), "simulated\n"),
        (format!("{cpu}/present"), "0\n"),
        (format!("{cpu}/possible"), "0\n"),
        (format!("{cpu}/online"), "0\n"),
        (format!("{cpu}/modalias"), "cpu:type:aarch64:feature:,0000,0001,0003,0004,0005,0006,0007\n"),
        (format!("{cpu}/cpu0/cpufreq/cpuinfo_max_freq"), khz.as_str()),
        (format!("{cpu}/cpu0/cpufreq/cpuinfo_min_freq"), khz.as_str()),
        (format!("{cpu}/cpu0/cpufreq/scaling_cur_freq"), khz.as_str()),
        (format!("{cpu}/cpu0/cpufreq/scaling_governor"), "performance\n"),
        (format!("{cpu}/cpu0/cpufreq/related_cpus"), "0\n"),
        (format!("{cpu}/cpu0/topology/physical_package_id"), "0\n"),
        (format!("{cpu}/cpu0/topology/core_id"), "0\n"),
    ]
    .into_iter()
    .map(|(path, text)| (path, text.to_owned()))
    .chain(caches(chip))
    {
        let path = folder.join(path);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent).map_err(EmulatorError::file("make the folder", parent))?;
        fs::write(&path, text).map_err(EmulatorError::file("write", &path))?;
    }
    let devices = folder.join("dev");
    fs::create_dir_all(&devices).map_err(EmulatorError::file("make the folder", &devices))?;
    for name in ["random", "urandom"] {
        let path = devices.join(name);
        fs::write(&path, &*RANDOM).map_err(EmulatorError::file("write", &path))?;
    }
    Ok(())
}

/// The files that tell of the caches, as Linux has them (Documentation/ABI/testing/sysfs-devices-system-cpu).
fn caches(chip: &Chip) -> impl Iterator<Item = (String, String)> {
    let second = chip.l2.shape();
    [(1, "Data", chip.core.data_cache.clone()), (1, "Instruction", chip.core.instruction_cache.clone()), (2, "Unified", second)]
        .into_iter()
        .enumerate()
        .flat_map(|(index, (level, kind, shape))| {
            let sizes = [
                ("size", format!("{}K", shape.kib)),
                ("coherency_line_size", LINE_BYTES.to_string()),
                ("ways_of_associativity", shape.ways.to_string()),
                ("number_of_sets", shape.sets().to_string()),
            ];
            let others = [
                ("level", level.to_string()),
                ("type", kind.to_owned()),
                ("shared_cpu_list", "0".to_owned()),
                ("shared_cpu_map", "1".to_owned()),
            ];
            // Linux has no files of what it does not know.
            let told = if chip.tells_cache_sizes { sizes.to_vec() } else { Vec::new() };
            told.into_iter()
                .chain(others)
                .map(move |(name, value)| (format!("sys/devices/system/cpu/cpu0/cache/index{index}/{name}"), format!("{value}\n")))
        })
}

/// `/proc/cpuinfo` of a core; of one that is not known by name, that of a Cortex-A53, whose instruction set is what is emulated.
fn cpuinfo(core: &str) -> String {
    // Main ID register: implementer Arm, and the part (DDI 0487, MIDR_EL1; the parts' manuals).
    let part = match core {
        "cortex-a35" => 0xd04,
        "cortex-a57" => 0xd07,
        "cortex-a72" => 0xd08,
        _ => 0xd03,
    };
    format!(
        "processor\t: 0\nBogoMIPS\t: 38.40\nFeatures\t: fp asimd evtstrm aes pmull sha1 sha2 crc32\nCPU implementer\t: 0x41\n\
         CPU architecture: 8\nCPU variant\t: 0x0\nCPU part\t: {part:#x}\nCPU revision\t: 4\n\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    // Linux, drivers/base/cacheinfo.c: what is not known has no file; arm64 takes sizes from the device tree alone.
    #[test]
    fn sizes_of_caches_are_told_where_the_chips_linux_knows_them() {
        let told = |name: &str| -> Vec<String> {
            let chip = Chip::find(name).unwrap_or_else(|error| panic!("{error}"));
            caches(&chip)
                .filter(|(path, _)| path.contains("index2"))
                .map(|(path, _)| path.rsplit('/').next().unwrap_or("").to_owned())
                .collect()
        };
        let known = ["size", "coherency_line_size", "ways_of_associativity", "number_of_sets"];
        let always = ["level", "type", "shared_cpu_list", "shared_cpu_map"];
        assert_eq!(told("sd625"), [known, always].concat());
        assert_eq!(told("qrb2210"), always);
    }
}
