//! Files of known hosts, read as OpenSSH reads them (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"): what it says of a host's key on the
//! same files is said here. An invalid line is ignored; the lines around it count.

use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// Longest pattern of a host's name, as in OpenSSH.
const PATTERN_LIMIT: usize = 1023;
/// What Windows' editors write before the first line.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// How a list of revoked keys in OpenSSH's own binary form begins.
const REVOCATION_LIST: &[u8] = b"SSHKRL\n\0";

/// The names that a host goes by in such files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// With its port, where that is not ssh's own.
    exact: Vec<String>,
    /// The name alone, which counts for any port where no line has the port.
    bare: Option<String>,
}

impl Names {
    /// Those of a host and port.
    pub fn new(host: &str, port: u16) -> Self {
        let host = host.to_lowercase();
        let with_port = format!("[{host}]:{port}");
        match port {
            // No tool writes `[host]:22`, but people do; it has only one meaning.
            22 => Self { exact: vec![host, with_port], bare: None },
            _ => Self { exact: vec![with_port], bare: Some(host) },
        }
    }

    /// Those of a host with a name for these files alone (`HostKeyAlias`).
    pub fn alias(name: &str) -> Self {
        Self { exact: vec![name.to_lowercase()], bare: None }
    }

    /// The one that ssh's own tools write.
    pub fn first(&self) -> &str {
        self.exact.first().map_or("", String::as_str)
    }
}

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// The line's number, from 1.
    pub line: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, line {}", self.file.display(), self.line)
    }
}

/// What the files say of a host's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the host's.
    Known,
    /// They know no key of the host; perhaps an authority that signs keys of hosts.
    Unknown {
        /// The first line of an authority for this host.
        authority: Option<Place>,
    },
    /// They know another key.
    Changed(Place),
    /// It must not be used any more.
    Revoked(Place),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    None,
    Authority,
    Revoked,
}

/// A line that speaks of the host.
#[derive(Clone, Debug)]
struct Line {
    place: Place,
    mark: Mark,
    /// Whether it names the host with its port, or for any port.
    exact: bool,
    bare: bool,
    kind: String,
    key: Vec<u8>,
}

/// The lines of the files that speak of one host.
#[derive(Clone, Debug)]
pub struct KnownHosts {
    names: Names,
    lines: Vec<Line>,
}

impl KnownHosts {
    /// None yet.
    pub fn new(names: Names) -> Self {
        Self { names, lines: Vec::new() }
    }

    /// Adds the lines of a file that speak of the host.
    pub fn add(&mut self, file: &Path, bytes: &[u8]) {
        for (number, line) in (1..).zip(bytes.split(|&b| b == b'\n')) {
            let Some((mark, hosts, rest)) = split(line) else { continue };
            let exact = self.names.exact.iter().any(|name| names_host(hosts, name));
            let bare = self.names.bare.as_ref().is_some_and(|name| names_host(hosts, name));
            if !(exact || bare) {
                continue;
            }
            if let Some((kind, key)) = key(rest) {
                self.lines.push(Line { place: Place { file: file.to_path_buf(), line: number }, mark, exact, bare, kind, key });
            }
        }
    }

    /// Adds a file of keys that no host may have (`RevokedHostKeys`): one a line.
    ///
    /// # Errors
    /// One in OpenSSH's binary form.
    pub fn add_revoked(&mut self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        if bytes.starts_with(REVOCATION_LIST) {
            return Err(io::Error::other(
                "OpenSSH's binary revocation list (KRL) is not supported; use a text file with one key per line",
            ));
        }
        for (number, line) in (1..).zip(bytes.split(|&b| b == b'\n')) {
            if let Some((kind, key)) = key(line) {
                let place = Place { file: file.to_path_buf(), line: number };
                self.lines.push(Line { place, mark: Mark::Revoked, exact: true, bare: true, kind, key });
            }
        }
        Ok(())
    }

    /// The kinds of keys that are known of the host: it is asked for one of these.
    pub fn kinds(&self) -> Vec<&str> {
        let known = self.lines.iter().filter(|line| line.exact && line.mark == Mark::None);
        known.filter(|line| self.revoked(&line.key, true).is_none()).map(|line| line.kind.as_str()).collect()
    }

    /// What is to be thought of a key that the host has shown, in ssh's binary form.
    pub fn verdict(&self, key: &[u8]) -> Verdict {
        match (self.with_names(key, true), &self.names.bare) {
            (Verdict::Unknown { authority }, Some(_)) => match self.with_names(key, false) {
                verdict @ (Verdict::Known | Verdict::Revoked(_)) => verdict,
                // Another key for the name alone may be that of another port.
                Verdict::Changed(_) => Verdict::Unknown { authority },
                Verdict::Unknown { authority: other } => Verdict::Unknown { authority: authority.or(other) },
            },
            (verdict, _) => verdict,
        }
    }

