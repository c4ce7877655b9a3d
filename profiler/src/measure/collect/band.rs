//! The band of temperatures across passes: the agent's own sampling, on a made-up device whose sensor is a file.

use std::cell::RefCell;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use engines::{Engine, EngineError, EngineInfo, EngineKind, Port, Session, SessionOptions, Value};
use indicatif::MultiProgress;
use support::onnx::{element, model, node, port};

use super::{CollectError, Setting, Sizes, Task};
use crate::agent::canary::Canary;
use crate::agent::events::Events;
use crate::agent::thermal::Thermometer;
use crate::devices::{Ended, Exit, Flow, Transport, TransportError};
use crate::measure::given::Given;
use crate::measure::job::JobFolder;
use crate::measure::raw::{Purpose, RawFile, Request, Samples, partial, read};
use crate::protocol::{Event, Hold, JOB_FILE, Job, Plan, examples};

/// For so long after sampling began nothing that is disturbed is good, in ms: longer than the thermometer trusts a reading.
const DISTURBED_MS: u128 = 120;

/// What a process of the agent meets.
#[derive(Clone, Copy, Default)]
struct Weather {
    /// The sensor when the process begins, and once it samples, in °C; none where it does not answer.
    begins: Option<f64>,
    samples: Option<f64>,
    /// Whether another program disturbs its first samples.
    is_disturbed: bool,
    /// Whether the agent is killed once it has told the first temperature.
    dies: bool,
}

/// What is common to device, engine and models.
struct State {
    sensor: PathBuf,
    weather: Weather,
    sampling: Option<Instant>,
}

impl State {
    fn set(&self, celsius: Option<f64>) {
        match celsius {
            Some(celsius) => fs::write(&self.sensor, format!("{}\n", celsius * 1000.0)).unwrap(),
            None => drop(fs::remove_file(&self.sensor)),
        }
    }

    /// What the device does about a line of the agent: it is warmer once it works, and has cooled down after a rest.
    fn heard(&mut self, line: &Event) {
        match line {
            Event::Sampling => self.sampling = Some(Instant::now()),
            Event::Resting { .. } => self.set(self.weather.samples.map(|celsius| celsius - 2.0)),
            _ => {}
        }
    }
}

/// A device that runs the agent's sampling in this process.
struct Device {
    weather: Vec<Weather>,
    state: Rc<RefCell<State>>,
    folder: PathBuf,
    /// The first temperature that each process was given.
    given: Rc<RefCell<Vec<Option<f64>>>>,
}

impl Transport for Device {
    fn name(&self) -> String {
        "made up".to_string()
    }

    fn library(&mut self, _: EngineKind, _: Option<&Path>) -> Result<Option<String>, TransportError> {
        Ok(None)
    }

    fn push(&mut self, folder: &Path) -> Result<(), TransportError> {
        self.folder = folder.to_path_buf();
        Ok(())
    }

    fn run(&mut self, on_line: &mut dyn FnMut(&[u8]) -> Flow) -> Result<Ended, TransportError> {
        let job: Job = serde_json::from_slice(&fs::read(self.folder.join(JOB_FILE)).unwrap()).unwrap();
        let weather = self.weather[self.given.borrow().len()];
        self.given.borrow_mut().push(job.hold.start_celsius);
        let sensor = self.state.borrow().sensor.clone();
        *self.state.borrow_mut() = State { sensor: sensor.clone(), weather, sampling: None };
        self.state.borrow().set(weather.begins);
        let mut lines = Lines { on_line, state: self.state.clone() };
        let mut events = Events(&mut lines);
        events.send(&Event::Start(Box::new(examples::start()))).unwrap();
        let (mut canary, thermometer) = (Canary::new(job.plan.canary_us), Thermometer::of_files(vec![sensor], &job.hold));
        let engine = Made(self.state.clone(), info());
        let done = crate::agent::sample(&job, &self.folder, &engine, Vec::new(), &mut canary, thermometer, &mut events);
        let exit = if done.is_ok() { Exit::Code(0) } else { Exit::KILLED };
        Ok(Ended { exit, half_line: false, stderr: String::new() })
    }

    fn clean(&mut self) -> Result<(), TransportError> {
        Ok(())
    }

    fn remove_all(&mut self) -> Result<(), TransportError> {
        Ok(())
    }
}

/// Where the agent writes.
struct Lines<'a> {
    on_line: &'a mut dyn FnMut(&[u8]) -> Flow,
    state: Rc<RefCell<State>>,
}

