//! Why there is no agent or no engine library for a device.

use std::path::PathBuf;

use engines::elf::System;
use files::FileError;

/// Why nothing can be brought to a device.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// No agent for this kind of device.
    #[error("no agent for {device} ({abi}); searched{}\n{advice}", .tried.iter().map(|t| format!("\n  {t}")).collect::<String>())]
    NoAgent {
        /// The device.
        device: String,
        /// Its kind.
        abi: String,
        /// Where it was looked for.
        tried: Vec<String>,
        /// How to get one.
        advice: &'static str,
    },
    /// No engine library for this kind of device.
    #[error(
        "no ONNX Runtime for {device} ({abi}); searched{}\nname one with --engine-lib; for an agent for Linux, `profiler setup ort aarch64` \
         fetches it",
        .tried.iter().map(|t| format!("\n  {t}")).collect::<String>()
    )]
    NoEngine {
        /// The device.
        device: String,
        /// Its kind.
        abi: String,
        /// Where it was looked for.
        tried: Vec<String>,
    },
    /// An engine library that is not the one of its first use.
    #[error(
        "{path} has changed since its first use (SHA-256 {found}, recorded {noted}). Two builds of one version can differ by up to 1.5 ×. \
         If you replaced it on purpose, remove its line from {lock}"
    )]
    EngineChanged {
        /// The file.
        path: PathBuf,
        /// Its hash at the first use.
        noted: String,
        /// Its hash now.
        found: String,
        /// The lock file.
        lock: PathBuf,
    },
    /// A file for another kind of device.
    #[error("{path} cannot be used on {device}: {reason}")]
    WrongFile {
        /// The file on the host.
        path: PathBuf,
        /// The device.
        device: String,
        /// Why.
        reason: String,
    },
    /// An agent and a library that cannot work together.
    #[error("{library} is a library for {library_system}, the agent {agent} is a program for {agent_system}: both must be for the same system.\n{}", one_kind(*.agent_system))]
    Kinds {
        /// The engine's library.
        library: PathBuf,
        /// What it is made for.
        library_system: System,
        /// The agent.
        agent: PathBuf,
        /// What it is made for.
        agent_system: System,
    },
    /// A file of the host.
    #[error(transparent)]
    File(#[from] FileError),
}

/// How agent and library become of one kind.
fn one_kind(agent: System) -> &'static str {
    match agent {
        System::Android => {
            "Name Android's library with --engine-lib (the .aar of onnxruntime-android), or take the agent that loads this one: \
             scripts/build-agent.sh in a clone of the project makes it, with BLOCKTIME_AGENT not set"
        }
        System::Linux => {
            "Leave --engine-lib out (`profiler setup ort aarch64` fetches the library for this agent), or build an agent for \
             Android, by cross (docs/src/engines.md in a clone of the project)"
        }
    }
}
