//! Names of cores and chips.

use super::files::Files;
use super::values::clean;

/// Arm's own cores by part number (Arm's technical reference manuals, register MIDR_EL1).
const ARM_CORES: [(u64, &str); 24] = [
    (0xd02, "Cortex-A34"),
    (0xd03, "Cortex-A53"),
    (0xd04, "Cortex-A35"),
    (0xd05, "Cortex-A55"),
    (0xd07, "Cortex-A57"),
    (0xd08, "Cortex-A72"),
    (0xd09, "Cortex-A73"),
    (0xd0a, "Cortex-A75"),
    (0xd0b, "Cortex-A76"),
    (0xd0c, "Neoverse-N1"),
    (0xd0d, "Cortex-A77"),
    (0xd40, "Neoverse-V1"),
    (0xd41, "Cortex-A78"),
    (0xd44, "Cortex-X1"),
    (0xd46, "Cortex-A510"),
    (0xd47, "Cortex-A710"),
    (0xd48, "Cortex-X2"),
    (0xd49, "Neoverse-N2"),
    (0xd4d, "Cortex-A715"),
    (0xd4e, "Cortex-X3"),
    (0xd4f, "Neoverse-V2"),
    (0xd80, "Cortex-A520"),
    (0xd81, "Cortex-A720"),
    (0xd82, "Cortex-X4"),
];

/// Qualcomm's cores that are Arm's with small changes, by part number.
const QUALCOMM_CORES: [(u64, &str); 6] = [
    (0x800, "Kryo 2xx Gold (Cortex-A73)"),
    (0x801, "Kryo 2xx Silver (Cortex-A53)"),
    (0x802, "Kryo 3xx Gold (Cortex-A75)"),
    (0x803, "Kryo 3xx Silver (Cortex-A55)"),
    (0x804, "Kryo 4xx Gold (Cortex-A76)"),
    (0x805, "Kryo 4xx Silver (Cortex-A55)"),
];

/// Chips by the name that their makers' software has for them, and the one on the box.
const CHIPS: [(&str, &str); 21] = [
    ("msm8917", "Snapdragon 425"),
    ("msm8937", "Snapdragon 430"),
    ("msm8953", "Snapdragon 625"),
    ("sdm632", "Snapdragon 632"),
    ("sdm636", "Snapdragon 636"),
    ("sdm660", "Snapdragon 660"),
    ("sdm670", "Snapdragon 670"),
    ("sdm710", "Snapdragon 710"),
    ("msm8996", "Snapdragon 820"),
    ("msm8998", "Snapdragon 835"),
    ("sdm845", "Snapdragon 845"),
    ("msmnile", "Snapdragon 855"),
    ("sm8150", "Snapdragon 855"),
    ("kona", "Snapdragon 865"),
    ("sm8250", "Snapdragon 865"),
    ("lahaina", "Snapdragon 888"),
    ("sm8350", "Snapdragon 888"),
    ("taro", "Snapdragon 8 Gen 1"),
    ("bcm2711", "Broadcom BCM2711"),
    ("bcm2712", "Broadcom BCM2712"),
    ("bcm2837", "Broadcom BCM2837"),
];

/// The name of a core.
pub fn core(implementer: u64, part: u64) -> String {
    let list: &[(u64, &str)] = match implementer {
        0x41 => &ARM_CORES,
        0x51 => &QUALCOMM_CORES,
        _ => &[],
    };
    let known = list.iter().find(|(number, _)| *number == part).map(|(_, name)| name.to_string());
    known.unwrap_or_else(|| format!("implementer {implementer:#x} part {part:#x}"))
}

/// The name of a chip, from whatever tells it.
pub(super) fn soc(files: &Files) -> Option<String> {
    let property = ["ro.soc.model", "ro.board.platform", "ro.chipname", "ro.mediatek.platform"].map(|name| files.property(name));
    // The device tree names the board first, the chip last: `raspberrypi,4-model-b`, `brcm,bcm2711`.
    let tree: Vec<String> =
        files.text("/proc/device-tree/compatible").unwrap_or_default().lines().rev().filter_map(clean).collect();
    let other = [
        files.line("/sys/devices/soc0/machine"),
        files.field("/proc/cpuinfo", "Hardware"),
        files.field("/proc/cpuinfo", "model name"),
    ];
    let told: Vec<String> = property.into_iter().flatten().chain(tree).chain(other.into_iter().flatten()).collect();
    let known = told.iter().find_map(|text| {
        let lower = text.to_lowercase();
        let words: Vec<&str> = lower.split(|c: char| !c.is_ascii_alphanumeric()).collect();
        let (code, name) = CHIPS.iter().find(|(code, _)| words.contains(code))?;
        Some(format!("{name} ({code})"))
    });
    known.or_else(|| told.into_iter().next())
}
