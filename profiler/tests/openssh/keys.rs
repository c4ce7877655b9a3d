//! Files of known hosts, what OpenSSH says of a host on them, and the keys in them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use profiler::devices::ssh::key_kinds;
use profiler::devices::ssh::known_hosts::{KnownHosts, Names, Verdict};
use tempfile::TempDir;

use super::missing;

/// Keys of a host and of another one.
pub struct Keys {
    /// Where they lie; its name has a blank and a quote in it.
    pub folder: TempDir,
    ed25519: String,
    rsa: String,
    other_ed25519: String,
    other_rsa: String,
}

impl Keys {
    /// `None`, with a message, where there is no OpenSSH.
    pub fn make() -> Option<Self> {
        if Command::new("ssh-keygen").arg("-?").output().is_err() {
            return missing("ssh-keygen");
        }
        let folder = tempfile::Builder::new().prefix("blocktime ssh's ").tempdir().unwrap();
        let key = |name: &str, kind: &str| {
            let file = folder.path().join(name);
            let made = Command::new("ssh-keygen").args(["-q", "-t", kind, "-N", "", "-C", "", "-f"]).arg(&file).status();
            assert!(made.unwrap().success());
            fs::read_to_string(file.with_extension("pub")).unwrap().trim().to_string()
        };
        let (ed25519, rsa) = (key("host_ed25519", "ed25519"), key("host_rsa", "rsa"));
        let (other_ed25519, other_rsa) = (key("other_ed25519", "ed25519"), key("other_rsa", "rsa"));
        key("user", "ed25519");
        Some(Self { folder, ed25519, rsa, other_ed25519, other_rsa })
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file of known hosts: `{K}` and `{R}` stand for the host's keys, `{O}` and `{Q}` for another host's, `{P}` for the port,
    /// `{HASHED}` and `{HASHED-PORT}` for the host's names in their hashed form, `{LONG}` for 200 kB.
    pub fn file(&self, pattern: &str, port: u16) -> Vec<u8> {
        let mut text = pattern.to_string();
        for (mark, name) in [("{HASHED}", "127.0.0.1".to_string()), ("{HASHED-PORT}", format!("[127.0.0.1]:{port}"))] {
            if text.contains(mark) {
                text = text.replace(mark, &self.hashed(&name));
            }
        }
        let tabbed = |key: &str| key.replace(' ', "\t");
        for (mark, value) in [
            ("{K}", self.ed25519.clone()),
            ("{K-TAB}", tabbed(&self.ed25519)),
            ("{K-DATA}", self.ed25519.split(' ').nth(1).unwrap().to_string()),
            ("{R}", self.rsa.clone()),
            ("{O}", self.other_ed25519.clone()),
            ("{Q}", self.other_rsa.clone()),
            ("{P}", port.to_string()),
            ("{LONG}", "x".repeat(200_000)),
        ] {
            text = text.replace(mark, &value);
        }
        // Bytes that are no text.
        let mut bytes = Vec::new();
        for c in text.chars() {
            match c {
                '\u{ff}' => bytes.push(0xff),
                c => bytes.extend(c.to_string().into_bytes()),
            }
        }
        bytes
    }

    fn hashed(&self, name: &str) -> String {
        let file = self.at("to_hash");
        fs::write(&file, format!("{name} {}\n", self.ed25519)).unwrap();
        assert!(Command::new("ssh-keygen").args(["-q", "-H", "-f"]).arg(&file).output().unwrap().status.success());
        fs::read_to_string(&file).unwrap().split(' ').next().unwrap().to_string()
    }
}

/// What is said of a host on a file of known hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    In,
    Unknown,
    Changed,
    Revoked,
}
pub use Said::{Changed, In, Revoked, Unknown};

