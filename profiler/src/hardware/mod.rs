//! What a device is: model, chip, clusters of processors with their clocks, sensors, memory.
//!
//! It is read from a handful of files, wherever they come from: this machine, a phone's shell, a test. On phones, files that are
//! missing, odd, unreadable or lying are normal: everything here is optional, and nothing fails.
//!
//! | module | what it holds |
//! |---|---|
//! | [`files`] | which files, and how they are fetched |
//! | [`cpu`] | processors and their clusters |
//! | [`names`] | names of cores and chips |
//! | `processor` | what tells processors of one name apart |
//! | `values` | numbers and texts that a file may hold |

pub mod cpu;
pub mod files;
#[cfg(test)]
mod fuzz;
pub mod names;
mod processor;
mod values;

use serde::{Deserialize, Serialize};

pub use cpu::{Cluster, CpuList, choose};
pub use files::Files;

use values::number;

/// What is known of a device.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Knowledge {
    /// Its common name.
    pub model: Option<String>,
    /// Its chip: the name on the box where it is known, else the vendor's.
    pub soc: Option<String>,
    /// Its system: `Android 9`.
    pub system: Option<String>,
    /// Kernel release.
    pub kernel: Option<String>,
    /// Memory in MiB.
    pub memory_mib: Option<u64>,
    /// Processors that share what matters, in the order of their numbers.
    pub clusters: Vec<Cluster>,
    /// Temperature sensors.
    pub sensors: Vec<Sensor>,
}

/// A temperature sensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sensor {
    /// Number of its thermal zone.
    pub zone: usize,
    /// What it says it is.
    pub kind: String,
    /// What it shows, in °C.
    pub celsius: f64,
}

impl Sensor {
    /// The file it is read from.
    pub fn path(&self) -> String {
        format!("/sys/class/thermal/thermal_zone{}/temp", self.zone)
    }

    /// Whether it says that it sits at the processors. Batteries, skins and power amplifiers follow the screen and the radio.
    pub fn is_of_processors(&self) -> bool {
        let kind = self.kind.to_lowercase();
        ["cpu", "tsens", "soc", "x86_pkg", "coretemp", "cluster", "apc", "big", "little"].iter().any(|name| kind.contains(name))
    }
}

/// A temperature in °C from what a sensor's file holds: thousandths of a degree; whole degrees or tenths in some kernels of
/// vendors. `None` for what no working device can have.
pub fn celsius(text: &str) -> Option<f64> {
    let raw: f64 = text.trim().parse().ok()?;
    [0.001, 1.0, 0.1].iter().map(|unit| raw * unit).find(|c| (5.0..=130.0).contains(c))
}

impl Knowledge {
    /// What the files say.
    pub fn of(files: &Files) -> Self {
        let property = |name: &str| files.property(name);
        let tree = |name: &str| files.line(&format!("/proc/device-tree/{name}"));
        let dmi = |name: &str| files.line(&format!("/sys/class/dmi/id/{name}"));
        let joined = |maker: Option<String>, name: Option<String>| match (maker, name) {
            (Some(maker), Some(name)) if !name.to_lowercase().starts_with(&maker.to_lowercase()) => Some(format!("{maker} {name}")),
            (maker, name) => name.or(maker),
        };
        let phone = joined(property("ro.product.manufacturer"), property("ro.product.model"));
        let computer = joined(dmi("sys_vendor"), dmi("product_name"));
        Self {
            model: phone.or_else(|| tree("model")).or(computer),
            soc: names::soc(files),
            system: property("ro.build.version.release").map(|version| format!("Android {version}")),
            kernel: files.line("/proc/sys/kernel/osrelease"),
            memory_mib: files
                .field("/proc/meminfo", "MemTotal")
                .and_then(|text| Some(number(text.split_whitespace().next()?)? / 1024)),
            clusters: cpu::clusters(files),
            sensors: sensors(files),
        }
    }
}

fn sensors(files: &Files) -> Vec<Sensor> {
    let zones = files.numbered("/sys/class/thermal/thermal_zone");
    let sensor = |zone: usize| {
        let at = |name: &str| files.line(&format!("/sys/class/thermal/thermal_zone{zone}/{name}"));
        let celsius = celsius(&at("temp")?)?;
        Some(Sensor { zone, kind: at("type").unwrap_or_else(|| "unknown".to_string()), celsius })
    };
    zones.into_iter().filter_map(sensor).collect()
}
