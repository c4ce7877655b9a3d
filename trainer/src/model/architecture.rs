//! A network that is trained as a whole: a choice from a search space, or the baseline.

use std::fmt;

use blocks::{Graph, Primitive, Shape, Space, SpaceError, Weights, baseline};

use super::subnet::{SubnetError, subnet_weights};
use crate::run::Kind;

/// Why there is no such network.
#[derive(Debug, thiserror::Error)]
pub enum ArchitectureError {
    /// The search space.
    #[error(transparent)]
    Space(#[from] SpaceError),
    /// The choice does not fit the space.
    #[error("{0}")]
    Choice(String),
    /// A space of blocks alone.
    #[error("search space '{space}' has no trunk, so its blocks do not form a whole network; give a space with a trunk")]
    NoTrunk {
        /// Its name.
        space: String,
    },
    /// Weights of a supernet.
    #[error(transparent)]
    Subnet(#[from] SubnetError),
    /// A supernet's weights for the baseline.
    #[error("the baseline is not part of a supernet; it is trained from scratch")]
    Baseline,
}

/// A network that is trained as a whole.
#[derive(Clone, Debug, PartialEq)]
pub enum Architecture {
    /// One primitive a layer.
    Subnet {
        /// The space it is chosen from.
        space: Space,
        /// Its primitives, in the order of the layers.
        choice: Vec<Primitive>,
        /// The pose network of the space's trunk.
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
    pub fn new(space: &str, choice: &[String]) -> Result<Self, ArchitectureError> {
        if space == baseline::NAME {
            return Ok(Self::Baseline);
        }
        let space = Space::load(space)?;
        let choice = space.choice(choice).map_err(ArchitectureError::Choice)?;
        let pose_net = space.pose_net().ok_or_else(|| ArchitectureError::NoTrunk { space: space.to_string() })?;
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

    /// The pose network that trains together with it.
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
    pub fn from_supernet(&self, graph: &Graph, supernet: &Weights) -> Result<Weights, ArchitectureError> {
        match self {
            Self::Subnet { space, choice, .. } => Ok(subnet_weights(space, choice, graph, supernet)?),
            Self::Baseline => Err(ArchitectureError::Baseline),
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
