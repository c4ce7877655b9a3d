//! What a pickle is made of.

/// Longest name that would be imported, and longest string of numpy.
pub(crate) const NAME: usize = 1024;

/// An object's place in the heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id(pub(crate) u32);

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
    pub(crate) fn of(module: &str, name: &str) -> Option<Self> {
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

/// Bytes, where they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bytes<'a> {
    /// As they are.
    Plain(&'a [u8]),
    /// A character each, as protocol 2 has them.
    Latin1(&'a str),
}

/// A type of numpy's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dtype<'a> {
    /// Its kind and the bytes of one item: `f8`; of a string (`U12`) the characters.
    pub code: &'a str,
    /// Whether the highest byte stands first.
    pub big_endian: bool,
}

/// An array of numpy's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Array {
    /// A tuple of its sides.
    pub shape: Id,
    /// Its items' type.
    pub dtype: Id,
    /// A list of the items where they are objects, else their bytes.
    pub items: Id,
}
