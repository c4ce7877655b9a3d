//! Which engines there are, and what is known of each before it is opened: one entry an engine.

use std::fmt;
use std::str::FromStr;

/// Which engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EngineKind {
    /// ONNX Runtime, from a shared library.
    OnnxRuntime,
    /// tract, compiled in.
    Tract,
    /// MNN, compiled in.
    Mnn,
}

/// What an engine loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ModelFormat {
    /// ONNX.
    Onnx,
    /// MNN's own; [`convert`](crate::mnn::convert) makes it of ONNX.
    Mnn,
}

/// How an engine gets onto a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// As a shared library that is sent beside the agent.
    SharedLibrary,
    /// As a part of the agent.
    InAgent,
}

/// Where agents are found that run an engine: what follows the architecture in the names of their folders, the best first.
#[derive(Debug)]
pub struct Agents {
    /// In the cache folder, for a Linux.
    pub cached: &'static [&'static str],
    /// In the cache folder, for an Android.
    pub cached_android: &'static [&'static str],
    /// Among what cross has built, for a Linux.
    pub crossed: &'static [&'static str],
    /// Among what cross has built, for an Android.
    pub crossed_android: &'static [&'static str],
    /// How to build one.
    pub advice: &'static str,
}

/// What is known of an engine.
#[derive(Debug)]
pub struct Entry {
    /// Its name on the command line.
    pub name: &'static str,
    /// Its name in tables.
    pub long_name: &'static str,
    /// What it loads.
    pub format: ModelFormat,
    /// Whether its sessions list inputs and outputs by name, not in the model's order.
    pub ports_by_name: bool,
    /// How it gets onto a device.
    pub delivery: Delivery,
    /// The agents that run it.
    pub agents: Agents,
    /// Why it cannot be run on a simulated device; `None` where it can.
    pub not_simulated: Option<&'static str>,
    /// Whether this build holds it.
    pub is_built: bool,
    /// How to get a build that holds it.
    pub remedy: &'static str,
}

const ONNX_RUNTIME: Entry = Entry {
    name: "ort",
    long_name: "onnxruntime",
    format: ModelFormat::Onnx,
    ports_by_name: false,
    delivery: Delivery::SharedLibrary,
    // The gnu one of the script brings its own C library and runs on any kernel of that architecture; that of cross does not.
    agents: Agents {
        cached: &["linux-gnu"],
        cached_android: &["linux-android", "linux-gnu"],
        crossed: &["unknown-linux-gnu"],
        crossed_android: &["linux-android"],
        advice: "build one in a clone of the project: scripts/build-agent.sh makes it for ARMv8 Linux and Android alike, cross for one of \
                 them; see docs/src/engines.md there",
    },
    not_simulated: Some("it crashes in QEMU 7.2, whose plugins the simulator needs"),
    is_built: cfg!(feature = "onnxruntime"),
    remedy: "a static program cannot load it, `cargo build --release -p profiler` makes one that can",
};

const TRACT: Entry = Entry {
    name: "tract",
    long_name: "tract",
    format: ModelFormat::Onnx,
    ports_by_name: false,
    delivery: Delivery::InAgent,
    // A single static program that runs on any kernel; only that one is built with the engine. Whether those of cross are, they say
    // themselves.
    agents: Agents {
        cached: &["linux-musl"],
        cached_android: &["linux-musl"],
        crossed: &["unknown-linux-musl"],
        crossed_android: &["unknown-linux-musl", "linux-android"],
        advice: "build one with tract in a clone of the project: scripts/build-agent.sh musl makes it for ARMv8 Linux and Android alike; \
                 see docs/src/engines.md there",
    },
    not_simulated: None,
    is_built: cfg!(feature = "tract"),
    remedy: "for this machine: `cargo build --release -p profiler --features tract`; for ARMv8 devices: `scripts/build-agent.sh musl`, \
             both in a clone of the project",
};

const MNN: Entry = Entry {
    name: "mnn",
    long_name: "mnn",
    format: ModelFormat::Mnn,
    ports_by_name: true,
    delivery: Delivery::InAgent,
    agents: Agents {
        cached: &["linux-gnu-mnn"],
        cached_android: &["linux-gnu-mnn"],
        crossed: &["unknown-linux-gnu"],
        crossed_android: &["linux-android"],
        advice: "build one with MNN in a clone of the project: scripts/build-agent.sh mnn makes it for ARMv8 Linux and Android alike; \
                 see docs/src/engines.md there",
    },
    not_simulated: None,
    is_built: cfg!(feature = "mnn"),
    remedy: "for this machine: `cargo build --release -p profiler --features mnn`; for ARMv8 devices: `scripts/build-agent.sh mnn`, \
             both in a clone of the project",
};

impl EngineKind {
    /// All of them, those too that this build does not hold: it may steer a device whose agent does.
    pub const ALL: [Self; 3] = [Self::OnnxRuntime, Self::Tract, Self::Mnn];

    /// What is known of it.
    pub const fn entry(self) -> &'static Entry {
        match self {
            Self::OnnxRuntime => &ONNX_RUNTIME,
            Self::Tract => &TRACT,
            Self::Mnn => &MNN,
        }
    }

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        self.entry().name
    }

    /// What it loads.
    pub const fn format(self) -> ModelFormat {
        self.entry().format
    }

    /// Whether its sessions list inputs and outputs by name, not in the model's order.
    pub const fn ports_by_name(self) -> bool {
        self.entry().ports_by_name
    }

    /// Whether this build holds it.
    pub const fn is_built(self) -> bool {
        self.entry().is_built
    }
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for EngineKind {
    type Err = String;

    /// Reads the command line's name, or the long one of tables.
    fn from_str(s: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|kind| [kind.entry().name, kind.entry().long_name].contains(&s));
        known.ok_or_else(|| format!("unknown engine '{s}'; known are {}", Self::ALL.map(Self::name).join(", ")))
    }
}
