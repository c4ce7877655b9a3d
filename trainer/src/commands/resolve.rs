//! Settings of a run: what the user typed, what a resumed run had, and the defaults.

use std::path::PathBuf;

/// Why settings make no run.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// A resumed run would not be the same run.
    #[error(
        "the run cannot be resumed with other settings; these differ:{}\nLeave out these options to continue it as it was, or start another \
         run (--out)", .0.iter().map(|d| format!("\n  {d}")).collect::<String>()
    )]
    Differs(Vec<String>),
    /// There is no data folder.
    #[error("--data is needed")]
    NoData,
}

/// Chooses each setting: what the user typed, else what the run had, else the default. Collects where a resumed run would differ.
pub struct Resolver<'a, T> {
    /// The run's settings, if it is resumed.
    pub saved: Option<&'a T>,
    /// A line for each setting that differs.
    differences: Vec<String>,
}

/// A setting as it was typed, or nearly so.
fn shown(value: &impl std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    let inner = ["Some(", "Reference("].iter().find_map(|name| text.strip_prefix(name)?.strip_suffix(')')).unwrap_or(&text);
    if inner.chars().all(|c| c.is_ascii_alphabetic()) { inner.to_lowercase() } else { inner.to_string() }
}

impl<'a, T> Resolver<'a, T> {
    /// For a run that is resumed if `saved` is there.
    pub fn new(saved: Option<&'a T>) -> Self {
        Self { saved, differences: Vec::new() }
    }

    /// Resolves a part of the settings.
    pub fn part<U: 'a, V>(&mut self, part: impl Fn(&'a T) -> &'a U, resolve: impl FnOnce(&mut Resolver<'a, U>) -> V) -> V {
        let mut inner = Resolver::new(self.saved.map(part));
        let value = resolve(&mut inner);
        self.differences.append(&mut inner.differences);
        value
    }

    /// The setting `flag`: given or saved.
    fn known<V: PartialEq + std::fmt::Debug>(&mut self, flag: &str, given: Option<V>, saved: impl Fn(&T) -> V) -> Option<V> {
        let saved = self.saved.map(saved);
        if let (Some(given), Some(saved)) = (&given, &saved)
            && given != saved
        {
            self.differences.push(format!("{flag}: the run has {}, now {}", shown(saved), shown(given)));
        }
        saved.or(given)
    }

    /// The setting `flag`.
    pub fn pick<V: PartialEq + std::fmt::Debug>(&mut self, flag: &str, given: Option<V>, saved: impl Fn(&T) -> V, default: V) -> V {
        self.known(flag, given, saved).unwrap_or(default)
    }

    /// A setting without a default.
    pub fn maybe<V: PartialEq + std::fmt::Debug>(
        &mut self,
        flag: &str,
        given: Option<V>,
        saved: impl Fn(&T) -> Option<V>,
    ) -> Option<V> {
        match given {
            Some(given) => self.known(flag, Some(Some(given)), saved).flatten(),
            None => self.saved.and_then(saved),
        }
    }

    /// The place of a file. It may change before a run is resumed; its contents may not (see [`Resolver::same`]).
    pub fn place(&self, given: Option<PathBuf>, saved: impl Fn(&T) -> Option<PathBuf>) -> Option<PathBuf> {
        given.or_else(|| self.saved.and_then(saved))
    }

    /// A digest that must be the same in a resumed run.
    pub fn same(&mut self, what: &str, now: &str, saved: impl Fn(&T) -> String) {
        if let Some(saved) = self.saved.map(saved)
            && saved != now
        {
            self.differences.push(format!("{what} has changed since the run began"));
        }
    }

    /// Refuses a run that is resumed with other settings.
    ///
    /// # Errors
    /// [`ResolveError::Differs`].
    pub fn finish(self) -> Result<(), ResolveError> {
        if self.differences.is_empty() { Ok(()) } else { Err(ResolveError::Differs(self.differences)) }
    }
}
