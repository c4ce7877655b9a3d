//! Which files tell what a device is, and how they are fetched.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::io::Read;
use std::path::Path;

use super::values::clean;

/// Longest file taken; /proc/cpuinfo of a large server has 200 KiB.
const FILE_LIMIT: u64 = 1 << 18;
/// Highest number of a processor or sensor.
const NUMBER_LIMIT: usize = 1024;
/// Stands for the output of `getprop`.
const PROPERTIES: &str = "getprop";
/// Files of bytes between zeros.
const TREE: &str = "/proc/device-tree/";

/// Files that there is one of.
const SINGLE: [&str; 10] = [
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/sys/kernel/osrelease",
    "/proc/device-tree/model",
    "/proc/device-tree/compatible",
    "/proc/device-tree/serial-number",
    "/sys/devices/system/cpu/possible",
    "/sys/class/dmi/id/sys_vendor",
    "/sys/class/dmi/id/product_name",
    "/sys/devices/soc0/machine",
];
/// Files of each processor, below `cpuN/`.
const CPU: [&str; 10] = [
    "topology/cluster_cpus_list",
    "topology/core_siblings_list",
    "topology/physical_package_id",
    "cache/index2/shared_cpu_list",
    "cpu_capacity",
    "cpufreq/related_cpus",
    "cpufreq/cpuinfo_min_freq",
    "cpufreq/cpuinfo_max_freq",
    "cpufreq/scaling_governor",
    "regs/identification/midr_el1",
];
/// Files of each sensor, below `thermal_zoneN/`.
const SENSOR: [&str; 2] = ["type", "temp"];
const CPUS: &str = "/sys/devices/system/cpu/cpu";
const SENSORS: &str = "/sys/class/thermal/thermal_zone";

/// The texts of those files that could be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files(BTreeMap<String, String>);

impl Files {
    /// Those below a folder: `/`, or a copy of another device's.
    pub fn read(root: &Path) -> Self {
        let mut files = BTreeMap::new();
        let mut read = |path: &str| {
            let Ok(file) = fs::File::open(root.join(path.trim_start_matches('/'))) else { return };
            let mut bytes = Vec::new();
            // What could be read before a fault is as good as a short file.
            let _ = file.take(FILE_LIMIT).read_to_end(&mut bytes);
            let text = String::from_utf8_lossy(&bytes).replace('\0', "\n");
            if !text.trim().is_empty() {
                files.insert(path.to_string(), text.trim_end().to_string());
            }
        };
        SINGLE.iter().for_each(|path| read(path));
        for (prefix, names) in [(CPUS, &CPU[..]), (SENSORS, &SENSOR[..])] {
            for number in numbers_in(root, prefix) {
                names.iter().for_each(|name| read(&format!("{prefix}{number}/{name}")));
            }
        }
        Self(files)
    }

    /// Those of this machine, and an Android's properties.
    pub fn here() -> Self {
        let mut files = Self::read(Path::new("/"));
        if cfg!(target_os = "android") || Path::new("/system/bin/getprop").exists() {
            let output = std::process::Command::new("/system/bin/getprop").stdin(std::process::Stdio::null()).output();
            if let Ok(output) = output {
                files.0.insert(PROPERTIES.to_string(), String::from_utf8_lossy(&output.stdout).into_owned());
            }
        }
        files
    }

    /// A POSIX shell's command that writes them as [`parse`](Self::parse) reads them. It starts no program for most of them:
    /// that would take seconds on a phone.
    pub fn command() -> String {
        let mut command = String::from(
            "show() { echo \"$1\"; while IFS= read -r l || [ -n \"$l\" ]; do echo \" $l\"; done; }; \
             if [ -x /system/bin/getprop ]; then getprop | show getprop; fi; for f in",
        );
        // Writing to a String does not fail.
        let _ = SINGLE.iter().try_for_each(|path| write!(command, " {path}"));
        let _ = CPU.iter().try_for_each(|name| write!(command, " {CPUS}[0-9]*/{name}"));
        let _ = SENSOR.iter().try_for_each(|name| write!(command, " {SENSORS}[0-9]*/{name}"));
        let _ = write!(
            command,
            "; do if [ -r \"$f\" ]; then case $f in {TREE}*) tr '\\0' '\\n' <\"$f\" | show \"$f\";; *) show \"$f\" <\"$f\";; esac; fi; \
             done 2>/dev/null; true"
        );
        command
    }

    /// Reads what the command wrote: a line with a file's path, then its lines, each behind a blank.
    pub fn parse(text: &str) -> Self {
        let mut files: BTreeMap<String, String> = BTreeMap::new();
        let mut current: Option<&str> = None;
        for line in text.lines().map(|line| line.trim_end_matches('\r')) {
            match (line.strip_prefix(' '), current) {
                (Some(content), Some(path)) => {
                    let file = files.entry(path.to_string()).or_default();
                    if file.len() as u64 <= FILE_LIMIT {
                        file.push_str(content);
                        file.push('\n');
                    }
                }
                (Some(_), None) => {}
                (None, _) => current = (line == PROPERTIES || line.starts_with('/')).then_some(line),
            }
        }
        files.retain(|_, text| !text.trim().is_empty());
        files.values_mut().for_each(|text| text.truncate(text.trim_end().len()));
        Self(files)
    }

    /// A file's text.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }

    /// A file's first line, cleaned of what cannot be printed.
    pub fn line(&self, path: &str) -> Option<String> {
        clean(self.text(path)?.lines().next()?)
    }

    /// The first `NAME: value` of a file.
    pub fn field(&self, path: &str, name: &str) -> Option<String> {
        let value = self.text(path)?.lines().find_map(|line| line.split_once(':').filter(|(key, _)| key.trim() == name))?.1;
        clean(value)
    }

    /// An Android's property.
    pub fn property(&self, name: &str) -> Option<String> {
        let line = |line: &str| {
            let (key, value) = line.strip_prefix('[')?.split_once("]: [")?;
            (key == name).then(|| value.trim_end().trim_end_matches(']').to_string())
        };
        clean(&self.text(PROPERTIES)?.lines().find_map(line)?)
    }

    /// The numbers N for which there is a file `PREFIXN/…`, in order.
    pub fn numbered(&self, prefix: &str) -> Vec<usize> {
        let number = |path: &String| number_of(path.strip_prefix(prefix)?.split('/').next()?);
        let mut numbers: Vec<usize> = self.0.keys().filter_map(number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }
}

/// The numbers N for which there is a folder `PREFIXN`.
fn numbers_in(root: &Path, prefix: &str) -> Vec<usize> {
    let Some((folder, name)) = prefix.rsplit_once('/') else { return Vec::new() };
    let Ok(entries) = fs::read_dir(root.join(folder.trim_start_matches('/'))) else { return Vec::new() };
    entries.flatten().filter_map(|entry| number_of(entry.file_name().to_str()?.strip_prefix(name)?)).collect()
}

fn number_of(text: &str) -> Option<usize> {
    text.parse().ok().filter(|&number| number < NUMBER_LIMIT)
}
