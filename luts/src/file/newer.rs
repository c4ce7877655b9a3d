//! What TOML 1.1 allows and 1.0 does not. Tables are TOML 1.0: most readers know no other, and all must read the same tables.

use toml_parser::Source;
use toml_parser::lexer::TokenKind;

/// The first place in a text of TOML 1.1 that is not TOML 1.0: what it is, with line and column.
pub fn newer(text: &str) -> Option<String> {
    let mut open = Vec::new();
    let mut after_comma = false;
    for token in Source::new(text).lex() {
        let (kind, at) = (token.kind(), token.span().start());
        let in_table = open.last() == Some(&TokenKind::LeftCurlyBracket);
        let found = match kind {
            TokenKind::Newline if in_table => Some("an inline table goes on in the next line"),
            TokenKind::RightCurlyBracket if after_comma => Some("an inline table ends with a comma"),
            TokenKind::BasicString | TokenKind::MlBasicString if has_newer_escape(&text[at..token.span().end()]) => {
                Some("a text contains \\x or \\e")
            }
            _ => None,
        };
        if let Some(what) = found {
            let (line, column) = place(text, at);
            return Some(format!("{what}, which TOML 1.0 does not allow (at line {line}, column {column})"));
        }
        match kind {
            TokenKind::LeftCurlyBracket | TokenKind::LeftSquareBracket => open.push(kind),
            TokenKind::RightCurlyBracket | TokenKind::RightSquareBracket => drop(open.pop()),
            _ => {}
        }
        after_comma = kind == TokenKind::Comma || after_comma && kind == TokenKind::Whitespace;
    }
    None
}

/// Whether a text in quotes contains `\x41` or `\e`.
fn has_newer_escape(text: &str) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'\\' && matches!(bytes.next(), Some(b'x' | b'e')) {
            return true;
        }
    }
    false
}

/// Line and column of a byte, both from 1.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..at];
    let line = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}
