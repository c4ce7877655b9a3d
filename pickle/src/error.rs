//! What is wrong with a pickle.

/// Where a pickle is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {offset}: {fault}")]
pub struct PickleError {
    /// Where in the bytes.
    pub offset: usize,
    /// What.
    pub fault: PickleFault,
}

/// What is wrong with a pickle.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PickleFault {
    /// The end is missing.
    #[error("the pickle is truncated")]
    Cut,
    /// An opcode that no pickle of these protocols has, or only one that is part of something larger.
    #[error("opcode {0:#04x} does not make plain data; the pickle is refused and not executed")]
    Opcode(u8),
    /// Another version.
    #[error("pickle protocol {0}; protocols 2 to 5 are supported")]
    Protocol(u8),
    /// A name that would be imported, for a value that is needed.
    #[error("{0:?} would be imported; the pickle is refused: only plain data is read, and no code is executed")]
    Global(String),
    /// A limit.
    #[error("more than {limit} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// Something is not what it must be.
    #[error("{0}")]
    Unfit(&'static str),
}

impl PickleFault {
    /// More than one object.
    pub const LEFT_OVER: Self = Self::Unfit("the pickle ends here, but more than one object is left");
}
