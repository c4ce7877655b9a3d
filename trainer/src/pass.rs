//! One pass over a list: batches in, steps done, how it went.

use std::cell::Cell;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use blocks::Shape;
use blocks::network::POINTS;
use candle_core::{Device, Tensor};
use faces::data::{Dataset, DatasetOptions, Loader, Split};
use indicatif::{ProgressBar, ProgressStyle};

use crate::error::{Error, Result};
use crate::nets::Faces;
use crate::parallel;
use crate::run::{Checkpoint, Interrupt, sha256_of_file};

/// How a pass went.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Passed {
    /// Mean loss of the steps.
    pub loss: f64,
    /// Faces seen.
    pub faces: usize,
    /// Seconds it took.
    pub seconds: f64,
    /// Seconds of them spent waiting for batches.
    pub waited: f64,
}

/// What a pass is given beside its data.
pub struct Watch<'a> {
    /// Ends the pass after a step.
    pub interrupt: &'a Interrupt,
    /// Moves a step at a time.
    pub progress: &'a ProgressBar,
    /// Where the batches go.
    pub device: &'a Device,
    /// When the program was started, until its first step begins: how long that took is told then.
    pub started: &'a Cell<Option<Instant>>,
}

/// Why a pass ended early.
pub enum Stopped {
    /// The user asked for it.
    Interrupted,
    /// Something failed.
    Failed(Box<Error>),
}

impl<E: Into<Error>> From<E> for Stopped {
    fn from(error: E) -> Self {
        Self::Failed(Box::new(error.into()))
    }
}

/// Runs `step` (number from 0, batch → loss) over the loader's batches of `epoch` (from 0).
///
/// # Errors
/// [`Stopped`]; a loss that is not finite is an error.
pub fn pass(
    loader: &Loader,
    epoch: usize,
    watch: &Watch<'_>,
    mut step: impl FnMut(u64, &Faces) -> Result<Tensor>,
) -> std::result::Result<Passed, Stopped> {
    let start = Instant::now();
    let mut batches = loader.epoch(epoch as u64);
    let (mut sum, mut steps, mut faces) = (0.0, 0, 0);
    while let Some(batch) = batches.next().transpose()? {
        let tensors = Faces::new(&batch, loader.dataset().side(), watch.device)?;
        if let Some(started) = watch.started.take() {
            say(watch.progress, &format!("first step {:.2} s after the start", started.elapsed().as_secs_f64()));
        }
        faces += batch.len() * parallel::size();
        batches.recycle(batch);
        let loss = step(steps, &tensors)?.to_scalar::<f32>()?;
        let (loss, stop) = parallel::agree(loss, watch.interrupt.is_set());
        steps += 1;
        if !loss.is_finite() {
            return Err(Error::Diverged { loss, epoch: epoch + 1, step: steps as usize }.into());
        }
        sum += f64::from(loss);
        watch.progress.inc(1);
        if stop {
            return Err(Stopped::Interrupted);
        }
    }
    if let Some(line) = loader.dataset().cut_note() {
        say(watch.progress, &line);
    }
    let waited = batches.waited().as_secs_f64();
    Ok(Passed { loss: sum / steps as f64, faces, seconds: start.elapsed().as_secs_f64(), waited })
}

/// Refuses what `epoch` (from 1) left where a value is no finite number: the loss of its last step, taken before that step moved the
/// weights, does not tell. `flag` names the learning rate that moved a tensor, `last` is the checkpoint that stays.
///
/// # Errors
/// [`Error::NotFinite`].
pub fn check_finite(state: &Checkpoint, epoch: usize, flag: impl Fn(&str) -> &'static str, last: &Path) -> Result<()> {
    match state.not_finite() {
        None => Ok(()),
        Some(tensor) => Err(Error::NotFinite { epoch, tensor: tensor.to_string(), flag: flag(tensor), last: last.to_owned() }),
    }
}

/// A bar over all steps of a run, with the time left; `done` of them by a run before. Hidden where stderr is no terminal.
pub fn progress_bar(total: usize, done: usize) -> ProgressBar {
    let bar = if parallel::is_first() { ProgressBar::new(total as u64) } else { ProgressBar::hidden() };
    let style = "{bar:24} {pos}/{len} steps, {per_sec}, {eta} left  {msg}";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar.set_position(done as u64);
    bar.reset_eta();
    bar
}

/// A line for people, above the bar where there is one.
pub fn say(bar: &ProgressBar, line: &str) {
    if bar.is_hidden() { note(line) } else { bar.println(line) }
}

/// A line for people; of several processes the first alone says it.
pub fn note(line: impl std::fmt::Display) {
    if parallel::is_first() {
        // A terminal that was closed is no reason to lose a training.
        let _ = writeln!(std::io::stderr(), "{line}");
    }
}

/// Opens a list of a data folder for networks whose input has the shape `input`.
///
/// # Errors
/// As [`Dataset::open`]; the input is no square picture of three planes.
pub fn open_dataset(data: &Path, split: Split, list: &str, points_file: Option<&Path>, input: Shape) -> Result<Arc<Dataset>> {
    let Shape { c: 3, h: side, w } = input else {
        return Err(Error::Usage(format!("the network reads {} planes; pictures have 3", input.c)));
    };
    if side != w {
        return Err(Error::Usage(format!("the network reads {side}×{w} pixels; pictures of faces are square")));
    }
    let points_file = points_file.map(Into::into);
    let options = DatasetOptions { list: list.to_string(), points_file, side, ..DatasetOptions::default() };
    let dataset = Dataset::open(data, split, &options)?;
    let points = dataset.scheme().count;
    if !POINTS.contains(&points) {
        let most = POINTS.end();
        return Err(Error::Usage(format!(
            "the list {list} of {} has {points} points a face; networks have at most {most}",
            data.display()
        )));
    }
    dataset.notes().iter().for_each(note);
    Ok(Arc::new(dataset))
}

/// SHA-256 of the file with the point scheme: the one given, or the data folder's; empty where the scheme is built in.
///
/// # Errors
/// It cannot be read.
pub fn scheme_sha256(data: &Path, given: Option<&Path>) -> Result<String> {
    let own = data.join("points.toml");
    let file = given.or_else(|| own.is_file().then_some(own.as_path()));
    Ok(file.map(sha256_of_file).transpose()?.unwrap_or_default())
}

/// Fewer steps than this an epoch leave the weights too few moves: worth a hint.
const FEW_STEPS: usize = 50;

/// A hint where the batch is too large for the list.
pub fn hint_steps(loader: &Loader, faces: usize, batch: usize) {
    if loader.batches() < FEW_STEPS && batch > 32 {
        note(format_args!(
            "hint: {faces} faces give only {} steps an epoch at --batch {batch}; for a list of this size try --batch 32 --base-lr 1e-3",
            loader.batches()
        ));
    }
}
