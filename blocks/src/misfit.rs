//! Why a primitive cannot stand at a layer.

/// Why a primitive cannot stand at a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// Its parts do not divide the output channels evenly.
    #[error("needs a multiple of {divisor} output channels, not {c_out}")]
    Divisor {
        /// What must divide the output channels.
        divisor: usize,
        /// Output channels.
        c_out: usize,
    },
    /// It adds its input to its output, which has another number of channels.
    #[error("adds its input to its output and so needs as many channels in as out, not {c_in} and {c_out}")]
    Residual {
        /// Input channels.
        c_in: usize,
        /// Output channels.
        c_out: usize,
    },
    /// It cannot change the number of channels.
    #[error("needs as many channels in as out, not {c_in} and {c_out}")]
    Channels {
        /// Input channels.
        c_in: usize,
        /// Output channels.
        c_out: usize,
    },
    /// Its gate's pool takes a square map only.
    #[error("needs a square feature map, not {h}x{w}")]
    NotSquare {
        /// Height of the output.
        h: usize,
        /// Width of the output.
        w: usize,
    },
    /// Its windows do not cover the map without a rest.
    #[error("needs a stride above 1 that divides the sides of the feature map, not {stride} for {h}x{w}")]
    Windows {
        /// Stride of the layer.
        stride: usize,
        /// Height of the input.
        h: usize,
        /// Width of the input.
        w: usize,
    },
    /// It has stride 2, and the layer another.
    #[error("needs stride 2, not {stride}")]
    Halves {
        /// Stride of the layer.
        stride: usize,
    },
    /// It gives a map of another size than the layer does.
    #[error("outputs a feature map of {}x{}, but the output of the layer is {}x{}", .gives.0, .gives.1, .expected.0, .expected.1)]
    Size {
        /// Height and width that it gives.
        gives: (usize, usize),
        /// Those that the layer gives.
        expected: (usize, usize),
    },
}
