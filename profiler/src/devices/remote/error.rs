//! Trouble with a device that is not this machine.

use std::io;
use std::path::{Path, PathBuf};

use engines::elf::System;

/// Why a remote device does not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// The adb server on this machine.
    #[error(
        "the adb server does not answer at {at}; install Android's platform tools (Debian: package adb) and run `adb start-server`"
    )]
    AdbServer {
        /// Where it was looked for.
        at: String,
        /// Why.
        source: io::Error,
    },
    /// `ADB_SERVER_SOCKET` makes no sense.
    #[error("ADB_SERVER_SOCKET is '{0}'; known are tcp:PORT, tcp:HOST:PORT and localfilesystem:PATH")]
    AdbSocket(String),
    /// No phone.
    #[error("no phone is attached; plug it in, allow USB debugging on it (android/README.md), and look at `profiler devices`")]
    NoPhone,
    /// Which phone?
    #[error(
        "{} phones are attached; name one with --device: {}{}",
        .serials.len(),
        .serials.iter().map(|s| format!("adb:{s}")).collect::<Vec<_>>().join(", "),
        if .others.is_empty() { String::new() } else { format!("; passed over: {}", .others) }
    )]
    SeveralPhones {
        /// The serial numbers of those that can be used.
        serials: Vec<String>,
        /// The others and their states, in words.
        others: String,
    },
    /// Several are there, but none to be used.
    #[error("none of the phones attached can be used:{}", .phones.iter().map(|p| format!("\n  {p}")).collect::<String>())]
    NoGoodPhone {
        /// What is in the way of each.
        phones: Vec<String>,
    },
    /// Cheap phones have the same serial number as others of their kind.
    #[error("several phones with the serial number '{serial}' are attached and cannot be told apart; detach all but one")]
    SameSerial {
        /// Their serial number.
        serial: String,
    },
    /// That phone is not there.
    #[error("no phone with serial number '{serial}'{by} is attached; {}", if .attached.is_empty() { "none is".to_string() } else { format!("attached: {}", .attached) })]
    UnknownPhone {
        /// The one asked for.
        serial: String,
        /// What named it, where that was not the command line.
        by: &'static str,
        /// Those there and their states, in words.
        attached: String,
    },
    /// There, but not to be used.
    #[error("the phone {serial}{by} is {state}; {advice}")]
    PhoneState {
        /// Its serial number.
        serial: String,
        /// What named it, where that was not the command line.
        by: &'static str,
        /// What adb says of it.
        state: String,
        /// What to do.
        advice: &'static str,
    },
    /// The phone's Android is too old.
    #[error("{device}: its adb has no '{feature}'; Android 7 or newer is needed")]
    TooOld {
        /// The device.
        device: String,
        /// What is missing.
        feature: &'static str,
    },
    /// An address that makes no sense.
    #[error("'{address}' is no ssh address: {reason}; use ssh://user@host[:port]")]
    Address {
        /// What was given.
        address: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// No connection.
    #[error("cannot connect to {device}")]
    Connect {
        /// The device.
        device: String,
        /// Why.
        source: io::Error,
    },
    /// ssh does not take its own configuration, or a host's name.
    #[error("ssh does not say how '{host}' is reached (ssh -G {host}): {said}")]
    SshConfig {
        /// The host as it was given.
        host: String,
        /// Its words.
        said: String,
    },
    /// A host key never seen.
    #[error(
        "{device}: its host key (SHA256:{fingerprint}) is not known, and so the device could be anyone's.{remark} Compare the fingerprint with \
         the device's own (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub there), then add it:\n  {command}"
    )]
    UnknownHostKey {
        /// The device.
        device: String,
        /// Of its key.
        fingerprint: String,
        /// What else is to be known of it: sentences, each behind a blank.
        remark: String,
        /// Adds the key.
        command: String,
    },
    /// Another host key than the known one.
    #[error(
        "{device}: its host key (SHA256:{fingerprint}) is not the one in {place}. Someone may be in between, or the device was set up anew; \
         if so, remove the old key and try again:\n  {command}"
    )]
    ChangedHostKey {
        /// The device.
        device: String,
        /// Of its key.
        fingerprint: String,
        /// The file of known hosts and the line.
        place: String,
        /// Removes the old key.
        command: String,
    },
    /// A host key that must not be used any more.
    #[error(
        "{device}: its host key (SHA256:{fingerprint}) is marked as revoked in {place}: whoever has stolen it can pretend to be the device. \
         Give the device a new key (there: remove /etc/ssh/ssh_host_*_key* and run ssh-keygen -A)"
    )]
    RevokedHostKey {
        /// The device.
        device: String,
        /// Of its key.
        fingerprint: String,
        /// The file and the line.
        place: String,
    },
    /// Not let in.
    #[error(
        "{device} does not let '{user}' in; tried {}. Passwords are not used: put your public key into the device's ~/.ssh/authorized_keys \
         (ssh-copy-id), and a key with a passphrase into your agent (ssh-add)",
        if .tried.is_empty() { "nothing (no agent, no key file)".to_string() } else { .tried.join(", ") }
    )]
    NotLetIn {
        /// The device.
        device: String,
        /// Who.
        user: String,
        /// Keys tried.
        tried: Vec<String>,
    },
    /// The device says no.
    #[error("{device} refuses to {what}: {reason}")]
    Refused {
        /// The device.
        device: String,
        /// What was asked.
        what: String,
        /// Its words.
        reason: String,
    },
    /// A short command that failed.
    #[error("{device}: could not {what} (exit code {code}): {said}")]
    Command {
        /// The device.
        device: String,
        /// What it was for.
        what: &'static str,
        /// Its exit code.
        code: i32,
        /// What it wrote.
        said: String,
    },
    /// The connection broke: cable out, daemon gone, network down.
    #[error("lost the connection to {device}")]
    Lost {
        /// The device.
        device: String,
        /// Why.
        source: io::Error,
    },
    /// Too slow.
    #[error("{device}: could not {what} within {seconds} s")]
    TimedOut {
        /// The device.
        device: String,
        /// What it was for.
        what: &'static str,
        /// The limit.
        seconds: u64,
    },
    /// Measured on by someone else.
    #[error("{device}: another profiler measures on it (its process {process}); wait until it is done")]
    Busy {
        /// The device.
        device: String,
        /// The agent's process there.
        process: String,
    },
    /// It says what cannot be.
    #[error("{device} answers oddly: {reason}")]
    Odd {
        /// The device.
        device: String,
        /// What is odd.
        reason: String,
    },
    /// No agent for this kind of device.
    #[error("no agent for {device} ({abi}); tried{}\n{advice}", .tried.iter().map(|t| format!("\n  {t}")).collect::<String>())]
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
        "no ONNX Runtime for {device} ({abi}); tried{}\nname one with --engine-lib, or, for the agent of scripts/build-agent.sh, fetch it: \
         scripts/setup-onnxruntime.sh aarch64",
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
        "{path} is not the file that was used first: its SHA-256 is {found}, noted was {noted}. Two builds of one version can differ by half; \
         if it was replaced on purpose, remove its line from {lock}"
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
    #[error("{library} is a library for {library_system}, the agent {agent} is a program for {agent_system}: they must be of one kind.\n{}", one_kind(*.agent_system))]
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
    #[error("cannot {verb} {path}")]
    File {
        /// What was tried.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// How agent and library become of one kind.
fn one_kind(agent: System) -> &'static str {
    match agent {
        System::Android => {
            "Name Android's library with --engine-lib (the .aar of onnxruntime-android), or take the agent that loads this one: \
             scripts/build-agent.sh makes it, with BLOCKTIME_AGENT not set"
        }
        System::Linux => {
            "Leave --engine-lib out (scripts/setup-onnxruntime.sh aarch64 brings the library for this agent), or build an agent for \
             Android, by cross (android/README.md)"
        }
    }
}

impl RemoteError {
    /// For `map_err` on files of the host.
    pub fn file(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File { verb, path: path.to_path_buf(), source }
    }

    /// For `map_err` on the connection to `device`; `what` was going on.
    pub fn lost(device: &str, what: &'static str, limit: std::time::Duration) -> impl FnOnce(io::Error) -> Self {
        move |source| match source.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                Self::TimedOut { device: device.to_string(), what, seconds: limit.as_secs() }
            }
            _ => Self::Lost { device: device.to_string(), source },
        }
    }
}
