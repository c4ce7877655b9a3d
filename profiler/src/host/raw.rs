//! Raw sample files: what was asked for in the first line, then the agent's own lines, one JSON object each.
//!
//! While measuring, the file is called `NAME.part`; it takes its name when the table is done, and is compressed then where that
//! name ends in `.gz`. A last line cut in half, as a killed process leaves it, is passed over.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};

use super::HostError;
use super::identity::Identity;
use crate::protocol::{Event, Sample, SampleFault, Start};
use crate::steady;

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
    /// Which of the processes that measured, counted from 0, took each of them.
    pub processes: Vec<usize>,
    /// Left out, in the order of [`SampleFault::ALL`].
    pub faulty: [u64; SampleFault::ALL.len()],
    /// Runs with cold caches, in canary units.
    pub cold: Vec<f64>,
    /// Checksum of its outputs.
    pub checksum: Option<String>,
    /// Largest difference to the reference result, relative.
    pub error: Option<f64>,
}

impl ItemSamples {
    /// Good samples that nothing disturbed within, each with the process that took it.
    pub fn steady(&self) -> impl Iterator<Item = (&Sample, usize)> {
        let steady = steady::select(&self.samples.iter().map(|sample| (sample.ratio(), sample.spread)).collect::<Vec<_>>());
        let all = std::iter::zip(&self.samples, self.processes.iter().copied());
        std::iter::zip(all, steady).filter_map(|(sample, steady)| steady.then_some(sample))
    }

