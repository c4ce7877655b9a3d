//! Whether a JPEG file is whole: decoders fill what is missing with grey and say nothing.

const START: u8 = 0xD8;
const END: u8 = 0xD9;
const SCAN: u8 = 0xDA;

/// Whether `bytes` start like a JPEG file.
pub fn is_jpeg(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xFF, START])
}

/// Whether a JPEG's segments and scans lead to its end marker. An end marker inside a segment, say of a thumbnail, does
/// not count; bytes after the end do not matter.
pub fn is_whole(bytes: &[u8]) -> bool {
    let mut at = 2;
    loop {
        match marker(bytes, &mut at) {
            None => return false,
            Some(END) => return true,
            // Markers without a segment: TEM, and restarts, which lie inside scans.
            Some(0x01 | 0xD0..=0xD7) => {}
            Some(kind) => {
                let Some(length) = bytes.get(at..at + 2).map(|b| usize::from(u16::from_be_bytes([b[0], b[1]]))) else {
                    return false;
                };
                at += length.max(2);
                if kind == SCAN {
                    skip_scan(bytes, &mut at);
                }
            }
        }
    }
}

/// The next marker's code; `at` moves behind it.
fn marker(bytes: &[u8], at: &mut usize) -> Option<u8> {
    loop {
        *at += bytes.get(*at..)?.iter().position(|&byte| byte == 0xFF)? + 1;
        // Any number of fill bytes may stand before the code.
        while *bytes.get(*at)? == 0xFF {
            *at += 1;
        }
        let code = bytes[*at];
        *at += 1;
        if code != 0 {
            return Some(code);
        }
    }
}

/// Moves `at` to the marker that ends a scan's data.
fn skip_scan(bytes: &[u8], at: &mut usize) {
    while let Some(found) = bytes.get(*at..).and_then(|rest| rest.iter().position(|&byte| byte == 0xFF)) {
        *at += found;
        match bytes.get(*at + 1) {
            Some(0 | 0xD0..=0xD7) => *at += 2,
            _ => return,
        }
    }
    *at = bytes.len();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cut_is_noticed_and_a_tail_is_not() {
        let picture = image::RgbImage::from_fn(40, 24, |x, y| image::Rgb([x as u8 * 6, y as u8 * 9, (x * y) as u8]));
        let mut bytes = Vec::new();
        image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 92).encode_image(&picture).unwrap();
        assert!(is_jpeg(&bytes) && is_whole(&bytes));
        for cut in 2..bytes.len() {
            assert!(!is_whole(&bytes[..cut]), "cut at {cut} of {}", bytes.len());
        }
        bytes.extend_from_slice(b"tail");
        assert!(is_whole(&bytes));
    }

    #[test]
    fn an_end_marker_inside_a_segment_does_not_count() {
        assert!(!is_whole(&[0xFF, 0xD8, 0xFF, 0xE1, 0, 4, 0xFF, 0xD9]));
        assert!(is_whole(&[0xFF, 0xD8, 0xFF, 0xE1, 0, 4, 0xFF, 0xD9, 0xFF, 0xD9]));
    }
}
