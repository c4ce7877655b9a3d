//! An error with its causes.

/// The error and its causes, one behind the other, each once: some already contain the text of their cause.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut shown = error.to_string();
    let mut text = shown.clone();
    let mut cause = error.source();
    while let Some(error) = cause {
        let part = error.to_string();
        if !shown.contains(&part) {
            text += &format!(": {part}");
            shown = part;
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Link {
        text: &'static str,
        source: Option<Box<Link>>,
    }

    /// The first is the outermost.
    fn linked(texts: &[&'static str]) -> Link {
        let (text, causes) = texts.split_first().expect("an error");
        Link { text, source: (!causes.is_empty()).then(|| Box::new(linked(causes))) }
    }

    #[test]
    fn each_cause_is_told_once() {
        assert_eq!(chain(&linked(&["cannot read t.csv", "no such file"])), "cannot read t.csv: no such file");
        assert_eq!(chain(&linked(&["cannot read t.csv: line 3", "line 3"])), "cannot read t.csv: line 3");
        // Also where the text of a cause stands in the middle, and for the cause behind it.
        assert_eq!(
            chain(&linked(&["line 3: a number is missing in t.csv", "a number is missing", "empty"])),
            "line 3: a number is missing in t.csv: empty"
        );
    }
}
