//! A way to a host through another one: a program whose standard input and output are the connection.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// What to go through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proxy {
    /// `ProxyCommand`: a shell's command line.
    Command(String),
    /// `ProxyJump`: hosts, one behind the other.
    Jump(String),
}

/// The program while the connection lasts.
pub struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Proxy {
    /// Starts it. What it says to people goes to standard error. `file` is the user's configuration, where ssh does not find it.
    ///
    /// # Errors
    /// Where it does not start.
    pub fn start(&self, host: &str, port: u16, file: Option<&Path>) -> io::Result<(UnixStream, Running)> {
        let (own, other) = UnixStream::pair()?;
        // Ctrl-C reaches it too; the agent on the device must be ended through it first.
        let mut command = Command::new("sh");
        match self {
            Self::Command(line) => {
                command.arg("-c").arg(format!("trap '' INT; exec {line}"));
            }
            Self::Jump(hops) => {
                let (rest, last) = hops.rsplit_once(',').map_or((None, hops.as_str()), |(rest, last)| (Some(rest), last));
                command.args(["-c", "trap '' INT; exec ssh \"$@\"", "sh"]);
                if let Some(file) = file {
                    command.arg("-F").arg(file);
                }
                command.args(rest.iter().flat_map(|rest| ["-J", *rest]));
                let last = if last.starts_with("ssh://") { last.to_string() } else { format!("ssh://{last}") };
                command.arg("-W").arg(format!("[{host}]:{port}")).arg("--").arg(last);
            }
        }
        let stdin = OwnedFd::from(other.try_clone()?);
        let child = command.stdin(Stdio::from(stdin)).stdout(Stdio::from(OwnedFd::from(other))).spawn()?;
        Ok((own, Running(child)))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    #[test]
    fn a_command_is_the_connection() {
        let (mut stream, running) = Proxy::Command("cat".to_string()).start("h", 1, None).unwrap();
        stream.write_all(b"there and back").unwrap();
        let mut back = [0; 14];
        stream.read_exact(&mut back).unwrap();
        assert_eq!(&back, b"there and back");
        drop(running);
        assert_eq!(stream.read(&mut back).unwrap(), 0);
    }
}
