//! Emulated devices for tests: real daemons, a real agent, an emulated processor (tests/device/fake-phone.sh).

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use support::project_root;
use tempfile::TempDir;

/// How long anything in these tests may take.
const LIMIT: Duration = Duration::from_secs(300);
/// Where a phone's things lie.
pub const PHONE_FOLDER: &str = "/data/local/tmp/blocktime";
/// Where a board's things lie.
const BOARD_FOLDER: &str = "/root/.cache/blocktime";

/// Five small blocks: what is measured where a test is about something else.
pub const BLOCKS: &str = "blocks.toml";
/// Blocks with a trunk: four keys, nine trunk pieces, the single operation, one whole network; minutes in an emulator.
pub const TINY: &str = "tiny.toml";
/// A folder of ONNX files: three layers and two fixed pieces, seven different blocks.
pub const FOLDER: &str = "onnx/torchscript";

/// One device at a time: each takes a processor for itself.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A device, and what talks to it.
pub struct Device {
    /// What `--device` takes.
    pub address: String,
    /// The same of the second of two phones.
    pub second: Option<String>,
    /// The search space that is built: a name in `tests/spaces`, or a path.
    pub space: String,
    /// A folder for the test's files; its name has a blank and a quote in it.
    pub folder: TempDir,
    environment: Vec<(&'static str, String)>,
    child: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    profiler: PathBuf,
    _turn: MutexGuard<'static, ()>,
}

impl Device {
    /// Starts a phone (or, with `--ssh`, a board). `None`, with a message, where this machine cannot; with
    /// `BLOCKTIME_REQUIRE_DEVICE_TESTS=1` that is a failure, and with `later` none is started.
    pub fn start(options: &[&str]) -> Option<Self> {
        if std::env::var_os("BLOCKTIME_REQUIRE_DEVICE_TESTS").is_some_and(|v| v == "later") {
            eprintln!("skipped: BLOCKTIME_REQUIRE_DEVICE_TESTS=later");
            return None;
        }
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let mut child = Command::new(project_root().join("tests/device/fake-phone.sh"))
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the script starts");
        let commands = child.stdin.take();
        let mut answers = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        answers.read_line(&mut line).expect("readable");
        let words: Vec<&str> = line.split_whitespace().collect();
        let ["ready", first, second] = words[..] else {
            drop(commands);
            let mut said = String::new();
            child.stderr.take().expect("a pipe").read_to_string(&mut said).expect("readable");
            child.wait().expect("it ends");
            support::skip("BLOCKTIME_REQUIRE_DEVICE_TESTS", said.trim());
            return None;
        };
        let ssh = first.starts_with("ssh://");
        let mut addresses = first.split(',').map(|name| if ssh { name.to_string() } else { format!("adb:{name}") });
        let (address, second_address) = (addresses.next().unwrap_or_default(), addresses.next());
        let environment = vec![(if ssh { "HOME" } else { "ADB_SERVER_SOCKET" }, second.to_string())];
        let folder = tempfile::Builder::new().prefix("blocktime device's ").tempdir().expect("a folder");
        // Only now: without a device nothing needs to be built.
        build_agent("linux-gnu");
        borrow_cache(&folder.path().join("cache"));
        let profiler = support::programs(&["profiler"]).join("profiler");
        Some(Self {
            address,
            second: second_address,
            space: BLOCKS.to_string(),
            folder,
            environment,
            child,
            commands,
            answers,
            profiler,
            _turn: turn,
        })
    }

    /// A file of the test.
    pub fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Sets what the profiler finds in its environment.
    pub fn set(&mut self, variable: &'static str, value: impl Into<String>) {
        self.environment.retain(|(name, _)| *name != variable);
        self.environment.push((variable, value.into()));
    }

    /// What the profiler finds in its environment.
    pub fn variable(&self, variable: &str) -> &str {
        self.environment.iter().find(|(name, _)| *name == variable).map_or("", |(_, value)| value)
    }

