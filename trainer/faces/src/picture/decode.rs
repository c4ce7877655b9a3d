//! JPEG and PNG files decoded, upright and within limits.

use super::jpeg::{self, Extent};
use crate::error::{FacesError, Result};
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, imageops};
use std::io::Cursor;
use std::path::Path;

/// Most pixels of a picture; the largest cameras have so many.
const PIXELS: u64 = 1 << 27;
/// Most pixels that a byte of a JPEG file can stand for: each block of 64 takes a bit at least.
const JPEG_PIXELS: u64 = 64 * 8;
/// The same of PNG: eight pixels in a byte, of which deflate makes a thousand of one.
const PNG_PIXELS: u64 = 8 * 1032;
/// What a decoder may take beside the picture: for a colour profile, a line.
const BESIDE: u64 = 16 << 20;

/// A decoded picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// In pixels.
    pub width: usize,
    /// In pixels.
    pub height: usize,
    /// `[height, width, 3]`, red, green, blue.
    pub rgb: Vec<u8>,
}

impl Picture {
    /// The picture at another size, filtered so that shrinking does not alias.
    #[must_use]
    pub fn resized(self, width: usize, height: usize) -> Self {
        if (self.width, self.height) == (width, height) {
            return self;
        }
        let rgb = imageops::resize(&self.into_image(), width as u32, height as u32, imageops::FilterType::Triangle);
        Self { width, height, rgb: rgb.into_raw() }
    }

    /// As an image of the crate `image`.
    pub fn into_image(self) -> image::RgbImage {
        image::RgbImage::from_raw(self.width as u32, self.height as u32, self.rgb)
            .unwrap_or_else(|| unreachable!("a picture holds height × width × 3 bytes"))
    }
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The picture.
    pub picture: Picture,
    /// Whether the file is a JPEG file without its end. What it holds is there; what is missing is grey, or blurred.
    pub is_cut: bool,
}

/// Decodes a JPEG or PNG file's bytes, turned upright as its Exif says. A JPEG file that is cut off within its picture is read as far
/// as it goes, as libjpeg does, so that a list that other trainers read is read here.
///
/// # Errors
/// A message: neither JPEG nor PNG, damaged, cut off before the picture begins, or larger than such a file can be.
pub fn decode(bytes: &[u8]) -> std::result::Result<Decoded, String> {
    if let Some(impostor) = files::impostor(bytes) {
        return Err(impostor.to_string());
    }
    let extent = if jpeg::is_jpeg(bytes) { jpeg::extent(bytes) } else { Extent::Whole };
    if extent == Extent::Headers {
        return Err("the JPEG file is truncated before its picture begins; download it again".to_owned());
    }
    // libjpeg puts the missing end marker there too: it ends every decoder's wait for more.
    let ended = (extent == Extent::Cut).then(|| [bytes, &jpeg::END_OF_IMAGE].concat());
    let mut reader = ImageReader::new(Cursor::new(ended.as_deref().unwrap_or(bytes)))
        .with_guessed_format()
        .map_err(|error| error.to_string())?;
    let pixels_a_byte = match reader.format() {
        Some(ImageFormat::Jpeg) => JPEG_PIXELS,
        Some(ImageFormat::Png) => PNG_PIXELS,
        _ => return Err("neither a JPEG nor a PNG file".to_owned()),
    };
    let mut limits = Limits::default();
    limits.max_alloc = Some(BESIDE);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| error.to_string())?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels > PIXELS {
        return Err(format!("it has {width} × {height} pixels; at most {PIXELS} are read: make it smaller"));
    }
    if pixels > pixels_a_byte * bytes.len() as u64 {
        return Err(format!("it claims {width} × {height} pixels, which its {} bytes cannot hold: it is damaged", bytes.len()));
    }
    let orientation = decoder.orientation().map_err(|error| error.to_string())?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(|error| error.to_string())?;
    image.apply_orientation(orientation);
    let rgb = image.into_rgb8();
    let picture = Picture { width: rgb.width() as usize, height: rgb.height() as usize, rgb: rgb.into_raw() };
    Ok(Decoded { picture, is_cut: extent == Extent::Cut })
}

