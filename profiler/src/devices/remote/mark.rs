//! Where a command's own output begins. Before it, the user's shell may have run a start file that prints: greetings, warnings, parts
//! of a line.

use std::collections::VecDeque;
use std::time::Duration;

use super::error::ConnectionError;
use super::running::{Packet, Running};

/// How much of what comes before the mark is kept, for the case that the mark never comes.
const KEPT: usize = 1 << 12;

/// A word that nothing but the command itself can have said.
#[derive(Clone, Debug)]
pub struct Mark(String);

impl Mark {
    /// One that was never used before.
    pub fn unused() -> Self {
        Self(format!("blocktime-start-{}", unique()))
    }

    /// A command line that says the mark, on both streams, before anything else. The mark is not in it as one word, so that a shell
    /// that shows its commands does not say it too early.
    pub fn before(&self, command: &str) -> String {
        let (head, tail) = self.0.split_at(self.0.len() / 2);
        format!("echo {head}''{tail}; echo {head}''{tail} >&2; {command}")
    }

    /// What follows the mark's line; `None` where it has not come whole.
    pub fn after<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let mark = self.0.as_bytes();
        let starts =
            bytes.windows(mark.len()).enumerate().filter(|(_, window)| *window == mark).map(|(at, _)| &bytes[at + mark.len()..]);
        starts.map(|rest| rest.strip_prefix(b"\r").unwrap_or(rest)).find_map(|rest| rest.strip_prefix(b"\n"))
    }
}

/// One of a command's streams.
#[derive(Debug, Default)]
struct Stream {
    begun: bool,
    /// What came before the mark: its end.
    held: Vec<u8>,
}

impl Stream {
    /// What of these bytes is the command's own.
    fn take(&mut self, bytes: Vec<u8>, mark: &Mark) -> Vec<u8> {
        if self.begun {
            return bytes;
        }
        // The mark's line is whole when its end comes.
        let after = |held: &[u8]| mark.after(held).map(<[u8]>::to_vec);
        let ends_line = bytes.contains(&b'\n');
        self.held.extend(bytes);
        let Some(own) = ends_line.then(|| after(&self.held)).flatten() else {
            self.held.drain(..self.held.len().saturating_sub(KEPT));
            return Vec::new();
        };
        (self.begun, self.held) = (true, Vec::new());
        own
    }
}

/// A name that nothing else has.
pub(super) fn unique() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    format!("{:x}-{:x}", now.as_nanos(), std::process::id())
}

/// A command of which only its own output is heard.
pub struct Marked {
    inner: Box<dyn Running>,
    mark: Mark,
    device: String,
    stdout: Stream,
    stderr: Stream,
    /// What is to be said next.
    next: VecDeque<Packet>,
}

impl Marked {
    /// A command line that was made by [`Mark::before`].
    pub fn new(inner: Box<dyn Running>, mark: Mark, device: String) -> Self {
        Self { inner, mark, device, stdout: Stream::default(), stderr: Stream::default(), next: VecDeque::new() }
    }

    /// The end of a command: where it never began, what was said instead tells why.
    fn ended(&mut self, code: i32) -> Result<Option<Packet>, ConnectionError> {
        if self.stdout.begun {
            return Ok(Some(Packet::Exit(code)));
        }
        let (stdout, stderr) = (std::mem::take(&mut self.stdout.held), std::mem::take(&mut self.stderr.held));
        if code == 0 {
            let said = String::from_utf8_lossy(if stderr.is_empty() { &stdout } else { &stderr }).trim().to_string();
            let reason = format!("its shell does not run commands; it says '{said}'");
            return Err(ConnectionError::Odd { device: self.device.clone(), reason });
        }
        self.next.extend([Packet::Stdout(stdout), Packet::Stderr(stderr), Packet::Exit(code)]);
        Ok(self.next.pop_front())
    }
}

