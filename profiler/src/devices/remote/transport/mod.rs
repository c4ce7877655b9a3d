//! A device with a shell as a transport: agent, engine and jobs are brought there, and the agent is run.
//!
//! Everything goes into one folder of its own on the device: `agent/` (the agent; where it brings its own C library, that and the
//! loader too), `engine/` (the engine's library, where it has one), `jobs/` (one folder a job, taken away after it). Agent and engine stay for the
//! next time and are sent again only where the device's hash of them differs.

#[cfg(test)]
mod pushing;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use engines::{Delivery, EngineKind};
use files::FileError;
use terminal::quote;

use super::archive;
use super::error::ConnectionError;
use super::follow::follow;
use super::mark::unique;
use super::probe::{Probe, parse_hashes, parse_probe};
use super::running::Put;
use super::shell::Shell;
use crate::devices::deliver::{Bundle, library};
use crate::devices::error::TransportError;
use crate::devices::notice::Notice;
use crate::devices::stream::{Ended, Flow};
use crate::devices::transport::Transport;
use crate::protocol::JOB_FILE;

/// How long a short command may take.
const SHORT: Duration = Duration::from_secs(30);
/// How long hashing some tens of megabytes may take, on a slow device or in an emulator.
const HASHING: Duration = Duration::from_secs(180);

/// How long an agent may be there yet whose connection was lost.
const LINGER: Duration = Duration::from_secs(5);

/// A remote device as a transport.
pub struct Remote<S> {
    shell: S,
    probe: Probe,
    /// The engine's library, where it has one.
    engine: Option<PathBuf>,
    /// The agent that holds the engine.
    agent: Option<Bundle>,
    /// The job's folder on the device, below [`Probe::folder`].
    job: String,
    /// What the user should know.
    notices: Vec<Notice>,
    /// The job's files that are there: between passes only its description changes, and models that do not fit there together.
    sent: BTreeSet<String>,
}

impl<S: Shell> Remote<S> {
    /// Makes the folder on the device and asks what kind of device it is.
    ///
    /// # Errors
    /// [`ConnectionError`]; [`ConnectionError::Busy`] where another profiler measures on it.
    pub fn new(mut shell: S) -> Result<Self, ConnectionError> {
        let folder = shell.folder_expression();
        // On old Androids a failed command's words go to standard output; only lines that are known are read.
        let command = format!(
            "mkdir -p {folder} && cd {folder} || exit 1; echo \"folder=$(pwd)\"; echo \"arch=$(uname -m)\"; \
             echo \"sdk=$(getprop ro.build.version.sdk 2>/dev/null)\"; echo \"hash=$(echo | sha256sum 2>/dev/null)\"; \
             echo \"tar=$(command -v tar)\""
        );
        let text = shell.output("make a folder on it", &command, SHORT)?;
        let probe = parse_probe(&text).map_err(|reason| ConnectionError::Odd { device: shell.name(), reason })?;
        let job = format!("jobs/{}", unique());
        let mut remote = Self { job, shell, probe, engine: None, agent: None, notices: Vec::new(), sent: BTreeSet::new() };
        remote.tidy()?;
        Ok(remote)
    }