/// A host at 127.0.0.1 that has an ed25519 and an RSA key. The port is not ssh's own.
pub const CASES: [(&str, Said); 54] = [
    ("", Unknown),
    ("[127.0.0.1]:{P} {K}\n", In),
    ("[127.0.0.1]:{P} {K}", In),
    ("[127.0.0.1]:{P} {O}\n", Changed),
    ("[127.0.0.1]:{P} {O}\n[127.0.0.1]:{P} {K}\n", In),
    // The host is asked for a key of a kind that is known.
    ("[127.0.0.1]:{P} {R}\n", In),
    ("[127.0.0.1]:{P} {Q}\n", Changed),
    ("[127.0.0.1]:{P} {O}\n[127.0.0.1]:{P} {R}\n", Changed),
    // Revoked keys, whatever else is said of them.
    ("@revoked * {K}\n[127.0.0.1]:{P} {K}\n", Revoked),
    ("[127.0.0.1]:{P} {K}\n@revoked * {K}\n", Revoked),
    ("@revoked * {K}\n", Revoked),
    ("  @revoked  [127.0.0.?]:* {K} stolen\n[127.0.0.1]:{P} {K}\n", Revoked),
    ("@revoked {HASHED-PORT} {K}\n[127.0.0.1]:{P} {K}\n", Revoked),
    ("@revoked * {K}\r\n[127.0.0.1]:{P} {K}\r\n", Revoked),
    ("@revoked\t*\t{K-TAB}\n[127.0.0.1]:{P} {K}\n", Revoked),
    ("=\n@revoked\n@revoked *\n@revoked * {K}\n[127.0.0.1]:{P} {K}\n", Revoked),
    ("@revoked 127.0.0.1 {K}\n", Revoked),
    ("@revoked * {O}\n[127.0.0.1]:{P} {K}\n", In),
    ("@revoked [10.0.0.1]:{P} {K}\n[127.0.0.1]:{P} {K}\n", In),
    ("@revoked *,!127.* {K}\n[127.0.0.1]:{P} {K}\n", Revoked),
    ("@revoked *,![127.* {K}\n[127.0.0.1]:{P} {K}\n", In),
    // Its other key is good.
    ("@revoked * {K}\n[127.0.0.1]:{P} {R}\n", In),
    ("@revoked * {R}\n[127.0.0.1]:{P} {K}\n", In),
    // Other marks. Keys signed by an authority are not asked for.
    ("@cert-authority * {O}\n", Unknown),
    ("@cert-authority * {K}\n", Unknown),
    ("@cert-authority * {O}\n[127.0.0.1]:{P} {K}\n", In),
    ("@tomorrow [127.0.0.1]:{P} {K}\n", Unknown),
    // Ends of lines, blanks.
    ("[127.0.0.1]:{P} {K}\r\n", In),
    ("[127.0.0.1]:{P} {K} my board\r\n", In),
    ("\r\n\r\n# boards\r\n[127.0.0.1]:{P} {K}\r\n", In),
    ("  \t[127.0.0.1]:{P}\t{K-TAB}\tmy board\n", In),
    // Lines that make no sense, above.
    ("=\nalone\ntwo words\n<<<<<<< HEAD\n=======\n>>>>>>> theirs\n[127.0.0.1]:{P} {K}\n", In),
    ("|1|x\n|2|a|b {K}\n|\n!\n,\n@\n@@\n[127.0.0.1]:{P}\n[127.0.0.1]:{P} ssh-ed25519\n[127.0.0.1]:{P} {K}\n", In),
    (
        "[127.0.0.1]:{P} ssh-ed25519 !!!\n[127.0.0.1]:{P} 2048 65537 1234\n[127.0.0.1]:{P} ssh-ed25519 AAAA\n[127.0.0.1]:{P} {K}\n",
        In,
    ),
    ("\u{ff}\u{ff}\na\0b\n[127.0.0.1]:{P} {K}\n", In),
    ("{LONG}\n[127.0.0.1]:{P} {K}\n", In),
    ("# {LONG}\n{LONG} {LONG} {LONG}\n[127.0.0.1]:{P} {K} {LONG}\n", In),
    ("{LONG},[127.0.0.1]:{P} {K}\n", Unknown),
    ("[127.0.0.1]:{P} {K}===\n", Unknown),
    ("[127.0.0.1]:{P} ssh-rsa {K-DATA}\n", Unknown),
    // Names.
    ("board,[127.0.0.1]:{P},10.0.0.1 {K}\n", In),
    ("[127.0.0.*]:{P} {K}\n", In),
    ("[127.0.0.?]:{P} {K}\n", In),
    ("[127.0.0.1]:* {K}\n", In),
    ("* {K}\n", In),
    ("[127.0.0.*]:22 {K}\n", Unknown),
    ("[127.0.0.*]:{P},![127.0.0.1]:* {K}\n", Unknown),
    ("![127.0.0.1]:{P} {K}\n", Unknown),
    ("![127.0.0.2]:*,[127.0.0.*]:* {K}\n", In),
    // Without a port: for any, where no line has the port.
    ("127.0.0.1 {K}\n", In),
    ("127.0.0.1 {O}\n", Unknown),
    ("[127.0.0.1]:{P} {O}\n127.0.0.1 {K}\n", Changed),
    // Hashed.
    ("{HASHED-PORT} {K}\n", In),
    ("{HASHED} {K}\n", In),
];