    /// Those samples in canary units.
    pub fn ratios(&self) -> Vec<f64> {
        self.steady().map(|(sample, _)| sample.ratio()).collect()
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
    /// Clocks seen in good samples, in MHz.
    pub mhz: Vec<f64>,
    /// Temperatures seen in good samples, in °C, in order.
    pub celsius: Vec<f64>,
    /// Time spent sampling, in ms, all sessions together.
    pub spent_ms: f64,
    /// Passes that ended by themselves.
    pub passes: usize,
    /// Processes that measured, ended or not.
    pub processes: usize,
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
                    // The number of threads is the request's.
                    let [then, now] = [before, start.as_ref()].map(|start| Identity::of_agent(start, 1));
                    let mut unlike = then.compare(&now).lines("then", "now");
                    if before.cpus != start.cpus {
                        unlike.push(format!("CPUs: {:?} (then), {:?} (now)", before.cpus, start.cpus));
                    }
                    if before.canary != start.canary {
                        unlike.push(format!("canary: {} (then), {} (now)", before.canary, start.canary));
                    }
                    if !unlike.is_empty() {
                        return Err(format!("was measured on or with something else; {}", unlike.join("; ")));
                    }
                }
                self.start = Some(start.as_ref().clone());
                self.processes += 1;
                self.spent_ms += self.session_ms;
                self.session_ms = 0.0;
                self.precise = false;
            }
            Event::Ready { id, error, checksum, .. } => {
                let item = self.items.entry(id.clone()).or_default();
                (item.error, item.checksum) = (*error, Some(checksum.clone()));
            }
            Event::Sample(sample) => {
                // The agent's clock never goes back by itself; a device whose clock does cannot time anything.
                if sample.at_ms < self.session_ms {
                    let (from, to) = (self.session_ms, sample.at_ms);
                    return Err(format!("its clock jumped back from {from:.1} to {to:.1} ms at a sample of '{}'", sample.id));
                }
                self.session_ms = sample.at_ms;
                let item = self.items.entry(sample.id.clone()).or_default();
                match sample.fault {
                    Some(fault) => {
                        for (count, reason) in std::iter::zip(&mut item.faulty, SampleFault::ALL) {
                            *count += u64::from(reason == fault);
                        }
                    }
                    None if sample.us > 0.0 && sample.before_us > 0.0 && sample.after_us > 0.0 => {
                        self.canaries.push(sample.canary_us());
                        self.mhz.extend(sample.mhz);
                        self.celsius.extend(sample.celsius);
                        item.samples.push(sample.clone());
                        item.processes.push(self.processes.saturating_sub(1));
                    }
                    None => return Err(format!("holds a sample of '{}' without a time", sample.id)),
                }
            }
            Event::Done { precise } => {
                self.passes += 1;
                self.precise = *precise;
            }
            Event::Cold { id, us, canary_us } if *us > 0.0 && *canary_us > 0.0 => {
                self.items.entry(id.clone()).or_default().cold.push(us / canary_us);
            }
            Event::Cold { id, .. } => return Err(format!("holds a cold run of '{id}' without a time")),
            Event::Loading { .. } | Event::Sampling | Event::Resting { .. } | Event::Round { .. } | Event::Failed { .. } => {}
        }
        Ok(())
    }

    /// The samples of several units of one model as if all had run at the mean unit's speed: each unit's times are scaled so that
    /// its quiet canary takes as long as all units' mean. Ratios stay as they are.
    pub fn pool(units: &[Self]) -> Self {
        let stated: Vec<f64> = units.iter().map(|unit| unit.canary_us().map_or(1.0, |(stated, _)| stated)).collect();
        let mean = stated.iter().sum::<f64>() / stated.len().max(1) as f64;
        let mut pool = Self { start: units.first().and_then(|unit| unit.start.clone()), precise: true, ..Self::default() };
        for (unit, stated) in std::iter::zip(units, stated) {
            let factor = mean / stated;
            for (id, item) in &unit.items {
                let into = pool.items.entry(id.clone()).or_default();
                into.samples.extend(item.samples.iter().map(|s| Sample {
                    us: s.us * factor,
                    before_us: s.before_us * factor,
                    after_us: s.after_us * factor,
                    ..s.clone()
                }));
                into.processes.extend(item.processes.iter().map(|process| pool.processes + process));
                into.faulty.iter_mut().zip(item.faulty).for_each(|(sum, n)| *sum += n);
                into.cold.extend(&item.cold);
                into.checksum = into.checksum.take().or_else(|| item.checksum.clone());
                into.error = into.error.into_iter().chain(item.error).reduce(f64::max);
            }
            pool.canaries.extend(unit.canaries.iter().map(|us| us * factor));
            pool.mhz.extend(&unit.mhz);
            pool.celsius.extend(&unit.celsius);
            pool.precise &= unit.precise;
            pool.processes += unit.processes;
        }
        pool
    }

    /// What to do about too few good samples, from why most were left out.
    pub fn advice(&self) -> String {
        let sums =
            SampleFault::ALL.iter().enumerate().map(|(i, fault)| (self.items.values().map(|s| s.faulty[i]).sum::<u64>(), fault));
        match sums.max_by_key(|(sum, _)| *sum) {
            Some((1.., SampleFault::Temperature)) => {
                "most were left out for the device's temperature: let it cool down, or give it a larger --band".to_string()
            }
            Some((sum @ 1.., _)) => format!("the device was too busy ({sum} samples were left out), or the budget too short"),
            _ => "the budget was too short; give a larger --budget".to_string(),
        }
    }

    /// Time spent sampling so far, in ms.
    pub fn spent_ms(&self) -> f64 {
        self.spent_ms + self.session_ms
    }

    /// The canary's time while the device was quiet: the median of the fastest tenth. And its median over all.
    pub fn canary_us(&self) -> Option<(f64, f64)> {
        let mut sorted = self.canaries.clone();
        sorted.sort_by(f64::total_cmp);
        (!sorted.is_empty())
            .then(|| (crate::stats::quantile(&sorted, crate::quiet::QUIETEST), crate::stats::quantile(&sorted, 0.5)))
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
    read_from(open(path)?, path)
}

