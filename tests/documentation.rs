//! The command lines that the documentation shows: each command exists, and so does every flag.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::{programs, project_root};

/// The pages that show commands of today: README and the book.
fn pages() -> Vec<PathBuf> {
    let root = project_root();
    let book = fs::read_dir(root.join("docs/src")).expect("the book's folder");
    let mut pages: Vec<_> =
        book.map(|entry| entry.expect("an entry").path()).filter(|path| path.extension().is_some_and(|e| e == "md")).collect();
    pages.sort();
    pages.extend(["README.md", "CONTRIBUTING.md", "luts/README.md"].map(|name| root.join(name)));
    pages
}

/// A page's shell lines, whole (`\` at a line's end joins it to the next) and without comments, and its `code` within the text.
fn shell(page: &str) -> Vec<String> {
    let (mut lines, mut text) = (Vec::new(), String::new());
    let mut language = None;
    for line in page.lines() {
        match (line.strip_prefix("```"), language) {
            (Some(named), None) => language = Some(named),
            (Some(_), Some(_)) => language = None,
            (None, Some("sh")) => lines.push(line),
            (None, Some(_)) => {}
            (None, None) => text.extend([line, "\n"]),
        }
    }
    let lines = lines.join("\n").replace("\\\n", " ");
    let lines = lines.lines().map(|line| line.split(" #").next().unwrap_or_default()).flat_map(|line| line.split("&&"));
    let spans = text.split('`').skip(1).step_by(2).filter(|span| !span.contains('\n'));
    lines.chain(spans).map(str::to_string).collect()
}

/// The program that a line calls, and its arguments; installed by Python's tools, a program has a longer name.
fn call(line: &str) -> Option<(&'static str, Vec<&str>)> {
    let mut words = line.split_whitespace();
    let is = |word: &str, name: &str| Path::new(word.strip_prefix("blocktime-").unwrap_or(word)).ends_with(name);
    let program = words.find_map(|word| ["profiler", "trainer"].into_iter().find(|&name| is(word, name)))?;
    // `profiler simulate -- PROGRAM`: what follows is another program's.
    Some((program, words.take_while(|&word| word != "--").collect()))
}

/// The help of a command, or what the program says instead.
fn help(program: &Path, command: &[&str]) -> Result<String, String> {
    let done = Command::new(program).args(command).arg("--help").output().expect("the program starts");
    let [out, errors] = [done.stdout, done.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    if done.status.success() { Ok(out) } else { Err(errors) }
}

#[test]
fn commands_in_the_documentation_exist() {
    let folder = programs(&["profiler", "trainer"]);
    let mut known: HashMap<Vec<String>, Result<String, String>> = HashMap::new();
    let (mut seen, mut wrong) = (0, Vec::new());
    for page in pages() {
        let text = fs::read_to_string(&page).expect("a page");
        for line in shell(&text) {
            let Some((program, arguments)) = call(&line) else { continue };
            let command: Vec<_> =
                arguments.iter().copied().take_while(|word| word.chars().all(|c| c.is_ascii_lowercase())).collect();
            let flags = arguments.iter().filter(|word| word.starts_with("--") && !word.contains(['=', '…', '|']));
            if command.is_empty() {
                continue;
            }
            seen += 1;
            let key = [program].iter().chain(&command).map(ToString::to_string).collect();
            match known.entry(key).or_insert_with(|| help(&folder.join(program), &command)) {
                Ok(help) => wrong.extend(
                    flags
                        .filter(|&&flag| !help.split_whitespace().any(|word| word.trim_end_matches([',', ']', '.']) == flag))
                        .map(|flag| format!("{}: {flag} in: {line}", page.display())),
                ),
                Err(said) => wrong.push(format!("{}: {line}: {said}", page.display())),
            }
        }
    }
    assert!(seen > 60, "only {seen} command lines were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
