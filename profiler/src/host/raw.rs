//! Raw sample files: what was asked for in the first line, then the agent's own lines, one JSON object each.
//!
//! While measuring, the file is called `NAME.part`; it takes its name when the table is done. A last line cut in half, as a
//! killed process leaves it, is passed over.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::HostError;
use crate::protocol::{Event, Sample, SampleFault, Start};

/// Longest line read.
const LINE_LIMIT: u64 = 1 << 20;
/// Most lines read.
const LINES: usize = 20_000_000;

/// What was asked for; samples of different requests do not mix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The space's hash.
    pub space: String,
    /// Landmarks.
    pub points: usize,
    /// Threads.
    pub threads: usize,
    /// CPUs asked for.
    pub cpus: Vec<usize>,
    /// The engine's name on the command line.
    pub engine: String,
    /// The device asked for.
    pub device: String,
    /// Everything that is measured.
    pub items: Vec<String>,
}

/// Samples of one item.
#[derive(Clone, Debug, Default)]
pub struct ItemSamples {
    /// Good samples, in order.
    pub samples: Vec<Sample>,
    /// Left out: canary, moved, preempted.
    pub faulty: [u64; 3],
    /// Checksum of its outputs.
    pub checksum: Option<String>,
    /// Largest difference to the reference result, relative.
    pub error: Option<f64>,
}

impl ItemSamples {
    /// Good samples in canary units.
    pub fn ratios(&self) -> Vec<f64> {
        self.samples.iter().map(Sample::ratio).collect()
    }
}

/// All that a raw file holds, gathered.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    /// Where and with what; of the last start.
    pub start: Option<Start>,
    /// By item.
    pub items: BTreeMap<String, ItemSamples>,
    /// Times of canaries, in µs a unit.
    pub canaries: Vec<f64>,
    /// Time spent sampling, in ms, all sessions together.
    pub spent_ms: f64,
    /// Passes that ended by themselves.
    pub passes: usize,
    /// Whether all items were precise at the end of the last pass.
    pub precise: bool,
    session_ms: f64,
}

impl Samples {
    /// Takes an event in.
    ///
    /// # Errors
    /// Why the event does not belong to what is there: another engine or canary.
    pub fn add(&mut self, event: &Event) -> Result<(), String> {
        match event {
            Event::Start(start) => {
                if let Some(before) = &self.start {
                    let same = before.engine == start.engine && before.canary == start.canary && before.cpus == start.cpus;
                    if !same || before.device.model != start.device.model {
                        return Err(format!(
                            "was measured with {} {} on CPUs {:?} of {:?}, now it is {} {} on CPUs {:?} of {:?}",
                            before.engine.name,
                            before.engine.version,
                            before.cpus,
                            before.device.model,
                            start.engine.name,
                            start.engine.version,
                            start.cpus,
                            start.device.model
                        ));
                    }
                }
                self.start = Some(start.as_ref().clone());
                self.spent_ms += self.session_ms;
                self.session_ms = 0.0;
                self.precise = false;
            }
            Event::Ready { id, error, checksum, .. } => {
                let item = self.items.entry(id.clone()).or_default();
                (item.error, item.checksum) = (*error, Some(checksum.clone()));
            }
            Event::Sample(sample) => {
                self.session_ms = self.session_ms.max(sample.at_ms);
                let item = self.items.entry(sample.id.clone()).or_default();
                match sample.fault {
                    Some(fault) => {
                        let reasons = [SampleFault::Canary, SampleFault::Moved, SampleFault::Preempted];
                        for (count, reason) in std::iter::zip(&mut item.faulty, reasons) {
                            *count += u64::from(reason == fault);
                        }
                    }
                    None if sample.us > 0.0 && sample.before_us > 0.0 && sample.after_us > 0.0 => {
                        self.canaries.push(0.5 * (sample.before_us + sample.after_us));
                        item.samples.push(sample.clone());
                    }
                    None => return Err(format!("holds a sample of '{}' without a time", sample.id)),
                }
            }
            Event::Done { precise } => {
                self.passes += 1;
                self.precise = *precise;
            }
            Event::Loading { .. } | Event::Sampling | Event::Round { .. } | Event::Failed { .. } => {}
        }
        Ok(())
    }

    /// Time spent sampling so far, in ms.
    pub fn spent_ms(&self) -> f64 {
        self.spent_ms + self.session_ms
    }

    /// The canary's time while the device was quiet: the median of the fastest tenth. And its median over all.
    pub fn canary_us(&self) -> Option<(f64, f64)> {
        let mut sorted = self.canaries.clone();
        sorted.sort_by(f64::total_cmp);
        (!sorted.is_empty()).then(|| (crate::stats::quantile(&sorted, 0.05), crate::stats::quantile(&sorted, 0.5)))
    }
}

/// Name of a raw file while it is unfinished.
pub fn partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(".part");
    name.into()
}

/// Reads a raw file's request and samples.
///
/// # Errors
/// [`HostError::File`], or [`HostError::Raw`] with the line that cannot be used.
pub fn read(path: &Path) -> Result<(Request, Samples), HostError> {
    let file = File::open(path).map_err(HostError::file("read", path))?;
    read_from(BufReader::new(file), path)
}

