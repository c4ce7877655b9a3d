//! What of a job's folder is sent again, and how, tried on a device that is a folder of this machine.

use std::collections::VecDeque;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::Remote;
use crate::devices::remote::{ConnectionError, Packet, Put, Running, Shell};

struct Here {
    folder: PathBuf,
    /// Where its programs are.
    path: String,
    /// Names of the files that were put one by one, since this was last looked at.
    put: Vec<String>,
}

impl Here {
    fn new(folder: &std::path::Path, path: String) -> Self {
        Self { folder: folder.to_path_buf(), path, put: Vec::new() }
    }
}

/// A command of this machine, and what it has said once it is over.
struct Process(Option<Child>, VecDeque<Packet>);

impl Running for Process {
    fn next(&mut self, _: Duration) -> Result<Option<Packet>, ConnectionError> {
        if let Some(child) = self.0.take() {
            let done = child.wait_with_output().unwrap();
            let code = Packet::Exit(done.status.code().unwrap());
            self.1.extend([Packet::Stdout(done.stdout), Packet::Stderr(done.stderr), code]);
        }
        Ok(self.1.pop_front())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), ConnectionError> {
        let input = self.0.as_mut().and_then(|child| child.stdin.as_mut()).unwrap();
        input.write_all(bytes).map_err(|source| ConnectionError::Lost { device: "here".to_string(), source })
    }

    fn end(&mut self) {
        self.0.as_mut().map(|child| child.stdin.take());
    }
}

impl Shell for Here {
    fn name(&self) -> String {
        "here".to_string()
    }

    fn folder_expression(&self) -> &'static str {
        "\"$HERE\""
    }

    fn start_raw(&mut self, command: &str) -> Result<Box<dyn Running>, ConnectionError> {
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c").arg(command).env("HERE", &self.folder).env("PATH", &self.path);
        let child = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Ok(Box::new(Process(Some(child), VecDeque::new())))
    }

    fn put(&mut self, files: &[Put]) -> Result<(), ConnectionError> {
        for Put { from, to, .. } in files {
            fs::copy(from, to).unwrap();
            self.put.push(from.file_name().unwrap().to_string_lossy().into_owned());
        }
        Ok(())
    }
}

/// The files of the job on the device, and what is in them.
fn there(remote: &Remote<Here>) -> Vec<String> {
    let job = remote.shell.folder.join(&remote.job);
    let mut files: Vec<_> = fs::read_dir(job).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    let text = |path: &PathBuf| format!("{}={}", path.file_name().unwrap().display(), fs::read_to_string(path).unwrap());
    files.iter().map(text).collect()
}

/// A folder that holds links to what a device needs besides `tar`, as a search path.
fn programs(folder: &std::path::Path) -> String {
    for name in ["cat", "chmod", "cp", "find", "grep", "ls", "mkdir", "mv", "rm", "sha256sum", "tr", "uname"] {
        let found = ["/bin", "/usr/bin"].map(|bin| PathBuf::from(bin).join(name)).into_iter().find(|path| path.exists()).unwrap();
        std::os::unix::fs::symlink(found, folder.join(name)).unwrap();
    }
    folder.display().to_string()
}

#[test]
fn what_is_new_is_sent_and_what_is_gone_is_removed() {
    let (bin, failing) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let tar = failing.path().join("tar");
    // It ends before it has read anything.
    fs::write(&tar, "#!/bin/sh\necho no such option >&2\nexit 1\n").unwrap();
    fs::set_permissions(&tar, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let without = programs(bin.path());
    let with_failing = format!("{}:{without}", failing.path().display());
    // In one stream; without a program for that, and with one that fails, one by one.
    for (path, is_one_stream) in [(std::env::var("PATH").unwrap(), true), (without, false), (with_failing, false)] {
        let (device, host) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let write = |name: &str, text: &str| fs::write(host.path().join(name), text).unwrap();
        let mut remote = Remote::new(Here::new(device.path(), path)).unwrap();
        let large = "b".repeat(300_000);
        [("job.json", "1"), ("0.onnx", "a"), ("1.onnx", &large)].iter().for_each(|(name, text)| write(name, text));
        remote.push_all(host.path()).unwrap();
        assert_eq!(there(&remote), ["0.onnx=a", &format!("1.onnx={large}"), "job.json=1"]);
        assert_eq!(remote.shell.put.is_empty(), is_one_stream, "{:?}", remote.shell.put);
        remote.shell.put.clear();
        fs::remove_file(host.path().join("1.onnx")).unwrap();
        [("job.json", "2"), ("2.onnx", "")].iter().for_each(|(name, text)| write(name, text));
        remote.push_all(host.path()).unwrap();
        assert_eq!(there(&remote), ["0.onnx=a", "2.onnx=", "job.json=2"]);
        let one_by_one: &[&str] = if is_one_stream { &[] } else { &["2.onnx", "job.json"] };
        assert_eq!(remote.shell.put, one_by_one);
    }
}

#[test]
fn a_file_of_the_host_that_cannot_be_read_is_told_by_its_name() {
    let (device, host) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut remote = Remote::new(Here::new(device.path(), std::env::var("PATH").unwrap())).unwrap();
    fs::write(host.path().join("a"), "a").unwrap();
    std::os::unix::fs::symlink("/nowhere", host.path().join("b")).unwrap();
    let error = remote.push_all(host.path()).unwrap_err();
    assert!(matches!(&error, ConnectionError::File(e) if e.to_string().contains("/b")), "{error}");
}
