//! A picture as a PNG file.

use crate::error::{FacesError, Result};
use image::{ImageFormat, RgbImage};
use std::io::Cursor;
use std::path::Path;

/// Writes `image` as PNG to `path`; a file there is replaced only once the new one is whole.
///
/// # Errors
/// The folder cannot be written.
pub fn save_png(image: &RgbImage, path: &Path) -> Result<()> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png).map_err(|error| FacesError::Picture {
        path: path.to_owned(),
        origin: String::new(),
        message: error.to_string(),
    })?;
    files::write(path, bytes.get_ref(), files::Overwrite::Yes).map_err(|source| FacesError::Io {
        what: "cannot write the picture",
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::read_picture;

    #[test]
    fn a_saved_picture_reads_back_and_nothing_else_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sheet.png");
        std::fs::write(&path, "old").unwrap();
        let image = RgbImage::from_fn(5, 4, |x, y| image::Rgb([x as u8, y as u8, 9]));
        save_png(&image, &path).unwrap();
        assert_eq!(read_picture(&path).unwrap().picture.into_image(), image);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(save_png(&image, &folder.path().join("none/x.png")).unwrap_err().to_string().contains("none/x.png"));
    }
}
