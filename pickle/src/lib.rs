//! A reader of Python's pickles that runs nothing.
//!
//! A pickle is a program for a stack machine, whose opcodes can import and call anything. This machine knows the opcodes of
//! protocols 2 to 5, but imports nothing and calls nothing: the result is a heap of plain objects. A few names of Python, numpy and
//! PyTorch are known, and what a call of them would give is noted. Anything else becomes [`Unread`]: it may lie anywhere in a file,
//! and is refused only where its value is asked for. All counts are limited.

mod machine;
mod numpy;

use machine::Machine;
pub use numpy::{Array, Bytes, Dtype};

/// Most objects, stack places and memo entries.
const OBJECTS: usize = 500_000;
/// Most open marks: the deepest nesting.
const MARKS: usize = 64;
/// Longest name that would be imported, and longest string of numpy.
const NAME: usize = 1024;

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
    /// Bytes.
    Bytes(Bytes<'a>),
    /// A tuple.
    Tuple(Vec<Id>),
    /// A list; a set or a deque too.
    List(Vec<Id>),
    /// A dict of any kind, in its order.
    Dict(Vec<(Id, Id)>),
    /// An imported name that is known.
    Global(Global),
    /// A type of numpy's.
    Dtype(Dtype<'a>),
    /// An array of numpy's, once its state is known.
    Array(Option<Array>),
    /// A number or string of numpy's: its type and its bytes.
    Scalar(Id, Id),
    /// What stands outside of the pickle, by the name it goes by: a tensor's storage.
    Outside(Id),
    /// A tensor: the tuple of what it would be rebuilt from (storage, offset, shape, strides, …).
    Tensor(Id),
    /// What is not read.
    Unread(Unread<'a>),
}

/// What is not read: its value is refused where it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread<'a> {
    /// A name that would be imported: its module, and its name there.
    Name(&'a str, &'a str),
    /// What a call would give: of what.
    Made(Id),
    /// A whole number of more than 64 bits.
    Long,
    /// A string that is not UTF-8.
    NotText,
}

/// The names that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Global {
    /// `numpy.core.multiarray._reconstruct`, since numpy 2 `numpy._core…`.
    Reconstruct,
    /// `numpy.core.multiarray.scalar`.
    Scalar,
    /// `numpy.core.numeric._frombuffer`: an array in protocol 5.
    FromBuffer,
    /// `numpy.ndarray`.
    Ndarray,
    /// `numpy.dtype`.
    Dtype,
    /// `_codecs.encode`, by which protocol 2 makes bytes.
    Encode,
    /// `collections.OrderedDict` and `defaultdict`, which are read as dicts.
    Dict,
    /// `collections.Counter`, `set`, `frozenset`: they hold what they are given.
    Holder,
    /// `collections.deque`, which is read as a list.
    Deque,
    /// `torch._utils._rebuild_tensor_v2`.
    RebuildTensor,
    /// `torch._utils._rebuild_parameter`: a tensor that is trained, which is read as a tensor.
    RebuildParameter,
    /// `torch.FloatStorage` and its like.
    Storage(Element),
}

/// What a tensor's storage holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// `f32`.
    Float,
    /// `f64`.
    Double,
    /// `f16`.
    Half,
    /// `bfloat16`.
    BFloat16,
    /// `i64`.
    Long,
    /// `i32`.
    Int,
    /// `i16`.
    Short,
    /// `i8`.
    Char,
    /// `u8`.
    Byte,
    /// A byte that is 0 or 1.
    Bool,
}

impl Element {
    /// Bytes of one.
    pub fn size(self) -> usize {
        match self {
            Self::Double | Self::Long => 8,
            Self::Float | Self::Int => 4,
            Self::Half | Self::BFloat16 | Self::Short => 2,
            Self::Char | Self::Byte | Self::Bool => 1,
        }
    }

    fn of_storage(name: &str) -> Option<Self> {
        Some(match name.strip_suffix("Storage")? {
            "Float" => Self::Float,
            "Double" => Self::Double,
            "Half" => Self::Half,
            "BFloat16" => Self::BFloat16,
            "Long" => Self::Long,
            "Int" => Self::Int,
            "Short" => Self::Short,
            "Char" => Self::Char,
            "Byte" => Self::Byte,
            "Bool" => Self::Bool,
            _ => return None,
        })
    }
}

