//! What of a job's folder is sent again, tried on a device that is a folder of this machine.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::running::Said;
use super::{ConnectionError, Piece, Put, Remote, Running, Shell};

struct Here {
    folder: PathBuf,
    /// Names of the files that were put, since this was last looked at.
    put: Vec<String>,
}

impl Shell for Here {
    fn name(&self) -> String {
        "here".to_string()
    }

    fn folder_expression(&self) -> &'static str {
        "\"$HERE\""
    }

    fn start_raw(&mut self, command: &str) -> Result<Box<dyn Running>, ConnectionError> {
        let shell = || Command::new("sh").arg("-c").arg(command).env("HERE", &self.folder).stdin(Stdio::null()).output();
        let done = shell().unwrap();
        let code = Piece::Exit(done.status.code().unwrap());
        Ok(Box::new(Said([Piece::Stdout(done.stdout), Piece::Stderr(done.stderr), code].into())))
    }

    fn put(&mut self, files: &[Put]) -> Result<(), ConnectionError> {
        for Put { from, to, .. } in files {
            fs::copy(from, to).unwrap();
            self.put.push(from.file_name().unwrap().to_string_lossy().into_owned());
        }
        Ok(())
    }
}

#[test]
fn what_is_new_is_sent_and_what_is_gone_is_removed() {
    let (device, host) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let write = |name: &str, text: &str| fs::write(host.path().join(name), text).unwrap();
    let mut remote = Remote::new(Here { folder: device.path().to_path_buf(), put: Vec::new() }).unwrap();
    let there = |remote: &Remote<Here>| {
        let job = device.path().join(&remote.job);
        let mut files: Vec<_> = fs::read_dir(job).unwrap().map(|e| e.unwrap().path()).collect();
        files.sort();
        let text = |path: &PathBuf| format!("{}={}", path.file_name().unwrap().display(), fs::read_to_string(path).unwrap());
        files.iter().map(text).collect::<Vec<_>>()
    };
    [("job.json", "1"), ("0.onnx", "a"), ("1.onnx", "b")].iter().for_each(|(name, text)| write(name, text));
    remote.push_all(host.path()).unwrap();
    assert_eq!(there(&remote), ["0.onnx=a", "1.onnx=b", "job.json=1"]);
    remote.shell.put.clear();
    fs::remove_file(host.path().join("1.onnx")).unwrap();
    [("job.json", "2"), ("2.onnx", "c")].iter().for_each(|(name, text)| write(name, text));
    remote.push_all(host.path()).unwrap();
    assert_eq!(there(&remote), ["0.onnx=a", "2.onnx=c", "job.json=2"]);
    assert_eq!(remote.shell.put, ["2.onnx", "job.json"]);
}