    /// Removes jobs whose host or connection went away, and makes sure that no other agent runs: two would disturb each other.
    fn tidy(&mut self) -> Result<(), ConnectionError> {
        // An emulator's name may stand before the program's. A folder without a number is being filled, unless it is old.
        let command = "for j in jobs/*; do [ -d \"$j\" ] || continue; p=$(cat \"$j/pid\" 2>/dev/null); \
                       if [ -z \"$p\" ]; then find \"$j\" -prune -mmin +60 -exec rm -rf {} +; \
                       elif tr '\\0' ' ' <\"/proc/$p/cmdline\" 2>/dev/null | grep -q agent/profiler; then echo \"busy=$p\"; \
                       else rm -rf \"$j\"; fi; done 2>/dev/null; true";
        let began = Instant::now();
        loop {
            let text = self.inside("look for other agents", command, SHORT)?;
            let Some(process) = text.lines().find_map(|line| line.trim().strip_prefix("busy=")) else { return Ok(()) };
            // One whose connection has just been lost is about to end.
            if began.elapsed() > LINGER {
                let process = process.chars().filter(char::is_ascii_digit).collect();
                return Err(ConnectionError::Busy { device: self.shell.name(), process });
            }
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    /// What is known of the device.
    pub fn probe(&self) -> &Probe {
        &self.probe
    }

    fn at(&self, path: &str) -> String {
        format!("{}/{path}", self.probe.folder)
    }

    /// Runs a command in the folder.
    fn inside(&mut self, what: &'static str, command: &str, limit: Duration) -> Result<String, ConnectionError> {
        let command = format!("cd {} || exit 1; {command}", quote(&self.probe.folder));
        self.shell.output(what, &command, limit)
    }

    /// Sends those of the files that the device does not have as they are here, and gives their number.
    fn update(&mut self, files: &[(PathBuf, String, bool)]) -> Result<usize, ConnectionError> {
        let there = if self.probe.hashes { self.hashes(files.iter().map(|(_, to, _)| to.as_str()))? } else { BTreeMap::new() };
        let mut changed = Vec::new();
        for (from, to, executable) in files {
            let hash = files::sha256_of(from).map_err(FileError::new("cannot read", from))?;
            if there.get(to) != Some(&hash) {
                changed.push((Put { from: from.clone(), to: self.at(&format!("{to}.new")), executable: *executable }, to, hash));
            }
        }
        if changed.is_empty() {
            return Ok(0);
        }
        let sent = self.send(&changed.iter().map(|(put, ..)| put.clone()).collect::<Vec<_>>()).and_then(|()| {
            let news = changed.iter().map(|(_, to, _)| format!("{to}.new"));
            let arrived =
                if self.probe.hashes { self.hashes(news.collect::<Vec<_>>().iter().map(String::as_str))? } else { BTreeMap::new() };
            for (_, to, hash) in &changed {
                if self.probe.hashes && arrived.get(&format!("{to}.new")) != Some(hash) {
                    let reason = "the file that arrived there is not the one that was sent".to_string();
                    return Err(ConnectionError::Refused { device: self.shell.name(), what: format!("keep {to}"), reason });
                }
            }
            let moves: Vec<_> =
                changed.iter().map(|(_, to, _)| format!("mv -f {} {}", quote(&format!("{to}.new")), quote(to))).collect();
            self.inside("put the files in place", &moves.join(" && "), SHORT).map(drop)
        });
        if sent.is_err() {
            // The first error is reported; that the remains could not be removed either adds nothing.
            let remains: Vec<_> = changed.iter().map(|(_, to, _)| quote(&format!("{to}.new"))).collect();
            let _ = self.inside("remove incomplete files", &format!("rm -f {}", remains.join(" ")), SHORT);
        }
        sent.map(|()| changed.len())
    }

    /// Sends files, in one stream where the device can unpack it; where that fails, one by one, which tells which file it is.
    fn send(&mut self, files: &[Put]) -> Result<(), ConnectionError> {
        let folders: std::collections::BTreeSet<_> =
            files.iter().filter_map(|put| put.to.rsplit_once('/')).map(|(f, _)| quote(f)).collect();
        let folders: Vec<_> = folders.into_iter().collect();
        self.inside("make folders", &format!("mkdir -p {}", folders.join(" ")), SHORT)?;
        if self.probe.unpacks && files.len() > 1 {
            match archive::send(&mut self.shell, &self.probe.folder, files) {
                Ok(true) => return Ok(()),
                Ok(false) | Err(ConnectionError::Refused { .. }) => {}
                Err(e) => return Err(e),
            }
        }
        self.shell.put(files)
    }

    /// The device's own SHA-256 of those files that are there.
    fn hashes<'a>(&mut self, files: impl Iterator<Item = &'a str>) -> Result<BTreeMap<String, String>, ConnectionError> {
        let names: Vec<_> = files.map(quote).collect();
        let command = format!("for f in {}; do if [ -f \"$f\" ]; then sha256sum \"$f\"; fi; done", names.join(" "));
        Ok(parse_hashes(&self.inside("hash files", &command, HASHING)?))
    }

    fn push_all(&mut self, folder: &Path) -> Result<(), ConnectionError> {
        let agent = self.agent.iter().flat_map(|agent| &agent.files);
        let mut files: Vec<_> = agent.map(|file| (file.from.clone(), format!("agent/{}", file.name), file.executable)).collect();
        if let Some(engine) = &self.engine {
            files.push((engine.clone(), engine_file(engine), false));
        }
        if self.sent.is_empty() {
            let began = Instant::now();
            let sent = self.update(&files)?;
            self.notices.push(Notice::Sent { device: self.shell.name(), files: sent, took: began.elapsed() });
        }
        let sent = self.push_job(folder);
        if sent.is_err() {
            let _ = self.remove_job();
        }
        sent
    }

    /// Sends what is new in the job's folder, and removes what is there no more.
    fn push_job(&mut self, folder: &Path) -> Result<(), ConnectionError> {
        let mut here = BTreeSet::new();
        for entry in std::fs::read_dir(folder).map_err(FileError::new("cannot read", folder))? {
            let entry = entry.map_err(FileError::new("cannot read", folder))?;
            here.insert(entry.file_name().to_string_lossy().into_owned());
        }
        let gone: Vec<String> = self.sent.difference(&here).map(|name| quote(&format!("{}/{name}", self.job))).collect();
        if !gone.is_empty() {
            self.inside("remove models", &format!("rm -f {}", gone.join(" ")), SHORT)?;
        }
        let is_new = |name: &&String| !self.sent.contains(*name) || *name == JOB_FILE;
        let put = |name: &String| Put { from: folder.join(name), to: self.at(&format!("{}/{name}", self.job)), executable: false };
        let new: Vec<Put> = here.iter().filter(is_new).map(put).collect();
        self.sent.clear();
        self.send(&new)?;
        self.sent = here;
        Ok(())
    }

    fn remove_job(&mut self) -> Result<(), ConnectionError> {
        let command = format!("rm -rf {}", quote(&self.job));
        self.inside("remove the job", &command, SHORT).map(drop)
    }

    /// Starts the agent on the job. It ends when its standard input does, and so never outlives the connection.
    fn command(&self) -> String {
        let program = match self.agent.as_ref().and_then(|agent| agent.loader.as_deref()) {
            // The loader is told where the libraries are; the engine's own needs are found there too.
            Some(loader) => format!(
                "{} --library-path {} {}",
                quote(&self.at(&format!("agent/{loader}"))),
                quote(&self.at("agent")),
                quote(&self.at("agent/profiler"))
            ),
            None => quote(&self.at("agent/profiler")),
        };
        let job = quote(&self.at(&self.job));
        format!(
            "cd {job} || exit 1; exec 3<&0; {program} agent {job} </dev/null 3<&- & p=$!; echo $p >pid; \
             (while read -r line; do :; done; kill -9 $p) <&3 >/dev/null 2>&1 & w=$!; exec 3<&-; \
             wait $p; r=$?; kill -9 $w 2>/dev/null; exit $r"
        )
    }
}

impl<S: Shell> Transport for Remote<S> {
    fn name(&self) -> String {
        self.shell.name()
    }

