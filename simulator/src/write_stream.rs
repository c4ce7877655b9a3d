//! Recognises that whole lines are written one after the other, which need not be fetched first.
//!
//! DDI 0500, "Read allocate mode": after three full lines that were written before their fetch was done, writes that miss go to the
//! second-level cache, until a line is not written in full. Its CPU Auxiliary Control Register has a second threshold, of 128 lines when the core starts, from which on
//! they are not put into the second-level cache either.

/// Where a line that is written goes if the first level does not hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// Into the first level: it is fetched.
    First,
    /// Into the second level, without being fetched.
    Second,
    /// Into memory, without being fetched, unless the second level holds it.
    Memory,
}

/// The line that is written at present, and those before it.
pub(crate) struct WriteStream {
    /// Full lines from which on lines are not fetched; 0 for never.
    threshold: u8,
    /// Full lines from which on they go past the second level, too; 0 for never.
    second: u8,
    /// No line where there was none yet.
    line: Option<u64>,
    /// Its bytes that were written.
    bytes: u64,
    /// Cycle at which its fetch ends, where it is fetched.
    fetched: Option<u64>,
    /// Cycle at which it became full.
    full_at: Option<u64>,
    /// Full lines so far.
    full: u8,
    /// The line that was sent on last.
    sent: Option<u64>,
}

impl WriteStream {
    pub(crate) fn new(threshold: u8, second: u8) -> Self {
        Self { threshold, second, line: None, bytes: 0, fetched: None, full_at: None, full: 0, sent: None }
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.threshold, self.second);
    }

    /// Bytes of a line are written; where it goes if the first level does not hold it.
    #[inline]
    pub(crate) fn store(&mut self, line: u64, bytes: u64, now: u64) -> Destination {
        if self.line != Some(line) {
            let in_time = match (self.full_at, self.fetched) {
                (Some(full), Some(fetched)) => full < fetched,
                // It was not fetched because the stream goes on.
                (Some(_), None) => self.sent == self.line,
                (None, _) => false,
            };
            self.full = if in_time { self.full.saturating_add(1) } else { 0 };
            self.line = Some(line);
            self.bytes = 0;
            self.fetched = None;
            self.full_at = None;
        }
        self.bytes |= bytes;
        if self.bytes == u64::MAX && self.full_at.is_none() {
            self.full_at = Some(now);
        }
        match self.full {
            full if self.threshold == 0 || full < self.threshold => Destination::First,
            full if self.second == 0 || full < self.second => Destination::Second,
            _ => Destination::Memory,
        }
    }

    /// The line is fetched until that cycle.
    pub(crate) fn fetched(&mut self, line: u64, until: u64) {
        if self.line == Some(line) {
            self.fetched = Some(until);
        }
    }

    /// A line goes on unfetched; whether this is its first part.
    pub(crate) fn begins(&mut self, line: u64) -> bool {
        self.sent.replace(line) != Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes 16 bytes at a time, one a cycle, into lines that take 100 cycles to fetch; the lines that are not fetched.
    fn unfetched(lines: &[(u64, u32)]) -> Vec<u64> {
        let mut stream = WriteStream::new(3, 16);
        let mut now = 0;
        let mut unfetched = Vec::new();
        for (line, parts) in lines {
            for part in 0..*parts {
                let on = stream.store(*line, 0xffff << (16 * part), now) != Destination::First;
                match (part, on) {
                    (0, false) => stream.fetched(*line, now + 100),
                    (0, true) => {
                        assert!(stream.begins(*line));
                        unfetched.push(*line);
                    }
                    (_, true) => assert!(!stream.begins(*line)),
                    _ => {}
                }
                now += 1;
            }
        }
        unfetched
    }

    // DDI 0500, CPUACTLR_EL1: the sixteenth line is not put into the second level.
    #[test]
    fn sixteen_full_lines_go_past_the_second_level() {
        let mut stream = WriteStream::new(3, 16);
        let lines = (0..20).map(|line| {
            let destination = stream.store(line, u64::MAX, line);
            match destination {
                Destination::First => stream.fetched(line, line + 100),
                Destination::Second | Destination::Memory => assert!(stream.begins(line)),
            }
            destination
        });
        let lines: Vec<Destination> = lines.collect();
        assert_eq!(
            (lines[2], lines[3], lines[15], lines[16]),
            (Destination::First, Destination::Second, Destination::Second, Destination::Memory)
        );
    }

    // DDI 0500, read allocate mode: three full lines.
    #[test]
    fn three_full_lines_begin_it_and_a_part_of_one_ends_it() {
        let full = |lines: std::ops::Range<u64>| lines.map(|line| (line, 4)).collect::<Vec<_>>();
        assert_eq!(unfetched(&full(0..6)), [3, 4, 5]);
        let broken = [full(0..5), vec![(5, 3)], full(6..10)].concat();
        assert_eq!(unfetched(&broken), [3, 4, 5, 9]);
        assert_eq!(unfetched(&[(0, 3), (1, 3), (2, 3), (3, 3), (4, 3)]), [0; 0]);
    }
}
