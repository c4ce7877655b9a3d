//! Words for a POSIX shell.

use std::path::Path;

/// A word that stands for exactly this text.
pub fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A path as people type it: quoted only if the shell would change it.
pub fn quoted(path: impl AsRef<Path>) -> String {
    let text = path.as_ref().display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@".contains(c);
    if !text.is_empty() && text.chars().all(plain) { text } else { quote(&text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_word_comes_back_from_a_real_shell() {
        for text in ["plain", "two words", "it's", "$HOME `id` $(id) \"x\" \\ ; rm -rf / &", "", "a\nb", "-n", "*", "é☃"] {
            for word in [quote(text), quoted(text)] {
                let output = std::process::Command::new("sh").arg("-c").arg(format!("printf %s {word}")).output().expect("it runs");
                assert_eq!(String::from_utf8_lossy(&output.stdout), text);
            }
        }
        assert_eq!(quoted("runs/a-1.onnx"), "runs/a-1.onnx");
    }
}