impl Global {
    fn of(module: &str, name: &str) -> Option<Self> {
        Some(match (module, name) {
            ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") => Self::Reconstruct,
            ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar") => Self::Scalar,
            ("numpy.core.numeric" | "numpy._core.numeric", "_frombuffer") => Self::FromBuffer,
            ("numpy", "ndarray") => Self::Ndarray,
            ("numpy", "dtype") => Self::Dtype,
            ("_codecs", "encode") => Self::Encode,
            ("collections", "OrderedDict" | "defaultdict") => Self::Dict,
            ("collections", "Counter") | ("builtins" | "__builtin__", "set" | "frozenset") => Self::Holder,
            ("collections", "deque") => Self::Deque,
            ("torch._utils", "_rebuild_tensor_v2") => Self::RebuildTensor,
            ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => Self::RebuildParameter,
            ("torch", name) => Self::Storage(Element::of_storage(name)?),
            _ => return None,
        })
    }
}

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
    #[error("the pickle is cut off")]
    Cut,
    /// An opcode that no pickle of these protocols has, or only one that is part of something larger.
    #[error("opcode {0:#04x} is not among those of plain data; it is refused, not run")]
    Opcode(u8),
    /// Another version.
    #[error("pickle protocol {0}; known are 2 to 5")]
    Protocol(u8),
    /// A name that would be imported, for a value that is needed.
    #[error("{0:?} would be imported; it is refused: only plain data is read, and no code is run")]
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
    const LEFT_OVER: Self = Self::Unfit("the pickle ends here, but something is left over");
}

/// The objects of a pickle.
#[derive(Clone, Debug)]
pub struct Heap<'a> {
    objects: Vec<(usize, Object<'a>)>,
    root: Id,
}

impl<'a> Heap<'a> {
    /// Reads the pickle that begins at `start` and must end where the bytes do.
    ///
    /// # Errors
    /// [`PickleError`].
    pub fn read(bytes: &'a [u8], start: usize) -> Result<Self, PickleError> {
        match Self::read_one(bytes, start)? {
            (heap, end) if end == bytes.len() => Ok(heap),
            (_, end) => Err(PickleError { offset: end - 1, fault: PickleFault::LEFT_OVER }),
        }
    }

    /// Reads the pickle that begins at `start`; gives the place behind it.
    ///
    /// # Errors
    /// [`PickleError`].
    pub fn read_one(bytes: &'a [u8], start: usize) -> Result<(Self, usize), PickleError> {
        let mut machine = Machine::new(bytes, start);
        match machine.run() {
            Ok(root) => {
                let end = machine.position();
                Ok((Self { objects: machine.into_objects(), root }, end))
            }
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

    /// All objects.
    pub fn ids(&self) -> impl Iterator<Item = Id> + use<> {
        // The machine counts them in 32 bits.
        (0..self.objects.len() as u32).map(Id)
    }

    /// The value of a dict's entry of that name; none where it has none, or is no dict.
    pub fn entry(&self, dict: Id, name: &str) -> Option<Id> {
        let Object::Dict(entries) = self.get(dict) else { return None };
        // A later entry replaces an earlier one.
        entries.iter().rev().find(|(key, _)| self.text(*key).is_some_and(|key| key == name)).map(|&(_, value)| value)
    }

    /// An error about an object, at the place where it was made. Of what is not read it says why; of the rest, `reason`.
    pub fn unfit(&self, id: Id, reason: &'static str) -> PickleError {
        let mut at = id;
        // What a call makes stands behind what is called, so that this comes to an end.
        while let &Object::Unread(Unread::Made(of)) = self.get(at) {
            at = of;
        }
        let fault = match *self.get(at) {
            Object::Unread(Unread::Name(module, name)) => PickleFault::Global(format!("{module}.{name}")),
            Object::Unread(Unread::Long) => PickleFault::Unfit("a whole number of more than 64 bits"),
            Object::Unread(Unread::NotText) => PickleFault::Unfit("a string is not UTF-8"),
            Object::Global(_) if at != id => PickleFault::Unfit("calls a function in a way that makes no plain data"),
            _ => PickleFault::Unfit(reason),
        };
        PickleError { offset: self.objects[at.0 as usize].0, fault }
    }
}
