//! Sequences of misses at a fixed distance, and the lines that they make the cache fetch ahead.

use crate::rules::Prefetcher as Rules;

/// A sequence of misses.
#[derive(Clone, Copy, Debug, Default)]
struct Stream {
    /// The line that missed last, or was used last of those fetched ahead.
    last: u64,
    /// Distance of its misses in lines; 0 while there is only one.
    stride: i64,
    /// Misses at that distance, the first not counted.
    run: u8,
    /// The line that was fetched last.
    ahead: u64,
    /// When it was continued last.
    used: u64,
}

/// Recognises sequences. What is fetched is the caller's business.
pub(crate) struct Prefetcher {
    streams: Vec<Stream>,
    stride: i64,
    misses: u8,
    lines: u8,
    lines_a_page: u64,
    /// Counts misses.
    time: u64,
}

/// A stream that wants lines fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StreamId(usize);

impl Prefetcher {
    /// `lines_a_page`: it never leaves a page, as addresses behind it belong to another place.
    pub(crate) fn new(rules: &Rules, lines_a_page: u64) -> Self {
        Self {
            streams: vec![Stream::default(); usize::from(rules.streams)],
            stride: i64::from(rules.stride),
            misses: rules.misses,
            lines: rules.lines,
            lines_a_page,
            time: 0,
        }
    }

    /// Forgets all sequences.
    pub(crate) fn clear(&mut self) {
        self.streams.fill(Stream::default());
        self.time = 0;
    }

    /// A line missed. Gives a stream that wants lines.
    pub(crate) fn missed(&mut self, line: u64) -> Option<StreamId> {
        self.time += 1;
        let near = self.streams.iter().position(|stream| {
            let distance = line.wrapping_sub(stream.last) as i64;
            stream.used > 0 && distance != 0 && distance.abs() <= self.stride
        });
        let Some(at) = near else {
            let oldest = self.streams.iter_mut().min_by_key(|stream| stream.used)?;
            *oldest = Stream { last: line, stride: 0, run: 0, ahead: line, used: self.time };
            return None;
        };
        let stream = &mut self.streams[at];
        let distance = line.wrapping_sub(stream.last) as i64;
        if distance == stream.stride {
            stream.run = stream.run.saturating_add(1);
        } else {
            *stream = Stream { stride: distance, run: 1, ahead: line, ..*stream };
        }
        stream.last = line;
        stream.used = self.time;
        if stream.is_behind(line) {
            stream.ahead = line;
        }
        stream.goes_on(self.misses).then_some(StreamId(at))
    }

    /// A line fetched ahead was used for the first time. Gives a stream that wants lines.
    pub(crate) fn used(&mut self, line: u64) -> Option<StreamId> {
        let misses = self.misses;
        let at = self
            .streams
            .iter()
            .position(|stream| stream.goes_on(misses) && line.wrapping_sub(stream.last) as i64 == stream.stride)?;
        self.time += 1;
        self.streams[at].last = line;
        self.streams[at].used = self.time;
        Some(StreamId(at))
    }

    /// The next line that a stream wants, if it is near enough; [`Self::fetched`] says that it is on its way.
    pub(crate) fn wanted(&self, id: StreamId) -> Option<u64> {
        let stream = &self.streams[id.0];
        let next = stream.ahead.wrapping_add(stream.stride as u64);
        let steps = (next.wrapping_sub(stream.last) as i64) / stream.stride;
        let near = steps <= i64::from(self.lines);
        (near && next / self.lines_a_page == stream.last / self.lines_a_page).then_some(next)
    }

    /// The line that [`Self::wanted`] named is on its way, or there.
    pub(crate) fn fetched(&mut self, id: StreamId) {
        let stream = &mut self.streams[id.0];
        stream.ahead = stream.ahead.wrapping_add(stream.stride as u64);
    }
}

impl Stream {
    /// Whether so many misses at equal distances were seen.
    fn goes_on(&self, misses: u8) -> bool {
        self.run >= misses - 1
    }

    /// Whether what was fetched ahead lies behind the line.
    fn is_behind(&self, line: u64) -> bool {
        let ahead = self.ahead.wrapping_sub(line) as i64;
        ahead != 0 && (ahead < 0) != (self.stride < 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefetcher() -> Prefetcher {
        Prefetcher::new(&Rules { streams: 2, stride: 4, misses: 3, lines: 2, fill_cycles: 2 }, 64)
    }

    fn all(prefetcher: &mut Prefetcher, id: Option<StreamId>) -> Vec<u64> {
        let mut lines = Vec::new();
        while let Some(line) = id.and_then(|id| prefetcher.wanted(id)) {
            lines.push(line);
            prefetcher.fetched(id.unwrap());
        }
        lines
    }

    // DDI 0500, "Data prefetching and monitoring": a sequence of misses at a fixed stride within four lines, plus or minus.
    #[test]
    fn the_third_miss_at_an_equal_distance_starts_it() {
        for stride in [1i64, 2, -1, -4] {
            let mut p = prefetcher();
            let at = |k: i64| (32 + k * stride) as u64;
            assert_eq!(p.missed(at(0)), None);
            assert_eq!(p.missed(at(1)), None);
            let id = p.missed(at(2));
            assert_eq!(all(&mut p, id), [at(3), at(4)]);
            // Using the first of them makes one more fetched.
            let id = p.used(at(3));
            assert_eq!(all(&mut p, id), [at(5)]);
        }
    }

    #[test]
    fn too_far_apart_or_uneven_is_no_sequence() {
        let mut p = prefetcher();
        for line in [0, 5, 10, 15, 16, 18, 21] {
            assert_eq!(p.missed(line), None);
        }
    }

    #[test]
    fn it_stays_in_the_page() {
        let mut p = prefetcher();
        for line in [60, 61] {
            p.missed(line);
        }
        let id = p.missed(62);
        assert_eq!(all(&mut p, id), [63]);
    }

    #[test]
    fn sequences_may_alternate() {
        let mut p = prefetcher();
        for line in [0, 1000, 1, 1001] {
            assert_eq!(p.missed(line), None);
        }
        let id = p.missed(2);
        assert_eq!(all(&mut p, id), [3, 4]);
        let id = p.missed(1002);
        assert_eq!(all(&mut p, id), [1003, 1004]);
    }
}
