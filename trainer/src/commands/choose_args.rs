//! How a search chooses its network, as flags.

use clap::{Args, ValueEnum};

use crate::choose::Choose;

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Method {
    /// The most probable network
    Probable,
    /// Of the --candidates most probable networks, the one with the lowest error on the held-back faces, with the supernet's weights and
    /// recalibrated running statistics. Nothing is trained
    Recalibrated,
    /// The --finalists best of these are trained for --final-epochs epochs, the better half of them again, and so on, until one is left
    Halving,
}

#[derive(Args, Debug)]
pub struct ChooseArgs {
    /// How the network is chosen at the end of the search among those that meet the limit (without --target-us: among those that are not
    /// slower than the most probable one). With --resume, a finished search chooses again [default: probable]
    #[arg(long, value_enum)]
    choose: Option<Method>,
    /// With --choose recalibrated or halving: number of the most probable networks that are compared [default: 64]
    #[arg(long, value_name = "K", requires = "choose")]
    candidates: Option<usize>,
    /// With --choose halving: number of networks that are trained in the first round [default: 8]
    #[arg(long, value_name = "K", requires = "choose")]
    finalists: Option<usize>,
    /// With --choose halving: epochs of each round; all other settings are those of the search [default: 2]
    #[arg(long, value_name = "EPOCHS", requires = "choose")]
    final_epochs: Option<usize>,
}

impl ChooseArgs {
    /// The method; none if the flags do not say.
    pub fn given(&self) -> Option<Choose> {
        let candidates = self.candidates.unwrap_or(64);
        Some(match self.choose? {
            Method::Probable => Choose::Probable,
            Method::Recalibrated => Choose::Recalibrated { candidates },
            Method::Halving => {
                Choose::Halving { candidates, finalists: self.finalists.unwrap_or(8), epochs: self.final_epochs.unwrap_or(2) }
            }
        })
    }
}
