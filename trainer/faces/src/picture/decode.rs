use super::jpeg;
use crate::error::{FacesError, Result};
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, imageops};
use std::io::Cursor;
use std::path::Path;

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

/// Decodes a JPEG or PNG file's bytes, turned upright as its Exif says.
///
/// # Errors
/// A message: neither JPEG nor PNG, damaged, or cut off.
pub fn decode(bytes: &[u8]) -> std::result::Result<Picture, String> {
    if jpeg::is_jpeg(bytes) && !jpeg::is_whole(bytes) {
        return Err("the JPEG file is truncated: its end marker is missing".to_owned());
    }
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|error| error.to_string())?;
    if !matches!(reader.format(), Some(ImageFormat::Jpeg | ImageFormat::Png)) {
        return Err("neither a JPEG nor a PNG file".to_owned());
    }
    let mut decoder = reader.into_decoder().map_err(|error| error.to_string())?;
    let orientation = decoder.orientation().map_err(|error| error.to_string())?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(|error| error.to_string())?;
    image.apply_orientation(orientation);
    let rgb = image.into_rgb8();
    Ok(Picture { width: rgb.width() as usize, height: rgb.height() as usize, rgb: rgb.into_raw() })
}

/// Reads and decodes the picture at `path`.
///
/// # Errors
/// The file cannot be read, or [`decode`] refuses it.
pub fn read_picture(path: &Path) -> Result<Picture> {
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
            let picture = decode(bytes.get_ref()).unwrap();
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
            for cut in [0, 3, 20, bytes.len() / 2, bytes.len() - 13] {
                assert!(decode(&bytes[..cut]).is_err(), "{format:?} cut to {cut} of {}", bytes.len());
            }
        }
        assert!(decode(b"GIF89a").unwrap_err().contains("neither"));
    }

    #[test]
    fn resizing_keeps_a_flat_colour() {
        let flat = Picture { width: 30, height: 30, rgb: vec![77; 2700] };
        let small = flat.resized(7, 9);
        assert_eq!((small.width, small.height), (7, 9));
        assert!(small.rgb.iter().all(|&value| value == 77));
    }
}