impl Write for Lines<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let event: Event = serde_json::from_slice(line).unwrap();
        self.state.borrow_mut().heard(&event);
        let flow = (self.on_line)(line.strip_suffix(b"\n").unwrap());
        let dies = self.state.borrow().weather.dies && matches!(event, Event::FirstTemperature { .. });
        if flow == Flow::Stop || dies { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(line.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An engine whose models do nothing but take time.
struct Made(Rc<RefCell<State>>, EngineInfo);

fn info() -> EngineInfo {
    let (name, version) = ("made up".to_string(), "1".to_string());
    EngineInfo { name, version, precision: None, library: None, library_sha256: None, build: None }
}

impl Engine for Made {
    fn info(&self) -> &EngineInfo {
        &self.1
    }

    fn load(&self, _: &[u8], _: &SessionOptions) -> Result<Box<dyn Session>, EngineError> {
        Ok(Box::new(Timed(self.0.clone())))
    }
}

struct Timed(Rc<RefCell<State>>);

impl Session for Timed {
    fn inputs(&self) -> &[Port] {
        &[]
    }

    fn outputs(&self) -> &[Port] {
        &[]
    }

    fn feed(&mut self, _: &[Value]) -> Result<(), EngineError> {
        Ok(())
    }

    fn run(&mut self) -> Result<(), EngineError> {
        let state = self.0.borrow();
        let ms = state.sampling.map(|began| began.elapsed().as_millis());
        if ms.is_some() {
            state.set(state.weather.samples);
        }
        if state.weather.is_disturbed && ms.is_some_and(|ms| ms < DISTURBED_MS) {
            // A thread that does not compute was stopped.
            thread::sleep(Duration::from_millis(1));
        }
        let began = Instant::now();
        while began.elapsed() < Duration::from_micros(50) {}
        Ok(())
    }

    fn results(&mut self) -> Result<Vec<Option<Value>>, EngineError> {
        Ok(vec![None])
    }
}

/// A measurement of three passes; `samples` are those so far. Gives what the processes were told, and what came of it.
fn measured(folder: &Path, weather: &[Weather], samples: Samples) -> (Vec<Option<f64>>, Result<Samples, CollectError>) {
    let file = folder.join("a.onnx");
    let port = |name| port(name, element::FLOAT32, "1,5");
    fs::write(&file, model(&[node("Relu", &["x"], &["y"], &[])], &[], &[port("x")], &[port("y")])).unwrap();
    let plan = Plan { precision: 1e-9, budget_ms: 1500, sample_us: 500.0, canary_us: 100.0, ..examples::plan() };
    let hold = Hold { celsius: Some(3.0), start_celsius: None, governor: false };
    let setting = Setting { passes: 3, plan, hold, ..Setting::example() };
    let job = JobFolder::of_files(&[file], EngineKind::OnnxRuntime, &Given::default()).unwrap();
    let request = Request { purpose: Purpose::Build, ..setting.request(job.items.iter().map(|item| item.id.clone()).collect()) };
    let path = folder.join("r.raw.gz");
    let raw = if partial(&path).exists() { RawFile::append(&path) } else { RawFile::create(&path, &request) };
    let (given, state) = (Rc::default(), State { sensor: folder.join("temp"), weather: Weather::default(), sampling: None });
    let state = Rc::new(RefCell::new(state));
    let device = Device { weather: weather.to_vec(), state, folder: PathBuf::new(), given: Rc::clone(&given) };
    let bars = MultiProgress::new();
    let task =
        Task { setting: &setting, folder: job, samples, raw: Some(raw.unwrap()), bars, sizes: Sizes::default(), accept: None };
    let done = task.run_passes_on(Box::new(device));
    let done = done.map(|(samples, raw)| {
        raw.unwrap().finish().unwrap();
        samples
    });
    (given.take(), done)
}

#[test]
fn all_passes_keep_the_band_of_the_first_reading() {
    let folder = tempfile::tempdir().unwrap();
    // 40 °C is read once; when the first good sample is taken the device has 42.5 °C, around which 44 °C would be allowed.
    let first = Weather { begins: Some(40.0), samples: Some(42.5), is_disturbed: true, ..Weather::default() };
    let later = Weather { begins: Some(44.0), samples: Some(44.0), ..Weather::default() };
    let (given, done) = measured(folder.path(), &[first, later, later], Samples::default());
    let samples = done.unwrap();
    assert_eq!(given, [None, Some(40.0), Some(40.0)]);
    assert!(samples.celsius.iter().all(|celsius| (37.0..=43.0).contains(celsius)), "{:?}", samples.celsius);
    // It stands in the finished file, from which the table is fitted again.
    assert_eq!(
        (samples.start_celsius(), read(&folder.path().join("r.raw.gz")).unwrap().1.start_celsius()),
        (Some(40.0), Some(40.0))
    );
}

#[test]
fn a_sensor_that_answers_later_gives_the_first_reading_then() {
    let folder = tempfile::tempdir().unwrap();
    let of = |celsius| Weather { begins: celsius, samples: celsius, ..Weather::default() };
    let (given, done) = measured(folder.path(), &[of(None), of(Some(41.0)), of(Some(45.0))], Samples::default());
    assert_eq!((given, done.unwrap().start_celsius()), (vec![None, None, Some(41.0)], Some(41.0)));
}

#[test]
fn what_is_resumed_keeps_the_band_though_the_first_process_took_no_good_sample() {
    let folder = tempfile::tempdir().unwrap();
    let dies = Weather { begins: Some(40.0), samples: Some(42.5), is_disturbed: true, dies: true };
    let (given, done) = measured(folder.path(), &[dies], Samples::default());
    assert!(matches!(done, Err(CollectError::Agent { .. })) && given == [None]);
    let (_, earlier) = read(&partial(&folder.path().join("r.raw.gz"))).unwrap();
    assert!(earlier.celsius.is_empty());
    let later = Weather { begins: Some(44.0), samples: Some(44.0), ..Weather::default() };
    let (given, done) = measured(folder.path(), &[later; 3], earlier);
    assert_eq!(given, [Some(40.0); 3]);
    assert!(done.unwrap().celsius.iter().all(|celsius| *celsius <= 43.0));
}