/// Opens a raw file, compressed or not.
fn open(path: &Path) -> Result<Box<dyn BufRead>, HostError> {
    let mut file = BufReader::new(File::open(path).map_err(HostError::file("read", path))?);
    let packed = file.fill_buf().map_err(HostError::file("read", path))?.starts_with(&[0x1f, 0x8b]);
    Ok(if packed { Box::new(BufReader::new(MultiGzDecoder::new(file))) } else { Box::new(file) })
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

    /// Makes a finished file unfinished again, to be gone on with.
    ///
    /// # Errors
    /// [`HostError::File`].
    pub fn reopen(path: &Path) -> Result<(), HostError> {
        let part = partial(path);
        let mut file = File::create(&part).map_err(HostError::file("write", &part))?;
        std::io::copy(&mut open(path)?, &mut file).map(drop).map_err(HostError::file("write", &part))
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

    /// Gives the file its name, compressed where the name says so.
    ///
    /// # Errors
    /// [`HostError::File`].
    pub fn finish(self) -> Result<(), HostError> {
        let part = partial(&self.path);
        let fail = || HostError::file("write", &self.path);
        if self.path.extension().is_none_or(|e| e != "gz") {
            return fs::rename(&part, &self.path).map_err(fail());
        }
        let folder = self.path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let packed = tempfile::Builder::new().prefix(".raw-").permissions(readable()).tempfile_in(folder).map_err(fail())?;
        let mut encoder = GzEncoder::new(packed, flate2::Compression::best());
        let mut whole = File::open(&part).map_err(fail())?;
        std::io::copy(&mut whole, &mut encoder).map_err(fail())?;
        encoder.finish().map_err(fail())?.persist(&self.path).map_err(|e| fail()(e.error))?;
        fs::remove_file(&part).map_err(fail())
    }
}

/// Temporary files are private by default; raw samples are not.
fn readable() -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    fs::Permissions::from_mode(0o644)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &str = r#"{"space":"s","points":1,"threads":1,"cpus":[],"engine":"ort","device":"local","items":["a"]}"#;
    const SAMPLE: &str = r#"{"event":"sample","id":"a","at_ms":9.5,"us":10,"before_us":4,"after_us":6,"cpu":1,"fault":null}"#;
    const FAULTY: &str = r#"{"event":"sample","id":"a","at_ms":9.5,"us":10,"before_us":4,"after_us":9,"cpu":1,"fault":"canary"}"#;

    fn parse(text: &str) -> Result<(Request, Samples), String> {
        read_from(text.as_bytes(), Path::new("r")).map_err(|e| e.to_string())
    }

    #[test]
    fn samples_are_gathered_and_a_half_line_is_passed_over() {
        let (request, samples) = parse(&format!("{REQUEST}\n{SAMPLE}\n{FAULTY}\n{SAMPLE}\n{}", &SAMPLE[..40])).unwrap();
        assert_eq!(request.items, ["a"]);
        assert_eq!(samples.items["a"].ratios(), [2.0, 2.0]);
        assert_eq!(samples.items["a"].faulty, [1, 0, 0, 0]);
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

        // The same, compressed, and made unfinished again.
        let packed = folder.path().join("x.jsonl.gz");
        let mut raw = RawFile::create(&packed, &request).unwrap();
        raw.line(SAMPLE.as_bytes()).unwrap();
        raw.finish().unwrap();
        assert!(fs::read(&packed).unwrap().starts_with(&[0x1f, 0x8b]) && !partial(&packed).exists());
        assert_eq!(read(&packed).unwrap().1.items["a"].samples.len(), 1);
        RawFile::reopen(&packed).unwrap();
        assert!(fs::read_to_string(partial(&packed)).unwrap().ends_with(&format!("{SAMPLE}\n")));
    }

    #[test]
    fn a_clock_that_goes_back_is_noticed() {
        let earlier = SAMPLE.replace("9.5", "7.5");
        let error = parse(&format!("{REQUEST}\n{SAMPLE}\n{earlier}\n")).unwrap_err();
        assert!(error.contains("line 3") && error.contains("jumped back from 9.5 to 7.5 ms"), "{error}");
    }

    #[test]
    fn units_are_pooled_at_the_mean_units_speed() {
        let slower = SAMPLE.replace("\"us\":10", "\"us\":33").replace("\"before_us\":4", "\"before_us\":14");
        let unit = |line: &str| parse(&format!("{REQUEST}\n{line}\n")).unwrap().1;
        let units = [unit(SAMPLE), unit(&slower)];
        assert_eq!(units[1].items["a"].ratios(), [3.3]);
        let pool = Samples::pool(&units);
        let ratios = pool.items["a"].ratios();
        assert!((ratios[0] - 2.0).abs() < 1e-12 && (ratios[1] - 3.3).abs() < 1e-12, "{ratios:?}");
        // Canaries of 5 and 10 µs.
        assert_eq!(pool.canary_us(), Some((7.5, 7.5)));
    }
}
