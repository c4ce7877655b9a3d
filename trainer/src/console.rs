//! What a person sees on standard error while a command works: lines, and a progress bar.

use indicatif::{ProgressBar, ProgressStyle};

use crate::parallel;

/// Writes a line for people. Of several processes that train together, only the first one writes it.
pub fn note(line: impl std::fmt::Display) {
    if parallel::is_first() {
        terminal::note(line);
    }
}

/// Writes a line above the progress bar, if there is one.
pub fn say(bar: &ProgressBar, line: &str) {
    if bar.is_hidden() { note(line) } else { bar.println(line) }
}

/// A bar over all steps of a training with the time left; `done` of the steps belong to an earlier run. It is hidden if standard error is
/// not a terminal.
pub fn progress_bar(total: usize, done: usize) -> ProgressBar {
    let bar = if parallel::is_first() { ProgressBar::new(total as u64) } else { ProgressBar::hidden() };
    let style = "{bar:24} {pos}/{len} steps, {per_sec}, {eta} left  {msg}";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar.set_position(done as u64);
    bar.reset_eta();
    bar
}
