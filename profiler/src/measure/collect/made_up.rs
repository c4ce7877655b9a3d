//! A made-up device for tests: the agent's own sampling of a model that does nothing but take time, and a sensor that is a file.

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
use crate::measure::raw::{Purpose, RawFile, Request, Samples, partial};
use crate::protocol::{Event, Hold, JOB_FILE, Job, Plan, examples};

/// For so long after sampling began nothing that is disturbed is good, in ms: longer than the thermometer trusts a reading.
const DISTURBED_MS: u128 = 120;
/// The shortest time of a run, in µs.
const LEAST_US: u64 = 50;

/// What a process of the agent meets.
#[derive(Clone, Copy, Default)]
pub(super) struct Weather {
    /// The sensor when the process begins, in °C; none where it does not answer.
    pub(super) begins: Option<f64>,
    /// The same once it samples.
    pub(super) samples: Option<f64>,
    /// Time of a run beyond the shortest, in µs.
    pub(super) run_us: u64,
    /// Whether another program disturbs its first samples.
    pub(super) is_disturbed: bool,
    /// Whether the agent is killed once it has told the first temperature.
    pub(super) dies: bool,
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
    /// The job of each process.
    given: Rc<RefCell<Vec<Job>>>,
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
        self.given.borrow_mut().push(job.clone());
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
        while began.elapsed() < Duration::from_micros(LEAST_US + state.weather.run_us) {}
        Ok(())
    }

    fn results(&mut self) -> Result<Vec<Option<Value>>, EngineError> {
        Ok(vec![None])
    }
}

/// Name of the raw file of [`measured`] in its folder.
pub(super) const RAW: &str = "r.raw.gz";

/// A measurement of three passes; `samples` are those so far. Gives the processes' jobs, and what came of it.
pub(super) fn measured(folder: &Path, weather: &[Weather], samples: Samples) -> (Vec<Job>, Result<Samples, CollectError>) {
    measured_within(folder, weather, samples, 1500, false)
}

/// The same within so many ms, and beyond them where `is_extended`.
pub(super) fn measured_within(
    folder: &Path,
    weather: &[Weather],
    samples: Samples,
    budget_ms: u64,
    is_extended: bool,
) -> (Vec<Job>, Result<Samples, CollectError>) {
    let file = folder.join("a.onnx");
    let port = |name| port(name, element::FLOAT32, "1,5");
    fs::write(&file, model(&[node("Relu", &["x"], &["y"], &[])], &[], &[port("x")], &[port("y")])).unwrap();
    let plan = Plan { precision: 1e-9, budget_ms, sample_us: 500.0, canary_us: 100.0, ..examples::plan() };
    let hold = Hold { celsius: Some(3.0), start_celsius: None, governor: false };
    let setting = Setting { passes: 3, is_extended, plan, hold, ..Setting::example() };
    let job = JobFolder::of_files(&[file], EngineKind::OnnxRuntime, &Given::default()).unwrap();
    let request = Request { purpose: Purpose::Build, ..setting.request(job.items.iter().map(|item| item.id.clone()).collect()) };
    let path = folder.join(RAW);
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
