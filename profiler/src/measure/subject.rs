//! What is measured.

use std::cmp::Ordering;
use std::fmt;

use blocks::measurable::{LayerInfo, PartId};

use super::choice::architecture;

/// How a whole network's name begins in files.
const NETWORK: &str = "net:";
/// The name of the overhead in files.
const OVERHEAD: &str = "overhead";

/// Something that is measured. In raw sample files and in the agent's lines it stands as text: [`Subject::from`] reads it, `Display` writes
/// it. Subjects are ordered as their texts are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// The graph with a single operation, whose time is all overhead.
    Overhead,
    /// A candidate of the search space: its key.
    Block(String),
    /// A fixed piece of the space, such as one of the trunk: its name.
    Trunk(String),
    /// A whole network: its candidates, separated by blanks.
    Network(String),
    /// A user's model: its place on the command line and its file, `0:model.onnx`.
    Model(String),
}

impl Subject {
    /// The network of a choice.
    pub fn network(layers: &[LayerInfo], choice: &[Option<usize>]) -> Self {
        Self::Network(architecture(layers, choice))
    }

    /// The user's model that stands at that place of the command line.
    pub fn model(place: usize, file: impl fmt::Display) -> Self {
        Self::Model(format!("{place}:{file}"))
    }

    /// The part of networks that it is, a block or a piece of the trunk; none of others.
    pub fn part(&self) -> Option<PartId<'_>> {
        match self {
            Self::Block(key) => Some(PartId::Block(key)),
            Self::Trunk(piece) => Some(PartId::Fixed(piece)),
            Self::Overhead | Self::Network(_) | Self::Model(_) => None,
        }
    }

    /// Whether it is a part of networks: parts have a column for times with cold caches.
    pub fn is_part(&self) -> bool {
        self.part().is_some()
    }

    /// Whether it is a whole network of the search space.
    pub fn is_network(&self) -> bool {
        matches!(self, Self::Network(_))
    }

    /// The two halves of its text.
    fn halves(&self) -> [&str; 2] {
        match self {
            Self::Overhead => ["", OVERHEAD],
            Self::Block(key) => ["", key],
            Self::Trunk(piece) => [luts::TRUNK_PREFIX, piece],
            Self::Network(architecture) => [NETWORK, architecture],
            Self::Model(name) => ["", name],
        }
    }

    /// Its text's bytes.
    fn bytes(&self) -> impl Iterator<Item = u8> {
        self.halves().into_iter().flat_map(str::bytes)
    }
}

impl From<&str> for Subject {
    fn from(text: &str) -> Self {
        let is_place = |place: &str| !place.is_empty() && place.bytes().all(|b| b.is_ascii_digit());
        if text == OVERHEAD {
            Self::Overhead
        } else if let Some(architecture) = text.strip_prefix(NETWORK) {
            Self::Network(architecture.to_string())
        } else if let Some(piece) = luts::trunk_piece(text) {
            Self::Trunk(piece.to_string())
        } else if text.split_once(':').is_some_and(|(place, _)| is_place(place)) {
            Self::Model(text.to_string())
        } else {
            Self::Block(text.to_string())
        }
    }
}

impl From<&String> for Subject {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.halves().iter().try_for_each(|half| f.write_str(half))
    }
}

impl Ord for Subject {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bytes().cmp(other.bytes())
    }
}

impl PartialOrd for Subject {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: [&str; 8] = [
        "0:a b.onnx",
        "gh_k3@32x14x14-s1-32",
        "mb_k3@1x1x1-s1-1",
        "net:skip",
        "net:skip gh_k3",
        "overhead",
        "trunk:fc",
        "trunk:stem",
    ];

    #[test]
    fn texts_come_back_and_keep_their_order() {
        let subjects = TEXTS.map(Subject::from);
        assert_eq!(subjects.each_ref().map(ToString::to_string), TEXTS);
        assert!(TEXTS.is_sorted() && subjects.is_sorted());
        let parts = subjects.iter().filter(|subject| subject.is_part()).count();
        let networks = subjects.iter().filter(|subject| subject.is_network()).count();
        assert_eq!((parts, networks), (4, 2));
        assert_eq!((&subjects[0], &subjects[5]), (&Subject::Model("0:a b.onnx".into()), &Subject::Overhead));
    }
}
