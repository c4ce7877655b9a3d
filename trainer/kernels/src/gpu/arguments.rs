//! Arguments of kernels, as `cuda/*.cu` declare them.

use std::ffi::c_void;

use super::MAX_TERMS;
use super::machine::Address;

/// How a stored value is read; see `common.cuh`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Reading {
    pub scale: Address,
    pub shift: Address,
    pub relu: i32,
}

impl Reading {
    /// As it is.
    pub const PLAIN: Self = Self { scale: 0, shift: 0, relu: 0 };
}

/// Shapes of a convolution's or a pool's window; see `common.cuh`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Window {
    pub images: u32,
    pub kernel: u32,
    pub stride: u32,
    pub dilation: u32,
    pub padding: u32,
    pub in_h: u32,
    pub in_w: u32,
    pub out_h: u32,
    pub out_w: u32,
}

/// Some of a window's images; see `patches.cu`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Images {
    pub first: u32,
    pub count: u32,
}

/// A batch norm's weights and what becomes of them; see `norm.cu`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Norm {
    pub gamma: Address,
    pub beta: Address,
    pub running_mean: Address,
    pub running_var: Address,
    pub scale: Address,
    pub shift: Address,
    pub mean: Address,
    pub istd: Address,
    pub momentum: f32,
    pub epsilon: f32,
}

/// What dropout drops; see `elementwise.cu`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Dropout {
    pub seed: u64,
    pub index: u64,
    pub threshold: u64,
    pub first: u32,
    pub images: u32,
    pub channels: u32,
    pub pixels: u32,
    pub keep: f32,
}

/// A value that a mixture adds; see `mixture.cu`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Term {
    pub x: Address,
    pub how: Reading,
    pub first: u32,
    pub channels: u32,
    pub factor: f32,
}

impl Term {
    pub const NONE: Self = Self { x: 0, how: Reading::PLAIN, first: 0, channels: 0, factor: 0.0 };
}

/// Up to [`MAX_TERMS`] of them.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Terms {
    pub of: [Term; MAX_TERMS],
    pub count: u32,
}

/// An argument of a kernel.
#[derive(Debug)]
pub(super) enum Arg {
    Address(Address),
    Unsigned(u32),
    Int(i32),
    Float(f32),
    Double(f64),
    Reading(Reading),
    Window(Window),
    Images(Images),
    Norm(Norm),
    Dropout(Dropout),
    Terms(Box<Terms>),
}

impl Arg {
    /// Where the argument itself lies.
    pub fn pointer(&self) -> *mut c_void {
        let at: *const c_void = match self {
            Self::Address(v) => std::ptr::from_ref(v).cast(),
            Self::Unsigned(v) => std::ptr::from_ref(v).cast(),
            Self::Int(v) => std::ptr::from_ref(v).cast(),
            Self::Float(v) => std::ptr::from_ref(v).cast(),
            Self::Double(v) => std::ptr::from_ref(v).cast(),
            Self::Reading(v) => std::ptr::from_ref(v).cast(),
            Self::Window(v) => std::ptr::from_ref(v).cast(),
            Self::Images(v) => std::ptr::from_ref(v).cast(),
            Self::Norm(v) => std::ptr::from_ref(v).cast(),
            Self::Dropout(v) => std::ptr::from_ref(v).cast(),
            Self::Terms(v) => std::ptr::from_ref(v.as_ref()).cast(),
        };
        at.cast_mut()
    }
}

macro_rules! from {
    ($($kind:ident: $type:ty),*) => {$(
        impl From<$type> for Arg {
            fn from(value: $type) -> Self {
                Self::$kind(value)
            }
        }
    )*};
}
from!(Address: Address, Float: f32, Double: f64, Reading: Reading, Window: Window, Images: Images, Norm: Norm, Dropout: Dropout);

impl From<Terms> for Arg {
    fn from(terms: Terms) -> Self {
        Self::Terms(Box::new(terms))
    }
}

/// Lengths and counts; [`super::memory::Gpu::each`] has checked the largest.
impl From<usize> for Arg {
    fn from(value: usize) -> Self {
        Self::Unsigned(value as u32)
    }
}

/// `int` in a kernel.
impl From<bool> for Arg {
    fn from(value: bool) -> Self {
        Self::Int(i32::from(value))
    }
}

/// Each as an [`Arg`].
macro_rules! args {
    ($($value:expr),* $(,)?) => { &[$($crate::gpu::arguments::Arg::from($value)),*] };
}
pub(super) use args;
