//! A job of a single model, in a folder of its own.
//!
//! Names of files and of the item are always the same: nothing that the agent sees or allocates depends on which other models there are,
//! so that a model's time does not, either.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use files::{FileError, temporary_folder};
use tempfile::TempDir;

use super::error::SimulationError;
use crate::protocol::{Event, Input, Item, JOB_FILE, Job, Values};

/// The item's name in its job.
const NAME: &str = "this model";

/// A folder with a job of one item; it goes away with this value.
pub(super) struct Single<'a> {
    folder: TempDir,
    item: &'a Item,
}

impl<'a> Single<'a> {
    /// Makes the folder, with links to the item's files in `from`.
    pub(super) fn new(job: &Job, item: &'a Item, from: &Path) -> Result<Self, SimulationError> {
        let folder = temporary_folder("profiler-sim-")?;
        let from = std::path::absolute(from).map_err(FileError::new("cannot find", from))?;
        let bring = |file: &str, name: String| {
            let link = folder.path().join(&name);
            symlink(from.join(file), &link).map_err(FileError::new("cannot link", &link))?;
            Ok::<_, SimulationError>(name)
        };
        let input = |(i, input): (usize, &Input)| {
            let values = match &input.values {
                Some(Values { file, element }) => {
                    Some(Values { file: bring(file, format!("input{i}"))?, element: element.clone() })
                }
                None => None,
            };
            Ok(Input { values, ..input.clone() })
        };
        let expected = |(i, file): (usize, &String)| bring(file, format!("output{i}"));
        let alone = Item {
            id: NAME.to_string(),
            model: bring(&item.model, "model".to_string())?,
            inputs: item.inputs.iter().enumerate().map(input).collect::<Result<_, SimulationError>>()?,
            expected: item.expected.iter().enumerate().map(expected).collect::<Result<_, _>>()?,
            parts: None,
            earlier: Vec::new(),
            cold: item.cold,
        };
        let path = folder.path().join(JOB_FILE);
        // Who measures, and since when, is the host's own: it would differ in length from run to run.
        let alone = Job { items: vec![alone], holder: String::new(), ..job.clone() };
        let text = serde_json::to_vec(&alone).map_err(std::io::Error::from);
        text.and_then(|text| fs::write(&path, text)).map_err(FileError::new("cannot write", &path))?;
        Ok(Self { folder, item })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// What the agent said of its one item, as said of the item that it stands for.
    pub(super) fn named(&self, mut event: Event) -> Event {
        let own = || self.item.id.clone();
        match &mut event {
            Event::Loading { id } | Event::Ready { id, .. } | Event::Described { id, .. } | Event::Cold { id, .. } => *id = own(),
            Event::Sample(sample) => sample.id = own(),
            Event::Explained(explanation) => explanation.id = own(),
            Event::Failed { id, reason, .. } => {
                *id = id.take().map(|_| own());
                *reason = reason.replace(&format!("'{NAME}'"), &format!("'{}'", self.item.id));
            }
            Event::Start(_)
            | Event::Sampling
            | Event::FirstTemperature { .. }
            | Event::Resting { .. }
            | Event::Round { .. }
            | Event::Done { .. } => {}
        }
        event
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::examples;

    #[test]
    fn two_models_see_the_same_names() {
        let from = tempfile::tempdir().unwrap();
        let item = |i: usize| {
            let name = |kind: &str| {
                let name = format!("{i}.{kind}");
                fs::write(from.path().join(&name), format!("{kind} of {i}")).unwrap();
                name
            };
            let values = Some(Values { file: name("in0.f32"), element: "float32".into() });
            Item {
                model: name("mnn"),
                inputs: vec![Input { name: "x".into(), shape: vec![1], values }],
                expected: vec![name("out0.f32")],
                ..examples::item(&format!("net:{i}"))
            }
        };
        let (first, second) = (item(9), item(10));
        let job = Job { holder: "process 1".into(), ..examples::job(vec![]) };
        let [first, second] = [&first, &second].map(|item| Single::new(&job, item, from.path()).unwrap());
        let text = |single: &Single, file: &str| fs::read_to_string(single.path().join(file)).unwrap();
        assert_eq!(text(&first, JOB_FILE), text(&second, JOB_FILE));
        assert!(!text(&first, JOB_FILE).contains("process 1"));
        assert_eq!(text(&second, "model"), "mnn of 10");
        assert_eq!(text(&first, "input0") + &text(&first, "output0"), "in0.f32 of 9out0.f32 of 9");
        let reason = format!("the engine refuses '{NAME}': odd");
        let failed = Event::Failed { id: Some(NAME.into()), reason, by_user: false };
        let Event::Failed { id, reason, .. } = second.named(failed) else { panic!("another event") };
        assert_eq!((id.as_deref(), reason.as_str()), (Some("net:10"), "the engine refuses 'net:10': odd"));
    }
}
