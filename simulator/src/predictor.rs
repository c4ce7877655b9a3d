//! Prediction of branches: directions by a global history, returns by a stack, other targets by the last one after the same history
//! and the same targets before.

use crate::instruction::Flow;
use crate::rules::Branches;

/// Predicts where branches go.
pub(crate) struct Predictor {
    /// Two-bit counters; 2 and 3 stand for taken.
    counters: Vec<u8>,
    history: u32,
    history_mask: u32,
    /// Addresses of returns; the newest is at `top`.
    returns: Vec<u64>,
    top: usize,
    /// Branch and target, by a hash of the branch, the history and the path.
    targets: Vec<(u64, u64)>,
    /// The last targets, a few bits of each.
    path: u64,
}

impl Predictor {
    pub(crate) fn new(rules: &Branches) -> Self {
        let mut predictor = Self {
            counters: vec![0; usize::from(rules.counters)],
            history: 0,
            history_mask: (1 << rules.history) - 1,
            returns: vec![0; usize::from(rules.returns)],
            top: 0,
            targets: vec![(0, 0); usize::from(rules.targets)],
            path: 0,
        };
        predictor.clear();
        predictor
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        // Weakly taken: loops are right from the start.
        self.counters.fill(2);
        self.history = 0;
        self.returns.fill(0);
        self.top = 0;
        self.targets.fill((0, 0));
        self.path = 0;
    }

    /// A branch at `address` went to `next`; whether that was predicted.
    pub(crate) fn branch(&mut self, address: u64, next: u64, flow: Flow, to_register: bool) -> bool {
        let behind = address.wrapping_add(4);
        let right = match flow {
            Flow::Conditional => return self.direction(address, next != behind),
            Flow::Return => self.pop() == next,
            Flow::Always | Flow::Call if to_register => self.target(address, next),
            Flow::Always | Flow::Call => true,
        };
        if flow == Flow::Call {
            self.top = (self.top + 1) % self.returns.len();
            self.returns[self.top] = behind;
        }
        right
    }

    fn direction(&mut self, address: u64, taken: bool) -> bool {
        // The history is spread, so that neighbouring branches do not share counters.
        let mixed = (address >> 2) ^ (u64::from(self.history) * 5);
        let count = self.counters.len() as u64;
        let counter = &mut self.counters[(mixed % count) as usize];
        let guess = *counter >= 2;
        *counter = if taken { (*counter + 1).min(3) } else { counter.saturating_sub(1) };
        self.history = (self.history << 1 | u32::from(taken)) & self.history_mask;
        guess == taken
    }

    fn pop(&mut self) -> u64 {
        let address = self.returns[self.top];
        self.top = (self.top + self.returns.len() - 1) % self.returns.len();
        address
    }

    fn target(&mut self, address: u64, next: u64) -> bool {
        let count = self.targets.len() as u64;
        let mixed = (address >> 2) ^ (self.path * 7) ^ (u64::from(self.history) * 13);
        self.path = (self.path << 3 ^ next >> 2) & 0xff;
        let slot = &mut self.targets[(mixed % count) as usize];
        std::mem::replace(slot, (address, next)) == (address, next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn predictor() -> Predictor {
        Predictor::new(&Branches { mispredicted: 7, taken: 0, counters: 3072, history: 8, returns: 8, targets: 256 })
    }

    /// Mispredictions in the last `rounds` of twice as many rounds of a loop.
    fn wrong(mut round: impl FnMut() -> usize, rounds: usize) -> usize {
        (0..rounds).for_each(|_| {
            round();
        });
        (0..rounds).map(|_| round()).sum()
    }

    // DDI 0500, "Instruction Fetch Unit": a global predictor that uses branch history.
    #[test]
    fn patterns_that_fit_the_history_are_learned() {
        let mut p = predictor();
        // A loop of six, left after the sixth round.
        let short = |p: &mut Predictor| {
            (0..6).filter(|k| !p.branch(0x1000, if *k < 5 { 0x0f00 } else { 0x1004 }, Flow::Conditional, false)).count()
        };
        assert_eq!(wrong(|| short(&mut p), 50), 0);
        // The end of a loop of forty is never predicted.
        let mut p = predictor();
        let long = |p: &mut Predictor| {
            (0..40).filter(|k| !p.branch(0x1000, if *k < 39 { 0x0f00 } else { 0x1004 }, Flow::Conditional, false)).count()
        };
        assert_eq!(wrong(|| long(&mut p), 50), 50);
    }

    #[test]
    fn eight_returns_are_foreseen() {
        let mut p = predictor();
        let depth = |p: &mut Predictor, depth: u64| {
            (0..depth).for_each(|k| {
                p.branch(0x1000 * (k + 1), 0x1000 * (k + 2), Flow::Call, false);
            });
            (0..depth).rev().filter(|k| !p.branch(0x1000 * (k + 2) + 8, 0x1000 * (k + 1) + 4, Flow::Return, true)).count()
        };
        assert_eq!(depth(&mut p, 8), 0);
        assert_eq!(depth(&mut p, 11), 3);
    }

    // tract: its kernels' dispatchers, one branch to four targets in turn, would take twice as long if only the last target were known.
    #[test]
    fn targets_in_turn_are_learned() {
        let mut p = predictor();
        let turn =
            |p: &mut Predictor| [0x10, 0x24, 0x38, 0x4c].iter().filter(|to| !p.branch(0x2000, **to, Flow::Always, true)).count();
        assert_eq!(wrong(|| turn(&mut p), 50), 0);
        // At random they are not.
        let mut p = predictor();
        let mut state = 1u64;
        let mut random = || {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            usize::from(!p.branch(0x2000, 0x10 + (state >> 60) * 4, Flow::Always, true))
        };
        assert!(wrong(&mut random, 500) > 300);
    }

    #[test]
    fn a_target_is_that_of_the_last_time() {
        let mut p = predictor();
        let mut go = |to| p.branch(0x2000, to, Flow::Always, true);
        (0..10).for_each(|_| {
            go(0x10);
        });
        assert_eq!([go(0x10), go(0x20)], [true, false]);
    }
}
