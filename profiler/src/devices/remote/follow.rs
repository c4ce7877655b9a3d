//! Follows an agent on a remote device.

use std::time::{Duration, Instant};

use super::error::ConnectionError;
use super::running::{Packet, Running};
use crate::devices::interrupt;
use crate::devices::stream::{ERROR_LIMIT, Ended, Exit, Flow, LINE_LIMIT, SILENCE, Silent};

/// How often the user's Ctrl-C is looked for.
const TICK: Duration = Duration::from_millis(50);
/// How long an agent that is asked to end may take.
const ENDING: Duration = Duration::from_secs(10);

/// Hands its lines over until it ends; ends it where asked to, on Ctrl-C, or where it hangs.
pub(super) fn follow(running: Box<dyn Running>, on_line: &mut dyn FnMut(&[u8]) -> Flow) -> Result<Ended, ConnectionError> {
    follow_for(running, SILENCE, on_line)
}

/// [`follow`], of an agent that hangs where it says no whole line for so long: what it complains of on standard error, or a line that
/// never ends, does not say that it goes on.
fn follow_for(
    mut running: Box<dyn Running>,
    silence: Duration,
    on_line: &mut dyn FnMut(&[u8]) -> Flow,
) -> Result<Ended, ConnectionError> {
    let mut said = Said::default();
    let mut heard = Instant::now();
    loop {
        let mut listen = |line: &[u8]| {
            heard = Instant::now();
            on_line(line)
        };
        let flow = match running.next(TICK)? {
            Some(Packet::Exit(code)) => return Ok(said.ended(code)),
            Some(packet) => said.take(packet, &mut listen)?,
            None => Flow::Continue,
        };
        if flow == Flow::Stop {
            return finish(running.as_mut(), said);
        }
        if heard.elapsed() > silence {
            finish(running.as_mut(), said)?;
            return Err(Silent { seconds: silence.as_secs() }.into());
        }
        if interrupt::requested() {
            return finish(running.as_mut(), said);
        }
    }
}

/// Ends the agent and waits until it is gone.
fn finish(running: &mut dyn Running, mut said: Said) -> Result<Ended, ConnectionError> {
    running.end();
    let began = Instant::now();
    while began.elapsed() < ENDING {
        match running.next(TICK)? {
            Some(Packet::Exit(code)) => return Ok(said.ended(code)),
            // Its last lines are not wanted any more.
            Some(packet) => drop(said.take(packet, &mut |_| Flow::Continue)?),
            None => {}
        }
    }
    Ok(said.ended(128 + 9))
}

/// What the agent has said and not finished saying.
#[derive(Default)]
struct Said {
    line: Vec<u8>,
    stderr: Vec<u8>,
}

impl Said {
    fn take(&mut self, packet: Packet, on_line: &mut dyn FnMut(&[u8]) -> Flow) -> Result<Flow, ConnectionError> {
        match packet {
            Packet::Stdout(bytes) => {
                let mut flow = Flow::Continue;
                // Each byte is looked at once: a device may send a million line ends in one packet, or a line byte by byte.
                let mut lines = bytes.split(|&b| b == b'\n');
                let last = lines.next_back().unwrap_or_default();
                for rest in lines {
                    self.grow(rest)?;
                    if flow == Flow::Continue {
                        flow = on_line(&self.line);
                    }
                    self.line.clear();
                }
                self.grow(last)?;
                Ok(flow)
            }
            Packet::Stderr(bytes) => {
                self.stderr.extend(bytes);
                self.stderr.drain(..self.stderr.len().saturating_sub(ERROR_LIMIT));
                Ok(Flow::Continue)
            }
            Packet::Exit(_) => Ok(Flow::Continue),
        }
    }

    /// Adds to the line.
    fn grow(&mut self, bytes: &[u8]) -> Result<(), ConnectionError> {
        self.line.extend_from_slice(bytes);
        if self.line.len() as u64 > LINE_LIMIT {
            return Err(ConnectionError::Odd { device: "the agent".to_string(), reason: "a line without end".to_string() });
        }
        Ok(())
    }

    fn ended(self, code: i32) -> Ended {
        let stderr = String::from_utf8_lossy(&self.stderr).trim().to_string();
        Ended { exit: Exit::of_shell(code), half_line: !self.line.is_empty(), stderr }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    /// Says what it was given, then nothing.
    struct Script(VecDeque<Packet>, bool);

    impl Running for Script {
        fn next(&mut self, _: Duration) -> Result<Option<Packet>, ConnectionError> {
            if self.1 && self.0.is_empty() {
                return Ok(Some(Packet::Exit(137)));
            }
            Ok(self.0.pop_front())
        }

        fn write(&mut self, _: &[u8]) -> Result<(), ConnectionError> {
            Ok(())
        }

        fn end(&mut self) {
            self.1 = true;
        }
    }

    fn out(text: &str) -> Packet {
        Packet::Stdout(text.as_bytes().to_vec())
    }

    fn run(packets: Vec<Packet>, stop_at: &str) -> (Vec<String>, Ended) {
        let mut lines = Vec::new();
        let ended = follow(Box::new(Script(packets.into(), false)), &mut |line| {
            lines.push(String::from_utf8_lossy(line).into_owned());
            if lines.last().is_some_and(|l| l == stop_at) { Flow::Stop } else { Flow::Continue }
        });
        (lines, ended.unwrap())
    }

    #[test]
    fn lines_come_whole_however_they_are_cut() {
        let (lines, ended) =
            run(vec![out("on"), out("e\ntwo\nth"), Packet::Stderr(b"oh\n".to_vec()), out("ree\nha"), Packet::Exit(3)], "");
        assert_eq!(lines, ["one", "two", "three"]);
        assert_eq!(ended, Ended { exit: Exit::Code(3), half_line: true, stderr: "oh".into() });
    }

    /// Complains for ever, or says the same line byte by byte.
    struct Chatter(Packet, bool);

    impl Running for Chatter {
        fn next(&mut self, _: Duration) -> Result<Option<Packet>, ConnectionError> {
            std::thread::sleep(Duration::from_millis(1));
            Ok(Some(if self.1 { Packet::Exit(137) } else { self.0.clone() }))
        }

        fn write(&mut self, _: &[u8]) -> Result<(), ConnectionError> {
            Ok(())
        }

        fn end(&mut self) {
            self.1 = true;
        }
    }

    #[test]
    fn one_that_says_no_whole_line_hangs_whatever_else_it_says() {
        for packet in [Packet::Stderr(b"still here\n".to_vec()), out("x")] {
            let ended = follow_for(Box::new(Chatter(packet, false)), Duration::from_millis(50), &mut |_| Flow::Continue);
            assert!(matches!(ended, Err(ConnectionError::Silent(_))), "{ended:?}");
        }
    }

    #[test]
    fn no_line_after_a_stop() {
        let (lines, ended) = run(vec![out("one\nstop\nthree\n"), out("four\n")], "stop");
        assert_eq!(lines, ["one", "stop"]);
        assert_eq!(ended.exit, Exit::KILLED);
    }
}
