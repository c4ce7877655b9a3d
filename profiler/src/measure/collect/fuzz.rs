//! No agent's lines make the host panic, take memory out of proportion, or listen for ever; what it takes in makes sense.

use std::time::Duration;

use support::fuzz::Fuzz;

use std::time::Instant;

use indicatif::ProgressBar;

use super::bounds::Bounds;
use super::listener::{Failure, Listener};
use super::progress::Progress;
use crate::devices::{Ended, Exit, Flow};
use crate::measure::raw::{ItemSamples, Samples};
use crate::measure::subject::Subject;
use crate::protocol::{Event, Explanation, Item, Job, PROTOCOL, Plan, Start, examples};

const LINES: [&str; 11] = [
    r#"{"event":"start","protocol":PROTOCOL,"version":"0.1.0","device":{"known":{"model":"m","soc":null,"system":null,"kernel":"6.1","memory_mib":2000,"clusters":[{"cpus":"0-3","core":null,"min_mhz":null,"max_mhz":2016.0,"governor":null,"shared_l2":null}],"sensors":[{"zone":0,"kind":"cpu","celsius":40.5}]},"arch":"aarch64","serial":"1","emulation":[]},"engine":{"name":"onnxruntime","version":"1.32.0","library_sha256":null},"cpus":[1],"canary":"loop"}"#,
    r#"{"event":"loading","id":"a"}"#,
    r#"{"event":"ready","id":"a","runs":7,"error":1e-6,"checksum":"0123abcd","took":{"load_ms":12.5,"run_us":9.5,"resident_kib":50000}}"#,
    r#"{"event":"sampling"}"#,
    r#"{"event":"cold","id":"b","us":20.5,"canary_us":4.5}"#,
    r#"{"event":"sample","id":"a","at_ms":7.5,"us":10,"spread":0.01,"before_us":4,"after_us":6,"cpu":1,"mhz":2016.5,"celsius":41.5,"fault":null}"#,
    r#"{"event":"sample","id":"b","at_ms":9.5,"us":10,"before_us":4,"after_us":9,"cpu":null,"fault":"canary"}"#,
    r#"{"event":"resting","celsius":43.25}"#,
    r#"{"event":"described","id":"a","inputs":[{"name":"x","element":"float32","shape":[1,3]}],"outputs":[{"name":"y","shape":[]}],"notes":["odd"]}"#,
    r#"{"event":"round","round":1,"settled":0,"elapsed_ms":12}"#,
    r#"{"event":"done","precise":true}"#,
];

/// Those lines, of this protocol.
fn lines() -> [String; LINES.len()] {
    LINES.map(|line| line.replace("PROTOCOL", &PROTOCOL.to_string()))
}

fn listener() -> Listener<'static> {
    let progress = Progress::Time { earlier_ms: 0.0, budget_ms: 1 };
    let asked = ["a", "b"].map(Subject::from).into();
    let listener = Listener::new(Samples::default(), None, ProgressBar::hidden(), progress, asked, None);
    Listener { bounds: Bounds { lines: 1000, ms: 1e6 }, ..listener }
}

/// What the host makes of an agent that says so and ends well.
fn hear(bytes: &[u8]) -> String {
    let mut listener = listener();
    let lines: Vec<&[u8]> = bytes.split(|&byte| byte == b'\n').collect();
    let heard = lines.iter().take_while(|line| listener.line(line) == Flow::Continue).count();
    let Listener { samples, asked, .. } = &listener;
    assert!(samples.items.keys().all(|subject| asked.contains(subject)), "only what was asked for");
    let sound = |ratio: &f64| ratio.is_finite() && *ratio > 0.0;
    assert!(samples.items.values().all(|item: &ItemSamples| item.ratios().iter().chain(&item.cold).all(sound)));
    assert!(samples.canary_us().is_none_or(|(idle, median)| 0.0 < idle && idle <= median && median.is_finite()));
    assert!(samples.spent_ms().is_finite() && samples.mhz.iter().chain(&samples.celsius).all(|figure| figure.is_finite()));
    let exit = if heard == lines.len() { Exit::Code(0) } else { Exit::Stopped };
    let ended = Ended { exit, half_line: false, stderr: String::new() };
    match listener.verdict(Ok(ended), "local", 1) {
        Ok(()) => "done".to_string(),
        Err(e) => e.to_string(),
    }
}

#[test]
fn lines_of_an_agent_survive() {
    let lines = lines();
    let whole = lines.join("\n");
    let samples = [&lines[..4], &vec![lines[5].clone(); 4], &lines[6..7], &lines[10..]].concat().join("\n");
    let words: &[&[u8]] = &[
        b"{\"event\":",
        b"\"sample\"",
        b"\"c\"",
        b"\"id\":\"c\"",
        b"{\"event\":\"failed\",\"id\":null,\"reason\":\"why\"}",
        b"\"preempted\"",
        b"\"0-1023\"",
        b"null",
        b"\n",
        b"\\u0000",
        b"\\ud800",
        b"[[[[",
        b"1e300",
        b"5e-324",
        b"-1",
    ];
    assert_eq!(hear(whole.as_bytes()), "done");
    Fuzz { name: "agent", seeds: vec![whole.into(), samples.into()], words, memory: 2000 }.run(hear);
}

