//! Whether a host is the one that the user knows: its key, compared with the files of known hosts.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use files::FileError;
use ssh2::{HashType, Session};
use terminal::quote;

use super::address::Address;
use super::error::SshError;
use super::known_hosts::{KnownHosts, Verdict};
use super::settings::Settings;
use crate::devices::notice::Notice;

/// Kinds of host keys as files name them, the best first, and what a host is asked for to get one.
const KEY_KINDS: [(&str, &str); 5] = [
    ("ssh-ed25519", "ssh-ed25519"),
    ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256"),
    ("ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384"),
    ("ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521"),
    ("ssh-rsa", "rsa-sha2-512,rsa-sha2-256,ssh-rsa"),
];

/// What the files of known hosts say of this host. A file that is not there says nothing.
pub(super) fn known(settings: &Settings, device: &str, notices: &mut Vec<Notice>) -> Result<KnownHosts, SshError> {
    let mut known = KnownHosts::new(settings.names());
    for file in &settings.known_hosts {
        match std::fs::read(file) {
            Ok(bytes) => known.add(file, &bytes),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => {
                notices.push(Notice::KnownHostsUnread { device: device.to_string(), file: file.clone(), reason: e.to_string() })
            }
        }
    }
    if let Some(file) = &settings.revoked {
        // Without it no host is accepted: the file may list this host's key.
        let read = std::fs::read(file).and_then(|bytes| known.add_revoked(file, &bytes));
        read.map_err(FileError::new("cannot read the revoked keys of", file))?;
    }
    Ok(known)
}

/// What a host is asked for: it has several keys, of which the user's files may know only one.
pub fn key_kinds(known: &KnownHosts) -> String {
    let names = known.kinds();
    let (first, rest): (Vec<_>, Vec<_>) = KEY_KINDS.iter().partition(|(name, _)| names.contains(name));
    first.iter().chain(&rest).map(|(_, asked)| *asked).collect::<Vec<_>>().join(",")
}

/// Compares the key that the host has shown.
pub(super) fn verify(
    session: &Session,
    settings: &Settings,
    device: &str,
    address: &Address,
    known: &KnownHosts,
) -> Result<(), SshError> {
    let device = device.to_string();
    let fingerprint = session.host_key_hash(HashType::Sha256).map(|hash| STANDARD_NO_PAD.encode(hash)).unwrap_or_default();
    let names = settings.names();
    match session.host_key().map_or(Verdict::Unknown { authority: None }, |(key, _)| known.verdict(key)) {
        Verdict::Known => Ok(()),
        Verdict::Revoked(place) => Err(SshError::RevokedHostKey { device, fingerprint, place: place.to_string() }),
        Verdict::Changed(place) => {
            let file = quote(&place.file.to_string_lossy());
            let command = format!("ssh-keygen -f {file} -R {}", quote(names.first()));
            Err(SshError::ChangedHostKey { device, fingerprint, place: place.to_string(), command })
        }
        Verdict::Unknown { authority } => {
            let mut remark = String::new();
            if let Some(place) = authority {
                remark +=
                    &format!(" The certificate authority in {place} is not used: keys that one has signed are not supported.");
            }
            if settings.lax {
                remark += " The setting StrictHostKeyChecking of ssh, which accepts unknown hosts, is ignored here.";
            }
            let command = adding(settings, address);
            Err(SshError::UnknownHostKey { device, fingerprint, remark, command })
        }
    }
}

/// The command that adds the key of a host that is not known yet.
fn adding(settings: &Settings, address: &Address) -> String {
    let Some(file) = settings.known_hosts.first() else { return String::new() };
    if settings.proxy.is_some() || settings.alias.is_some() {
        // Its tool goes straight to a host, and knows of no alias; ssh itself asks.
        let port = address.port.map(|port| format!("-p {port} ")).unwrap_or_default();
        return format!("ssh -o StrictHostKeyChecking=ask {port}{} true", quote(&address.host));
    }
    let target = quote(&file.to_string_lossy());
    let open = std::fs::read(file).is_ok_and(|bytes| bytes.last().is_some_and(|&b| b != b'\n'));
    // Its first key must not run on from a last line without an end.
    let end = if open { format!("echo >> {target}; ") } else { String::new() };
    format!("{end}ssh-keyscan -t ed25519,ecdsa,rsa -p {} {} >> {target}", settings.port, quote(&settings.host))
}
