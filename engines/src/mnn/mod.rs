//! MNN, an engine in C++ that is part of the program, and its converter, which is not.
//!
//! It loads files of its own kind, which its converter makes of ONNX files on the host ([`FORMAT`]); the engine itself is there
//! with feature `mnn`, and [`python`] runs a file by MNN's Python package without it. All must be of one version ([`VERSION`]).

mod convert;
pub mod python;
#[cfg(feature = "mnn")]
mod session;
mod version;

pub use convert::FORMAT;
pub use version::VERSION;

use crate::entry::{Agents, Builds, Delivery, Entry, ModelFormat, Setup};
use version::NAME;

/// What it is.
pub static ENTRY: Entry = Entry {
    name: NAME,
    full_name: NAME,
    format: ModelFormat::Own(&FORMAT),
    ports_by_name: true,
    delivery: Delivery::Linked,
    agents: Agents {
        prepared: Builds { android: &["linux-gnu-mnn"], linux: &["linux-gnu-mnn"] },
        crossed: Builds { android: &["linux-android"], linux: &["unknown-linux-gnu"] },
        advice: "build one with MNN in a clone of the project: scripts/build-agent.sh mnn, for ARMv8 Linux and Android; see \
                 docs/src/engines.md there",
    },
    remedy: "for this machine: `cargo build --release -p profiler --features mnn`; for ARMv8 devices: `scripts/build-agent.sh mnn`, \
             both in a clone of the project",
    setup: Some(Setup { fetches: "Converter of MNN", script: "setup-mnn.sh", text: include_str!("../../../scripts/setup-mnn.sh") }),
    not_simulated: None,
    environment: &[convert::VARIABLE],
    #[cfg(feature = "mnn")]
    open: Some(session::open),
    #[cfg(not(feature = "mnn"))]
    open: None,
};
