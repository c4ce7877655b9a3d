//! A file to write a picture to.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use files::FileError;

use super::drawing::Drawing;
use super::page::Page;
use super::svg;

/// A picture's folder that does not exist.
#[derive(Debug, thiserror::Error)]
#[error("there is no folder {0} to write the picture in; create it")]
pub struct NoFolder(
    /// The folder.
    pub PathBuf,
);

/// What a picture is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Svg,
    Png,
    Html,
}

/// A file to write a picture to; its ending says as what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureFile {
    path: PathBuf,
    format: Format,
}

impl FromStr for PictureFile {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let path = PathBuf::from(s);
        let ending = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
        let format = match ending.as_deref() {
            Some("svg") => Format::Svg,
            Some("png") if cfg!(target_os = "android") => {
                return Err("this build cannot write PNG; use a .svg or .html file".to_string());
            }
            Some("png") => Format::Png,
            Some("html") => Format::Html,
            _ => return Err(format!("'{s}' must end in .svg, .png or .html")),
        };
        Ok(Self { path, format })
    }
}

impl PictureFile {
    /// Refuses before anything is measured what would fail after it.
    ///
    /// # Errors
    /// There is no folder for the file.
    pub fn check(&self) -> Result<(), NoFolder> {
        let folder = self.folder();
        if folder.is_dir() {
            return Ok(());
        }
        Err(NoFolder(folder.to_path_buf()))
    }

    fn folder(&self) -> &Path {
        self.path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    /// Writes the page, or its drawing alone; a file there is replaced once the new one is whole.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn write(&self, page: &Page) -> Result<(), FileError> {
        let failed = |e| FileError::new("cannot write", &self.path)(e);
        let bytes = match self.format {
            Format::Svg => svg::document(&page.drawing).into_bytes(),
            Format::Html => page.html().into_bytes(),
            Format::Png => pixels(&page.drawing).map_err(failed)?,
        };
        files::write(&self.path, &bytes, files::Overwrite::Yes).map_err(failed)
    }
}

impl std::fmt::Display for PictureFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.path.display().fmt(f)
    }
}

#[cfg(not(target_os = "android"))]
fn pixels(drawing: &Drawing) -> std::io::Result<Vec<u8>> {
    super::png::encode(drawing)
}

#[cfg(target_os = "android")]
fn pixels(_: &Drawing) -> std::io::Result<Vec<u8>> {
    Err(std::io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_decides_and_others_are_refused() {
        for (name, format) in [("a.svg", Format::Svg), ("b/c.png", Format::Png), ("d.e.html", Format::Html)] {
            assert_eq!(name.parse::<PictureFile>().map(|f| f.format), Ok(format));
        }
        for bad in ["a", "a.jpg", ".svg", "svg", ""] {
            assert!(bad.parse::<PictureFile>().is_err_and(|e| e.contains(".svg, .png or .html")), "{bad}");
        }
    }

    #[test]
    fn a_file_is_replaced_whole_and_nothing_else_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.svg");
        std::fs::write(&path, "old").unwrap();
        let file: PictureFile = path.to_str().unwrap().parse().unwrap();
        let page = Page { drawing: Drawing::new(10.0, 10.0, "<&>"), sections: Vec::new() };
        file.write(&page).unwrap();
        assert!(std::fs::read_to_string(&path).unwrap().contains("&lt;&amp;&gt;"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        let nowhere: PictureFile = folder.path().join("none/p.svg").to_str().unwrap().parse().unwrap();
        assert!(nowhere.check().unwrap_err().to_string().contains("none"));
        assert!(nowhere.write(&page).is_err());
    }
}
