//! Many agents heard as one that does one model after the other.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc;

use files::FileError;

use super::error::SimulationError;
use super::process::Said;
use crate::devices::stream::{Ended, Exit, Flow};
use crate::protocol::{Event, Job, Start};

/// Hands over what comes, in the order of the items, as one agent would have said it.
pub(super) fn in_order(
    job: &Job,
    results: &mpsc::Receiver<(usize, Result<Said, SimulationError>)>,
    on_line: &mut dyn FnMut(&[u8]) -> Flow,
) -> Result<Ended, SimulationError> {
    let ended = |exit| Ended { exit, half_line: false, stderr: String::new() };
    let mut say = |event: &Event| {
        let line = serde_json::to_vec(event).map_err(std::io::Error::from);
        Ok::<_, SimulationError>(on_line(&line.map_err(FileError::new("cannot write", Path::new("an event")))?))
    };
    let mut early = BTreeMap::new();
    let mut first: Option<Start> = None;
    let mut place = 0;
    for (at, said) in results {
        // A failure is reported at once: there will be no table.
        match said? {
            Said::Failed(events) => {
                for event in &events {
                    if matches!(event, Event::Failed { .. }) {
                        say(event)?;
                    }
                }
                return Ok(ended(Exit::Stopped));
            }
            Said::Done(start, events) => early.insert(at, (start, events)),
        };
        while let Some((start, events)) = early.remove(&place) {
            let begins = match &first {
                None => vec![Event::Start(start.clone()), Event::Sampling],
                Some(first) if *first == *start => Vec::new(),
                Some(_) => return Err(SimulationError::Unlike { id: job.items[place].id.clone() }),
            };
            first.get_or_insert(*start);
            for event in begins.iter().chain(&events) {
                if say(event)? == Flow::Stop {
                    return Ok(ended(Exit::Stopped));
                }
            }
            place += 1;
        }
    }
    if place < job.items.len() {
        return Ok(ended(Exit::Stopped));
    }
    say(&Event::Done { precise: true })?;
    Ok(ended(Exit::Code(0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::examples;

    fn job(items: &[&str]) -> Job {
        examples::job(items.iter().map(|id| examples::item(id)).collect())
    }

    fn start(version: &str) -> Box<Start> {
        Box::new(Start { version: version.into(), ..examples::start() })
    }

    /// What is heard of results that come in that order.
    fn heard(results: Vec<(usize, Result<Said, SimulationError>)>) -> (Result<Ended, SimulationError>, Vec<String>) {
        let (sender, receiver) = mpsc::channel();
        results.into_iter().for_each(|result| sender.send(result).unwrap());
        drop(sender);
        let mut lines = Vec::new();
        let ended = in_order(&job(&["a", "b", "c"]), &receiver, &mut |line| {
            let event: Event = serde_json::from_slice(line).unwrap();
            let name = serde_json::to_value(&event).unwrap()["event"].as_str().unwrap().to_string();
            lines.push(format!("{name} {}", event.id().unwrap_or_default()).trim_end().to_string());
            Flow::Continue
        });
        (ended, lines)
    }

    fn done(id: &str) -> Result<Said, SimulationError> {
        Ok(Said::Done(start("1"), vec![Event::Loading { id: id.into() }]))
    }

    #[test]
    fn many_agents_speak_as_one_in_the_jobs_order() {
        let (ended, lines) = heard(vec![(1, done("b")), (2, done("c")), (0, done("a"))]);
        assert!(ended.unwrap().is_good());
        assert_eq!(lines, ["start", "sampling", "loading a", "loading b", "loading c", "done"]);
        // One that never comes.
        let (ended, lines) = heard(vec![(0, done("a")), (2, done("c"))]);
        assert!(!ended.unwrap().is_good());
        assert_eq!(lines, ["start", "sampling", "loading a"]);
    }

    #[test]
    fn what_goes_wrong_ends_it() {
        let failed = Event::Failed { id: Some("b".into()), reason: "odd".into(), by_user: false };
        let (ended, lines) = heard(vec![(1, Ok(Said::Failed(vec![failed]))), (0, done("a"))]);
        assert!(!ended.unwrap().is_good());
        assert_eq!(lines, ["failed"]);
        let other = Ok(Said::Done(start("2"), vec![]));
        let (ended, _) = heard(vec![(0, done("a")), (1, other)]);
        assert!(matches!(ended, Err(SimulationError::Unlike { id }) if id == "b"));
    }
}
