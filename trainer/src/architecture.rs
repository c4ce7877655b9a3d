//! Which network a finetune trains: a choice from a search space, or the baseline.

use std::fmt;

use blocks::{Graph, Primitive, Shape, Space, Weights, baseline};

use crate::error::{Error, Result};
use crate::run::Kind;
use crate::space::subnet_weights;

/// A network that is trained as a whole.
#[derive(Clone, Debug, PartialEq)]
pub enum Architecture {
    /// One primitive a layer.
    Subnet {
        /// The space it is chosen from.
        space: Space,
        /// Its primitives, in the order of the layers.
        choice: Vec<Primitive>,
        /// The pose net of the space's trunk.
        pose_net: Graph,
    },
    /// [`blocks::baseline`], which belongs to no space.
    Baseline,
}

impl Architecture {
    /// The network of that space and choice, as configurations state them; the baseline stands under its name, without a choice.
    ///
    /// # Errors
    /// There is no such space, the choice does not fit it, or it has no trunk and so makes no whole network.
    pub fn new(space: &str, choice: &[String]) -> Result<Self> {
        if space == baseline::NAME {
            return Ok(Self::Baseline);
        }
        let space = Space::load(space)?;
        let choice = space.choice(choice).map_err(Error::Usage)?;
        let Some(pose_net) = space.pose_net() else {
            return Err(Error::Usage(format!(
                "search space '{space}' has no trunk: it makes no whole network that could be trained"
            )));
        };
        Ok(Self::Subnet { space, choice, pose_net })
    }

    /// The network with its training output `features`.
    pub fn trained(&self, points: usize) -> Graph {
        match self {
            Self::Subnet { space, choice, .. } => space.subnet(choice, points),
            Self::Baseline => baseline::trained(points),
        }
    }

    /// The network as an app ships it.
    pub fn deployed(&self, points: usize) -> Graph {
        match self {
            Self::Subnet { space, choice, .. } => space.deployed(choice, points),
            Self::Baseline => baseline::deployed(points),
        }
    }

    /// The shape of the picture that it reads.
    pub fn input(&self) -> Shape {
        match self {
            Self::Subnet { space, .. } => space.input(),
            Self::Baseline => baseline::INPUT,
        }
    }

    /// The pose net that trains together with it.
    pub fn pose_net(&self) -> Graph {
        match self {
            Self::Subnet { pose_net, .. } => pose_net.clone(),
            Self::Baseline => baseline::pose(),
        }
    }

    /// What its checkpoints are.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Subnet { .. } => Kind::Subnet,
            Self::Baseline => Kind::Baseline,
        }
    }

    /// [`Space::hash`] of its space; empty for the baseline.
    pub fn space_hash(&self) -> String {
        match self {
            Self::Subnet { space, .. } => space.hash(),
            Self::Baseline => String::new(),
        }
    }

    /// The weights of `graph`, one of this network's, out of a supernet's.
    ///
    /// # Errors
    /// The supernet is of another space, or this is the baseline.
    pub fn from_supernet(&self, graph: &Graph, supernet: &Weights) -> Result<Weights> {
        match self {
            Self::Subnet { space, choice, .. } => Ok(subnet_weights(space, choice, graph, supernet)?),
            Self::Baseline => Err(Error::Usage("the baseline is no part of a supernet: it starts from scratch".to_string())),
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Subnet { choice, .. } => {
                let names: Vec<_> = choice.iter().map(|p| p.name()).collect();
                write!(f, "subnet {}", names.join(" "))
            }
            Self::Baseline => f.write_str(baseline::NAME),
        }
    }
}
