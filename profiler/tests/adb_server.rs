//! Which phone is measured, told by an adb server that answers as the real one does; its phones are this machine.

#![allow(clippy::unwrap_used)]
#![cfg(all(feature = "host", not(target_os = "android")))]

mod common;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

/// A server with a list of phones. It ends with the test's process.
struct Server {
    socket: String,
    /// What it was asked for.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(phones: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = format!("tcp:{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = asked.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let log = log.clone();
                // A client that closes the connection early is no error.
                thread::spawn(move || drop(serve(stream.unwrap(), phones, &log)));
            }
        });
        Self { socket, asked }
    }

    /// Runs `profiler devices` with that `ANDROID_SERIAL`: exit code, what it said, and the phones that it talked to.
    fn devices(&self, device: &str, serial: Option<&str>) -> (i32, String, Vec<String>) {
        self.asked.lock().unwrap().clear();
        let mut command = common::profiler(std::path::Path::new("/nowhere"), "devices --json");
        command.args(["--device", device]).env("ADB_SERVER_SOCKET", &self.socket).env_remove("ANDROID_SERIAL");
        command.envs(serial.iter().map(|serial| ("ANDROID_SERIAL", serial)));
        let done = command.stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
        let asked = self.asked.lock().unwrap();
        let talked = asked.iter().filter_map(|a| a.strip_prefix("host:transport:").map(str::to_string)).collect();
        (done.status.code().unwrap(), said, talked)
    }
}

fn serve(mut stream: TcpStream, phones: &str, log: &Mutex<Vec<String>>) -> std::io::Result<()> {
    loop {
        let mut length = [0; 4];
        stream.read_exact(&mut length)?;
        let mut request = vec![0; usize::from_str_radix(std::str::from_utf8(&length).unwrap(), 16).unwrap()];
        stream.read_exact(&mut request)?;
        let request = String::from_utf8(request).unwrap();
        log.lock().unwrap().push(request.clone());
        stream.write_all(b"OKAY")?;
        let mut text = |text: &str| stream.write_all(format!("{:04x}{text}", text.len()).as_bytes());
        match request.as_str() {
            "host:devices" => return text(phones),
            other if other.ends_with(":features") => return text("shell_v2,cmd"),
            other => {
                let Some(command) = other.strip_prefix("shell,v2,raw:") else { continue };
                let done = Command::new("sh").arg("-c").arg(format!("echo Welcome; printf x; {command}")).output()?;
                let code = [u8::try_from(done.status.code().unwrap()).unwrap()];
                for (id, bytes) in [(1, &done.stdout[..]), (2, &done.stderr[..]), (3, &code[..])] {
                    stream.write_all(&[id])?;
                    stream.write_all(&u32::try_from(bytes.len()).unwrap().to_le_bytes())?;
                    stream.write_all(bytes)?;
                }
                return Ok(());
            }
        }
    }
}

#[test]
fn the_phone_of_the_environment_is_measured_and_no_other() {
    let two = Server::start("first\tdevice\nsecond\tdevice\n");
    let (code, said, talked) = two.devices("adb", Some("second"));
    assert_eq!((code, talked), (0, vec!["second".to_string()]), "{said}");
    assert!(said.contains("adb:second") && said.contains("ANDROID_SERIAL"), "{said}");
    let (code, said, talked) = two.devices("adb:first", Some("second"));
    assert_eq!((code, talked), (0, vec!["first".to_string()]), "{said}");
    let (code, said, talked) = two.devices("adb", None);
    assert_eq!((code, talked.len()), (3, 0), "{said}");
    assert!(said.contains("adb:first, adb:second"), "{said}");

    // One good phone is there, and it is not the one that is meant.
    let other = Server::start("first\tdevice\nsecond\toffline\n");
    for (serial, words) in [("third", ["'third'", "ANDROID_SERIAL"]), ("second", ["offline", "ANDROID_SERIAL"])] {
        let (code, said, talked) = other.devices("adb", Some(serial));
        assert_eq!((code, talked.len()), (3, 0), "{said}");
        assert!(words.iter().all(|word| said.contains(word)), "{said}");
    }
}

#[test]
fn the_one_good_phone_is_taken_and_the_others_are_told_of() {
    let good = Server::start(
        "emulator-5554\toffline\nphone\tdevice\n????????????\tno permissions (missing udev rules? user is in the plugdev group); see [http://developer.android.com/tools/device/index.html]\n",
    );
    let (code, said, talked) = good.devices("adb", None);
    assert_eq!((code, talked), (0, vec!["phone".to_string()]), "{said}");
    assert!(said.contains("emulator-5554 (offline)") && said.contains("????????????"), "{said}");

    let none = Server::start("????????????\tno permissions (user in plugdev group; are your udev rules wrong?); see [http://x]\n");
    let (code, said, talked) = none.devices("adb", None);
    assert_eq!((code, talked.len()), (3, 0), "{said}");
    assert!(said.contains("????????????") && said.contains("udev"), "{said}");
}

#[test]
fn what_a_phone_prints_before_a_command_does_not_hide_its_chip() {
    let noisy = Server::start("phone\tdevice\n");
    let (code, said, _) = noisy.devices("adb", None);
    assert_eq!(code, 0, "{said}");
    let listed: serde_json::Value = serde_json::from_str(&said).expect("JSON alone");
    let (_, here, _) = noisy.devices("local", None);
    let here: serde_json::Value = serde_json::from_str(&here).expect("JSON alone");
    assert!(here[0]["knowledge"]["clusters"].as_array().is_some_and(|clusters| !clusters.is_empty()), "{here}");
    for what in ["clusters", "soc", "kernel"] {
        assert_eq!(listed[0]["knowledge"][what], here[0]["knowledge"][what]);
    }
}
