//! A board over ssh: a real server, a real agent, the real engine, on an emulated processor.

#[allow(dead_code, reason = "phones and boards need different parts of it")]
mod device;

use std::fs;
use std::process::Command;

use device::{Device, FOLDER, fail, failed, finish, succeed};

/// Enough for medians of 20 %, with room for a busy machine.
const ROUGH: [&str; 4] = ["--precision", "20%", "--budget", "200s"];
/// Never precise enough: measures until something happens.
const LONG: [&str; 4] = ["--precision", "0.01%", "--budget", "200s"];

#[test]
fn a_table_comes_home_though_the_connection_was_cut() {
    let Some(mut board) = Device::start(&["--ssh"]) else { return };
    let child = board.start_build("table", &LONG);
    board.tell("unplug", "unplugged");
    failed(&finish(child), 3, &["lost the connection", "--resume"]);
    let first = fs::read_to_string(board.at("table.raw.jsonl.part")).expect("samples were kept");
    let resumed = [&LONG[..], &["--resume"]].concat();
    fail(board.build("table", &resumed), 3, &["cannot connect"]);
    board.tell("plug", "plugged");

    let child = board.start_build("table", &resumed);
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(interrupted.is_ok_and(|status| status.success()));
    failed(&finish(child), 130, &["--resume"]);
    assert_eq!(board.left_over(), "");

    succeed(board.build("table", &[&ROUGH[..], &["--resume"]].concat()));
    board.check_table("table");
    assert_eq!(board.left_over(), "");
    assert!(board.shell("ls /root/.cache/blocktime").contains("agent"));
    let all = fs::read_to_string(board.at("table.raw.jsonl")).expect("raw samples");
    assert!(all.starts_with(first.trim_end()), "the samples from before the connection was cut are gone");
}

#[test]
fn nobody_is_trusted_unseen() {
    let Some(mut board) = Device::start(&["--ssh"]) else { return };
    let keys = format!("{}/.ssh", board.variable("HOME"));
    let home = board.at("home");
    fs::create_dir_all(home.join(".ssh")).expect("a folder");
    board.set("HOME", home.to_str().expect("UTF-8"));

    // The command that the message gives does what it says.
    let said = fail(board.build("a", &["--overwrite"]), 3, &["SHA256:", "ssh-keyscan"]);
    let command = said.lines().find(|line| line.trim().starts_with("ssh-keyscan")).expect("a command");
    let scanned = Command::new("sh").arg("-c").arg(command).output().expect("a shell");
    assert!(scanned.status.success(), "{}", String::from_utf8_lossy(&scanned.stderr));
    fail(board.build("a", &["--overwrite"]), 3, &["'root'", "authorized_keys"]);

    // Another key where the right one was.
    let known = home.join(".ssh/known_hosts");
    let right = fs::read_to_string(&known).expect("known hosts");
    let other = home.join("other");
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&other).status();
    assert!(made.is_ok_and(|status| status.success()));
    let other = fs::read_to_string(other.with_extension("pub")).expect("a key");
    let place = right.split_whitespace().next().expect("a host");
    fs::write(&known, format!("{place} {}\n", other.split_whitespace().take(2).collect::<Vec<_>>().join(" "))).expect("writable");
    fail(board.build("a", &["--overwrite"]), 3, &["SHA256:", "ssh-keygen -f"]);

    // With both in order, it works: with a key that is named, and with one where keys usually are.
    fs::write(&known, right).expect("writable");
    let key = format!("{keys}/id_ed25519");
    let devices = ["devices", "--device", &board.address];
    succeed(board.profiler(&[&devices[..], &["--identity", &key]].concat()));
    fail(board.profiler(&devices), 3, &["'root'", "ssh-copy-id"]);
    fs::copy(&key, home.join(".ssh/id_ed25519")).expect("a key");
    succeed(board.profiler(&devices));
    succeed(board.profiler(&["clean", "--device", &board.address]));
}

#[test]
fn a_folder_of_onnx_files_is_measured() {
    let Some(mut board) = Device::start(&["--ssh"]) else { return };
    board.space = FOLDER.to_string();
    succeed(board.build("table", &ROUGH));
    board.check_table("table");
    board.check("table");
    assert_eq!(board.left_over(), "");
}

#[test]
fn a_full_board_says_so() {
    let Some(board) = Device::start(&["--ssh", "--data-size", "16m"]) else { return };
    fail(board.build("table", &ROUGH), 3, &["No space left on device", "libonnxruntime"]);
}

#[test]
fn addresses_are_data() {
    let Some(mut board) = Device::start(&["--ssh"]) else { return };
    for (address, name) in [
        ("ssh://root@-oProxyCommand=touch", "ssh://root@-oProxyCommand=touch"),
        ("ssh://root:secret@127.0.0.1", "ssh://user@host[:port]"),
        ("ssh://root@127.0.0.1:notaport", "notaport"),
        ("ssh://root@127.0.0.1:1", "ssh://root@127.0.0.1:1"),
    ] {
        board.address = address.to_string();
        fail(board.build("a", &["--overwrite"]), 3, &[name]);
    }
}
