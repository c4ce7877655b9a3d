//! Whether a simulated device repeats what a table says: networks that the build simulated too must take the very same time.

use std::path::Path;

use luts::{Anchor, Header};
use terminal::note;

use crate::devices::identity::OtherDevice;
use crate::protocol::Start;
use crate::stats::Median;

/// Largest difference with another build of the agent, as a share: its code and data lie at other places in the caches.
const OTHER_BUILD: f64 = 0.01;

/// Compares the table's anchors with what they take now.
///
/// # Errors
/// [`OtherDevice`] where they differ: by anything with the very agent of the build, by more than a percent with another.
pub(super) fn check(path: &Path, header: &Header, start: Option<&Start>, anchors: &[(&Anchor, Median)]) -> Result<(), OtherDevice> {
    let then = header.simulator.as_ref().map(|simulator| &simulator.agent_sha256);
    let now = start.and_then(|start| start.simulator.as_ref()).map(|simulator| &simulator.agent_sha256);
    let same_agent = then.is_some() && then == now;
    let change = |(then, now): &(&Anchor, Median)| (now.value / then.measured_us.0 - 1.0).abs();
    let largest = anchors.iter().map(change).fold(0.0, f64::max);
    let allowed = if same_agent { 0.0 } else { OTHER_BUILD };
    if largest <= allowed {
        if !same_agent {
            note(format_args!(
                "this agent contains another build of the engine than the agent of the table; networks of the table's build were \
                 simulated again and differ by at most {:.2} %",
                100.0 * largest
            ));
        }
        return Ok(());
    }
    let changed = anchors.iter().filter(|anchor| change(anchor) > allowed);
    let line = |(then, now): &(&Anchor, Median)| {
        format!("network '{}': {} (the table), {} µs (here)", then.architecture, then.measured_us, now.value)
    };
    let mut differences: Vec<String> = changed.take(3).map(line).collect();
    differences.push(format!(
        "networks of the table's build were simulated again and differ by {:.2} %, but {}: the simulator or the chip has changed",
        100.0 * largest,
        if same_agent {
            "the agent is the same, so they must be equal".to_string()
        } else {
            "another build of the agent explains at most 1 %".to_string()
        }
    ));
    Err(OtherDevice { path: path.to_path_buf(), differences })
}

#[cfg(test)]
mod tests {
    use luts::{Micros, Simulator, Source};

    use super::*;
    use crate::protocol;
    use crate::tables::examples;

    fn header() -> Header {
        let simulator = Some(Simulator { agent_sha256: "a".into(), ..Simulator::default() });
        Header { simulator, ..examples::header(Source::Simulated) }
    }

    fn start(agent: &str) -> Start {
        Start { simulator: Some(protocol::examples::simulator(agent)), ..protocol::examples::start() }
    }

    /// Whether a network of 100 µs may take `now` with that agent; the table's is `a`.
    fn may(agent: &str, now: f64) -> bool {
        let anchor = Anchor { architecture: "x y".into(), measured_us: Micros(100.0), standard_error: None };
        let now = Median { value: now, low: now, high: now };
        let found = check(Path::new("t.csv"), &header(), Some(&start(agent)), &[(&anchor, now)]);
        if let Err(e) = &found {
            assert!(e.differences.iter().any(|line| line.contains("x y")), "{e}");
        }
        found.is_ok()
    }

    #[test]
    fn the_same_agent_repeats_itself_and_another_one_nearly() {
        assert!(may("a", 100.0) && !may("a", 100.0001));
        assert!(may("b", 100.0) && may("b", 99.1) && !may("b", 101.1));
    }
}
