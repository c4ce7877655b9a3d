//! How much of a JPEG file is there: decoders fill what is missing with grey and say nothing.

const START: u8 = 0xD8;
const END: u8 = 0xD9;
const SCAN: u8 = 0xDA;

/// The end marker.
pub const END_OF_IMAGE: [u8; 2] = [0xFF, END];

/// How much of a JPEG file is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// No picture: it is cut off before the first scan's data.
    Headers,
    /// A part of the picture, or all of it except for the end marker.
    Cut,
    /// All.
    Whole,
}

/// Whether `bytes` start like a JPEG file.
pub fn is_jpeg(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xFF, START])
}

/// How far a JPEG's segments and scans lead towards its end marker. An end marker inside a segment, say of a thumbnail, does
/// not count; bytes after the end do not matter.
pub fn extent(bytes: &[u8]) -> Extent {
    let (mut at, mut so_far) = (2, Extent::Headers);
    loop {
        match marker(bytes, &mut at) {
            None => return so_far,
            Some(END) => return Extent::Whole,
            // Markers without a segment: TEM, and restarts, which lie inside scans.
            Some(0x01 | 0xD0..=0xD7) => {}
            Some(kind) => {
                let Some(length) = bytes.get(at..at + 2).map(|b| usize::from(u16::from_be_bytes([b[0], b[1]]))) else {
                    return so_far;
                };
                at += length.max(2);
                if kind == SCAN && at < bytes.len() {
                    so_far = Extent::Cut;
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
        assert!(is_jpeg(&bytes) && extent(&bytes) == Extent::Whole);
        let scan = bytes.windows(2).position(|w| w == [0xFF, SCAN]).unwrap() + 14;
        for cut in 2..bytes.len() {
            let expected = if cut > scan { Extent::Cut } else { Extent::Headers };
            assert_eq!(extent(&bytes[..cut]), expected, "cut at {cut} of {}", bytes.len());
        }
        bytes.extend_from_slice(b"tail");
        assert_eq!(extent(&bytes), Extent::Whole);
    }

    #[test]
    fn an_end_marker_inside_a_segment_does_not_count() {
        assert_eq!(extent(&[0xFF, 0xD8, 0xFF, 0xE1, 0, 4, 0xFF, 0xD9]), Extent::Headers);
        assert_eq!(extent(&[0xFF, 0xD8, 0xFF, 0xE1, 0, 4, 0xFF, 0xD9, 0xFF, 0xD9]), Extent::Whole);
    }
}
