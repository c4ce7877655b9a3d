//! Follows a process that writes lines.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::interrupt;

/// Longest line taken; an agent's are a few hundred bytes, the first one of a server of many processors some thousand.
pub(super) const LINE_LIMIT: u64 = 1 << 16;
/// How much of what it wrote to standard error is kept.
pub(super) const ERROR_LIMIT: usize = 4096;
/// An agent that says nothing for so long hangs. Loading a model takes seconds on a slow phone, minutes in an emulator.
pub(super) const SILENCE: Duration = Duration::from_secs(300);

/// An agent hangs.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("no output from the agent for {seconds} s; it was stopped")]
pub struct Silent {
    /// How long it was waited for.
    pub seconds: u64,
}

/// Why a process cannot be followed to its end.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// Its output cannot be read.
    #[error("the connection to the agent's output broke")]
    Lost(#[source] io::Error),
    /// It hangs.
    #[error(transparent)]
    Silent(#[from] Silent),
}

/// What to do after a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// End the agent.
    Stop,
}

/// How a process ended; as text `exit code 3`, `signal 9`, `stopped`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this exit code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// This program stopped it.
    Stopped,
}

impl Exit {
    /// By the signal that nothing can catch: the kernel's where memory runs out.
    pub const KILLED: Self = Self::Signal(9);

    /// From a shell's exit code: behind 128 it is the signal that ended what the shell waited for.
    pub fn of_shell(code: i32) -> Self {
        if code > 128 { Self::Signal(code - 128) } else { Self::Code(code) }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
            Self::Stopped => f.write_str("stopped"),
        }
    }
}

/// How an agent ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// How.
    pub exit: Exit,
    /// A last line that was cut off.
    pub half_line: bool,
    /// The end of what it wrote to standard error.
    pub stderr: String,
}

impl Ended {
    fn new(status: ExitStatus, half_line: bool, stderr: String) -> Self {
        // A process that is over has one or the other.
        let exit = status.code().map_or(Exit::Signal(status.signal().unwrap_or_default()), Exit::Code);
        Self { exit, half_line, stderr }
    }

    /// Whether by itself and with exit code 0.
    pub fn is_good(&self) -> bool {
        self.exit == Exit::Code(0)
    }
}

enum Message {
    Line(Vec<u8>),
    End { half_line: bool },
    Error(io::Error),
}

/// Hands the process's lines over until it ends; ends it where asked to, on Ctrl-C, or where it hangs.
pub(super) fn follow(child: Child, on_line: &mut dyn FnMut(&[u8]) -> Flow) -> Result<Ended, StreamError> {
    follow_while(child, &mut |silent| silent <= SILENCE, on_line)
}

/// [`follow`], with a judge of how long it may be silent: asked every now and then with how long it has been, it ends the process by
/// `false`.
pub(super) fn follow_while(
    mut child: Child,
    goes_on: &mut dyn FnMut(Duration) -> bool,
    on_line: &mut dyn FnMut(&[u8]) -> Flow,
) -> Result<Ended, StreamError> {
    let (sender, messages) = mpsc::sync_channel(64);
    let stdout = child.stdout.take();
    let reader = thread::spawn(move || {
        if let Some(stdout) = stdout {
            read_lines(BufReader::new(stdout), |message| sender.send(message).is_ok());
        }
    });
    let stderr = child.stderr.take();
    let errors = thread::spawn(move || stderr.map(last_of).unwrap_or_default());
    let result = pump(&messages, goes_on, on_line);
    // The reader may wait for room in the channel.
    drop(messages);
    if !matches!(result, Ok((Flow::Continue, _))) {
        // Already gone is as good.
        let _ = child.kill();
    }
    let status = child.wait().map_err(StreamError::Lost)?;
    let _ = reader.join();
    let stderr = errors.join().unwrap_or_default();
    let (_, half_line) = result?;
    Ok(Ended::new(status, half_line, stderr))
}

/// Gives `Continue` where the lines have ended by themselves, and whether the last one was cut off.
fn pump(
    messages: &mpsc::Receiver<Message>,
    goes_on: &mut dyn FnMut(Duration) -> bool,
    on_line: &mut dyn FnMut(&[u8]) -> Flow,
) -> Result<(Flow, bool), StreamError> {
    let mut heard = Instant::now();
    loop {
        match messages.recv_timeout(Duration::from_millis(50)) {
            Ok(Message::Line(line)) => {
                heard = Instant::now();
                if on_line(&line) == Flow::Stop {
                    return Ok((Flow::Stop, false));
                }
            }
            Ok(Message::End { half_line }) => return Ok((Flow::Continue, half_line)),
            Ok(Message::Error(e)) => return Err(StreamError::Lost(e)),
            Err(RecvTimeoutError::Disconnected) => return Ok((Flow::Continue, false)),
            Err(RecvTimeoutError::Timeout) if !goes_on(heard.elapsed()) => {
                return Err(Silent { seconds: heard.elapsed().as_secs() }.into());
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        if interrupt::requested() {
            return Ok((Flow::Stop, false));
        }
    }
}

/// Sends whole lines without their ends; what follows the last line break is not a line.
fn read_lines(mut input: impl BufRead, mut send: impl FnMut(Message) -> bool) {
    loop {
        let mut line = Vec::new();
        let message = match input.by_ref().take(LINE_LIMIT).read_until(b'\n', &mut line) {
            Ok(_) if line.last() == Some(&b'\n') => {
                line.pop();
                Message::Line(line)
            }
            Ok(_) if line.len() as u64 == LINE_LIMIT => Message::Error(io::Error::other("a line without end")),
            Ok(read) => Message::End { half_line: read > 0 },
            Err(e) => Message::Error(e),
        };
        let more = matches!(message, Message::Line(_));
        if !send(message) || !more {
            return;
        }
    }
}

fn last_of(mut input: impl Read) -> String {
    let (mut kept, mut buffer) = (Vec::new(), [0; 1024]);
    while let Ok(read @ 1..) = input.read(&mut buffer) {
        kept.extend_from_slice(&buffer[..read]);
        kept.drain(..kept.len().saturating_sub(ERROR_LIMIT));
    }
    String::from_utf8_lossy(&kept).trim().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_cut_in_half_is_no_line() {
        let mut lines = Vec::new();
        let mut half = None;
        read_lines(&b"{\"a\":1}\n{\"a\":2}\n{\"a\":"[..], |message| {
            match message {
                Message::Line(line) => lines.push(String::from_utf8_lossy(&line).into_owned()),
                Message::End { half_line } => half = Some(half_line),
                Message::Error(e) => panic!("{e}"),
            }
            true
        });
        assert_eq!(lines, ["{\"a\":1}", "{\"a\":2}"]);
        assert_eq!(half, Some(true));
    }

    #[test]
    fn a_line_without_end_does_not_fill_the_memory() {
        let mut refused = false;
        read_lines(BufReader::new(io::repeat(b'x')), |message| {
            refused = matches!(message, Message::Error(_));
            !refused
        });
        assert!(refused);
    }

    #[test]
    fn the_end_of_a_long_complaint_is_kept() {
        let long = format!("{}the end", "x".repeat(10_000));
        let kept = last_of(long.as_bytes());
        assert!(kept.len() == ERROR_LIMIT && kept.ends_with("the end"));
    }
}
