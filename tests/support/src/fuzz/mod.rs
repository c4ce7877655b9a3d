//! Readers under fire: files that were sound are damaged at random, and no damage may make a reader panic, take memory out of
//! proportion, or take long.
//!
//! A test gives sound files and a reader; `BLOCKTIME_FUZZ_CASES` says how many damaged ones it gets (20,000 without;
//! `scripts/fuzz.sh` asks for a million). A trial always is the same one: a case's number is the seed of its damage. A damaged
//! file that has an outcome not seen before (another kind of error) is damaged further, so that the reader's depths are reached.
//!
//! Files in `tests/corpus/NAME/` come first: what once was a fault, and what is interesting.

mod memory;
mod mutate;
mod protobuf;
mod time;

pub use memory::Watched;
pub use mutate::Form;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::Duration;

use mutate::Mutator;

/// Memory that any reader may take: buffers of readers and parsers.
const BASE: usize = 512 << 10;
/// Longest that any reader may compute. Its files are at most 32 KiB long, and it may have been built without optimisation.
const TIME: Duration = Duration::from_secs(2);
/// Most files kept for being damaged further.
const POOL: usize = 400;

/// A reader's trial.
pub struct Fuzz<'a> {
    /// Name of the reader, and of its folder in `tests/corpus`.
    pub name: &'a str,
    /// Sound files.
    pub seeds: Vec<Vec<u8>>,
    /// Words of the format, which random damage would hardly produce.
    pub words: &'a [&'a [u8]],
    /// Bytes of memory that the reader may take for a byte of its file.
    pub memory: usize,
}

impl Fuzz<'_> {
    /// Runs the trial; `read` gives the outcome in words: the error's message, or anything for a file that was read.
    ///
    /// # Panics
    /// Where the reader does, or takes too much memory or time. The damaged file is kept, and the message says where.
    pub fn run(self, read: impl Fn(&[u8]) -> String) {
        self.run_as(Form::Bytes, read);
    }

    /// The same for a format whose files need damage of their own.
    ///
    /// # Panics
    /// As [`run`](Self::run).
    pub fn run_as(self, form: Form, read: impl Fn(&[u8]) -> String) {
        self.run_beside(BASE, form, read);
    }

    /// The same for a reader that takes so many bytes of memory whatever its file.
    ///
    /// # Panics
    /// As [`run`](Self::run).
    pub fn run_beside(self, base: usize, form: Form, read: impl Fn(&[u8]) -> String) {
        let watchdog = time::Watchdog::start(self.name);
        let cases = std::env::var("BLOCKTIME_FUZZ_CASES").map_or(20_000, |n| n.parse().expect("BLOCKTIME_FUZZ_CASES is a number"));
        let mut outcomes = BTreeSet::new();
        let mut pool = self.seeds.clone();
        pool.extend(self.corpus());
        let mut most = 0;
        for (i, bytes) in pool.iter().enumerate() {
            watchdog.next(bytes);
            let (outcome, memory) =
                self.attempt(bytes, base, &read).unwrap_or_else(|what| self.fail(&format!("file {i} of the start"), bytes, &what));
            outcomes.insert(kind(&outcome));
            most = most.max(memory);
        }
        for case in 0..cases {
            let mut mutator = Mutator::new(case, self.words);
            let bytes = mutator.damage(&pool, form);
            watchdog.next(&bytes);
            let (outcome, memory) = self
                .attempt(&bytes, base, &read)
                .unwrap_or_else(|what| self.fail(&format!("case {case} (its seed too)"), &bytes, &what));
            most = most.max(memory);
            if outcomes.insert(kind(&outcome)) && pool.len() < POOL {
                pool.push(bytes);
            }
        }
        eprintln!("{}: {cases} cases, {} outcomes, {} KiB of memory at most", self.name, outcomes.len(), most >> 10);
    }

    /// The outcome of one file, of any length, under the same bounds.
    ///
    /// # Panics
    /// As [`run`](Self::run).
    pub fn read_one(&self, bytes: &[u8], read: impl Fn(&[u8]) -> String) -> String {
        let outcome = self.attempt(bytes, BASE, &read);
        outcome.unwrap_or_else(|what| self.fail("a file of the test's own", bytes, &what)).0
    }

    /// Files of earlier trials.
    fn corpus(&self) -> Vec<Vec<u8>> {
        let Ok(folder) = std::fs::read_dir(crate::project_root().join("tests/corpus").join(self.name)) else { return Vec::new() };
        let mut paths: Vec<PathBuf> = folder.map(|entry| entry.expect("a readable folder").path()).collect();
        paths.sort();
        paths.iter().map(|path| std::fs::read(path).expect("a readable file")).collect()
    }

    /// The outcome of one file and the memory it took; or what the reader did wrong.
    fn attempt(&self, bytes: &[u8], base: usize, read: &impl Fn(&[u8]) -> String) -> Result<(String, usize), String> {
        let began = time::computed();
        let (outcome, memory) = memory::watch(bytes, || catch_unwind(AssertUnwindSafe(|| read(bytes))));
        let time = time::computed().saturating_sub(began);
        match outcome {
            Err(_) => Err("panics".to_string()),
            Ok(_) if memory > base + self.memory * bytes.len() => {
                Err(format!("takes {memory} bytes of memory for {} bytes", bytes.len()))
            }
            Ok(_) if time > TIME => Err(format!("computes {:.1} s for {} bytes", time.as_secs_f64(), bytes.len())),
            Ok(outcome) => Ok((outcome, memory)),
        }
    }

    fn fail(&self, case: &str, bytes: &[u8], what: &str) -> ! {
        let path = memory::keep(bytes);
        panic!(
            "the reader '{0}' {what}, at {case}: {1}; once it is mended, keep the file in tests/corpus/{0}",
            self.name,
            path.display()
        );
    }
}

/// An outcome's kind: its last line (before it, some errors show the file), without numbers and without what stands between quotes.
fn kind(outcome: &str) -> String {
    let line = outcome.lines().next_back().unwrap_or_default();
    let quote = |c| matches!(c, '\'' | '"' | '`');
    let (before, after) = match (line.find(quote), line.rfind(quote)) {
        (Some(first), Some(last)) => (&line[..first], &line[last..]),
        _ => (line, ""),
    };
    before.chars().chain(after.chars()).filter(|c| !c.is_ascii_digit()).take(100).collect()
}
