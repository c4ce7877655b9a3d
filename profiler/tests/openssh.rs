//! Hosts by ssh: what OpenSSH itself says of the same files, a real server on this machine, and the user's own configuration.

#![allow(clippy::unwrap_used)]
#![cfg(all(feature = "host", not(target_os = "android")))]

mod common;

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use profiler::host::transport::ssh::key_kinds;
use profiler::host::transport::ssh::known_hosts::{KnownHosts, Names, Verdict};
use tempfile::TempDir;

const SERVER: &str = "/usr/sbin/sshd";

/// Keys of a host and of somebody else.
struct Keys {
    folder: TempDir,
    ed25519: String,
    rsa: String,
    other_ed25519: String,
    other_rsa: String,
}

impl Keys {
    /// `None`, with a message, where there is no OpenSSH.
    fn make() -> Option<Self> {
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

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file of known hosts: `{K}` and `{R}` stand for the host's keys, `{O}` and `{Q}` for somebody else's, `{P}` for the port,
    /// `{HASHED}` and `{HASHED-PORT}` for the host's names in their hashed form, `{LONG}` for 200 kB.
    fn file(&self, pattern: &str, port: u16) -> Vec<u8> {
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

fn missing<T>(what: &str) -> Option<T> {
    let required = std::env::var_os("BLOCKTIME_REQUIRE_DEVICE_TESTS").is_some_and(|v| v == "1");
    assert!(!required, "{what} is missing; scripts/setup-aarch64.sh installs it; and BLOCKTIME_REQUIRE_DEVICE_TESTS=1");
    eprintln!("skipped: {what} is missing");
    None
}

/// What is said of a host on a file of known hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    In,
    Unknown,
    Changed,
    Revoked,
}
use Said::{Changed, In, Revoked, Unknown};

/// A host at 127.0.0.1 that has an ed25519 and an RSA key. The port is not ssh's own.
const CASES: [(&str, Said); 54] = [
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

/// A server on this machine that lets in whoever has the user's key.
struct Server {
    keys: Keys,
    port: u16,
    child: Child,
}

impl Server {
    /// `None`, with a message, where there is none.
    fn start(more: &str) -> Option<Self> {
        if !Path::new(SERVER).exists() {
            return missing(SERVER);
        }
        let keys = Keys::make()?;
        // The server of root wants a folder that its package's service makes.
        if nix::unistd::Uid::effective().is_root() {
            fs::create_dir_all("/run/sshd").unwrap();
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let at = |name: &str| keys.at(name).display().to_string();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey \"{}\"\nHostKey \"{}\"\nAuthorizedKeysFile \"{}\"\n\
             PermitRootLogin prohibit-password\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\n\
             StrictModes no\nPidFile none\n{more}",
            at("host_ed25519"),
            at("host_rsa"),
            at("user.pub")
        );
        fs::write(keys.at("sshd_config"), config).unwrap();
        let child = Command::new(SERVER)
            .args(["-D", "-e", "-f"])
            .arg(keys.at("sshd_config"))
            .stdin(Stdio::null())
            .stderr(fs::File::create(keys.at("sshd.log")).unwrap())
            .spawn()
            .unwrap();
        let mut server = Self { keys, port, child };
        let began = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = server.child.try_wait().unwrap().is_some() || began.elapsed() > Duration::from_secs(20);
            assert!(!ended, "{}", fs::read_to_string(server.keys.at("sshd.log")).unwrap_or_default());
            thread::sleep(Duration::from_millis(20));
        }
        Some(server)
    }

    /// A home folder with that configuration and those known hosts.
    fn home(&self, config: &str, known_hosts: &str) -> PathBuf {
        let home = self.keys.at("home");
        fs::create_dir_all(home.join(".ssh")).unwrap();
        let config = config.replace("{P}", &self.port.to_string()).replace("{KEYS}", self.keys.folder.path().to_str().unwrap());
        fs::write(home.join(".ssh/config"), config).unwrap();
        fs::write(home.join(".ssh/known_hosts"), self.keys.file(known_hosts, self.port)).unwrap();
        home
    }

    /// `profiler devices` of a board, with its home and no agent.
    fn devices(&self, device: &str, more: &[&str]) -> Command {
        let mut command = common::profiler(Path::new("/"), "devices --json");
        command.args(["--device", device]).args(more).env("HOME", self.keys.at("home")).env_remove("SSH_AUTH_SOCK");
        command.stdin(Stdio::null());
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn user() -> String {
    let output = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_string()
}

fn ended(command: &mut Command) -> (i32, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code().unwrap_or(-1), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

/// What OpenSSH differs in: it takes no mark before a tab where a blank follows later, and so lets the revoked key in.
#[test]
fn openssh_says_the_same() {
    let Some(server) = Server::start("") else { return };
    let (host, key) = (format!("{}@127.0.0.1", user()), server.keys.at("user"));
    let device = format!("ssh://{host}:{}", server.port);
    for (pattern, expected) in CASES {
        let home = server.home("", pattern);
        let known = home.join(".ssh/known_hosts");
        let mut ssh = Command::new("ssh");
        ssh.args(["-F", "none", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=yes"]);
        ssh.args(["-o", "GlobalKnownHostsFile=none", "-p", &server.port.to_string(), "-i"]).arg(&key);
        ssh.arg("-o").arg(format!("UserKnownHostsFile=\"{}\"", known.display())).arg(&host).arg("echo let in").stdin(Stdio::null());
        let (_, words) = ended(&mut ssh);
        let openssh = match words.as_str() {
            words if words.contains("REVOKED") => Revoked,
            words if words.contains("IDENTIFICATION HAS CHANGED") => Changed,
            words if words.contains("host key is known") => Unknown,
            words if words.contains("let in") => In,
            other => panic!("{pattern:?}: {other}"),
        };
        assert_eq!(openssh, expected, "OpenSSH of {pattern:?}: {words}");

        let (code, words) = ended(&mut server.devices(&device, &["--identity", key.to_str().unwrap()]));
        let (expected_code, expected_words) = match expected {
            In => (0, "clusters"),
            Unknown => (3, "is not known"),
            Changed => (3, "is not the one in"),
            Revoked => (3, "is marked as revoked in"),
        };
        assert!(code == expected_code && words.contains(expected_words), "{pattern:?}: {code}, {words}");
    }
}

#[test]
fn an_alias_of_sshs_configuration_is_the_host_that_it_is_to_ssh() {
    let Some(server) = Server::start("") else { return };
    let config = "Host board\n  HostName 127.0.0.1\n  Port {P}\n  IdentityFile \"{KEYS}/user\"\n  IdentitiesOnly yes\n\
                  Host named\n  HostName 127.0.0.1\n  Port {P}\n  HostKeyAlias its-own\n  IdentityFile \"{KEYS}/user\"\n\
                  Host elsewhere\n  HostName 127.0.0.1\n  Port {P}\n  IdentityFile \"{KEYS}/user\"\n  UserKnownHostsFile \"{KEYS}/other known\"\n\
                  Host piped\n  HostName not.a.host\n  Port {P}\n  IdentityFile \"{KEYS}/user\"\n  HostKeyAlias its-own\n\
                  \x20 ProxyCommand exec 3<>/dev/tcp/127.0.0.1/%p; cat <&3 & cat >&3\n\
                  Host behind\n  HostName 127.0.0.1\n  Port {P}\n  IdentityFile \"{KEYS}/user\"\n  ProxyJump jump\n\
                  Host jump\n  HostName 127.0.0.1\n  Port {P}\n  IdentityFile \"{KEYS}/user\"\n  UserKnownHostsFile \"{KEYS}/home/.ssh/known_hosts\"\n\
                  Host stolen\n  HostName 127.0.0.1\n  Port {P}\n  IdentityFile \"{KEYS}/user\"\n  RevokedHostKeys \"{KEYS}/host_ed25519.pub\"\n\
                  Host lax\n  HostName 127.0.0.1\n  Port {P}\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n"
        .replace("exec 3<>", "bash -c 'exec 3<>")
        .replace("cat >&3", "cat >&3'");
    server.home(&config, "[127.0.0.1]:{P} {K}\nits-own {K}\n");
    fs::write(server.keys.at("other known"), server.keys.file("[127.0.0.1]:{P} {O}\n", server.port)).unwrap();
    for (alias, code, words) in [
        ("board", 0, "clusters"),
        ("named", 0, "clusters"),
        ("piped", 0, "clusters"),
        ("behind", 0, "clusters"),
        ("elsewhere", 3, "other known, line 1"),
        ("stolen", 3, "host_ed25519.pub, line 1"),
        ("board:1", 3, "cannot connect to ssh://board:1"),
        ("no-such-user@board", 3, "does not let 'no-such-user' in"),
    ] {
        let (found, said) = ended(&mut server.devices(&format!("ssh://{alias}"), &[]));
        assert!(found == code && said.contains(words), "{alias}: {found}, {said}");
    }
    server.home(&config, "");
    let (code, said) = ended(&mut server.devices("ssh://lax", &[]));
    assert!(code == 3 && said.contains("StrictHostKeyChecking") && said.contains("home/.ssh/known_hosts"), "{said}");
    // A configuration that ssh does not take is not passed over.
    server.home("Host board\n  HostNmae 127.0.0.1\n", "");
    let (code, said) = ended(&mut server.devices("ssh://board", &[]));
    assert!(code == 3 && said.to_lowercase().contains("hostnmae"), "{said}");
    // Without the program ssh, it is told that the file is not read.
    let (_, said) = ended(server.devices("ssh://127.0.0.1:1", &[]).env("PATH", "/nowhere").env("USER", "me"));
    assert!(said.contains("config is not read"), "{said}");
}

#[test]
fn a_passphrase_is_asked_for_on_a_terminal_and_only_there() {
    let Some(server) = Server::start("") else { return };
    server.home("", "[127.0.0.1]:{P} {K}\n");
    let key = server.keys.at("user");
    let locked = Command::new("ssh-keygen").args(["-q", "-p", "-P", "", "-N", "open sesame", "-f"]).arg(&key).output().unwrap();
    assert!(locked.status.success());
    let device = format!("ssh://{}@127.0.0.1:{}", user(), server.port);
    let (code, said) = ended(&mut server.devices(&device, &["--identity", key.to_str().unwrap()]));
    assert!(code == 3 && said.contains("has a passphrase") && said.contains("ssh-add"), "{said}");

    // A terminal of its own, on which something is typed.
    if Command::new("script").arg("--version").output().is_err() {
        return;
    }
    let typed = |words: &str| {
        let quoted = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
        let line = format!(
            "{} devices --device {} --identity {}",
            env!("CARGO_BIN_EXE_profiler"),
            quoted(&device),
            quoted(key.to_str().unwrap())
        );
        let mut command = Command::new("script");
        command.args(["-qec", &line, "/dev/null"]).env("HOME", server.keys.at("home")).env_remove("SSH_AUTH_SOCK");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        std::io::Write::write_all(&mut stdin, words.as_bytes()).unwrap();
        let done = child.wait_with_output().unwrap();
        drop(stdin);
        (done.status.code().unwrap_or(-1), String::from_utf8_lossy(&done.stdout).into_owned())
    };
    let (code, said) = typed("wrong\nopen sesame\n");
    assert!(code == 0 && said.contains("Passphrase of") && said.contains("CPUs"), "{code}: {said}");
    let (code, said) = typed("a\nb\nc\n");
    assert!(code == 3 && said.contains("wrong passphrase"), "{code}: {said}");

    // An agent that has it needs no terminal, though the file is named.
    let socket = server.keys.at("agent");
    let started = Command::new("ssh-agent").arg("-a").arg(&socket).arg("-D").stdout(Stdio::null()).spawn();
    let Ok(mut agent) = started else { return };
    let began = Instant::now();
    while !socket.exists() && began.elapsed() < Duration::from_secs(10) {
        thread::sleep(Duration::from_millis(20));
    }
    let ask = server.keys.at("ask");
    fs::write(&ask, "#!/bin/sh\necho open sesame\n").unwrap();
    fs::set_permissions(&ask, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let mut add = Command::new("ssh-add");
    add.arg(&key).env("SSH_AUTH_SOCK", &socket).env("SSH_ASKPASS", &ask).env("SSH_ASKPASS_REQUIRE", "force").env("DISPLAY", ":0");
    let added = add.stdin(Stdio::null()).output().unwrap();
    let mut with_agent = server.devices(&device, &["--identity", key.to_str().unwrap()]);
    let (code, said) = ended(with_agent.env("SSH_AUTH_SOCK", &socket));
    agent.kill().unwrap();
    agent.wait().unwrap();
    assert!(code == 0, "{said}; ssh-add: {}", String::from_utf8_lossy(&added.stderr));
}

#[test]
fn what_a_start_file_prints_hides_nothing() {
    for noise in ["echo Welcome to Armbian", "printf x", "echo oh >&2"] {
        let Some(server) = Server::start(&format!("ForceCommand {noise}; eval \"$SSH_ORIGINAL_COMMAND\"\n")) else { return };
        server.home("", "[127.0.0.1]:{P} {K}\n");
        let device = format!("ssh://{}@127.0.0.1:{}", user(), server.port);
        let key = server.keys.at("user");
        let output = server.devices(&device, &["--identity", key.to_str().unwrap()]).output().unwrap();
        let listed: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let here = ended(&mut server.devices("local", &[])).1;
        let here: serde_json::Value = serde_json::from_str(&here).expect("JSON");
        for what in ["clusters", "soc", "kernel"] {
            assert_eq!(listed[0]["knowledge"][what], here[0]["knowledge"][what], "{noise}");
        }
    }
}