/// Reads and decodes the picture at `path`.
///
/// # Errors
/// The file cannot be read, or [`decode`] refuses it.
pub fn read_picture(path: &Path) -> Result<Decoded> {
    let bytes = std::fs::read(path).map_err(FacesError::io("cannot read the picture", path))?;
    decode(&bytes).map_err(|message| FacesError::Picture { path: path.to_owned(), origin: String::new(), message })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> image::RgbImage {
        image::RgbImage::from_fn(20, 12, |x, y| image::Rgb([x as u8 * 12, y as u8 * 20, 128]))
    }

    #[test]
    fn png_is_read_exactly_and_jpeg_nearly() {
        for (format, tolerance) in [(image::ImageFormat::Png, 0), (image::ImageFormat::Jpeg, 40)] {
            let mut bytes = Cursor::new(Vec::new());
            sample().write_to(&mut bytes, format).unwrap();
            let Decoded { picture, is_cut } = decode(bytes.get_ref()).unwrap();
            assert!(!is_cut);
            assert_eq!((picture.width, picture.height), (20, 12));
            let worst = picture.rgb.iter().zip(sample().as_raw()).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
            assert!(worst <= tolerance, "{format:?}: {worst}");
        }
    }

    #[test]
    fn damaged_files_are_errors() {
        for format in [image::ImageFormat::Png, image::ImageFormat::Jpeg] {
            let mut bytes = Cursor::new(Vec::new());
            sample().write_to(&mut bytes, format).unwrap();
            let bytes = bytes.into_inner();
            let picture_begins = if format == image::ImageFormat::Png { bytes.len() - 12 } else { bytes.len() / 2 };
            for cut in [0, 3, 20, picture_begins / 2, picture_begins - 1] {
                assert!(decode(&bytes[..cut]).is_err(), "{format:?} cut to {cut} of {}", bytes.len());
            }
        }
        assert!(decode(b"GIF89a").is_err());
        let pointer = decode(b"version https://git-lfs.github.com/spec/v1\n").unwrap_err();
        assert_eq!(pointer, files::Impostor::LfsPointer.to_string());
    }

    /// What libjpeg makes of files that lack their end: all rows that are there, the rest filled up.
    #[test]
    fn a_jpeg_without_its_end_is_read_as_far_as_it_goes() {
        let picture = image::RgbImage::from_fn(64, 64, |x, y| image::Rgb([x as u8 * 4, y as u8 * 4, (x ^ y) as u8 * 4]));
        let mut bytes = Vec::new();
        image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 92).encode_image(&picture).unwrap();
        let whole = decode(&bytes).unwrap();
        let without_end = decode(&bytes[..bytes.len() - 2]).unwrap();
        assert_eq!((without_end.is_cut, &without_end.picture), (true, &whole.picture));
        let scan = bytes.windows(2).position(|w| w == [0xFF, 0xDA]).unwrap() + 14;
        for cut in (scan + 1..bytes.len() - 2).step_by(7).chain([bytes.len() - 1, bytes.len() - 3]) {
            let found = decode(&bytes[..cut]).unwrap_or_else(|message| panic!("cut to {cut} of {}: {message}", bytes.len()));
            assert!(found.is_cut && (found.picture.width, found.picture.height) == (64, 64));
        }
        // In the order of rows: at half of the scan, the first quarter of the picture is all there.
        let half = decode(&bytes[..scan + (bytes.len() - scan) / 2]).unwrap().picture;
        let quarter = 3 * 64 * 16;
        assert_eq!(half.rgb[..quarter], whole.picture.rgb[..quarter]);
        assert_ne!(half.rgb, whole.picture.rgb);
    }

    #[test]
    fn resizing_keeps_a_flat_colour() {
        let flat = Picture { width: 30, height: 30, rgb: vec![77; 2700] };
        let small = flat.resized(7, 9);
        assert_eq!((small.width, small.height), (7, 9));
        assert!(small.rgb.iter().all(|&value| value == 77));
    }
}
