//! ONNX Runtime, a shared library that is loaded at run time.

#[cfg(feature = "onnxruntime")]
mod engine;
mod library;
#[cfg(feature = "onnxruntime")]
mod session;

use crate::entry::{Agents, Builds, Delivery, Entry, ModelFormat, Setup};

pub use library::LIBRARY;
use library::NAME;

/// What it is.
pub static ENTRY: Entry = Entry {
    name: "ort",
    full_name: NAME,
    format: ModelFormat::Onnx,
    ports_by_name: false,
    delivery: Delivery::Library(&LIBRARY),
    // The prepared one for GNU brings its own C library and runs on any kernel of its architecture; that of cross does not.
    agents: Agents {
        prepared: Builds { android: &["linux-android", "linux-gnu"], linux: &["linux-gnu"] },
        crossed: Builds { android: &["linux-android"], linux: &["unknown-linux-gnu"] },
        advice: "build one in a clone of the project: scripts/build-agent.sh, for ARMv8 Linux and Android, or cross, for one of them; see \
                 docs/src/engines.md there",
    },
    remedy: "a statically linked profiler cannot load it; build a dynamic one with `cargo build --release -p profiler`",
    setup: Some(Setup {
        fetches: "Library of ONNX Runtime",
        script: "setup-onnxruntime.sh",
        text: include_str!("../../../scripts/setup-onnxruntime.sh"),
    }),
    not_simulated: Some("it crashes in QEMU 7.2, whose plugins the simulator needs"),
    environment: &[library::VARIABLE],
    #[cfg(feature = "onnxruntime")]
    open: Some(engine::open),
    #[cfg(not(feature = "onnxruntime"))]
    open: None,
};
