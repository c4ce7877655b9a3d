//! What tells a processor from another one of the same name: virtual machines call very different ones `Intel Xeon Processor`.

use std::collections::{BTreeMap, BTreeSet};

use super::files::Files;
use super::values::{LIMIT, clean, hex, number};

/// Instruction sets that bear on arithmetic begin so, as Linux names them: x86's, then Arm's.
const ARITHMETIC: [&str; 18] = [
    "sse", "ssse3", "avx", "fma", "f16c", "amx", "xop", "fp", "vfp", "neon", "asimd", "sve", "sme", "i8mm", "bf16", "fcma", "idiv",
    "pni",
];
/// Instruction sets taken from a file, and letters of each.
const MOST: usize = 100;
const LONGEST: usize = 40;

/// Implementers and parts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    /// Of each processor.
    pub of_each: BTreeMap<usize, (u64, u64)>,
    /// Of none in particular: older kernels write it once, after all processors, some before them.
    pub of_all: Option<(u64, u64)>,
}

/// What /proc/cpuinfo says of each processor.
pub(super) struct Processors {
    /// The values of each field, with the processors that they stand under.
    fields: BTreeMap<String, Vec<(Option<usize>, String)>>,
}

impl Processors {
    pub(super) fn of(files: &Files) -> Self {
        let mut fields: BTreeMap<String, Vec<_>> = BTreeMap::new();
        let mut cpu = None;
        for (key, value) in files.text("/proc/cpuinfo").unwrap_or_default().lines().filter_map(|line| line.split_once(':')) {
            if key.trim() == "processor" {
                cpu = value.trim().parse().ok();
            }
            fields.entry(key.trim().to_string()).or_default().push((cpu, value.trim().to_string()));
        }
        Self { fields }
    }

    /// A processor's field; one that stands in the file once is all processors' (older kernels end so).
    fn field(&self, cpu: usize, name: &str) -> Option<&str> {
        match self.fields.get(name)?.as_slice() {
            [(_, value)] => Some(value),
            several => several.iter().find(|(of, _)| *of == Some(cpu)).map(|(_, value)| value.as_str()),
        }
    }

    /// The processors that are in the file. Those that are switched off are not.
    pub(super) fn numbers(&self) -> Vec<usize> {
        let told = self.fields.get("processor").into_iter().flatten();
        let numbers: BTreeSet<usize> = told.filter_map(|(_, value)| value.parse().ok()).filter(|&cpu| cpu < LIMIT).collect();
        numbers.into_iter().collect()
    }

    /// Which core each processor is.
    pub(super) fn parts(&self) -> Parts {
        let told = self.fields.get("CPU part").into_iter().flatten();
        let implementer = |cpu: Option<usize>| {
            let all = self.fields.get("CPU implementer")?;
            all.iter().rfind(|(of, _)| *of == cpu).or(all.first().filter(|_| all.len() == 1)).and_then(|(_, value)| hex(value))
        };
        let found: Vec<_> = told.filter_map(|(cpu, value)| Some((*cpu, (implementer(*cpu)?, hex(value)?)))).collect();
        let owners: BTreeSet<Option<usize>> = found.iter().map(|(cpu, _)| *cpu).collect();
        match found.first() {
            // Not of the one that happens to stand above; and if there are several that differ, it is unknown whose they are.
            Some((_, first)) if owners.len() == 1 && self.numbers().len() != 1 => {
                let of_all = Some(*first).filter(|first| found.iter().all(|(_, part)| part == first));
                Parts { of_all, ..Parts::default() }
            }
            _ => {
                let of_each = found.iter().filter_map(|&(cpu, part)| Some((cpu.filter(|&cpu| cpu < LIMIT)?, part))).collect();
                Parts { of_each, of_all: None }
            }
        }
    }

