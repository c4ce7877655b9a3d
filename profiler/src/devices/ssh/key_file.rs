//! As much of a key file as can be read without its passphrase.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// How a key begins in OpenSSH's own form.
const MAGIC: &[u8] = b"openssh-key-v1\0";

/// What is known of a key file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyFile {
    /// Whether the private part needs a passphrase.
    pub encrypted: bool,
    /// Whether there is a private part.
    pub private: bool,
    /// The public part in ssh's binary form, where it can be read.
    pub public: Option<Vec<u8>>,
}

impl KeyFile {
    /// Reads a private key's file, or a public one's.
    pub fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let public = |line: &str| STANDARD.decode(line.split_whitespace().nth(1)?).ok();
        if !text.contains("-----BEGIN ") {
            return Self { public: text.lines().next().and_then(public), ..Self::default() };
        }
        if text.contains("ENCRYPTED") {
            return Self { encrypted: true, private: true, public: None };
        }
        let body: String = text.lines().map(str::trim).filter(|line| !line.starts_with("-----")).collect();
        let own = STANDARD.decode(body).ok().and_then(|bytes| openssh(&bytes));
        let (encrypted, public) = own.map_or((false, None), |(encrypted, public)| (encrypted, Some(public)));
        Self { encrypted, private: true, public }
    }
}

/// Whether a key in OpenSSH's own form is encrypted, and its public part.
fn openssh(bytes: &[u8]) -> Option<(bool, Vec<u8>)> {
    let mut rest = bytes.strip_prefix(MAGIC)?;
    let mut string = || {
        let (length, after) = rest.split_first_chunk()?;
        let (text, after) = after.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        rest = after;
        Some(text)
    };
    let (cipher, _, _) = (string()?, string()?, string()?);
    let encrypted = cipher != b"none";
    // The number of keys; there is one.
    rest = rest.get(4..)?;
    let (length, after) = rest.split_first_chunk()?;
    let public = after.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    Some((encrypted, public.to_vec()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::*;

    #[test]
    fn keys_as_ssh_keygen_makes_them() {
        let folder = tempfile::tempdir().unwrap();
        for (options, told) in [(&["-t", "ed25519"][..], true), (&["-t", "rsa", "-m", "PEM"], false), (&["-t", "ecdsa"], true)] {
            for passphrase in ["", "secret"] {
                let file = folder.path().join(format!("{}-{}", options.len(), options[1]).replace('/', "-") + passphrase);
                let made = Command::new("ssh-keygen").args(["-q", "-N", passphrase, "-f"]).arg(&file).args(options).status();
                // A machine without it has no such keys either.
                if !made.is_ok_and(|status| status.success()) {
                    return;
                }
                let (key, public) = (fs::read(&file).unwrap(), fs::read(file.with_extension("pub")).unwrap());
                let (key, public) = (KeyFile::parse(&key), KeyFile::parse(&public));
                assert!(key.private && key.encrypted != passphrase.is_empty(), "{options:?}: {key:?}");
                assert!(!public.private && public.public.is_some());
                assert_eq!(key.public, if told { public.public } else { None });
            }
        }
    }

    #[test]
    fn what_is_no_key() {
        for bytes in [&b""[..], b"\xff\xfe", b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n-----END", b"ssh-rsa"] {
            let key = KeyFile::parse(bytes);
            assert!(key.public.is_none() && !key.encrypted, "{key:?}");
        }
    }
}
