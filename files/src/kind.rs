//! What a file is, where it is not what its name says.
//!
//! Downloads go wrong in few ways: Git LFS leaves a pointer in place of the file, a browser or `curl` saves the page around it, a
//! server's refusal is saved under its name. A reader that only says "damaged" sends people the wrong way; so each asks
//! [`impostor`] first. Endings are compared without regard to case, as people's cameras and file systems write them
//! ([`has_ending`]).

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

/// Bytes at a file's begin that are looked at.
pub const HEAD: usize = 1024;
/// A server's refusal in plain text is no longer than this.
const REFUSAL: usize = 256;

/// Something else than what the name says; prints what it is, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Impostor {
    /// What stands for a file in a Git repository whose large files were not fetched.
    LfsPointer,
    /// What stands for a file of git-annex that was not fetched.
    AnnexPointer,
    /// HTML.
    WebPage,
    /// What a server answered in place of the file: its first line.
    Refusal(String),
    /// Text of two bytes a character.
    Utf16,
}

impl fmt::Display for Impostor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LfsPointer => f.write_str(
                "is a Git LFS pointer, not the file itself: run `git lfs pull` in its repository, or download the file that it stands for",
            ),
            Self::AnnexPointer => f.write_str("is a git-annex pointer, not the file itself: run `git annex get` on it"),
            Self::WebPage => f.write_str(
                "is a web page (HTML), not the file itself: download the file behind the page's button 'Download' or 'Raw'",
            ),
            Self::Refusal(line) => {
                write!(f, "is a server's refusal ('{line}'), not the file itself: check the address and download it again")
            }
            Self::Utf16 => f.write_str("is UTF-16 text: save it as UTF-8, which editors offer under 'Save as'"),
        }
    }
}

/// What these bytes, the begin of a file or all of it, are in place of any file that this project reads; `None` where they may be one.
pub fn impostor(bytes: &[u8]) -> Option<Impostor> {
    let head = &bytes[..bytes.len().min(HEAD)];
    if [&b"version https://git-lfs.github.com/spec/"[..], b"version https://hawser.github.com/spec/"]
        .iter()
        .any(|p| head.starts_with(p))
    {
        return Some(Impostor::LfsPointer);
    }
    let text = readable(head);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with("/annex/objects/") || (text.contains(".git/annex/objects/") && text.lines().count() == 1) {
        return Some(Impostor::AnnexPointer);
    }
    let element = first_element(text);
    if ["!doctype html", "html", "head", "body", "title", "meta", "script"].iter().any(|name| is_element(element, name)) {
        return Some(Impostor::WebPage);
    }
    let is_refusal = is_element(element, "error")
        || ["{\"error\"", "{\"message\"", "{\"detail\""].iter().any(|begin| starts_with(text, begin))
        || (bytes.len() <= REFUSAL && REFUSALS.iter().any(|begin| starts_with(text, begin)));
    if is_refusal {
        let line: String = text.lines().next().unwrap_or_default().chars().take(80).collect();
        return Some(Impostor::Refusal(line.trim().escape_debug().to_string()));
    }
    is_utf16(head).then_some(Impostor::Utf16)
}

/// A text's bytes without the byte-order mark that some editors put in front of UTF-8.
pub fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

fn is_utf16(head: &[u8]) -> bool {
    head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff])
}

/// How the refusals of file servers begin that are plain text.
const REFUSALS: [&str; 14] = [
    "400 bad request",
    "401 unauthorized",
    "401:",
    "403 forbidden",
    "403:",
    "404 not found",
    "404:",
    "not found",
    "entry not found",
    "repository not found",
    "access denied",
    "access to this resource",
    "forbidden",
    "invalid username or password",
];

/// The bytes as text; UTF-16, which pages are saved in too, as far as it is ASCII.
fn readable(head: &[u8]) -> Cow<'_, str> {
    if is_utf16(head) {
        return Cow::Owned(head[2..].iter().filter(|&&byte| byte != 0).map(|&byte| char::from(byte)).collect());
    }
    String::from_utf8_lossy(head)
}

