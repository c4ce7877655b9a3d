//! Text in SVG and HTML.

/// Replaces what would be read as markup. Lines and tabs stay: settings are shown as they stand in their file.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\n' | '\t' => escaped.push(c),
            // XML allows no other control characters, not even escaped.
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stay_and_what_no_page_may_hold_goes() {
        assert_eq!(escape("[a]\nb = \"<&>\"\t\u{1}"), "[a]\nb = &quot;&lt;&amp;&gt;&quot;\t ");
    }
}
