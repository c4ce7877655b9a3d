//! What a remote device must be able to do: run a command line, and take files.

use std::time::{Duration, Instant};

use super::error::ConnectionError;
use super::mark::{Mark, Marked};
use super::running::{Packet, Put, Running};

/// A connection to a device with a POSIX shell.
pub trait Shell {
    /// The device's name for messages: `adb:SERIAL`, `ssh://user@host:port`.
    fn name(&self) -> String;

    /// A shell expression for the folder that everything goes into: evaluated on the device, so it may hold `$HOME`.
    fn folder_expression(&self) -> &'static str;

    /// Starts a command line of a POSIX shell; what the user's start files print is heard too.
    ///
    /// # Errors
    /// [`ConnectionError`] where the device cannot be reached or refuses.
    fn start_raw(&mut self, command: &str) -> Result<Box<dyn Running>, ConnectionError>;

    /// Starts a command line of a POSIX shell, of which only its own output is heard. Words that are data must be
    /// [quoted](terminal::quote).
    ///
    /// # Errors
    /// [`ConnectionError`] where the device cannot be reached or refuses.
    fn start(&mut self, command: &str) -> Result<Box<dyn Running>, ConnectionError> {
        let mark = Mark::unused();
        let running = self.start_raw(&mark.before(command))?;
        Ok(Box::new(Marked::new(running, mark, self.name())))
    }

    /// Writes files, replacing what is there. Their folders exist. A file that fails is not left under its name half written
    /// as far as the device can help it; callers that need certainty write under another name and rename.
    ///
    /// # Errors
    /// [`ConnectionError::Refused`] with the device's reason (no space, no permission), [`ConnectionError::File`] where a file of the
    /// host cannot be read, or trouble with the connection.
    fn put(&mut self, files: &[Put]) -> Result<(), ConnectionError>;

    /// Runs a short command line to its end and gives its output.
    ///
    /// # Errors
    /// [`ConnectionError::Command`] where it ends with another exit code than 0, [`ConnectionError::TimedOut`], or trouble with the
    /// connection.
    fn output(&mut self, what: &'static str, command: &str, limit: Duration) -> Result<String, ConnectionError> {
        let mut running = self.start(command)?;
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let began = Instant::now();
        loop {
            match running.next(Duration::from_millis(100))? {
                Some(Packet::Stdout(bytes)) if stdout.len() < OUTPUT_LIMIT => stdout.extend(bytes),
                Some(Packet::Stderr(bytes)) if stderr.len() < OUTPUT_LIMIT => stderr.extend(bytes),
                Some(Packet::Stdout(_) | Packet::Stderr(_)) => {}
                Some(Packet::Exit(0)) => return Ok(String::from_utf8_lossy(&stdout).into_owned()),
                Some(Packet::Exit(code)) => {
                    let said = String::from_utf8_lossy(if stderr.is_empty() { &stdout } else { &stderr }).trim().to_string();
                    return Err(ConnectionError::Command { device: self.name(), what, code, said });
                }
                None => {}
            }
            if began.elapsed() > limit {
                running.end();
                return Err(ConnectionError::TimedOut { device: self.name(), what, seconds: limit.as_secs() });
            }
        }
    }
}

/// How much of a short command's output is kept.
const OUTPUT_LIMIT: usize = 1 << 20;
