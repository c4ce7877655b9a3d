//! Completions for a shell, and manual pages.

use std::fs;
use std::process::Command;

fn trainer() -> Command {
    Command::new(env!("CARGO_BIN_EXE_trainer"))
}

#[test]
fn completions_and_manual_pages_are_of_every_command() {
    let script = trainer().args(["completions", "bash"]).output().unwrap();
    assert!(script.status.success());
    let script = String::from_utf8(script.stdout).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man1");
    assert!(trainer().arg("man").arg(&pages).status().unwrap().success());
    for command in ["synth", "search", "finetune", "import", "export", "eval", "predict", "baseline", "sweep", "compare", "report"]
    {
        assert!(script.contains(command), "{command}");
        let page = fs::read_to_string(pages.join(format!("trainer-{command}.1"))).unwrap();
        assert!(page.contains(".TH"), "{command}");
    }
    // A file where the folder is to be.
    fs::write(folder.path().join("file"), "").unwrap();
    assert_eq!(trainer().arg("man").arg(folder.path().join("file")).status().unwrap().code(), Some(2));
}
