//! How long a simulated agent may be silent: as long as it computes, but not for ever.

use std::time::{Duration, Instant};

/// A process that has computed nothing for so long waits for what never comes.
pub(super) const IDLE: Duration = Duration::from_secs(60);
/// Longest time between two lines, however much is computed: a model of 10⁹ multiply-adds takes some minutes.
pub(super) const LONGEST: Duration = Duration::from_secs(4 * 3600);
/// Time between two looks.
const LOOK: Duration = Duration::from_secs(1);

/// What has become of a silent process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It computes, or has just spoken.
    Busy,
    /// It waits.
    Waits,
    /// It computes without end.
    Endless,
}

/// Watches a process's use of the processor.
pub(super) struct Watchdog {
    process: u32,
    /// Its time of computing when it last had risen, in clock ticks, and when that was.
    computed: Option<u64>,
    risen: Instant,
    looked: Instant,
}

impl Watchdog {
    /// Of a process that has just been started.
    pub(super) fn new(process: u32) -> Self {
        let now = Instant::now();
        Self { process, computed: None, risen: now, looked: now }
    }

    /// Its state after so long a silence.
    pub(super) fn state(&mut self, silent: Duration) -> State {
        if silent > LONGEST {
            return State::Endless;
        }
        if self.looked.elapsed() >= LOOK {
            self.looked = Instant::now();
            let computed = computed(self.process);
            // Where the system does not tell, it is trusted.
            if computed.is_none() || computed > self.computed {
                (self.computed, self.risen) = (computed, self.looked);
            }
        }
        if self.risen.elapsed() > IDLE { State::Waits } else { State::Busy }
    }
}

/// Time that a process has computed, in clock ticks.
fn computed(process: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name, in brackets, may hold blanks and brackets. Behind it: state, …; user and system time are the 12th and 13th.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_computes_is_waited_for() {
        let own = std::process::id();
        let before = computed(own).unwrap();
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(100) {
            std::hint::spin_loop();
        }
        assert!(computed(own).unwrap() > before);
        let mut watchdog = Watchdog::new(own);
        assert_eq!(watchdog.state(Duration::from_secs(1000)), State::Busy);
        assert_eq!(watchdog.state(LONGEST + IDLE), State::Endless);
        watchdog.risen = watchdog.risen.checked_sub(IDLE + LOOK).unwrap();
        assert_eq!(watchdog.state(Duration::ZERO), State::Waits);
    }
}
