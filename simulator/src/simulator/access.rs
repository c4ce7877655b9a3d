//! Accesses to memory, line by line.

use super::{MemoryAccess, Simulator};
use crate::block::Step;
use crate::causes::Cause;
use crate::instruction::{Kind, PrefetchTarget};
use crate::memory::{Arrival, Blocked};
use crate::rules::LINE_BYTES;

impl Simulator {
    /// A step's accesses; gives the cycle from which its data's latency counts, where that is later than usual.
    pub(super) fn access(&mut self, step: &Step, accesses: &[MemoryAccess]) -> Option<(u64, Cause)> {
        let mut late: Option<(u64, Cause)> = None;
        if accesses.is_empty() {
            self.without_address(step);
            return None;
        }
        // Parts that lie in one line go together.
        let mut pending: Option<(u64, u64)> = None;
        for access in accesses {
            let mut address = access.address;
            let mut bytes = u64::from(access.bytes.max(1));
            while bytes > 0 {
                let line = address / u64::from(LINE_BYTES);
                let offset = address % u64::from(LINE_BYTES);
                let part = bytes.min(u64::from(LINE_BYTES) - offset);
                let mask = (u64::MAX >> (64 - part)) << offset;
                pending = match pending {
                    Some((other, bits)) if other == line => Some((line, bits | mask)),
                    Some((other, bits)) => {
                        self.touch(step, other, bits, &mut late);
                        Some((line, mask))
                    }
                    None => Some((line, mask)),
                };
                address = address.wrapping_add(part);
                bytes -= part;
            }
        }
        if let Some((line, bits)) = pending {
            self.touch(step, line, bits, &mut late);
        }
        late
    }

    /// One line of an access.
    fn touch(&mut self, step: &Step, line: u64, bytes: u64, late: &mut Option<(u64, Cause)>) {
        let blocked = match step.kind {
            Kind::Prefetch => {
                self.prefetch(step.prefetch, line);
                None
            }
            Kind::ZeroLine => self.memory.zero(line, self.now),
            kind if kind.stores() => self.memory.store(line, bytes, self.now),
            _ => {
                let (arrival, blocked) = self.memory.load(line, self.now);
                if let Arrival::At(cycle, cause) = arrival
                    && late.is_none_or(|(latest, _)| cycle > latest)
                {
                    *late = Some((cycle, cause));
                }
                blocked
            }
        };
        if let Some(Blocked { until, by }) = blocked
            && until > self.memory_hold.0
        {
            self.memory_hold = (until, by.cause());
        }
        let fills = self.memory.take_fill_cycles();
        if fills > 0 {
            let (until, cause) = self.memory_hold;
            self.memory_hold = if until > self.now + 1 { (until + fills, cause) } else { (self.now + 1 + fills, Cause::L2) };
        }
    }

    fn prefetch(&mut self, target: PrefetchTarget, line: u64) {
        match target {
            PrefetchTarget::L1 => self.memory.prefetch(line, true, self.now),
            PrefetchTarget::L2 => self.memory.prefetch(line, false, self.now),
            PrefetchTarget::Ignored => {}
        }
    }

    /// An access that was not reported: the address of a prefetch may follow from others.
    fn without_address(&mut self, step: &Step) {
        let inferred = step.access.as_ref().and_then(|access| self.pointers.address(access));
        match (step.kind, inferred) {
            (Kind::Prefetch, _) if step.prefetch == PrefetchTarget::Ignored => {}
            (Kind::Prefetch, Some(address)) => self.prefetch(step.prefetch, address / u64::from(LINE_BYTES)),
            (Kind::Prefetch, None) => self.counters.prefetches_without_address += 1,
            (Kind::ZeroLine, Some(address)) => {
                self.touch(step, address / u64::from(LINE_BYTES), u64::MAX, &mut None);
            }
            _ => self.counters.without_address += 1,
        }
    }
}
