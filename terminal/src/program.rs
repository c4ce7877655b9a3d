//! The name under which a program is installed: the Python package calls `profiler` and `trainer` `blocktime-profiler` and
//! `blocktime-trainer`. Help, messages and completions then have those names.

use std::borrow::Cow;
use std::path::Path;

/// The programs, as messages and help name them.
const PROGRAMS: [&str; 2] = ["profiler", "trainer"];

/// What the Python package puts before their names.
const PREFIX: &str = "blocktime-";

/// What stands before a command: a quoting mark, white space at the beginning of a line, or the end of a sentence's part.
const BEFORE: [&str; 4] = ["`", "  ", ": ", "; "];

/// The name of the program `name` beside this one.
pub fn name(name: &'static str) -> Cow<'static, str> {
    let own = std::env::args_os().next();
    with_prefix(name, prefix_of(own.as_ref().map(Path::new)))
}

/// The text with the names under which the programs are installed, where it says what to run.
pub fn named(text: &str) -> Cow<'_, str> {
    let own = std::env::args_os().next();
    with_names(text, prefix_of(own.as_ref().map(Path::new)))
}

fn prefix_of(own: Option<&Path>) -> &'static str {
    let stem = own.and_then(Path::file_stem).and_then(|name| name.to_str());
    let installed = stem.and_then(|name| name.strip_prefix(PREFIX)).is_some_and(|name| PROGRAMS.contains(&name));
    if installed { PREFIX } else { "" }
}

fn with_prefix(name: &'static str, prefix: &str) -> Cow<'static, str> {
    if prefix.is_empty() { Cow::Borrowed(name) } else { Cow::Owned(format!("{prefix}{name}")) }
}

fn with_names<'a>(text: &'a str, prefix: &str) -> Cow<'a, str> {
    if prefix.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut named = String::new();
    let mut rest = text;
    while let Some((at, program)) = PROGRAMS.iter().filter_map(|program| Some((rest.find(program)?, program))).min() {
        let (before, behind) = (&rest[..at], &rest[at + program.len()..]);
        let begins =
            before.is_empty() && named.is_empty() || before.ends_with('\n') || BEFORE.iter().any(|mark| before.ends_with(mark));
        // A command goes on with a subcommand or an option; a quoting mark ends the program's name alone.
        let mut next = behind.chars();
        let goes_on = match next.next() {
            Some(' ') => next.next().is_some_and(|c| c.is_ascii_lowercase() || c == '-'),
            Some(c) => c == '`',
            None => false,
        };
        named += before;
        if begins && goes_on {
            named += prefix;
        }
        named += program;
        rest = behind;
    }
    Cow::Owned(named + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_names_of_the_package_count() {
        for (path, prefix) in [
            ("/usr/bin/blocktime-profiler", "blocktime-"),
            ("blocktime-trainer.exe", "blocktime-"),
            ("target/debug/profiler", ""),
            ("blocktime-other", ""),
            ("my-trainer", ""),
        ] {
            assert_eq!(prefix_of(Some(Path::new(path))), prefix, "{path}");
        }
        assert_eq!(prefix_of(None), "");
    }

    #[test]
    fn commands_get_the_name_and_prose_does_not() {
        for (text, named) in [
            ("fetch it with `profiler setup ort`", "fetch it with `blocktime-profiler setup ort`"),
            (
                "Example:\n  trainer search --lut a.csv\n  profiler bench a.onnx",
                "Example:\n  blocktime-trainer search --lut a.csv\n  blocktime-profiler bench a.onnx",
            ),
            ("Examples: profiler refresh", "Examples: blocktime-profiler refresh"),
            ("next: trainer export --out a", "next: blocktime-trainer export --out a"),
            ("profiler bench a.onnx", "blocktime-profiler bench a.onnx"),
            ("`profiler` and the trainer are programs", "`blocktime-profiler` and the trainer are programs"),
            ("the trainer searches; the profiler measures", "the trainer searches; the profiler measures"),
            ("completions/profiler", "completions/profiler"),
        ] {
            assert_eq!(with_names(text, PREFIX), named);
            assert_eq!(with_names(text, ""), text);
        }
    }
}
