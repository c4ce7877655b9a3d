//! Writing raw files.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use files::FileError;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::error::RawError;
use super::kept::Kept;
use super::read::{self, RATIO};
use super::{Purpose, Request, packed};
use crate::measure::reserve::{Reserved, holder};
use crate::protocol::{Event, Sample};

/// Most bytes of a file that says more of samples that were left out than how many they are.
pub const LIMIT: usize = 500_000;

/// The raw file of a table, where no other is named.
pub fn beside(table: &Path) -> PathBuf {
    table.with_extension("raw.gz")
}

/// Name of a raw file while it is unfinished.
pub fn partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(".part");
    name.into()
}

/// A raw file being written.
pub struct RawFile {
    path: PathBuf,
    /// Absent until there is a first line of the agent: what fails before leaves no file.
    file: Option<File>,
    request: Vec<u8>,
    /// Whether a command can resume it.
    resumes: bool,
    /// Keeps other commands from the name, where the command has not seen to that itself.
    #[expect(dead_code)]
    reserved: Option<Reserved>,
}

impl RawFile {
    /// Begins a new file; an old unfinished one is replaced.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn create(path: &Path, request: &Request) -> Result<Self, FileError> {
        let resumes = request.purpose == Purpose::Build;
        let request = serde_json::to_vec(request).map_err(io::Error::from).map_err(FileError::new("cannot write", path))?;
        Ok(Self { path: path.to_path_buf(), file: None, request, resumes, reserved: None })
    }

    /// Begins a new file; refuses, before anything is measured, a name that is taken or that another command is about to write, or in a
    /// folder that is not there.
    ///
    /// # Errors
    /// [`RawError::NoFolder`], [`RawError::Reserved`], [`RawError::Exists`], [`RawError::File`].
    pub fn fresh(path: &Path, request: &Request) -> Result<Self, RawError> {
        if !folder(path).is_dir() {
            return Err(RawError::NoFolder { folder: folder(path).to_path_buf() });
        }
        let reserved = Some(Reserved::take(path, &holder())?);
        match [path.to_path_buf(), partial(path)].into_iter().find(|path| path.exists()) {
            Some(path) => Err(RawError::Exists { path }),
            None => Ok(Self { reserved, ..Self::create(path, request)? }),
        }
    }

    /// Makes a finished file unfinished again, so that it can be resumed.
    ///
    /// # Errors
    /// [`RawError::File`], [`RawError::Content`].
    pub fn reopen(path: &Path) -> Result<(), RawError> {
        let part = partial(path);
        let (events, request) = events(path)?;
        let fail = || FileError::new("cannot write", &part);
        let mut text = serde_json::to_vec(&request).map_err(io::Error::from).map_err(fail())?;
        for event in events {
            text.push(b'\n');
            serde_json::to_writer(&mut text, &event).map_err(io::Error::from).map_err(fail())?;
        }
        text.push(b'\n');
        Ok(fs::write(&part, text).map_err(fail())?)
    }

    /// Goes on with an unfinished file, behind its last whole line.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn append(path: &Path) -> Result<Self, FileError> {
        let part = partial(path);
        let fail = || FileError::new("cannot write", &part);
        let bytes = fs::read(&part).map_err(fail())?;
        let whole = bytes.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
        let file = OpenOptions::new().append(true).open(&part).map_err(fail())?;
        file.set_len(whole as u64).map_err(fail())?;
        Ok(Self { path: path.to_path_buf(), file: Some(file), request: Vec::new(), resumes: true, reserved: None })
    }

    /// Writes a line.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn line(&mut self, line: &[u8]) -> Result<(), FileError> {
        let part = partial(&self.path);
        let write = |file: &mut File, line: &[u8]| {
            let whole = [line, b"\n"].concat();
            file.write_all(&whole).map_err(FileError::new("cannot write", &part))
        };
        match &mut self.file {
            Some(file) => write(file, line),
            None => {
                let file = self.file.insert(File::create(&part).map_err(FileError::new("cannot write", &part))?);
                write(file, &self.request)?;
                write(file, line)
            }
        }
    }

    /// Where the samples so far are, if there are any.
    pub fn kept(&self) -> Option<Kept> {
        let path = partial(&self.path);
        path.exists().then_some(Kept { path, resumes: self.resumes })
    }

    /// What was found, with the file still to be finished. If nothing was found, the file is finished: the samples are kept.
    ///
    /// # Errors
    /// That of `found`; [`RawError`].
    pub fn finish_on_error<T, E: From<RawError>>(raw: Option<Self>, found: Result<T, E>) -> Result<(T, Option<Self>), E> {
        match found {
            Ok(found) => Ok((found, raw)),
            Err(error) => {
                raw.map(Self::finish).transpose()?;
                Err(error)
            }
        }
    }

    /// Gives the file its name. It is packed, unless the name ends in `.jsonl`: then it stays as the agent's lines. Where it would
    /// be longer than [`LIMIT`], samples that were left out are only counted.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn finish(self) -> Result<(), RawError> {
        let part = partial(&self.path);
        let fail = || FileError::new("cannot write", &self.path);
        if self.path.extension().is_some_and(|e| e == "jsonl") {
            return Ok(fs::rename(&part, &self.path).map_err(fail())?);
        }
        let (events, request) = events(&part)?;
        let pack = |events: &[Event]| -> io::Result<Vec<u8>> { compressed(&packed::write(&request, events)?) };
        let mut packed = pack(&events).map_err(fail())?;
        if packed.len() > LIMIT {
            packed = pack(&counted(events)).map_err(fail())?;
        }
        files::write(&self.path, &packed, files::Overwrite::Yes).map_err(fail())?;
        Ok(fs::remove_file(&part).map_err(fail())?)
    }
}

/// All that a file holds.
fn events(path: &Path) -> Result<(Vec<Event>, Request), RawError> {
    let (file, size) = read::open(path)?;
    let mut events = Vec::new();
    let request = read::events(file, size, path, &mut |event| {
        events.push(event);
        Ok(())
    })?;
    Ok((events, request))
}

/// The events with samples that were left out bare of all but item and fault, behind the good ones of their process.
fn counted(events: Vec<Event>) -> Vec<Event> {
    let (mut kept, mut bare, mut last_ms) = (Vec::new(), Vec::new(), 0.0);
    let behind = |bare: &mut Vec<Sample>, kept: &mut Vec<Event>, at_ms: f64| {
        bare.sort_by(|a, b| (&a.id, a.fault).cmp(&(&b.id, b.fault)));
        kept.extend(bare.drain(..).map(|sample| Event::Sample(Sample { at_ms, ..sample })));
    };
    for event in events {
        match event {
            Event::Sample(sample) => {
                last_ms = sample.at_ms;
                if sample.fault.is_none() {
                    kept.push(Event::Sample(sample));
                } else {
                    bare.push(Sample { us: 0.0, before_us: 0.0, after_us: 0.0, cpu: None, ..sample });
                }
            }
            Event::Start(_) | Event::Done { .. } => {
                behind(&mut bare, &mut kept, last_ms);
                kept.push(event);
            }
            other => kept.push(other),
        }
    }
    behind(&mut bare, &mut kept, last_ms);
    kept
}

/// Compressed, but never so well that [`read`] takes it for damaged: samples that are all alike come from models of devices.
fn compressed(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let with = |level: Compression| {
        let mut encoder = GzEncoder::new(Vec::new(), level);
        encoder.write_all(bytes)?;
        encoder.finish()
    };
    let best = with(Compression::best())?;
    if bytes.len() as u64 <= RATIO * best.len() as u64 { Ok(best) } else { with(Compression::none()) }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
