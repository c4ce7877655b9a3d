//! Numbers and texts that a file may hold; what is odd is left out.

/// Processors beyond this are not believed.
pub(super) const LIMIT: usize = 1024;
/// Longest text taken from a file.
const TEXT_LIMIT: usize = 200;

/// A whole number, of reasonable length.
pub(super) fn number(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

/// Printable, short, or nothing.
pub(super) fn clean(text: &str) -> Option<String> {
    let text: String = text.trim().chars().filter(|c| !c.is_control()).take(TEXT_LIMIT).collect();
    (!text.is_empty()).then_some(text)
}

/// A number in hexadecimal digits, with or without `0x`.
pub(super) fn hex(text: &str) -> Option<u64> {
    u64::from_str_radix(text.trim().trim_start_matches("0x"), 16).ok()
}