fn blob(line: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(line.split(' ').nth(1).unwrap()).unwrap()
}

/// What a session would find: the host shows the first kind that it is asked for and has.
fn said(keys: &Keys, known: &KnownHosts) -> Said {
    let kinds = key_kinds(known);
    let first = kinds.split(',').find(|kind| *kind == "ssh-ed25519" || kind.starts_with("rsa")).unwrap();
    let key = if first == "ssh-ed25519" { &keys.ed25519 } else { &keys.rsa };
    match known.verdict(&blob(key)) {
        Verdict::Known => In,
        Verdict::Unknown { .. } => Unknown,
        Verdict::Changed(_) => Changed,
        Verdict::Revoked(_) => Revoked,
    }
}

#[test]
fn known_hosts_mean_what_they_mean_to_openssh() {
    let Some(keys) = Keys::make() else { return };
    for (pattern, expected) in CASES {
        let mut known = KnownHosts::new(Names::new("127.0.0.1", 2222));
        known.add(Path::new("known_hosts"), &keys.file(pattern, 2222));
        assert_eq!(said(&keys, &known), expected, "{pattern:?}");
    }
    // ssh's own port, and what people write for it.
    for (pattern, expected) in [
        ("127.0.0.1 {K}\n", In),
        ("127.0.0.* {K}\n", In),
        ("[127.0.0.*]:22 {K}\n", In),
        ("[127.0.0.*]:2222 {K}\n", Unknown),
        ("@revoked * {K}\n[127.0.0.*]:22 {K}\n", Revoked),
        ("{HASHED} {K}\n", In),
    ] {
        let mut known = KnownHosts::new(Names::new("127.0.0.1", 22));
        known.add(Path::new("known_hosts"), &keys.file(pattern, 22));
        assert_eq!(said(&keys, &known), expected, "{pattern:?}");
    }
    // Capitals, aliases, a second file, revoked keys in a file of their own.
    let mut known = KnownHosts::new(Names::new("Board.Local", 22));
    known.add(Path::new("a"), &keys.file("BOARD.local {K}\n", 22));
    assert_eq!(said(&keys, &known), In);
    known.add(Path::new("b"), &keys.file("# two\n@revoked * {K}\n", 22));
    assert!(matches!(known.verdict(&blob(&keys.ed25519)), Verdict::Revoked(place) if place.to_string() == "b, line 2"));
    let mut known = KnownHosts::new(Names::alias("Board"));
    known.add(Path::new("a"), &keys.file("board {K}\n", 22));
    assert_eq!(said(&keys, &known), In);
    known.add_revoked(Path::new("r"), &keys.file("\n# stolen\n{K}\n", 22)).unwrap();
    assert_eq!(said(&keys, &known), Revoked);
    assert!(known.add_revoked(Path::new("r"), b"SSHKRL\n\0\0\0\0\x01").is_err());
}
