//! The shape of a feature map.

use std::fmt;

/// Shape of one image's feature map: channels × height × width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shape {
    /// Channels.
    pub c: usize,
    /// Height in pixels.
    pub h: usize,
    /// Width in pixels.
    pub w: usize,
}

impl Shape {
    /// `c` channels of `h` × `w` pixels.
    pub const fn new(c: usize, h: usize, w: usize) -> Self {
        Self { c, h, w }
    }

    /// Pixels of one channel, `h·w`.
    pub const fn pixels(self) -> usize {
        self.h * self.w
    }

    /// Values of one image, `c·h·w`.
    pub const fn volume(self) -> usize {
        self.c * self.h * self.w
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}x{}", self.c, self.h, self.w)
    }
}
