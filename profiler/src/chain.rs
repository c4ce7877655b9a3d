//! An error with its causes.

/// The error and its causes, one behind the other.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(e) = cause {
        let part = e.to_string();
        if !text.ends_with(&part) {
            text += &format!(": {part}");
        }
        cause = e.source();
    }
    text
}
