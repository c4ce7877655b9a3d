//! Channels that change lanes: joins whose parts do not end where a block does.

use crate::simd::{LANES, Simd, dispatched};

/// A run of channels that lies in one block of its part and in one of the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub part_block: usize,
    pub part_lane: usize,
    pub whole_block: usize,
    pub whole_lane: usize,
    pub channels: usize,
}

impl Piece {
    /// Whether it is a whole block of its part and of the whole, so that no channel changes its lane.
    pub fn is_block(&self) -> bool {
        self.channels == LANES
    }

    /// The pieces of each part, of `channels` each, that are joined one after the other.
    pub fn of_parts(channels: &[usize]) -> Vec<Vec<Self>> {
        let mut whole = 0;
        let parts = channels.iter().map(|&channels| {
            let (mut part, mut pieces) = (0, Vec::new());
            while part < channels {
                let (part_lane, whole_lane) = (part % LANES, whole % LANES);
                let run = (channels - part).min(LANES - part_lane).min(LANES - whole_lane);
                pieces.push(Self { part_block: part / LANES, part_lane, whole_block: whole / LANES, whole_lane, channels: run });
                part += run;
                whole += run;
            }
            pieces
        });
        parts.collect()
    }
}

dispatched! {
    /// Copies a piece from its part's block to its place in the whole's.
    ///
    /// # Safety
    /// `part` and `whole` must be valid for `pixels` vectors.
    pub(crate) fn join = join_kernel, (part: *const f32, whole: *mut f32, pixels: usize, piece: &Piece);

    /// Adds a piece of the whole's block to its place in the part's.
    ///
    /// # Safety
    /// `whole` and `part` must be valid for `pixels` vectors.
    pub(crate) fn add_part = add_part_kernel, (whole: *const f32, part: *mut f32, pixels: usize, piece: &Piece);
}

#[inline(always)]
unsafe fn join_kernel<S: Simd>(_: S, part: *const f32, whole: *mut f32, pixels: usize, piece: &Piece) {
    unsafe { each_run(part.add(piece.part_lane), whole.add(piece.whole_lane), pixels, piece.channels, |from, to| *to = from) }
}

#[inline(always)]
unsafe fn add_part_kernel<S: Simd>(_: S, whole: *const f32, part: *mut f32, pixels: usize, piece: &Piece) {
    unsafe { each_run(whole.add(piece.whole_lane), part.add(piece.part_lane), pixels, piece.channels, |from, to| *to += from) }
}

/// `f` of each value of a run of `channels` lanes and of its place, pixel by pixel. The usual runs, a block, half of it and a quarter, are single vectors.
#[inline(always)]
unsafe fn each_run(from: *const f32, to: *mut f32, pixels: usize, channels: usize, f: impl Fn(f32, &mut f32) + Copy) {
    macro_rules! runs_of {
        ($channels:expr) => {
            for px in 0..pixels {
                for lane in 0..$channels {
                    // SAFETY: promised by the caller.
                    unsafe { f(*from.add(px * LANES + lane), &mut *to.add(px * LANES + lane)) };
                }
            }
        };
    }
    match channels {
        LANES => runs_of!(LANES),
        8 => runs_of!(8),
        4 => runs_of!(4),
        channels => runs_of!(channels),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_end_where_a_block_of_the_part_or_of_the_whole_ends() {
        let piece = |part_block, part_lane, whole_block, whole_lane, channels| Piece {
            part_block,
            part_lane,
            whole_block,
            whole_lane,
            channels,
        };
        assert_eq!(
            Piece::of_parts(&[8, 16, 20]),
            [
                vec![piece(0, 0, 0, 0, 8)],
                vec![piece(0, 0, 0, 8, 8), piece(0, 8, 1, 0, 8)],
                vec![piece(0, 0, 1, 8, 8), piece(0, 8, 2, 0, 8), piece(1, 0, 2, 8, 4)],
            ]
        );
    }
}