    /// Tells the device something (`unplug`, `plug`, `reboot`) and waits for its answer.
    pub fn tell(&mut self, command: &str, expected: &str) {
        writeln!(self.commands.as_mut().expect("open"), "{command}").expect("it listens");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("it answers");
        assert_eq!(answer.trim(), expected);
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env("BLOCKTIME_CACHE", self.at("cache"));
        for variable in ["SSH_AUTH_SOCK", "BLOCKTIME_AGENT", "ANDROID_SERIAL"] {
            command.env_remove(variable);
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// A script of the project, for a phone.
    pub fn script(&self, path: &str, arguments: &[&str]) -> Command {
        let mut command = self.command(project_root().join(path));
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// The profiler with these arguments.
    pub fn profiler(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(&self.profiler);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// `profiler build` of a small space on this device, into `NAME.csv`.
    pub fn build(&self, name: &str, more: &[&str]) -> Command {
        self.build_on(&[&self.address], name, more)
    }

    /// The same on several devices.
    pub fn build_on(&self, devices: &[&str], name: &str, more: &[&str]) -> Command {
        let mut command = self.profiler(&["build", "--sample", "1ms", "--nets", "1", "--passes", "1"]);
        command.args(devices.iter().flat_map(|device| ["--device", device]));
        command.arg("--space").arg(self.space()).arg("--out").arg(self.at(name).with_extension("csv"));
        // The agent's lines, to be looked at.
        command.arg("--raw").arg(self.at(name).with_extension("raw.jsonl"));
        command.args(more);
        command
    }

    fn space(&self) -> PathBuf {
        project_root().join("tests/spaces").join(&self.space)
    }

    /// Runs a shell command on the device, with the programs that people use, and gives its output.
    pub fn shell(&self, command: &str) -> String {
        self.shell_on(&self.address, command)
    }

    /// The same on a device of that address.
    pub fn shell_on(&self, address: &str, command: &str) -> String {
        let mut remote = match address.strip_prefix("adb:") {
            Some(serial) => {
                let mut adb = self.command("adb");
                adb.args(["-s", serial, "shell"]);
                adb
            }
            None => {
                let keys = format!("{}/.ssh", self.variable("HOME"));
                let mut ssh = self.command("ssh");
                ssh.arg("-i").arg(format!("{keys}/id_ed25519")).arg("-o").arg(format!("UserKnownHostsFile={keys}/known_hosts"));
                ssh.arg(address);
                ssh
            }
        };
        let done = remote.arg(command).output().expect("it starts");
        String::from_utf8_lossy(&done.stdout).into_owned()
    }

    /// Starts a build and waits until it has written a sample to its raw file.
    pub fn start_build(&self, name: &str, options: &[&str]) -> Child {
        let raw = self.at(name).with_extension("raw.jsonl.part");
        let before = count(&raw, "sample");
        let child = self.build(name, options).spawn().expect("it starts");
        self.wait_for(&raw, "sample", before);
        child
    }

    /// Waits until a raw file has more events of that kind than before.
    pub fn wait_for(&self, raw: &Path, event: &str, before: usize) {
        let began = Instant::now();
        while count(raw, event) <= before {
            assert!(began.elapsed() < LIMIT, "no {event} in {}", raw.display());
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// What is left on the device once nothing measures: jobs and agents.
    pub fn left_over(&self) -> String {
        let folder = if self.address.starts_with("adb:") { PHONE_FOLDER } else { BOARD_FOLDER };
        let jobs = self.shell(&format!("ls {folder}/jobs"));
        let agents = self.shell("for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline | grep 'profiler agent'; done 2>/dev/null");
        // The question itself is in the list too.
        let agents: String = agents.lines().filter(|line| !line.contains("grep")).collect();
        format!("{}{agents}", jobs.trim())
    }

    /// `profiler check` of a table that was built, with as many networks as a figure needs. A machine may be too busy for a verdict.
    pub fn check(&self, name: &str) {
        let mut check = self.profiler(&["check", "--device", &self.address, "--nets", "2", "--passes", "1", "--sample", "1ms"]);
        check.args(["--precision", "20%", "--budget", "200s", "--max-mape", "99%", "--space"]).arg(self.space());
        check.arg(self.at(name).with_extension("csv"));
        let done = finish(check.spawn().expect("it starts"));
        assert!(matches!(done.status.code(), Some(0 | 5)), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// Checks a table that was built: whole, emulated, and every output compared with the host's.
    pub fn check_table(&self, name: &str) {
        let table = self.at(name).with_extension("csv");
        let valid = self.profiler(&["lut", "validate"]).arg(&table).arg("--space").arg(self.space()).output().expect("it starts");
        assert!(valid.status.success(), "{}", String::from_utf8_lossy(&valid.stderr));
        let text = fs::read_to_string(&table).expect("a table");
        assert!(text.contains("# source = \"emulated\""), "{text}");
        assert!(text.contains("# arch = \"aarch64\""), "{text}");
        let raw = fs::read_to_string(self.at(name).with_extension("raw.jsonl")).expect("raw samples");
        let events: Vec<serde_json::Value> = raw.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let ready: Vec<_> = events.iter().filter(|event| event["event"] == "ready").collect();
        assert!(ready.len() >= if self.space == TINY { 15 } else { 5 }, "{} models", ready.len());
        for event in ready {
            assert!(event["error"].as_f64().is_some_and(|error| error < 1e-5), "{event}");
        }
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        // It ends with its standard input.
        drop(self.commands.take());
        let began = Instant::now();
        while !matches!(self.child.try_wait(), Ok(Some(_))) {
            if began.elapsed() > Duration::from_secs(10) {
                let _ = self.child.kill();
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Events of that kind in a raw file.
pub fn count(raw: &Path, event: &str) -> usize {
    fs::read_to_string(raw).map_or(0, |text| text.matches(&format!("\"event\":\"{event}\"")).count())
}

/// What a process that has to end has said; fails where it does not end.
#[track_caller]
pub fn finish(mut child: Child) -> Output {
    let began = Instant::now();
    while child.try_wait().expect("it can be waited for").is_none() {
        if began.elapsed() > LIMIT {
            let _ = child.kill();
            panic!("it does not end: {:?}", child.wait_with_output());
        }
        thread::sleep(Duration::from_millis(20));
    }
    child.wait_with_output().expect("it has ended")
}

/// Runs a command that must succeed.
#[track_caller]
pub fn succeed(mut command: Command) {
    let done = finish(command.spawn().expect("it starts"));
    assert!(done.status.success(), "{}: {}", done.status, String::from_utf8_lossy(&done.stderr));
}

/// Checks that a command ended with that exit code and says these names (of files, options, commands, places); gives what it said.
#[track_caller]
pub fn failed(done: &Output, code: i32, names: &[&str]) -> String {
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(code), "{said}");
    for name in names {
        assert!(said.contains(name), "'{name}' is not in: {said}");
    }
    said
}

/// Runs a command that must fail.
#[track_caller]
pub fn fail(mut command: Command, code: i32, names: &[&str]) -> String {
    failed(&finish(command.spawn().expect("it starts")), code, names)
}

/// The project's cache folder.
pub fn cache() -> PathBuf {
    let variable = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let xdg = || variable("XDG_CACHE_HOME").unwrap_or_else(|| Path::new(&std::env::var_os("HOME").expect("a home")).join(".cache"));
    variable("BLOCKTIME_CACHE").unwrap_or_else(|| xdg().join("blocktime"))
}

/// A cache folder with all that the real one's folders hold and nothing else: what a test notes (hashes of engine libraries) is
/// gone with it.
fn borrow_cache(folder: &Path) {
    fs::create_dir(folder).expect("a folder");
    for entry in fs::read_dir(cache()).expect("a cache folder").map(|entry| entry.expect("readable")) {
        if entry.path().is_dir() {
            std::os::unix::fs::symlink(entry.path(), folder.join(entry.file_name())).expect("a link");
        }
    }
}

/// Builds an agent from this very source.
pub fn build_agent(kind: &'static str) {
    static BUILT: Mutex<Vec<&str>> = Mutex::new(Vec::new());
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if !built.contains(&kind) {
        let done = Command::new(project_root().join("scripts/build-agent.sh")).arg(kind).env("BLOCKTIME_CACHE", cache()).output();
        let done = done.expect("the script starts");
        assert!(done.status.success(), "no agent: {}", String::from_utf8_lossy(&done.stderr));
        built.push(kind);
    }
}
