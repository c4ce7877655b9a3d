//! A reader of Python's pickles that runs nothing.
//!
//! A pickle is a program for a stack machine, whose opcodes can import and call anything. This machine knows only the opcodes
//! that plain data needs (protocols 2 to 5). What would be imported is looked up in a short list, the [`Vocabulary`] of the
//! program that wrote the file, and what would be called is not called but noted: the result is a heap of plain objects. All
//! counts are limited.

mod machine;

use machine::Machine;

/// Most objects, stack places and memo entries.
const OBJECTS: usize = 500_000;
/// Most open marks: the deepest nesting.
const MARKS: usize = 64;
/// Longest string.
const STRING: usize = 1024;

/// Whose pickles are read: which names may be imported, and what calls of them stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vocabulary {
    /// `numpy.save` of an array of plain objects.
    Numpy,
    /// `torch.save` of dicts of tensors: a checkpoint.
    Torch,
}

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
    /// What stands outside of the pickle, by the name it goes by: a tensor's storage.
    Outside(Id),
    /// A tensor: the tuple of what it would be rebuilt from (storage, offset, shape, strides, …).
    Tensor(Id),
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
    /// `collections.OrderedDict`, which is read as a dict.
    OrderedDict,
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

impl Vocabulary {
    fn global(self, module: &str, name: &str) -> Option<Global> {
        match self {
            Self::Numpy => match (module, name) {
                ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") => Some(Global::Reconstruct),
                ("numpy", "ndarray") => Some(Global::Ndarray),
                ("numpy", "dtype") => Some(Global::Dtype),
                ("_codecs", "encode") => Some(Global::Encode),
                _ => None,
            },
            Self::Torch => match (module, name) {
                ("collections", "OrderedDict") => Some(Global::OrderedDict),
                ("torch._utils", "_rebuild_tensor_v2") => Some(Global::RebuildTensor),
                ("torch._utils", "_rebuild_parameter") => Some(Global::RebuildParameter),
                ("torch", name) => Element::of_storage(name).map(Global::Storage),
                _ => None,
            },
        }
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
    /// An opcode that plain data has no need for.
    #[error("opcode {0:#04x} is not among those of plain data; it is refused, not run")]
    Opcode(u8),
    /// Another version.
    #[error("pickle protocol {0}; known are 2 to 5")]
    Protocol(u8),
    /// A name that would be imported.
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
    /// A string that is no text.
    #[error("a string is not UTF-8")]
    NotText,
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
    pub fn read(bytes: &'a [u8], start: usize, vocabulary: Vocabulary) -> Result<Self, PickleError> {
        match Self::read_one(bytes, start, vocabulary)? {
            (heap, end) if end == bytes.len() => Ok(heap),
            (_, end) => Err(PickleError { offset: end - 1, fault: PickleFault::LEFT_OVER }),
        }
    }

    /// Reads the pickle that begins at `start`; gives the place behind it.
    ///
    /// # Errors
    /// [`PickleError`].
    pub fn read_one(bytes: &'a [u8], start: usize, vocabulary: Vocabulary) -> Result<(Self, usize), PickleError> {
        let mut machine = Machine::new(bytes, start, vocabulary);
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
        entries.iter().rev().find(|(key, _)| *self.get(*key) == Object::Text(name)).map(|&(_, value)| value)
    }

    /// An error about an object, at the place where it was made.
    pub fn unfit(&self, id: Id, reason: &'static str) -> PickleError {
        PickleError { offset: self.objects[id.0 as usize].0, fault: PickleFault::Unfit(reason) }
    }
}
