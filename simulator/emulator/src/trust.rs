//! What makes a report unfit to be used.

use simulator::{Region, Report};

/// Largest share of instructions that the decoder does not know: they get a time that is no more than a guess.
const MOST_UNKNOWN: f64 = 0.001;
/// Unknown words that are named.
const NAMED: usize = 4;

/// Why the times of a report are not those of the chip.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Distrust {
    /// Instructions of extensions.
    #[error("the program executes instructions that the core does not have: {named}; build it for ARMv8.0")]
    Extensions {
        /// The extensions, and how often.
        named: String,
    },
    /// Instructions that the decoder does not know.
    #[error(
        "{:.2} % of the instructions are not known to the simulator (words {words}), more than {} %; --allow-unknown accepts the time",
        100.0 * share,
        100.0 * MOST_UNKNOWN
    )]
    Unknown {
        /// Their share.
        share: f64,
        /// Some of them.
        words: String,
    },
    /// Code that was written while the program ran.
    #[error("the program writes code while it runs, at {places} place(s): just-in-time compilers cannot be simulated")]
    Rewritten {
        /// Addresses.
        places: u64,
    },
    /// Clocks read past the system calls.
    #[error("the program reads a clock register {count} time(s), so it does not see simulated time")]
    DirectClock {
        /// Times.
        count: u64,
    },
    /// Work of other threads.
    #[error("the program ran other threads ({blocks} blocks of code), but only one is simulated: run it with one thread")]
    Threads {
        /// Blocks of code.
        blocks: u64,
    },
    /// Timers.
    #[error("the program started {count} timer(s), which run on the host's clock: its run may depend on the host's speed")]
    Timers {
        /// How many.
        count: u64,
    },
    /// Nothing was marked.
    #[error("the program marked no code to be timed")]
    NoRegion,
}

/// Whether a measurement's report can be used.
///
/// # Errors
/// The first reason why not; unknown instructions are none where they are allowed.
pub fn check(report: &Report, allow_unknown: bool) -> Result<(), Distrust> {
    if report.regions.is_empty() {
        return Err(Distrust::NoRegion);
    }
    if report.timers > 0 {
        return Err(Distrust::Timers { count: report.timers });
    }
    report.regions.iter().try_for_each(|region| {
        check_region(region, allow_unknown)?;
        match region {
            Region { rewritten: places @ 1.., .. } => Err(Distrust::Rewritten { places: *places }),
            Region { direct_clocks: count @ 1.., .. } => Err(Distrust::DirectClock { count: *count }),
            Region { elsewhere: blocks @ 1.., .. } => Err(Distrust::Threads { blocks: *blocks }),
            _ => Ok(()),
        }
    })
}

/// Whether the instructions of a region are ones that the model knows.
///
/// # Errors
/// [`Distrust::Extensions`], [`Distrust::Unknown`].
pub fn check_region(region: &Region, allow_unknown: bool) -> Result<(), Distrust> {
    if !region.extensions.is_empty() {
        let named = region.extensions.iter().map(|(feature, times)| format!("{feature} {times} times")).collect::<Vec<_>>();
        return Err(Distrust::Extensions { named: named.join(", ") });
    }
    let share = region.unknown as f64 / region.instructions.max(1) as f64;
    if share > MOST_UNKNOWN && !allow_unknown {
        let mut words: Vec<_> = region.unknown_words.iter().collect();
        words.sort_by_key(|(word, times)| (std::cmp::Reverse(**times), **word));
        let words = words.iter().take(NAMED).map(|(word, _)| format!("{word:08x}")).collect::<Vec<_>>().join(", ");
        return Err(Distrust::Unknown { share, words });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use simulator::Feature;

    fn report(region: Region) -> Report {
        Report { regions: vec![Region { instructions: 10_000, ..region }], ..Report::default() }
    }

    #[test]
    fn what_is_not_the_chips_time_is_refused() {
        assert_eq!(check(&report(Region::default()), false), Ok(()));
        assert_eq!(check(&Report::default(), true), Err(Distrust::NoRegion));
        let extension = Region { extensions: [(Feature::DotProd, 1)].into(), ..Region::default() };
        assert!(matches!(check(&report(extension), true), Err(Distrust::Extensions { .. })));
        let unknown = |unknown| Region { unknown, unknown_words: [(7, unknown)].into(), ..Region::default() };
        assert_eq!(check(&report(unknown(10)), false), Ok(()));
        assert_eq!(check(&report(unknown(11)), false), Err(Distrust::Unknown { share: 0.0011, words: "00000007".to_owned() }));
        assert_eq!(check(&report(unknown(11)), true), Ok(()));
        let rewritten = Region { rewritten: 2, ..Region::default() };
        assert_eq!(check(&report(rewritten), true), Err(Distrust::Rewritten { places: 2 }));
        let clock = Region { direct_clocks: 3, ..Region::default() };
        assert_eq!(check(&report(clock), true), Err(Distrust::DirectClock { count: 3 }));
        let timers = Report { timers: 1, ..report(Region::default()) };
        assert_eq!(check(&timers, true), Err(Distrust::Timers { count: 1 }));
        let threads = Region { elsewhere: 4, ..Region::default() };
        assert_eq!(check(&report(threads), true), Err(Distrust::Threads { blocks: 4 }));
    }
}
