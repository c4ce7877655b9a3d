//! Texts out of files and from devices, shown on a terminal.

/// The text without control characters other than line ends and tabs: a file or a device must not control the terminal that shows it.
pub fn plain(text: &str) -> String {
    text.replace(|c: char| c.is_control() && c != '\n' && c != '\t', "?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_steer_a_terminal_is_taken_out() {
        assert_eq!(plain("two\n\tlines of é\u{1b}[2J\u{9b}1A\r\0\u{7f}"), "two\n\tlines of é?[2J?1A???");
    }
}
