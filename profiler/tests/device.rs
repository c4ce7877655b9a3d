//! What devices are like, by their files. `devices/*.txt` hold such files as the profiler's shell command shows them; they
//! are written after published descriptions of these devices, with the oddities that such files have in the field.
#![cfg(feature = "agent")]

use std::fs;
use std::path::Path;

use profiler::hardware::{Cluster, CpuList, Files, Knowledge, choose};

fn dump(name: &str) -> String {
    let path = support::project_root().join("profiler/tests/devices").join(name).with_extension("txt");
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn knowledge(name: &str) -> Knowledge {
    Knowledge::of(&Files::parse(&dump(name)))
}

/// Processors, core and highest MHz of each cluster.
fn clusters(knowledge: &Knowledge) -> Vec<(String, String, f64)> {
    let of = |c: &Cluster| (c.cpus.to_string(), c.core.clone().unwrap_or_default(), c.max_mhz.unwrap_or_default());
    knowledge.clusters.iter().map(of).collect()
}

fn cluster(cpus: &str, core: &str, mhz: f64) -> (String, String, f64) {
    (cpus.to_string(), core.to_string(), mhz)
}

#[test]
fn eight_equal_cores_are_two_clusters() {
    let known = knowledge("snapdragon625");
    assert_eq!(known.model.as_deref(), Some("Xiaomi Mi A1"));
    assert_eq!(known.soc.as_deref(), Some("Snapdragon 625 (msm8953)"));
    assert_eq!(known.system.as_deref(), Some("Android 9"));
    assert_eq!(known.memory_mib, Some(3719));
    assert_eq!(clusters(&known), [cluster("0-3", "Cortex-A53", 2016.0), cluster("4-7", "Cortex-A53", 2016.0)]);
    let first = &known.clusters[0];
    assert_eq!((first.min_mhz, first.governor.as_deref()), (Some(652.8), Some("interactive")));
    assert_eq!(first.shared_l2, CpuList::parse("0-3"));
    // Degrees, thousandths and tenths; the broken ones are left out.
    let sensors: Vec<_> = known.sensors.iter().map(|s| (s.zone, s.celsius.round() as i32)).collect();
    assert_eq!(sensors, [(0, 38), (1, 41), (2, 37), (3, 31)]);
}

#[test]
fn big_and_little_cores() {
    let known = knowledge("four-and-four");
    let expected = [cluster("0-3", "Kryo 2xx Silver (Cortex-A53)", 1900.8), cluster("4-7", "Kryo 2xx Gold (Cortex-A73)", 2457.6)];
    assert_eq!(clusters(&known), expected);
    assert_eq!(known.soc.as_deref(), Some("Snapdragon 835 (msm8998)"));
}

#[test]
fn one_prime_core_though_the_kernel_says_they_are_all_together() {
    let known = knowledge("one-three-four");
    let expected = [
        cluster("0-3", "Kryo 4xx Silver (Cortex-A55)", 1785.6),
        cluster("4-6", "Kryo 4xx Gold (Cortex-A76)", 2419.2),
        cluster("7", "Kryo 4xx Gold (Cortex-A76)", 2841.6),
    ];
    assert_eq!(clusters(&known), expected);
}

/// /proc/cpuinfo as older kernels write it, and what else is given: a path, its lines.
fn old_kernel(before: &str, after: &str, more: &[(&str, &str)]) -> Vec<(String, Option<String>)> {
    let processors: String = (0..8).map(|cpu| format!(" processor\t: {cpu}\n")).collect();
    let mut text = format!(
        "/proc/cpuinfo\n Processor\t: AArch64 Processor rev 4 (aarch64)\n{before}{processors} Features\t: fp asimd\n{after}"
    );
    text += " \n Hardware\t: Amlogic\n/sys/devices/system/cpu/possible\n 0-7\n";
    for (path, content) in more {
        text += &format!("{path}\n {content}\n");
    }
    let known = Knowledge::of(&Files::parse(&text));
    known.clusters.iter().map(|c| (c.cpus.to_string(), c.core.clone())).collect()
}

/// Two clusters of four, with these highest frequencies.
fn two_clocks(first: &'static str, second: &'static str) -> Vec<(String, &'static str)> {
    let of = |cpu: usize| {
        let at = |name: &str| format!("/sys/devices/system/cpu/cpu{cpu}/cpufreq/{name}");
        let (together, khz) = if cpu < 4 { ("0 1 2 3", first) } else { ("4 5 6 7", second) };
        [(at("related_cpus"), together), (at("cpuinfo_max_freq"), khz)]
    };
    (0..8).flat_map(of).collect()
}

const PART: &str = " CPU implementer\t: 0x41\n CPU part\t: 0xd03\n";

#[test]
fn a_part_that_is_told_once_belongs_to_all_or_to_none() {
    let core = |cpus: &str, core: Option<&str>| (cpus.to_string(), core.map(str::to_string));
    let a53 = Some("Cortex-A53");
    // Behind all processors, before them, twice.
    for (before, after) in [("", PART.to_string()), (PART, String::new()), ("", PART.repeat(2))] {
        assert_eq!(old_kernel(before, &after, &[]), [core("0-7", a53)]);
        let clocks = two_clocks("1512000", "1512000");
        let clocks: Vec<_> = clocks.iter().map(|(path, text)| (path.as_str(), *text)).collect();
        assert_eq!(old_kernel(before, &after, &clocks), [core("0-3", a53), core("4-7", a53)]);
        // It is that of one of two kinds of cores, and it is unknown of which.
        let clocks = two_clocks("1512000", "1908000");
        let clocks: Vec<_> = clocks.iter().map(|(path, text)| (path.as_str(), *text)).collect();
        assert_eq!(old_kernel(before, &after, &clocks), [core("0-3", None), core("4-7", None)]);
        let capacities =
            [("/sys/devices/system/cpu/cpu0/cpu_capacity", "400"), ("/sys/devices/system/cpu/cpu7/cpu_capacity", "1024")];
        assert!(old_kernel(before, &after, &capacities).iter().all(|(_, core)| core.is_none()));
    }
    // None at all, and two of unknown cores.
    assert_eq!(old_kernel("", "", &[]), [core("0-7", None)]);
    let two = format!("{PART}{}", PART.replace("0xd03", "0xd09"));
    assert_eq!(old_kernel("", &two, &[]), [core("0-7", None)]);
}

#[test]
fn a_processor_that_is_switched_off_stays_in_its_cluster() {
    let mut text = String::from("/proc/cpuinfo\n");
    // The kernel shows cores and caches of those that are on; clocks of all.
    for cpu in [0, 1, 4, 6] {
        text += &format!(" processor\t: {cpu}\n{} \n", PART.replace("0xd03", if cpu < 4 { "0xd03" } else { "0xd09" }));
    }
    for (path, khz) in two_clocks("1900800", "2457600") {
        text += &format!("{path}\n {khz}\n");
    }
    for cpu in [0, 1, 4, 6] {
        let siblings = if cpu < 4 { "0-1" } else { "4,6" };
        text += &format!("/sys/devices/system/cpu/cpu{cpu}/topology/core_siblings_list\n {siblings}\n");
    }
    assert_eq!(
        clusters(&Knowledge::of(&Files::parse(&text))),
        [cluster("0-3", "Cortex-A53", 1900.8), cluster("4-7", "Cortex-A73", 2457.6)]
    );
}

#[test]
fn threads_are_pinned_to_one_cluster() {
    let all: Vec<usize> = (0..8).collect();
    let chosen = |name: &str, allowed: &[usize], threads| choose(&knowledge(name).clusters, allowed, threads);
    // Equal clusters: the last one, which serves fewer interrupts; never four processors out of two clusters.
    assert_eq!(chosen("snapdragon625", &all, 1), [7]);
    assert_eq!(chosen("snapdragon625", &all, 4), [4, 5, 6, 7]);
    assert_eq!(chosen("snapdragon625", &[0, 1, 2, 3, 6, 7], 4), [0, 1, 2, 3]);
    // The strongest that has enough of those allowed.
    assert_eq!(chosen("four-and-four", &all, 2), [6, 7]);
    assert_eq!(chosen("four-and-four", &[0, 1, 2, 3], 2), [2, 3]);
    assert_eq!(chosen("one-three-four", &all, 1), [7]);
    assert_eq!(chosen("one-three-four", &all, 3), [4, 5, 6]);
    assert_eq!(chosen("one-three-four", &all, 4), [0, 1, 2, 3]);
    // No cluster is known, or none is large enough.
    assert_eq!(chosen("nothing", &[0, 1, 2], 2), [1, 2]);
    assert_eq!(chosen("raspberry-pi-4", &[0, 1, 2, 3], 6), [0, 1, 2, 3]);
    // The scheduler's own figure stands above the clock's.
    let cluster = |cpus: &str, capacity, max_mhz| Cluster {
        cpus: CpuList::parse(cpus).expect("a list"),
        core: None,
        processor: None,
        instruction_sets: None,
        min_mhz: None,
        max_mhz: Some(max_mhz),
        capacity,
        governor: None,
        shared_l2: None,
    };
    assert_eq!(choose(&[cluster("0-3", Some(1024), 1800.0), cluster("4-7", Some(400), 2000.0)], &all, 1), [3]);
}

#[test]
fn a_board_without_properties() {
    let known = knowledge("raspberry-pi-4");
    assert_eq!(known.model.as_deref(), Some("Raspberry Pi 4 Model B Rev 1.1"));
    assert_eq!(known.soc.as_deref(), Some("Broadcom BCM2711 (bcm2711)"));
    assert_eq!(clusters(&known), [cluster("0-3", "Cortex-A72", 1500.0)]);
    assert_eq!(known.sensors.len(), 1);
}

#[test]
fn a_container_with_nothing() {
    assert_eq!(knowledge("nothing"), Knowledge::default());
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(Knowledge::of(&Files::read(empty.path())), Knowledge::default());
}

#[test]
fn files_that_lie_are_not_believed() {
    let known = knowledge("liar");
    assert_eq!((known.model, known.soc, known.memory_mib), (None, None, None));
    let kernel = known.kernel.expect("a name");
    assert!(kernel.len() <= 200 && !kernel.contains(['\u{1b}', '\u{7}']), "{kernel:?}");
    assert!(known.sensors.is_empty());
    let found: Vec<_> = known.clusters.iter().map(|c| (c.cpus.to_string(), c.core.clone(), c.max_mhz)).collect();
    assert_eq!(found, [("0".to_string(), None, None), ("1".to_string(), Some("Cortex-A53".to_string()), None)]);
}

#[test]
fn a_tree_of_files_tells_the_same_as_a_shell() {
    for name in ["snapdragon625", "four-and-four", "one-three-four", "raspberry-pi-4", "liar"] {
        let text = dump(name);
        let root = tempfile::tempdir().unwrap();
        let (mut path, mut content) = (None, String::new());
        let write = |path: &Option<String>, content: &str| {
            // Properties are no file; what is not asked for must not be read.
            if let Some(path) = path.as_ref().filter(|path| path.starts_with('/')) {
                let path = root.path().join(path.trim_start_matches('/'));
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                let tree = path.to_string_lossy().contains("/device-tree/");
                fs::write(path, if tree { content.replace('\n', "\0") } else { content.to_string() }).unwrap();
            }
        };
        for line in text.lines() {
            match line.strip_prefix(' ') {
                Some(line) => content += &format!("{line}\n"),
                None => {
                    write(&path, &content);
                    (path, content) = (Some(line.to_string()), String::new());
                }
            }
        }
        write(&path, &content);
        let (by_tree, by_shell) = (Files::read(root.path()), Files::parse(&text));
        assert_eq!(by_tree.text("/etc/passwd"), None);
        let without_properties = |files: &Files| {
            let known = Knowledge::of(files);
            (known.kernel, known.memory_mib, known.clusters, known.sensors)
        };
        assert_eq!(without_properties(&by_tree), without_properties(&by_shell), "{name}");
    }
}

#[test]
fn the_shell_command_shows_this_machine() {
    let output = std::process::Command::new("sh").arg("-c").arg(Files::command()).output().unwrap();
    assert!(output.status.success());
    let by_shell = Knowledge::of(&Files::parse(&String::from_utf8_lossy(&output.stdout)));
    let here = Knowledge::of(&Files::read(Path::new("/")));
    assert_eq!((by_shell.kernel, by_shell.soc, by_shell.clusters), (here.kernel, here.soc, here.clusters));
}

#[test]
fn lists_of_processors() {
    for (text, shown) in [("0-3", "0-3"), ("0 1 2 3\n", "0-3"), ("7", "7"), ("0-1,4,6-7", "0-1,4,6-7"), ("3,1,2,1", "1-3")] {
        assert_eq!(CpuList::parse(text).map(|list| list.to_string()).as_deref(), Some(shown));
    }
    for bad in ["", "3-1", "a", "0-", "-1", "0-4294967295"] {
        assert_eq!(CpuList::parse(bad), None, "{bad}");
    }
}
