//! Lets the host know who comes: by a key of the user's agent, or of a file.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ssh2::{ErrorCode, Session};
use terminal::quote;

use super::error::SshError;
use super::key_file::KeyFile;
use super::settings::Settings;

/// How often a passphrase is asked for.
const TRIES: usize = 3;
/// What libssh2 says where the other side refuses a key, whatever the passphrase.
const REFUSED: ErrorCode = ErrorCode::Session(-18);

/// A key file, and what is known of it.
struct Candidate {
    path: PathBuf,
    /// The file of the public part beside it.
    public_path: Option<PathBuf>,
    file: KeyFile,
}

impl Candidate {
    fn read(path: &Path) -> Option<Self> {
        let mut file = KeyFile::parse(&std::fs::read(path).ok()?);
        let mut beside = path.as_os_str().to_owned();
        beside.push(".pub");
        let beside = PathBuf::from(beside);
        let public = std::fs::read(&beside).ok().and_then(|bytes| KeyFile::parse(&bytes).public);
        let public_path = public.is_some().then_some(beside);
        file.public = file.public.or(public);
        Some(Self { path: path.to_path_buf(), public_path, file })
    }
}

/// Logs in.
///
/// # Errors
/// [`SshError::NotLetIn`] with all keys that were tried.
pub(super) fn log_in(session: &Session, settings: &Settings, device: &str, identity: Option<&Path>) -> Result<(), SshError> {
    let files = identity.map_or_else(|| settings.identities.clone(), |file| vec![file.to_path_buf()]);
    let candidates: Vec<Candidate> = files.iter().filter_map(|path| Candidate::read(path)).collect();
    let mut tried = Vec::new();
    if let (Some(file), true) = (identity, candidates.is_empty()) {
        tried.push(format!("{} (cannot be read)", file.display()));
    }
    let only = (identity.is_some() || settings.identities_only).then_some(candidates.as_slice());
    if by_agent(session, settings, only, &mut tried) || candidates.iter().any(|key| by_file(session, settings, key, &mut tried)) {
        return Ok(());
    }
    Err(SshError::NotLetIn { device: device.to_string(), user: settings.user.clone(), tried })
}

/// By a key of the agent: one of those files, or any.
fn by_agent(session: &Session, settings: &Settings, only: Option<&[Candidate]>, tried: &mut Vec<String>) -> bool {
    let Ok(mut agent) = session.agent() else { return false };
    match &settings.agent {
        Some(path) if path.as_os_str().is_empty() => return false,
        Some(path) if agent.set_identity_path(path).is_err() => return false,
        _ => {}
    }
    if agent.connect().is_err() || agent.list_identities().is_err() {
        return false;
    }
    for key in agent.identities().unwrap_or_default() {
        if only.is_some_and(|files| !files.iter().any(|file| file.file.public.as_deref() == Some(key.blob()))) {
            continue;
        }
        tried.push(format!("{} (agent)", key.comment()));
        if agent.userauth(&settings.user, &key).is_ok() {
            return true;
        }
    }
    false
}

/// By a key file; its passphrase is asked for on a terminal.
fn by_file(session: &Session, settings: &Settings, key: &Candidate, tried: &mut Vec<String>) -> bool {
    if !key.file.private {
        // Its private part may be in the agent, which was asked before.
        return false;
    }
    let shown = key.path.display();
    let attempt =
        |passphrase: Option<&str>| session.userauth_pubkey_file(&settings.user, key.public_path.as_deref(), &key.path, passphrase);
    let mut refused = |reason: &str| {
        tried.push(format!("{shown} ({reason})"));
        false
    };
    if !key.file.encrypted {
        return match attempt(None) {
            Ok(()) => true,
            Err(e) => refused(e.message()),
        };
    }
    // The host is asked first whether it would take the key, so that the passphrase is not typed for nothing.
    if key.public_path.is_some() && attempt(Some("")).is_err_and(|e| e.code() == REFUSED) {
        return refused("the device rejected it");
    }
    let mut reason = format!(
        "has a passphrase: add it to ssh-agent with `ssh-add {}`, or run this command on a terminal",
        quote(&key.path.to_string_lossy())
    );
    for _ in 0..TRIES {
        let Some(passphrase) = ask(&key.path) else { break };
        match attempt(Some(&passphrase)) {
            Ok(()) => return true,
            Err(e) if e.code() == REFUSED => return refused("the device rejected it"),
            Err(_) => reason = "wrong passphrase".to_string(),
        }
    }
    refused(&reason)
}

/// Asks for a passphrase on the terminal, without showing it; `None` where there is no terminal, or nothing was typed.
fn ask(file: &Path) -> Option<String> {
    /// Several devices may be opened at once.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
        return None;
    }
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let typed = rpassword::prompt_password(format!("Passphrase of {}: ", file.display())).ok()?;
    (!typed.is_empty()).then_some(typed)
}
