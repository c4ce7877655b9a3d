//! No files of a device make their reader panic, take memory out of proportion, or compute for long.

use std::path::Path;

use support::fuzz::Fuzz;

use super::{Cluster, CpuList, Files, Knowledge, celsius, choose};

/// A phone's answer to [`Files::command`], a file's path before its lines.
const PHONE: &str = "getprop
 [ro.product.manufacturer]: [Maker]
 [ro.product.model]: [Phone 5]
 [ro.build.version.release]: [9]
 [ro.board.platform]: [msm8953]
/proc/cpuinfo
 Processor\t: AArch64 Processor rev 4 (aarch64)
 processor\t: 0
 CPU implementer\t: 0x41
 CPU part\t: 0xd03
 processor\t: 1
 CPU implementer\t: 0x41
 CPU part\t: 0xd03
 processor\t: 4
 CPU implementer\t: 0x51
 CPU part\t: 0x801
 Hardware\t: Qualcomm Technologies, Inc MSM8953
/proc/meminfo
 MemTotal:        3809036 kB
/sys/devices/system/cpu/possible
 0-7
/sys/devices/system/cpu/cpu0/topology/core_siblings_list
 0-3
/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq
 2016000
/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor
 interactive
/sys/devices/system/cpu/cpu4/topology/core_siblings_list
 4-7
/sys/devices/system/cpu/cpu4/cpu_capacity
 1024
/sys/devices/system/cpu/cpu4/regs/identification/midr_el1
 0x00000000410fd034
/sys/devices/system/cpu/cpu4/cache/index2/shared_cpu_list
 4-5,6 7
/sys/class/thermal/thermal_zone0/type
 tsens_tz_sensor1
/sys/class/thermal/thermal_zone0/temp
 38000
/sys/class/thermal/thermal_zone12/temp
 411
";

/// The description of a device with these files.
fn tell(bytes: &[u8]) -> String {
    let known = Knowledge::of(&Files::parse(&String::from_utf8_lossy(bytes)));
    let cpus: Vec<usize> = known.clusters.iter().flat_map(|cluster| cluster.cpus.0.iter().copied()).collect();
    let unique: std::collections::BTreeSet<_> = cpus.iter().collect();
    assert!(unique.len() == cpus.len() && cpus.len() <= 1024, "a processor is in one cluster");
    assert!(known.sensors.iter().all(|sensor| (5.0..=130.0).contains(&sensor.celsius)));
    assert!(choose(&known.clusters, &cpus, 2).len() <= 2.max(cpus.len()));
    let texts = [&known.model, &known.soc, &known.system, &known.kernel];
    assert!(texts.into_iter().flatten().all(|text| text.chars().count() <= 410 && !text.chars().any(char::is_control)));
    // It goes into a line and comes out of it again.
    let line = serde_json::to_string(&known).unwrap_or_default();
    assert_eq!(serde_json::from_str::<Knowledge>(&line).ok(), Some(known.clone()));
    format!(
        "{} clusters, {} sensors, {}, {}",
        known.clusters.len().min(4),
        known.sensors.len().min(2),
        known.soc.is_some(),
        known.memory_mib.is_some()
    )
}

#[test]
fn files_of_a_device_survive() {
    let board = PHONE
        .split_once("/proc/cpuinfo")
        .map(|(_, rest)| format!("/proc/device-tree/compatible\n a,b\n brcm,bcm2711\n/proc/cpuinfo{rest}"));
    let words: &[&[u8]] = &[
        b"0-1023",
        b"0-1023,0-1023,0-1023,",
        b"1023",
        b"1024",
        b"/sys/devices/system/cpu/cpu",
        b"/sys/class/thermal/thermal_zone",
        b"topology/cluster_cpus_list",
        b"processor : 7\n",
        b"\n ",
        b"0xffffffffffffffff",
    ];
    Fuzz { name: "device", seeds: vec![PHONE.into(), board.unwrap_or_default().into_bytes()], words, memory: 800 }.run(tell);
}

#[test]
fn a_list_that_repeats_itself_takes_no_more_memory() {
    let trial = Fuzz { name: "device", seeds: Vec::new(), words: &[], memory: 100 };
    let list = "0-1023,".repeat(30_000);
    assert_eq!(
        trial.read_one(list.as_bytes(), |bytes| format!(
            "{:?}",
            CpuList::parse(&String::from_utf8_lossy(bytes)).map(|list| list.0.len())
        )),
        "Some(1024)"
    );
}

#[test]
fn clusters_of_an_agents_line_survive() {
    let line = r#"[{"cpus":"0-3","core":"Cortex-A53","min_mhz":652.8,"max_mhz":2016.0,"governor":"interactive","shared_l2":"0-3"},{"cpus":"4-7","core":null,"min_mhz":null,"max_mhz":null,"capacity":1024,"governor":null,"shared_l2":null}]"#;
    let words: &[&[u8]] = &[b"\"0-1023\"", b"{\"cpus\":\"0-1023\"},", b"0,0,", b"null", b"[[[["];
    // A list of seven letters is of 1024 numbers.
    Fuzz { name: "clusters", seeds: vec![line.into()], words, memory: 2000 }.run(|bytes| {
        match serde_json::from_slice::<Vec<Cluster>>(bytes) {
            Ok(clusters) => format!("{} clusters", clusters.len().min(3)),
            Err(e) => e.to_string(),
        }
    });
}

#[test]
fn temperatures_that_are_none() {
    for text in ["nan", "inf", "-inf", "1e309", "-273150", "", "0x10", "1e5e"] {
        assert_eq!(celsius(text), None, "{text}");
    }
    assert_eq!(Files::read(Path::new("/nowhere")), Files::default());
}