impl Running for Marked {
    fn next(&mut self, wait: Duration) -> Result<Option<Packet>, ConnectionError> {
        if let Some(packet) = self.next.pop_front() {
            return Ok(Some(packet));
        }
        let own = match self.inner.next(wait)? {
            Some(Packet::Stdout(bytes)) => Packet::Stdout(self.stdout.take(bytes, &self.mark)),
            Some(Packet::Stderr(bytes)) => Packet::Stderr(self.stderr.take(bytes, &self.mark)),
            Some(Packet::Exit(code)) => return self.ended(code),
            None => return Ok(None),
        };
        // What a start file of the shell prints is not passed on.
        Ok(Some(own).filter(|own| !matches!(own, Packet::Stdout(bytes) | Packet::Stderr(bytes) if bytes.is_empty())))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), ConnectionError> {
        self.inner.write(bytes)
    }

    fn end(&mut self) {
        self.inner.end();
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;
    use crate::devices::remote::{Put, Shell};

    /// A command that is over; tests take what it said packet by packet.
    struct Said(VecDeque<Packet>);

    impl Running for Said {
        fn next(&mut self, _: Duration) -> Result<Option<Packet>, ConnectionError> {
            Ok(self.0.pop_front())
        }

        fn write(&mut self, _: &[u8]) -> Result<(), ConnectionError> {
            Ok(())
        }

        fn end(&mut self) {}
    }

    /// A shell of this machine whose start file does something first; its output comes in packets of so many bytes.
    struct Noisy {
        start_file: &'static str,
        step: usize,
    }

    impl Shell for Noisy {
        fn name(&self) -> String {
            "noisy".to_string()
        }

        fn folder_expression(&self) -> &'static str {
            "/nowhere"
        }

        fn start_raw(&mut self, command: &str) -> Result<Box<dyn Running>, ConnectionError> {
            let line = format!("{}\n{command}", self.start_file);
            let done = Command::new("sh").arg("-c").arg(line).stdin(Stdio::null()).output().unwrap();
            let packets = |bytes: &[u8], packet: fn(Vec<u8>) -> Packet| {
                bytes.chunks(self.step).map(|c| packet(c.to_vec())).collect::<Vec<_>>()
            };
            let all = [packets(&done.stdout, Packet::Stdout), packets(&done.stderr, Packet::Stderr)].concat();
            Ok(Box::new(Said(all.into_iter().chain([Packet::Exit(done.status.code().unwrap())]).collect())))
        }

        fn put(&mut self, _: &[Put]) -> Result<(), ConnectionError> {
            Ok(())
        }
    }

    const START_FILES: [&str; 8] = [
        "",
        "echo Welcome to Armbian",
        "printf x",
        "printf 'no end'; printf 'oh' >&2",
        "echo '/proc/cpuinfo'; printf ' processor : 7\\n'",
        "set -x",
        "set -v",
        "i=0; while [ $i -lt 600 ]; do echo 'a line of many'; i=$((i+1)); done; printf '\\377\\000'",
    ];

    fn output(start_file: &'static str, step: usize, command: &str) -> Result<String, ConnectionError> {
        Noisy { start_file, step }.output("test", command, Duration::from_secs(60))
    }

    #[test]
    fn what_a_start_file_prints_is_passed_over() {
        for start_file in START_FILES {
            for step in [1, 7, 1 << 14] {
                assert_eq!(
                    output(start_file, step, "echo one; printf two").unwrap(),
                    "one\ntwo",
                    "{start_file}, in steps of {step}"
                );
                assert_eq!(output(start_file, step, "true").unwrap(), "");
                let error = output(start_file, step, "echo why >&2; exit 3").unwrap_err();
                let ConnectionError::Command { code: 3, said, .. } = error else { panic!("{error}") };
                // A shell that shows its commands shows these too.
                let shows = start_file.starts_with("set");
                assert!(if shows { said.contains("why") } else { said == "why" }, "{start_file}: {said}");
            }
        }
    }

    #[test]
    fn a_command_that_never_began_says_why() {
        let error = output("echo 'This account is not available.'; exit 1", 5, "echo one").unwrap_err().to_string();
        assert!(error.contains("exit code 1") && error.contains("This account is not available."), "{error}");
        let error = output("echo 'Only git is served here.'; exit 0", 5, "echo one").unwrap_err().to_string();
        assert!(error.contains("Only git is served here."), "{error}");
    }
}
