//! `profiler net`: a network of a space as an ONNX file, to be measured before it is trained.

use std::path::PathBuf;

use blocks::Measurable;
use blocks::onnx::OnnxError;
use clap::Args;
use terminal::note;

use super::error::CommandError;
use super::print;
use super::space::Opened;
use super::values::points;
use crate::measure::choice;
use crate::measure::job::JobError;
use crate::random::Random;

#[derive(Args)]
pub(super) struct NetArgs {
    /// Search space: built-in name, TOML file, or folder of ONNX files
    #[arg(long, default_value = "pfld")]
    space: String,
    /// One candidate per layer, separated by commas [default: a random network]
    #[arg(long)]
    arch: Option<String>,
    /// Random seed (which network)
    #[arg(long, default_value_t = 1, conflicts_with = "arch")]
    seed: u64,
    /// Number of landmarks; not for a folder of ONNX files [default: 106].
    #[arg(long, value_parser = points)]
    points: Option<usize>,
    /// ONNX file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl NetArgs {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let space = Opened::open(&self.space, self.points)?;
        let space = space.measurable();
        let choice = choice::full(&match &self.arch {
            Some(names) => named(space, names)?,
            None => random(space, self.seed),
        });
        let architecture = choice::architecture(&space.layers(), &choice);
        let failed = |e: OnnxError| JobError::Prepare { model: architecture.clone(), reason: e.to_string() };
        let network = space.network_file(&choice).map_err(failed)?;
        print::replace_file(&self.out, &network.bytes)?;
        note(&architecture);
        print::path(&self.out)
    }
}

/// The choice of an architecture as tables and arch files list it: names separated by blanks or commas.
fn named(space: &dyn Measurable, architecture: &str) -> Result<Vec<usize>, CommandError> {
    let names: Vec<&str> = architecture.split([' ', ',']).filter(|name| !name.is_empty()).collect();
    Ok(space.choice(&names)?)
}

/// A random choice; the seed decides which.
fn random(space: &dyn Measurable, seed: u64) -> Vec<usize> {
    let mut random = Random::new(seed);
    space.layers().iter().map(|layer| random.below(layer.candidates.len())).collect()
}

#[cfg(test)]
mod tests {
    use blocks::{PrimitiveSpace, Space};

    use super::*;
    use crate::measure::design;

    fn pfld() -> PrimitiveSpace {
        PrimitiveSpace { space: Space::load("pfld").unwrap(), points: 106 }
    }

    #[test]
    fn an_architecture_is_read_as_it_is_printed() {
        let choice = random(&pfld(), 5);
        let names = choice::architecture(&pfld().layers(), &choice::full(&choice));
        assert_eq!(named(&pfld(), &names).unwrap(), choice);
        assert_eq!(named(&pfld(), &names.replace(' ', ", ")).unwrap(), choice);
        assert_ne!(random(&pfld(), 6), choice);
        assert_eq!(choice, design::unknown(&pfld(), 1, 5, &[])[0], "as a check draws it");
    }

    #[test]
    fn names_that_do_not_fit_are_refused() {
        let error = |text: &str| named(&pfld(), text).unwrap_err().to_string();
        let few = error("sep_k3 sep_k3");
        assert!(few.contains("5 ") && few.contains(" 2 "), "{few}");
        let wrong = error("sep_k3 sep_k3 sep_k3 gh_k5 gh_k5");
        assert!(["layer 3", "'sep_k3'", "mb_k3_e4_res"].iter().all(|name| wrong.contains(name)), "{wrong}");
    }
}
