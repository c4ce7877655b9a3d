//! Subnets: the choice of a candidate for each layer, and its weights from the supernet's.

use blocks::{Graph, Primitive, Space, Weights};

/// A supernet's weights cannot be a subnet's.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SubnetError {
    /// A weight that the subnet needs is not in the supernet.
    #[error("the supernet has no weight '{0}', which the subnet needs; is the checkpoint of another space?")]
    Missing(String),
    /// A choice that is not among a layer's candidates.
    #[error("layer {layer}: '{primitive}' is not among its candidates")]
    NotACandidate {
        /// Counted from 1.
        layer: usize,
        /// The choice.
        primitive: Primitive,
    },
}

/// The weights of `subnet` (of this choice) taken from the supernet's: `blocks.{layer}.{index}.…` becomes `blocks.{layer}.op.…`,
/// the trunk's keep their names.
///
/// # Errors
/// A choice is not among the candidates, or a weight is missing.
pub fn subnet_weights(space: &Space, choice: &[Primitive], subnet: &Graph, supernet: &Weights) -> Result<Weights, SubnetError> {
    let mut scopes = Vec::new();
    for (i, (layer, &primitive)) in space.layers().iter().zip(choice).enumerate() {
        let k = layer.primitives.iter().position(|&p| p == primitive);
        let k = k.ok_or(SubnetError::NotACandidate { layer: i + 1, primitive })?;
        scopes.push((format!("blocks.{i}.op."), format!("blocks.{i}.{k}.")));
    }
    let source = |name: &str| {
        let renamed = scopes.iter().find_map(|(to, from)| name.strip_prefix(to.as_str()).map(|rest| format!("{from}{rest}")));
        renamed.unwrap_or_else(|| name.to_string())
    };
    let take = |name: String| {
        let from = source(&name);
        let values = supernet.0.get(&from).cloned();
        values.map(|values| (name, values)).ok_or(SubnetError::Missing(from))
    };
    Ok(Weights(subnet.params().into_iter().map(|p| take(p.name)).collect::<Result<_, _>>()?))
}

/// The names of [`primitives`].
pub fn names(space: &Space, indices: &[usize]) -> Vec<String> {
    primitives(space, indices).iter().map(ToString::to_string).collect()
}

/// The primitives of a choice that is given as an index a layer.
pub fn primitives(space: &Space, indices: &[usize]) -> Vec<Primitive> {
    space.layers().iter().zip(indices).map(|(layer, &k)| layer.primitives[k]).collect()
}
