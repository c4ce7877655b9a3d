//! A reader of pickles that runs nothing.
//!
//! A pickle is a program for a stack machine, whose opcodes can import and call anything. This machine knows only the opcodes
//! that `numpy.save` writes for an array of dicts (protocols 2 to 5). What would be imported is looked up in a list of four names, and
//! what would be called is not called but noted: the result is a heap of plain objects. All counts are limited.

mod machine;

use machine::Machine;

/// Most objects, stack places and memo entries.
const OBJECTS: usize = 500_000;
/// Most open marks: the deepest nesting.
const MARKS: usize = 64;
/// Longest string.
const STRING: usize = 1024;

/// An object's place in the heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id(u32);

/// An object; parts are named by their place, so that shared and circular ones cost nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum Object<'a> {
    /// `None`.
    None,
    /// `True`, `False`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A float.
    Float(f64),
    /// A string.
    Text(&'a str),
    /// Bytes; nothing asks which.
    Bytes,
    /// A tuple.
    Tuple(Vec<Id>),
    /// A list.
    List(Vec<Id>),
    /// A dict, in its order.
    Dict(Vec<(Id, Id)>),
    /// An imported name.
    Global(Global),
    /// `numpy.dtype('O')`.
    Dtype,
    /// An array of objects: its shape and its items, once they are known.
    Array(Option<(Id, Id)>),
}

/// The names that may be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Global {
    /// `numpy.core.multiarray._reconstruct`, since numpy 2 `numpy._core…`.
    Reconstruct,
    /// `numpy.ndarray`.
    Ndarray,
    /// `numpy.dtype`.
    Dtype,
    /// `_codecs.encode`, by which protocol 2 makes bytes.
    Encode,
}

impl Global {
    fn named(module: &str, name: &str) -> Option<Self> {
        match (module, name) {
            ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") => Some(Self::Reconstruct),
            ("numpy", "ndarray") => Some(Self::Ndarray),
            ("numpy", "dtype") => Some(Self::Dtype),
            ("_codecs", "encode") => Some(Self::Encode),
            _ => None,
        }
    }
}

/// Where a pickle is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {offset}: {fault}")]
pub struct PickleError {
    /// Where, counted from the pickle's begin.
    pub offset: usize,
    /// What.
    pub fault: PickleFault,
}

/// What is wrong with a pickle.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PickleFault {
    /// The end is missing.
    #[error("the pickle is cut off")]
    Cut,
    /// An opcode that a table has no need for.
    #[error("opcode {0:#04x} is not among those of a table of latencies; it is refused, not run")]
    Opcode(u8),
    /// Another version.
    #[error("pickle protocol {0}; known are 2 to 5")]
    Protocol(u8),
    /// A name that would be imported.
    #[error("{0:?} would be imported; it is refused: only numpy's arrays of plain floats and strings are read")]
    Global(String),
    /// A limit.
    #[error("more than {limit} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// A string that is no text.
    #[error("a string is not UTF-8")]
    NotText,
    /// Something is not what it must be.
    #[error("{0}")]
    Unfit(&'static str),
}

/// The objects of a pickle.
#[derive(Clone, Debug)]
pub struct Heap<'a> {
    objects: Vec<(usize, Object<'a>)>,
    root: Id,
}

impl<'a> Heap<'a> {
    /// Reads a pickle, to its end.
    ///
    /// # Errors
    /// [`PickleError`].
    pub fn read(bytes: &'a [u8]) -> Result<Self, PickleError> {
        let mut machine = Machine::new(bytes);
        match machine.run() {
            Ok(root) => Ok(Self { objects: machine.into_objects(), root }),
            Err(fault) => Err(PickleError { offset: machine.opcode(), fault }),
        }
    }

    /// What the pickle stands for.
    pub fn root(&self) -> Id {
        self.root
    }

    /// An object.
    pub fn get(&self, id: Id) -> &Object<'a> {
        &self.objects[id.0 as usize].1
    }

    /// An error about an object, at the place where it was made.
    pub fn unfit(&self, id: Id, reason: &'static str) -> PickleError {
        PickleError { offset: self.objects[id.0 as usize].0, fault: PickleFault::Unfit(reason) }
    }
}