    fn with_names(&self, key: &[u8], exact: bool) -> Verdict {
        if let Some(line) = self.revoked(key, exact) {
            return Verdict::Revoked(line.place.clone());
        }
        let of = |mark: Mark| self.lines.iter().filter(move |line| line.counts(exact) && line.mark == mark);
        match (of(Mark::None).any(|line| line.key == key), of(Mark::None).next()) {
            (true, _) => Verdict::Known,
            (false, Some(other)) => Verdict::Changed(other.place.clone()),
            (false, None) => Verdict::Unknown { authority: of(Mark::Authority).next().map(|line| line.place.clone()) },
        }
    }

    fn revoked(&self, key: &[u8], exact: bool) -> Option<&Line> {
        self.lines.iter().find(|line| line.counts(exact) && line.mark == Mark::Revoked && line.key == key)
    }
}

impl Line {
    fn counts(&self, exact: bool) -> bool {
        if exact { self.exact } else { self.bare }
    }
}

/// A line's mark, names and key; `None` for an empty one, a remark, and one whose marks make no sense.
fn split(line: &[u8]) -> Option<(Mark, &[u8], &[u8])> {
    // To OpenSSH a line ends at a zero.
    let mut rest = line.split(|&b| b == 0).next().unwrap_or_default();
    // It takes no mark behind a byte-order mark, or before a tab, or in capitals, and so lets a key in that its owner has
    // marked as revoked. Here such a mark counts.
    if let Some(marked) = rest.strip_prefix(BYTE_ORDER_MARK).filter(|rest| rest.starts_with(b"@")) {
        rest = marked;
    }
    let mut marks = Vec::new();
    let hosts = loop {
        let (word, after) = next_word(rest);
        rest = after;
        match word {
            [] | [b'#', ..] => return None,
            [b'@', mark @ ..] => marks.push(mark),
            _ => break word,
        }
    };
    let mark = match marks.as_slice() {
        [] => Mark::None,
        marks if marks.iter().any(|mark| mark.eq_ignore_ascii_case(b"revoked")) => Mark::Revoked,
        [b"cert-authority"] => Mark::Authority,
        _ => return None,
    };
    Some((mark, hosts, rest))
}

/// The first word and what follows it.
fn next_word(text: &[u8]) -> (&[u8], &[u8]) {
    let blank = |&b: &u8| b == b' ' || b == b'\t';
    let start = text.iter().position(|b| !blank(b)).unwrap_or(text.len());
    let text = &text[start..];
    text.split_at(text.iter().position(blank).unwrap_or(text.len()))
}

/// A key's kind and its binary form: `ssh-ed25519 AAAA… remark`. `None` for what is no key.
fn key(text: &[u8]) -> Option<(String, Vec<u8>)> {
    let (kind, rest) = next_word(text);
    let (digits, _) = next_word(rest);
    // A carriage return or a form feed at the end is passed over.
    let digits: Vec<u8> = digits.iter().copied().filter(|b| !b.is_ascii_whitespace() && *b != b'\x0b').collect();
    let key = STANDARD.decode(digits).ok()?;
    // It begins with its own kind, behind four bytes of length.
    let length = usize::try_from(u32::from_be_bytes(*key.first_chunk()?)).ok()?;
    let own = key.get(4..)?.get(..length)?;
    let kind = std::str::from_utf8(kind).ok()?.to_string();
    (own == kind.as_bytes() && key.len() > 4 + length).then_some((kind, key))
}

/// Whether a line's names (`a,b.*,!c`, or a hashed one) mean a host, given in small letters.
fn names_host(names: &[u8], host: &str) -> bool {
    if names.first() == Some(&b'|') {
        return hashed(names, host).unwrap_or(false);
    }
    let mut found = false;
    for pattern in names.split(|&b| b == b',') {
        let (negated, pattern) = pattern.strip_prefix(b"!").map_or((false, pattern), |rest| (true, rest));
        if pattern.len() >= PATTERN_LIMIT {
            return false;
        }
        if matches(host.as_bytes(), &pattern.to_ascii_lowercase()) {
            if negated {
                return false;
            }
            found = true;
        }
    }
    found
}

/// Whether `|1|SALT|HASH` means a host.
fn hashed(names: &[u8], host: &str) -> Option<bool> {
    let text = std::str::from_utf8(names).ok()?.strip_prefix("|1|")?;
    let (salt, hash) = text.split_once('|')?;
    let (salt, hash) = (STANDARD.decode(salt).ok()?, STANDARD.decode(hash).ok()?);
    let mac = Hmac::<Sha1>::new_from_slice(&salt).ok()?.chain_update(host.as_bytes());
    Some(mac.verify_slice(&hash).is_ok())
}

/// Whether a text is of a pattern with `*` and `?`; in time of text times pattern at most.
fn matches(text: &[u8], pattern: &[u8]) -> bool {
    let (mut t, mut p) = (0, 0);
    // Behind the last star: where its pattern goes on, and how much of the text it has taken.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match (pattern.get(p), star) {
            (Some(b'*'), _) => {
                p += 1;
                star = Some((p, t));
            }
            (Some(&c), _) if c == b'?' || c == text[t] => (t, p) = (t + 1, p + 1),
            (_, Some((after, taken))) => {
                (t, p) = (taken + 1, after);
                star = Some((after, taken + 1));
            }
            (_, None) => return false,
        }
    }
    pattern[p..].iter().all(|&b| b == b'*')
}
