//! tract, an engine in pure Rust that is part of the program: no library to find, to send or to load.

// Its tests need no tract.
#[cfg(any(feature = "tract", test))]
#[cfg_attr(not(feature = "tract"), allow(dead_code, reason = "only tests use it"))]
mod cpu;
mod names;
#[cfg(feature = "tract")]
mod session;

use crate::entry::{Agents, Builds, Delivery, Entry, ModelFormat};
use names::{CPU_VARIABLE, NAME};

/// What it is.
pub static ENTRY: Entry = Entry {
    name: NAME,
    full_name: NAME,
    format: ModelFormat::Onnx,
    ports_by_name: false,
    delivery: Delivery::Linked,
    // The prepared one is a single static program that runs on any kernel. Whether those of cross hold the engine, they say themselves.
    agents: Agents {
        prepared: Builds { android: &["linux-musl"], linux: &["linux-musl"] },
        crossed: Builds { android: &["unknown-linux-musl", "linux-android"], linux: &["unknown-linux-musl"] },
        advice: "build one with tract in a clone of the project: scripts/build-agent.sh musl, for ARMv8 Linux and Android; see \
                 docs/src/engines.md there",
    },
    remedy: "for this machine: `cargo build --release -p profiler --features tract`; for ARMv8 devices: `scripts/build-agent.sh musl`, \
             both in a clone of the project",
    setup: None,
    not_simulated: None,
    environment: &[CPU_VARIABLE],
    #[cfg(feature = "tract")]
    open: Some(session::open),
    #[cfg(not(feature = "tract"))]
    open: None,
};
