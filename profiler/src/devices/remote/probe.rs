//! What a device says of itself, before anything is sent there.

use std::collections::BTreeMap;

use crate::devices::deliver::Target;

/// What is known of a device before anything is sent there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The folder that everything goes into.
    pub folder: String,
    /// What kind of device it is.
    pub target: Target,
    /// Whether it can compute SHA-256.
    pub hashes: bool,
    /// Whether it can unpack archives.
    pub unpacks: bool,
}

/// Reads what a device says of itself, lines `name=value`.
///
/// # Errors
/// What is missing or odd, in words.
pub(super) fn parse_probe(text: &str) -> Result<Probe, String> {
    let value = |name: &str| {
        let lines = text.lines().filter_map(|line| line.trim().split_once('='));
        lines.filter(|(key, _)| *key == name).map(|(_, value)| value.trim().to_string()).find(|value| !value.is_empty())
    };
    let need = |name: &str| value(name).ok_or_else(|| format!("it does not report its '{name}'"));
    let arch = match need("arch")?.as_str() {
        "arm64" | "aarch64" => "aarch64".to_string(),
        "amd64" | "x86_64" => "x86_64".to_string(),
        other => other.to_string(),
    };
    let folder = need("folder")?;
    if !folder.starts_with('/') {
        return Err(format!("its folder is '{folder}'"));
    }
    // Of one line break.
    let hashes = value("hash").is_some_and(|hash| hash.starts_with("01ba4719c80b6fe9"));
    let target = Target { arch, android: value("sdk").is_some() };
    Ok(Probe { folder, target, hashes, unpacks: value("tar").is_some() })
}

/// Reads `sha256sum`'s lines; others are left out.
pub(super) fn parse_hashes(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter_map(|line| line.split_once(' '));
    let good = lines.filter(|(hash, _)| hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()));
    good.map(|(hash, name)| (name.trim_start_matches([' ', '*']).to_string(), hash.to_ascii_lowercase())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_device_says_of_itself() {
        let text = "WARNING: linker: odd\r\nfolder=/data/local/tmp/block time\r\narch=aarch64\r\nsdk=28\r\nhash=01ba4719c80b6fe911b091a7c05124b64eeece964e09c058ef8f9805daca546b  -\r\n";
        let probe = parse_probe(text).unwrap();
        assert_eq!(
            probe,
            Probe {
                folder: "/data/local/tmp/block time".into(),
                target: Target { arch: "aarch64".into(), android: true },
                hashes: true,
                unpacks: false
            }
        );
        let board = parse_probe("folder=/root/.cache/blocktime\narch=arm64\nsdk=\nhash=sh: sha256sum: not found").unwrap();
        assert!(!board.target.android && !board.hashes && board.target.arch == "aarch64");
        for bad in ["", "folder=/x", "folder=x\narch=aarch64", "arch=aarch64"] {
            assert!(parse_probe(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn hashes_of_a_device() {
        let hash = "AB".repeat(32);
        let text = format!("{hash}  agent/profiler\n{hash} *engine/a b.so\nsha256sum: x: No such file\nshort  y\n");
        let hashes = parse_hashes(&text);
        assert_eq!(hashes.keys().collect::<Vec<_>>(), ["agent/profiler", "engine/a b.so"]);
        assert_eq!(hashes["agent/profiler"], "ab".repeat(32));
    }
}
