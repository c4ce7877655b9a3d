//! The command `profiler`. With the feature `agent` alone it is only what runs on the device.

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    if let [_, command, folder] = arguments.as_slice()
        && command == "agent"
    {
        return agent(folder.as_ref());
    }
    other(arguments)
}

#[cfg(feature = "agent")]
fn agent(folder: &std::path::Path) -> ExitCode {
    match profiler::agent::run(folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("agent: {e}");
            ExitCode::from(3)
        }
    }
}

#[cfg(not(feature = "agent"))]
fn agent(_: &std::path::Path) -> ExitCode {
    eprintln!("this build contains no agent; build with `--features agent`");
    ExitCode::from(2)
}

#[cfg(feature = "host")]
fn other(arguments: Vec<OsString>) -> ExitCode {
    profiler::commands::main(arguments)
}

#[cfg(not(feature = "host"))]
fn other(_: Vec<OsString>) -> ExitCode {
    eprintln!("this build contains only the agent (device side). Usage: profiler agent FOLDER");
    ExitCode::from(2)
}
