//! What the device says of itself. Files that are missing, odd or unreadable are normal on phones: nothing here fails.

use std::fs;

use crate::hardware::{Files, Knowledge};
use crate::protocol::DeviceFacts;

/// Gathers what can be known.
pub fn facts() -> DeviceFacts {
    let files = Files::here();
    let known = Knowledge::of(&files);
    let serial = files.property("ro.serialno").or_else(|| files.line("/proc/device-tree/serial-number"));
    DeviceFacts {
        arch: std::env::consts::ARCH.to_string(),
        serial: serial.or_else(|| files.field("/proc/cpuinfo", "Serial")),
        known,
        emulation: emulation(std::env::consts::ARCH, files.text("/proc/cpuinfo").unwrap_or_default()),
    }
}

/// What suggests that an emulator runs this program.
///
/// An emulator that wants to hide can; this finds those that do not. User-mode qemu passes the host's files through, except for a few.
fn emulation(arch: &str, cpuinfo: &str) -> Vec<String> {
    let mut hints = Vec::new();
    if let Some((name, _)) = std::env::vars_os().find(|(name, _)| name.to_string_lossy().starts_with("QEMU_")) {
        hints.push(format!("the environment has {}", name.to_string_lossy()));
    }
    hints.extend(foreign_cpu(arch, cpuinfo, &fs::read_to_string("/sys/devices/system/cpu/modalias").unwrap_or_default()));
    if fs::read_to_string("/proc/self/maps").is_ok_and(|maps| maps.contains("/qemu-")) {
        hints.push("qemu is mapped into the process".to_string());
    }
    if arch == "aarch64" && fs::metadata("/sys/devices/system/cpu/microcode").is_ok() {
        hints.push("the kernel loads x86 microcode".to_string());
    }
    hints
}

/// Signs that the kernel runs on another processor than the program.
fn foreign_cpu(arch: &str, cpuinfo: &str, modalias: &str) -> Vec<String> {
    let x86 = ["GenuineIntel", "AuthenticAMD"].iter().any(|vendor| cpuinfo.contains(vendor));
    let mut hints = Vec::new();
    if arch == "aarch64" && x86 {
        hints.push("/proc/cpuinfo shows an x86 processor".to_string());
    }
    if arch == "aarch64" && modalias.starts_with("cpu:type:x86") {
        hints.push("the kernel's modalias is of an x86 processor".to_string());
    }
    if cpuinfo.contains("QEMU TCG") || cpuinfo.contains("QEMU Virtual CPU") {
        hints.push("/proc/cpuinfo shows qemu's processor".to_string());
    }
    hints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arm_program_on_an_x86_kernel_is_emulated() {
        let xeon = "vendor_id\t: GenuineIntel\nmodel name\t: Xeon\n";
        assert_eq!(foreign_cpu("x86_64", xeon, "cpu:type:x86,ven0000"), Vec::<String>::new());
        assert_eq!(foreign_cpu("aarch64", xeon, "").len(), 1);
        // qemu 10 shows an Arm /proc/cpuinfo, but the host's modalias.
        let a53 = "processor\t: 0\nCPU part\t: 0xd03\n";
        assert_eq!(foreign_cpu("aarch64", a53, "cpu:type:x86,ven0000").len(), 1);
        assert_eq!(foreign_cpu("aarch64", a53, "cpu:type:aarch64:feature:,0000"), Vec::<String>::new());
        assert_eq!(foreign_cpu("x86_64", "model name\t: QEMU TCG CPU version 2.5+\n", "").len(), 1);
    }
}