/// The text behind the first `<` that begins an element; empty where the text begins otherwise. Comments and XML's declaration are
/// passed over.
fn first_element(text: &str) -> &str {
    let mut rest = text;
    loop {
        let end = match rest {
            _ if rest.starts_with("<!--") => "-->",
            _ if starts_with(rest, "<?xml") => "?>",
            _ => return rest.strip_prefix('<').unwrap_or_default(),
        };
        let Some((_, behind)) = rest.split_once(end) else { return "" };
        rest = behind.trim_start();
    }
}

fn is_element(element: &str, name: &str) -> bool {
    starts_with(element, name) && element[name.len()..].chars().next().is_none_or(|c| !c.is_alphanumeric())
}

fn starts_with(text: &str, begin: &str) -> bool {
    text.get(..begin.len()).is_some_and(|start| start.eq_ignore_ascii_case(begin))
}

/// Whether a file's name ends in `.ending`, without regard to case.
pub fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_downloads_leave_is_named_with_what_to_do() {
        let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2\nsize 132735\n";
        assert_eq!(impostor(pointer), Some(Impostor::LfsPointer));
        assert_eq!(impostor(b"/annex/objects/SHA256E-s1--ab.onnx\n"), Some(Impostor::AnnexPointer));
        assert_eq!(impostor(b"../.git/annex/objects/Xz/0q/SHA256E-s1--ab.onnx"), Some(Impostor::AnnexPointer));
        let pages = [
            "<!DOCTYPE html>\n<html lang=\"en\">",
            "\u{feff}\r\n  <!doctype HTML PUBLIC>",
            "<HTML><head>",
            "<?xml version=\"1.0\"?>\n<!-- saved from url -->\n<html xmlns=\"x\">",
            "<head>",
            "<html",
        ];
        for page in pages {
            assert_eq!(impostor(page.as_bytes()), Some(Impostor::WebPage), "{page}");
        }
        let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain("<html>".encode_utf16().flat_map(u16::to_le_bytes)).collect();
        assert_eq!(impostor(&utf16), Some(Impostor::WebPage));
        let refusals =
            ["404: Not Found", "Entry not found", "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code>", "{\"error\":\"x\"}"];
        for refusal in refusals {
            assert_eq!(impostor(refusal.as_bytes()), Some(Impostor::Refusal(refusal.escape_debug().to_string())));
        }
    }

    #[test]
    fn real_files_are_none() {
        let zeros = [0; 2000];
        let files: [&[u8]; 12] = [
            b"",
            b"\x08\x08\x12\x07pytorch",
            b"\xff\xd8\xff\xe0\0\x10JFIF",
            b"\x89PNG\r\n\x1a\n",
            b"PK\x03\x04",
            b"\x80\x02\x8a\x0a",
            b"\x40\0\0\0\0\0\0\0{\"__metadata__\":{}}",
            b"# format = blocktime-lut",
            b"imgs/0.jpg 404 1 2",
            b"version = 1\n",
            b"{\"layers\": []}",
            &zeros,
        ];
        for file in files {
            assert_eq!(impostor(file), None, "{:?}", String::from_utf8_lossy(file));
        }
        // Cut within a character, within a comment, and lists whose first picture is called like a refusal.
        assert_eq!(impostor("<\u{e9}".as_bytes().split_at(2).0), None);
        assert_eq!(impostor(b"<!-- without end"), None);
        assert_eq!(impostor(b"404.jpg 1 2\n"), None);
        assert_eq!(impostor(&[&b"404: 1 2\n"[..]; 40].concat()), None);
    }

    #[test]
    fn endings_without_regard_to_case() {
        for name in ["a.onnx", "A.ONNX", "b/c.Onnx"] {
            assert!(has_ending(Path::new(name), "onnx"), "{name}");
        }
        assert!(!has_ending(Path::new("onnx"), "onnx") && !has_ending(Path::new("a.onnx.data"), "onnx"));
    }
}
