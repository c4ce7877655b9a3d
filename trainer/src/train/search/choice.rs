//! The end of a search: which network it chooses.

use files::FileError;

use super::super::error::TrainError;
use super::super::pass::Stopped;
use super::super::subnets::Subnets;
use super::super::trial::{Trial, told};
use super::Search;
use crate::choose::{CANDIDATES, Candidate};
use crate::console::note;
use crate::model::names;
use crate::parallel;
use crate::run::{Checkpoint, Interrupt, RunFolder, Training};
use crate::task::{Data, Nets, Task};

impl<T: Task> Search<T> {
    /// The subnets of the supernet as it is now.
    fn subnets(&self) -> Result<Subnets<'_, T>, TrainError> {
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

    /// The errors of a subnet (an index a layer) on the validation examples, with the supernet's weights as they are now and running
    /// statistics of its own.
    ///
    /// # Errors
    /// An example cannot be read.
    pub fn scores(&self, network: &[usize]) -> Result<T::Scores, TrainError> {
        self.subnets()?.scores(network)
    }

    /// The network that the search ends with (an index a layer), chosen as the settings say, beside the most probable one; writes what it was
    /// compared with.
    pub(super) fn choose(&self, probable: &[usize], folder: &RunFolder, interrupt: &Interrupt) -> Result<Vec<usize>, Stopped> {
        let (path, method) = (folder.file(CANDIDATES), self.config.choose);
        if method.is_probable() {
            // What an earlier choice left.
            if parallel::is_first() && path.exists() {
                std::fs::remove_file(&path).map_err(FileError::new("cannot remove", &path))?;
            }
            return Ok(probable.to_vec());
        }
        let candidates = self.candidates(probable)?;
        let mut trial = Trial::new(&self.config, self.subnets()?, folder, interrupt);
        let found = method.among(candidates, &mut trial)?;
        told::<T>(&found, probable).iter().for_each(note);
        Candidate::write(&found, &path)?;
        Ok(found.into_iter().next().map_or_else(|| probable.to_vec(), |chosen| chosen.indices))
    }

    /// The most probable networks, as many as the choice looks at. Without a target none is slower than the most probable one: an error
    /// alone would choose slow networks.
    fn candidates(&self, probable: &[usize]) -> Result<Vec<Candidate>, TrainError> {
        let limit = match self.term.target {
            Some(target) => target,
            // Sums of costs differ by rounding.
            None => self.costs.steered(probable) * (1.0 + 1e-9),
        };
        let weights = self.arch.values()?;
        let one = |indices: Vec<usize>| Candidate {
            choice: names(&self.space, &indices).join(" "),
            log_probability: std::iter::zip(&indices, &weights).map(|(&k, row)| log_softmax(row, k)).sum(),
            predicted: self.costs.network(&indices),
            recalibrated_nme: None,
            finetuned_nme: None,
            epochs: 0,
            seconds: 0.0,
            indices,
        };
        Ok(self.costs.few(&weights, Some(limit), self.config.choose.count()).into_iter().map(one).collect())
    }

    /// Writes the choice into the last checkpoint, so that finetune, evaluation and export take that network.
    pub(super) fn record(&self, chosen: &[usize], probable: &[usize], folder: &RunFolder) -> Result<(), TrainError> {
        let path = folder.checkpoint(Training::Search, "last");
        if !parallel::is_first() {
            return Ok(());
        }
        let (mut last, choice) = (Checkpoint::load(&path)?, self.recorded(chosen, probable));
        if last.meta.choice != choice {
            last.meta.choice = choice;
            last.save(&path)?;
        }
        Ok(())
    }

    /// What a checkpoint says of the choice. Without a target the most probable candidates are meant, which the architecture weights tell.
    pub(super) fn recorded(&self, chosen: &[usize], probable: &[usize]) -> Option<Vec<String>> {
        let is_told = self.term.target.is_none() && chosen == probable;
        (!is_told).then(|| names(&self.space, chosen))
    }
}

/// ln of the softmax of a layer's weights, of one candidate; exact enough to tell any two apart.
fn log_softmax(weights: &[f32], candidate: usize) -> f64 {
    let sum: f64 = weights.iter().map(|&weight| f64::from(weight).exp()).sum();
    f64::from(weights[candidate]) - sum.ln()
}
