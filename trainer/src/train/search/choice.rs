//! The end of a search: which network it chooses, and what it answers the method that chooses.

use indicatif::ProgressBar;

use super::super::error::TrainError;
use super::super::pass::Stopped;
use super::super::subnets::Subnets;
use super::Search;
use crate::choose::{CANDIDATES, Candidate, Judge};
use crate::console::{note, progress_bar};
use crate::model::primitives;
use crate::parallel;
use crate::run::{Checkpoint, FileError, Interrupt, RunFolder, Training};
use crate::task::{Data, Nets, Scores, Task};

impl<T: Task> Search<T> {
    /// The subnets of the supernet as it is now.
    pub(super) fn subnets(&self) -> Result<Subnets<'_, T>, TrainError> {
        Ok(Subnets {
            task: &self.config.task,
            reference: self.config.train.reference,
            space: &self.space,
            points: self.points,
            supernet: self.nets.backbone().weights()?,
            train: (&self.train, self.train.split(&self.trained_on)?.0),
            validation: (&self.validation.0, &self.validation.1),
        })
    }

    /// The network that the search ends with (an index a layer), chosen as the settings say; writes what it was compared with.
    pub(super) fn choose(&self, folder: &RunFolder, interrupt: &Interrupt) -> Result<Vec<usize>, Stopped> {
        let (path, method) = (folder.file(CANDIDATES), self.config.choose);
        if method.is_probable() {
            // What an earlier choice left.
            if parallel::is_first() && path.exists() {
                std::fs::remove_file(&path).map_err(FileError::new("cannot remove", &path))?;
            }
            return Ok(self.chosen()?);
        }
        let candidates = self.candidates()?;
        let mut trial = Trial { subnets: self.subnets()?, interrupt, progress: progress_bar(candidates.len(), 0) };
        let found = method.among(candidates, &mut trial);
        trial.progress.finish_and_clear();
        let found = found?;
        told::<T>(&found, &self.chosen()?).iter().for_each(note);
        Candidate::write(&found, &path)?;
        found.into_iter().next().map_or_else(|| Ok(self.chosen()?), |chosen| Ok(chosen.indices))
    }

    /// The most probable networks, as many as the choice looks at. Without a target none is slower than the most probable one: an error
    /// alone would choose slow networks.
    fn candidates(&self) -> Result<Vec<Candidate>, TrainError> {
        let limit = match self.term.target {
            Some(target) => target,
            None => self.costs.steered(&self.chosen()?),
        };
        let weights = self.arch.values()?;
        let one = |indices: Vec<usize>| Candidate {
            choice: self.names(&indices).join(" "),
            log_probability: std::iter::zip(&indices, &weights).map(|(&k, row)| log_softmax(row, k)).sum(),
            predicted: self.costs.network(&indices),
            recalibrated_nme: None,
            seconds: 0.0,
            indices,
        };
        // Sums of costs differ by rounding.
        let limit = if self.term.target.is_some() { limit } else { limit * (1.0 + 1e-9) };
        Ok(self.costs.few(&weights, Some(limit), self.config.choose.count()).into_iter().map(one).collect())
    }

    /// Writes the choice into the last checkpoint, so that finetune, evaluation and export take that network.
    pub(super) fn record(&self, chosen: &[usize], folder: &RunFolder) -> Result<(), TrainError> {
        let path = folder.checkpoint(Training::Search, "last");
        if !parallel::is_first() {
            return Ok(());
        }
        let (mut last, choice) = (Checkpoint::load(&path)?, self.recorded(chosen)?);
        if last.meta.choice != choice {
            last.meta.choice = choice;
            last.save(&path)?;
        }
        Ok(())
    }

    /// What a checkpoint says of the choice. Without a target the most probable candidates are meant, which the architecture weights tell.
    pub(super) fn recorded(&self, chosen: &[usize]) -> Result<Option<Vec<String>>, TrainError> {
        let is_told = self.term.target.is_none() && chosen == self.chosen()?;
        Ok((!is_told).then(|| self.names(chosen)))
    }

    fn names(&self, indices: &[usize]) -> Vec<String> {
        primitives(&self.space, indices).iter().map(ToString::to_string).collect()
    }
}

/// ln of the softmax of a layer's weights, of one candidate; exact enough to tell any two apart.
fn log_softmax(weights: &[f32], candidate: usize) -> f64 {
    let sum: f64 = weights.iter().map(|&weight| f64::from(weight).exp()).sum();
    f64::from(weights[candidate]) - sum.ln()
}

/// A search's subnets, one of which is to be chosen.
struct Trial<'a, T: Task> {
    subnets: Subnets<'a, T>,
    interrupt: &'a Interrupt,
    progress: ProgressBar,
}

impl<T: Task> Judge for Trial<'_, T> {
    type Error = Stopped;

    fn recalibrated(&mut self, network: &[usize]) -> Result<f64, Stopped> {
        if self.interrupt.is_set() {
            return Err(Stopped::Interrupted);
        }
        let error = 100.0 * self.subnets.scores(network)?.error();
        self.progress.inc(1);
        Ok(error)
    }
}

/// The choice for people; none if nothing was compared.
fn told<T: Task>(candidates: &[Candidate], most_probable: &[usize]) -> Option<String> {
    let chosen = candidates.first()?;
    let probable = candidates.iter().find(|candidate| candidate.indices == most_probable)?;
    let place = 1 + candidates.iter().filter(|other| other.log_probability > chosen.log_probability).count();
    let seconds: f64 = candidates.iter().map(|candidate| candidate.seconds).sum();
    Some(format!(
        "chosen: number {place} by probability of {} networks: {} {:.2} % (recalibrated, held back); the most probable one has {:.2} %; \
         comparing them took {seconds:.0} s",
        candidates.len(),
        T::METRIC,
        chosen.recalibrated_nme?,
        probable.recalibrated_nme?
    ))
}