#[test]
fn what_was_not_asked_for_is_not_taken() {
    for line in [
        r#"{"event":"sample","id":"c","at_ms":7.5,"us":10,"before_us":4,"after_us":6,"cpu":1,"fault":null}"#,
        r#"{"event":"sample","id":"c","at_ms":7.5,"us":10,"before_us":4,"after_us":6,"cpu":1,"fault":"canary"}"#,
        r#"{"event":"ready","id":"c","runs":7,"error":null,"checksum":"0"}"#,
        r#"{"event":"loading","id":"c"}"#,
        r#"{"event":"cold","id":"c","us":1,"canary_us":1}"#,
    ] {
        let said = hear(line.as_bytes());
        assert!(said.contains("\"c\""), "{line}: {said}");
    }
}

#[test]
fn figures_that_nothing_can_have_are_refused() {
    let sample = |figures: &str| format!(r#"{{"event":"sample","id":"a",{figures},"cpu":1,"fault":null}}"#);
    let sound = hear(sample(r#""at_ms":1,"us":10,"before_us":4,"after_us":6"#).as_bytes());
    for figures in [
        r#""at_ms":1,"us":1e300,"before_us":1e-300,"after_us":1"#,
        r#""at_ms":1,"us":-10,"before_us":4,"after_us":6"#,
        r#""at_ms":1,"us":10,"before_us":1e308,"after_us":1e308"#,
        r#""at_ms":1,"us":10,"before_us":0,"after_us":6"#,
        r#""at_ms":-1,"us":10,"before_us":4,"after_us":6"#,
        r#""at_ms":1e300,"us":10,"before_us":4,"after_us":6"#,
        r#""at_ms":1,"us":1e999,"before_us":4,"after_us":6"#,
        r#""at_ms":1,"us":NaN,"before_us":4,"after_us":6"#,
    ] {
        assert_ne!(hear(sample(figures).as_bytes()), sound, "{figures}");
    }
    // A sensor is known to lie; its reading is left out.
    let mut listener = listener();
    let lies = r#""at_ms":1,"us":10,"before_us":4,"after_us":6,"mhz":-1,"celsius":1e300"#;
    assert_eq!(listener.line(sample(lies).as_bytes()), Flow::Continue);
    assert!(listener.samples.mhz.is_empty() && listener.samples.celsius.is_empty() && listener.samples.canaries.len() == 1);
}

/// The times of a simulated device are taken for exact ones, and its table says so: only its transport may say that it is one.
#[test]
fn a_device_that_says_it_is_simulated_is_refused() {
    let of = |simulator: Option<crate::protocol::SimulatorFacts>| {
        let start = Start { simulator, ..examples::start() };
        serde_json::to_vec(&Event::Start(Box::new(start))).unwrap()
    };
    let explained =
        serde_json::to_vec(&Event::Explained(Box::new(Explanation { id: "a".into(), ..Explanation::default() }))).unwrap();
    for (line, may, may_simulated) in
        [(of(None), true, false), (of(Some(examples::simulator("a"))), false, true), (explained, false, true)]
    {
        for (is_simulated, may) in [(false, may), (true, may_simulated)] {
            let mut listener = Listener { is_simulated, ..listener() };
            assert_eq!(listener.line(&line) == Flow::Continue, may, "{is_simulated}: {}", String::from_utf8_lossy(&line));
        }
    }
}

#[test]
fn an_agent_that_goes_on_for_ever_is_ended() {
    let round = LINES[9].as_bytes();
    let mut listener = listener();
    let heard = (0..2000).take_while(|_| listener.line(round) == Flow::Continue).count();
    assert_eq!(heard, 1000);
    // Few lines, but long after the budget.
    let mut listener = self::listener();
    listener.began = Instant::now().checked_sub(Duration::from_secs(1001));
    assert_eq!(listener.line(LINES[7].as_bytes()), Flow::Stop);
    assert!(matches!(&listener.failed, Some(Failure::Said(_))));
}

#[test]
fn an_honest_agent_stays_within_its_bounds() {
    let item = |id: &str| Item { cold: true, ..examples::item(id) };
    let plan = Plan { budget_ms: 60_000, sample_us: 1000.0, canary_us: 100.0, min_samples: 12, cold_runs: 30, ..examples::plan() };
    let job = Job { plan, ..examples::job(vec![item("a"), item("b")]) };
    let bounds = Bounds::of(&job);
    // A sample a millisecond and a round each, two lines a model, the cold runs.
    assert!(bounds.lines >= 2 * 60_000 + 4 + 60 && bounds.lines < 1_000_000, "{bounds:?}");
    assert!(bounds.ms >= 120_000.0, "{bounds:?}");
}