    /// Maker, family, model and stepping; on Arm implementer, part, variant and revision, from the register `midr` where the
    /// kernel shows it.
    pub(super) fn identity(&self, cpu: usize, midr: Option<u64>) -> Option<String> {
        let arm = |implementer: u64, part: u64, variant: u64, revision: u64| {
            Some(format!("implementer {implementer:#x} part {part:#x} variant {variant:#x} revision {revision}"))
        };
        if let Some(midr) = midr {
            return arm(midr >> 24 & 0xff, midr >> 4 & 0xfff, midr >> 20 & 0xf, midr & 0xf);
        }
        let decimal = |name: &str| number(self.field(cpu, name)?);
        let hex = |name: &str| hex(self.field(cpu, name)?);
        if let (Some(family), Some(model), Some(stepping)) = (decimal("cpu family"), decimal("model"), decimal("stepping")) {
            return clean(&format!("{} family {family} model {model} stepping {stepping}", self.field(cpu, "vendor_id")?));
        }
        arm(hex("CPU implementer")?, hex("CPU part")?, hex("CPU variant")?, decimal("CPU revision")?)
    }

    /// Its instruction sets that bear on arithmetic, separated by blanks.
    pub(super) fn instruction_sets(&self, cpu: usize) -> Option<String> {
        let all = self.field(cpu, "flags").or_else(|| self.field(cpu, "Features"))?;
        let is_arithmetic = |name: &&str| {
            ARITHMETIC.iter().any(|start| name.starts_with(start))
                && name.len() <= LONGEST
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        let mut names: Vec<&str> = all.split_whitespace().filter(is_arithmetic).take(MOST).collect();
        names.sort_unstable();
        names.dedup();
        (!names.is_empty()).then(|| names.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn processors(cpuinfo: &str) -> Processors {
        let lines: String = cpuinfo.lines().map(|line| format!(" {line}\n")).collect();
        Processors::of(&Files::parse(&format!("/proc/cpuinfo\n{lines}")))
    }

    #[test]
    fn processors_of_one_name_are_told_apart() {
        let xeon = |model: u64, flags: &str| {
            let one = |cpu: u64| {
                format!(
                    "processor\t: {cpu}\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: {model}\n\
                     model name\t: Intel(R) Xeon(R) Processor\nstepping\t: 8\nflags\t\t: fpu vme sse2 avx2 {flags} ht\n\n"
                )
            };
            processors(&format!("{}{}", one(0), one(1)))
        };
        let (old, new) = (xeon(85, "avx512f"), xeon(143, "amx_tile avx512f avx512_fp16"));
        assert_eq!(old.identity(1, None).as_deref(), Some("GenuineIntel family 6 model 85 stepping 8"));
        assert_eq!(new.identity(1, None).as_deref(), Some("GenuineIntel family 6 model 143 stepping 8"));
        assert_eq!(old.instruction_sets(1).as_deref(), Some("avx2 avx512f fpu sse2"));
        assert_eq!(new.instruction_sets(0).as_deref(), Some("amx_tile avx2 avx512_fp16 avx512f fpu sse2"));
    }

    #[test]
    fn arms_processors_by_register_or_by_file() {
        let each = "Features\t: fp asimd evtstrm aes crc32 asimdhp asimddp\nCPU implementer\t: 0x41\nCPU architecture: 8\n\
                    CPU variant\t: 0x1\nCPU part\t: 0xd05\nCPU revision\t: 0\n\n";
        let both = processors(&format!("processor\t: 0\n{each}processor\t: 1\n{each}"));
        let expected = Some("implementer 0x41 part 0xd05 variant 0x1 revision 0".to_string());
        assert_eq!(both.identity(1, None), expected);
        assert_eq!(both.identity(1, Some(0x411f_d050)), expected);
        assert_eq!(both.instruction_sets(1).as_deref(), Some("asimd asimddp asimdhp fp"));
        // Once at the end: all processors'.
        let once = processors(&format!("processor\t: 0\nprocessor\t: 1\n\n{each}"));
        assert_eq!((once.identity(0, None), once.instruction_sets(0)), (expected, both.instruction_sets(1)));
        // One that is switched off is not in the file.
        assert_eq!((both.identity(2, None), both.instruction_sets(2)), (None, None));
        assert_eq!(processors("").identity(0, None), None);
    }
}
