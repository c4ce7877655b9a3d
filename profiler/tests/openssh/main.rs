//! Hosts by ssh: what OpenSSH itself says of the same files, a real server on this machine, and the user's own configuration.

#![allow(clippy::unwrap_used)]
#![cfg(all(feature = "host", not(target_os = "android")))]

#[path = "../common/mod.rs"]
mod common;
mod keys;

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use keys::{CASES, Changed, In, Keys, Revoked, Unknown};

const SERVER: &str = "/usr/sbin/sshd";

fn missing<T>(what: &str) -> Option<T> {
    support::skip("BLOCKTIME_REQUIRE_DEVICE_TESTS", &format!("{what} is missing; scripts/setup-aarch64.sh installs it"));
    None
}

/// A server on this machine that accepts the user's key.
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
        // What is advised is another command for each.
        let (expected_code, expected_words) = match expected {
            In => (0, "clusters"),
            Unknown => (3, "ssh-keyscan"),
            Changed => (3, "ssh-keygen -f"),
            Revoked => (3, "ssh-keygen -A"),
        };
        assert!(code == expected_code && words.contains(expected_words), "{pattern:?}: {code}, {words}");
    }
}

#[test]
fn the_command_of_the_message_brings_the_key() {
    let Some(server) = Server::start("") else { return };
    // Merge marks above, and no end of the last line.
    let home = server.home("", "=\nalone\n<<<<<<< HEAD\nboard {O}\n=======\nboard {K} the last");
    let device = format!("ssh://{}@127.0.0.1:{}", user(), server.port);
    let key = server.keys.at("user");
    let (code, said) = ended(&mut server.devices(&device, &["--identity", key.to_str().unwrap()]));
    assert!(code == 3, "{said}");
    let command = said.lines().find(|line| line.contains("ssh-keyscan")).expect("a command");
    assert!(Command::new("sh").arg("-c").arg(command).output().unwrap().status.success());
    let (code, said) = ended(&mut server.devices(&device, &["--identity", key.to_str().unwrap()]));
    let known = fs::read_to_string(home.join(".ssh/known_hosts")).unwrap();
    assert!(code == 0, "{said}, {known}");
    assert!(known.contains(" the last\n[127.0.0.1]"), "{known}");
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
        ("board:1", 3, "ssh://board:1"),
        ("no-such-user@board", 3, "'no-such-user'"),
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
    assert!(said.contains(".ssh/config"), "{said}");
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
    assert!(code == 3 && said.contains("passphrase") && said.contains("ssh-add"), "{said}");

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
    assert!(code == 0 && said.contains("assphrase") && said.contains("CPUs"), "{code}: {said}");
    let (code, said) = typed("a\nb\nc\n");
    assert!(code == 3 && said.contains("passphrase"), "{code}: {said}");

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
