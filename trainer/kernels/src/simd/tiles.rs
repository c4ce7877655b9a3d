//! Loops over register tiles: the widest that the level has first, then what is left in ever narrower ones.

/// Runs `$body` for each piece of `0..$total`: `$at` is where it starts, `$width` its width, a constant. Widths descend; those behind an `if`
/// are left out where the condition is false.
macro_rules! descending {
    ($total:expr, [$($($literal:literal)+ $(if $condition:expr)?);+], |$at:ident, $width:ident| $body:expr) => {{
        let mut $at = 0;
        $(
            if true $(&& $condition)? {
                $({
                    const $width: usize = $literal;
                    while $total - $at >= $width {
                        $body;
                        $at += $width;
                    }
                })+
            }
        )+
        // The last piece has moved it to the end.
        let _ = $at;
    }};
}

/// [`descending`] over pixels, in the tiles of a matrix product at the level `$simd`.
macro_rules! in_tiles {
    ($simd:ident, $pixels:expr, |$at:ident, $width:ident| $body:expr) => {
        $crate::simd::descending!($pixels, [14 7 if $simd::TILE.1 >= 14; 6 4 if $simd::TILE.1 >= 6; 2 1], |$at, $width| $body)
    };
}

/// [`descending`] over the rows of a weight gradient at the level `$simd`.
macro_rules! in_rows {
    ($simd:ident, $rows:expr, |$at:ident, $width:ident| $body:expr) => {
        $crate::simd::descending!(
            $rows,
            [16 if $simd::ROWS >= 16; 8 if $simd::ROWS >= 8; 4 if $simd::ROWS >= 4; 2 if $simd::ROWS >= 2; 1],
            |$at, $width| $body
        )
    };
}

pub(crate) use {descending, in_rows, in_tiles};