/// [`read`] from any source; `path` stands in the errors.
///
/// # Errors
/// As [`read`].
pub fn read_from(mut input: impl BufRead, path: &Path) -> Result<(Request, Samples), HostError> {
    let fault = |reason: String| HostError::Raw { path: path.to_path_buf(), reason };
    let mut request = None;
    let mut samples = Samples::default();
    for number in 1..=LINES {
        let mut line = Vec::new();
        input.by_ref().take(LINE_LIMIT).read_until(b'\n', &mut line).map_err(HostError::file("read", path))?;
        if line.last() != Some(&b'\n') {
            // The end of the file, or a line that was cut off there.
            if line.len() as u64 == LINE_LIMIT {
                return Err(fault(format!("line {number} has no end")));
            }
            break;
        }
        if request.is_none() {
            let parsed = serde_json::from_slice(&line).map_err(|e| fault(format!("is no raw sample file: line 1: {e}")))?;
            request = Some(parsed);
            continue;
        }
        let event: Event = serde_json::from_slice(&line).map_err(|e| fault(format!("line {number}: {e}")))?;
        samples.add(&event).map_err(|reason| fault(format!("line {number}: {reason}")))?;
    }
    Ok((request.ok_or_else(|| fault("is empty".to_string()))?, samples))
}

/// A raw file being written.
pub struct RawFile {
    path: PathBuf,
    /// Absent until there is a first line of the agent: what fails before leaves no file.
    file: Option<File>,
    request: Vec<u8>,
}

impl RawFile {
    /// Begins a new file; an old unfinished one is replaced.
    ///
    /// # Errors
    /// [`HostError::File`].
    pub fn create(path: &Path, request: &Request) -> Result<Self, HostError> {
        let request = serde_json::to_vec(request).map_err(std::io::Error::from).map_err(HostError::file("write", path))?;
        Ok(Self { path: path.to_path_buf(), file: None, request })
    }

    /// Goes on with an unfinished file, behind its last whole line.
    ///
    /// # Errors
    /// [`HostError::File`].
    pub fn append(path: &Path) -> Result<Self, HostError> {
        let part = partial(path);
        let fail = || HostError::file("write", &part);
        let bytes = fs::read(&part).map_err(fail())?;
        let whole = bytes.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
        let file = OpenOptions::new().append(true).open(&part).map_err(fail())?;
        file.set_len(whole as u64).map_err(fail())?;
        Ok(Self { path: path.to_path_buf(), file: Some(file), request: Vec::new() })
    }

    /// Writes a line.
    ///
    /// # Errors
    /// [`HostError::File`].
    pub fn line(&mut self, line: &[u8]) -> Result<(), HostError> {
        let part = partial(&self.path);
        let write = |file: &mut File, line: &[u8]| {
            let whole = [line, b"\n"].concat();
            file.write_all(&whole).map_err(HostError::file("write", &part))
        };
        match &mut self.file {
            Some(file) => write(file, line),
            None => {
                let file = self.file.insert(File::create(&part).map_err(HostError::file("write", &part))?);
                write(file, &self.request)?;
                write(file, line)
            }
        }
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// [`HostError::File`].
    pub fn finish(self) -> Result<(), HostError> {
        fs::rename(partial(&self.path), &self.path).map_err(HostError::file("write", &self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &str = r#"{"space":"s","points":1,"threads":1,"cpus":[],"engine":"ort","device":"local","items":["a"]}"#;
    const SAMPLE: &str = r#"{"event":"sample","id":"a","at_ms":7.5,"us":10,"before_us":4,"after_us":6,"cpu":1,"fault":null}"#;
    const FAULTY: &str = r#"{"event":"sample","id":"a","at_ms":9.5,"us":10,"before_us":4,"after_us":9,"cpu":1,"fault":"canary"}"#;

    fn parse(text: &str) -> Result<(Request, Samples), String> {
        read_from(text.as_bytes(), Path::new("r")).map_err(|e| e.to_string())
    }

    #[test]
    fn samples_are_gathered_and_a_half_line_is_passed_over() {
        let (request, samples) = parse(&format!("{REQUEST}\n{SAMPLE}\n{FAULTY}\n{SAMPLE}\n{}", &SAMPLE[..40])).unwrap();
        assert_eq!(request.items, ["a"]);
        assert_eq!(samples.items["a"].ratios(), [2.0, 2.0]);
        assert_eq!(samples.items["a"].faulty, [1, 0, 0]);
        assert_eq!((samples.spent_ms(), samples.passes), (9.5, 0));
        assert_eq!(samples.canary_us(), Some((5.0, 5.0)));
    }

    #[test]
    fn what_is_no_raw_file_is_refused_with_its_line() {
        assert!(parse("").unwrap_err().contains("empty"));
        assert!(parse("key,kind\n").unwrap_err().contains("line 1"));
        assert!(parse(&format!("{REQUEST}\n{SAMPLE}\nnonsense\n")).unwrap_err().contains("line 3"));
        let zero = SAMPLE.replace("\"before_us\":4", "\"before_us\":0");
        assert!(parse(&format!("{REQUEST}\n{zero}\n")).unwrap_err().contains("without a time"));
    }

    #[test]
    fn an_unfinished_file_is_gone_on_with_behind_its_last_whole_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.jsonl");
        let (request, _) = parse(&format!("{REQUEST}\n")).unwrap();
        let mut raw = RawFile::create(&path, &request).unwrap();
        raw.line(SAMPLE.as_bytes()).unwrap();
        raw.file.as_mut().unwrap().write_all(&SAMPLE.as_bytes()[..30]).unwrap();
        drop(raw);
        let mut raw = RawFile::append(&path).unwrap();
        raw.line(SAMPLE.as_bytes()).unwrap();
        raw.finish().unwrap();
        assert_eq!(read(&path).unwrap().1.items["a"].samples.len(), 2);
        assert!(!partial(&path).exists());
    }
}
