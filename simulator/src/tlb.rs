//! Translation of addresses: which pages' translations are in the tables.

use crate::rules::Tlb as Rules;

/// No page has this number.
const NONE: u64 = u64::MAX;

/// A small table in front of a large one.
pub(crate) struct Tlb {
    /// Pages, the one used last in front.
    micro: Vec<u64>,
    /// Sets of the main table, each with the page used last in front.
    main: Vec<u64>,
    ways: usize,
    shift: u32,
    micro_miss: u64,
    miss: u64,
}

/// What a translation took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Translation {
    /// Nothing.
    Micro,
    /// So many cycles, from the main table.
    Main(u64),
    /// So many cycles, from the page tables.
    Walk(u64),
}

impl Tlb {
    pub(crate) fn new(rules: &Rules) -> Self {
        Self {
            micro: vec![NONE; usize::from(rules.micro_entries)],
            main: vec![NONE; usize::from(rules.entries)],
            ways: usize::from(rules.ways),
            // Of the line's number, not of the address.
            shift: (rules.page_kib * 1024 / crate::rules::LINE_BYTES).trailing_zeros(),
            micro_miss: u64::from(rules.micro_miss),
            miss: u64::from(rules.miss),
        }
    }

    /// Lines of a page.
    pub(crate) fn lines_a_page(&self) -> u64 {
        1 << self.shift
    }

    /// Forgets all translations.
    pub(crate) fn clear(&mut self) {
        self.micro.fill(NONE);
        self.main.fill(NONE);
    }

    /// Translates the address of a line.
    #[inline]
    pub(crate) fn translate(&mut self, line: u64) -> Translation {
        let page = line >> self.shift;
        match self.micro.first() {
            Some(first) if *first != page => self.slow(page),
            _ => Translation::Micro,
        }
    }

    fn slow(&mut self, page: u64) -> Translation {
        if to_front(&mut self.micro, page) {
            return Translation::Micro;
        }
        let sets = self.main.len() / self.ways;
        let set = page as usize % sets * self.ways;
        if to_front(&mut self.main[set..set + self.ways], page) {
            Translation::Main(self.micro_miss)
        } else {
            Translation::Walk(self.micro_miss + self.miss)
        }
    }
}

/// Puts a page in front; whether it was there. The last one goes where it was not.
fn to_front(pages: &mut [u64], page: u64) -> bool {
    let found = pages.iter().position(|held| *held == page);
    let end = found.unwrap_or(pages.len() - 1);
    pages[..=end].rotate_right(1);
    pages[0] = page;
    found.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    // DDI 0500, "About the MMU": a micro TLB of 10 entries, a main TLB of 512.
    #[test]
    fn ten_pages_are_at_hand_and_five_hundred_and_twelve_nearly() {
        let rules = Rules { page_kib: 4, micro_entries: 10, micro_miss: 7, entries: 512, ways: 4, miss: 30 };
        let mut tlb = Tlb::new(&rules);
        let mut round = |pages: u64| (0..pages).map(|page| tlb.translate(page * 64)).collect::<Vec<_>>();
        assert!(round(10).iter().all(|t| *t == Translation::Walk(37)));
        assert!(round(10).iter().all(|t| *t == Translation::Micro));
        round(512);
        assert!(round(512).iter().all(|t| *t == Translation::Main(7)));
        round(1024);
        assert!(round(1024).iter().all(|t| *t == Translation::Walk(37)));
    }
}
