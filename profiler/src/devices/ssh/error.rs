//! Why a board cannot be reached by ssh.

use std::io;

use files::FileError;

/// Why there is no way to a board.
#[derive(Debug, thiserror::Error)]
pub enum SshError {
    /// An invalid address.
    #[error("'{address}' is not an ssh address: {reason}; use ssh://user@host[:port]")]
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
    #[error("ssh has no valid settings for the host '{host}' (ssh -G {host}): {said}")]
    Configuration {
        /// The host as it was given.
        host: String,
        /// Its words.
        said: String,
    },
    /// A host key never seen.
    #[error(
        "{device}: its host key (SHA256:{fingerprint}) is not known.{remark} Compare the fingerprint with \
         the device's own (run there: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), then add it with:\n  {command}"
    )]
    UnknownHostKey {
        /// The device.
        device: String,
        /// Of its key.
        fingerprint: String,
        /// What else the user should know: sentences, each after a blank.
        remark: String,
        /// Adds the key.
        command: String,
    },
    /// Another host key than the known one.
    #[error(
        "{device}: its host key (SHA256:{fingerprint}) is not the one in {place}. Either someone intercepts the connection, or the device was reinstalled. \
         Only if it was reinstalled, remove the old key and try again:\n  {command}"
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
        "{device}: its host key (SHA256:{fingerprint}) is marked as revoked in {place}: someone who has stolen it can pretend to be the device. \
         Give the device a new key (on the device: remove /etc/ssh/ssh_host_*_key* and run ssh-keygen -A)"
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
        "{device}: authentication failed for user '{user}'; tried {}. Passwords are not supported: copy your public key into the \
         device's ~/.ssh/authorized_keys \
         (ssh-copy-id); if the key has a passphrase, add the key to ssh-agent (ssh-add)",
        if .tried.is_empty() { "nothing (no ssh-agent, no key file)".to_string() } else { .tried.join(", ") }
    )]
    NotLetIn {
        /// The device.
        device: String,
        /// Who.
        user: String,
        /// Keys tried.
        tried: Vec<String>,
    },
    /// A file of the host.
    #[error(transparent)]
    File(#[from] FileError),
}
