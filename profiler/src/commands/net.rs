//! `profiler net`: a network of a space as an ONNX file, to be measured before it is trained.

use std::path::{Path, PathBuf};

use blocks::{Primitive, Space, Weights, onnx};
use clap::Args;

use super::error::CommandError;
use super::print;
use super::values::points;
use crate::measure::design;
use crate::measure::job::JobError;
use crate::measure::subject::architecture;
use crate::output::note;

#[derive(Args)]
pub(super) struct NetArgs {
    /// Search space: built-in name or TOML file.
    #[arg(long, default_value = "pfld")]
    space: String,
    /// One candidate for each layer, separated by commas [default: a random network].
    #[arg(long)]
    arch: Option<String>,
    /// Seed of the random network.
    #[arg(long, default_value_t = 1, conflicts_with = "arch")]
    seed: u64,
    /// Landmarks of the network.
    #[arg(long, default_value_t = 106, value_parser = points)]
    points: usize,
    /// The ONNX file to write.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl NetArgs {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let space = Space::load(&self.space)?;
        let net = match &self.arch {
            Some(names) => Net::named(space, names, self.points)?,
            None => Net::random(space, self.seed, self.points),
        };
        net.write(&self.out)?;
        note(net.architecture());
        print::path(&self.out)
    }
}

/// Seed of the weights: what is timed does not depend on them.
const WEIGHTS_SEED: u64 = 1;

/// A network to be written.
#[derive(Clone, Debug)]
struct Net {
    /// Its space.
    space: Space,
    /// A candidate for each layer.
    choice: Vec<Primitive>,
    /// Landmarks.
    points: usize,
}

impl Net {
    /// The network of an architecture as tables and arch files list it: names separated by blanks or commas.
    ///
    /// # Errors
    /// [`CommandError::Usage`] where the names do not fit the space's layers.
    fn named(space: Space, architecture: &str, points: usize) -> Result<Self, CommandError> {
        let names: Vec<&str> = architecture.split([' ', ',']).filter(|name| !name.is_empty()).collect();
        let layers = space.layers();
        if names.len() != layers.len() {
            let (name, count, given) = (space.name(), layers.len(), names.len());
            return Err(CommandError::Usage(format!("space '{name}' has {count} layers, but {given} candidates are given")));
        }
        let candidate = |(i, (name, layer)): (usize, (&&str, &blocks::SearchLayer))| {
            let known = || layer.primitives.iter().map(|p| p.name()).collect::<Vec<_>>().join(", ");
            let found = layer.primitives.iter().find(|p| p.name() == *name).copied();
            found.ok_or_else(|| CommandError::Usage(format!("layer {} has no candidate '{name}'; it has {}", i + 1, known())))
        };
        let choice = std::iter::zip(&names, layers).enumerate().map(candidate).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { space, choice, points })
    }

    /// A random network; the seed decides which.
    fn random(space: Space, seed: u64, points: usize) -> Self {
        let choice = design::unknown(&space, 1, seed, &[]).pop().unwrap_or_default();
        Self { space, choice, points }
    }

    /// Its candidates, separated by blanks.
    fn architecture(&self) -> String {
        architecture(&self.choice)
    }

    /// Writes the file, with random weights; one that is there is replaced once the new one is whole.
    ///
    /// # Errors
    /// [`CommandError::File`], [`CommandError::Job`].
    fn write(&self, path: &Path) -> Result<(), CommandError> {
        let graph = self.space.deployed(&self.choice, self.points);
        let weights = Weights::for_measuring(&graph, WEIGHTS_SEED);
        let bytes = onnx::model(&graph, &weights, &onnx::Options::default());
        let bytes = bytes.map_err(|e| JobError::Prepare { id: self.architecture(), reason: e.to_string() })?;
        Ok(print::replace_file(path, &bytes)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pfld() -> Space {
        Space::load("pfld").unwrap()
    }

    #[test]
    fn an_architecture_is_read_as_it_is_printed() {
        let net = Net::random(pfld(), 5, 106);
        let again = Net::named(pfld(), &net.architecture(), 106).unwrap();
        assert_eq!(again.choice, net.choice);
        assert_eq!(Net::named(pfld(), &net.architecture().replace(' ', ", "), 106).unwrap().choice, net.choice);
        assert_ne!(Net::random(pfld(), 6, 106).choice, net.choice);
    }

    #[test]
    fn names_that_do_not_fit_are_refused() {
        let error = |text: &str| Net::named(pfld(), text, 106).unwrap_err().to_string();
        assert!(error("sep_k3 sep_k3").contains("5 layers, but 2"));
        let wrong = error("sep_k3 sep_k3 sep_k3 gh_k5 gh_k5");
        assert!(wrong.contains("layer 3 has no candidate 'sep_k3'") && wrong.contains("mb_k3_e4_res"), "{wrong}");
    }
}