    fn library(&mut self, engine: EngineKind, given: Option<&Path>) -> Result<Option<String>, TransportError> {
        let device = self.shell.name();
        self.engine = match engine.entry().delivery {
            Delivery::Library(needed) => {
                let (found, notice) = library::find(needed, &device, &self.probe.target, given)?;
                self.notices.extend(notice);
                Some(found)
            }
            Delivery::Linked => None,
        };
        self.agent = Some(Bundle::find(&device, &self.probe.target, engine, self.engine.as_deref())?);
        Ok(self.engine.as_deref().map(|library| self.at(&engine_file(library))))
    }

    fn push(&mut self, folder: &Path) -> Result<(), TransportError> {
        Ok(self.push_all(folder)?)
    }

    fn run(&mut self, on_line: &mut dyn FnMut(&[u8]) -> Flow) -> Result<Ended, TransportError> {
        let command = self.command();
        let running = self.shell.start(&command)?;
        Ok(follow(running, on_line)?)
    }

    fn clean(&mut self) -> Result<(), TransportError> {
        Ok(self.remove_job()?)
    }

    fn remove_all(&mut self) -> Result<(), TransportError> {
        let command = format!("rm -rf {}", quote(&self.probe.folder));
        Ok(self.shell.output("remove its folder", &command, SHORT).map(drop)?)
    }

    fn notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }
}

/// Where the engine's library goes, below the folder.
fn engine_file(on_host: &Path) -> String {
    format!("engine/{}", on_host.file_name().unwrap_or_default().to_string_lossy())
}
