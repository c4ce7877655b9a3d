//! What parts of networks have in common beside their shapes.

/// What a part does beside computing. It decides how a part's time alone differs from its share of a network's: the fit gives all parts of a
/// family one common error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// A fixed piece.
    Fixed,
    /// A candidate's block.
    Block {
        /// Whether a map is multiplied by values that are computed from all of it, as by squeeze-and-excitation. Such a block costs more in a
        /// network than alone.
        is_gated: bool,
        /// Whether values are moved without computing anything, as by a shuffle of channels.
        moves: bool,
    },
}
