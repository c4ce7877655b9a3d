//! A data folder of synthetic faces.

use super::face::{SynthFace, synth_face};
use crate::error::{FacesError, Result};
use crate::picture::Picture;
use image::codecs::jpeg::JpegEncoder;
use rayon::prelude::*;
use serde::Serialize;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Quality of the JPEG files.
const QUALITY: u8 = 92;
/// The only landmark scheme that is made.
const POINTS: usize = 106;
/// A file that tells a folder of made faces, which may be replaced, from any other.
const MARKER: &str = "synth.toml";

/// What to make.
#[derive(Clone, Debug, Serialize)]
pub struct SynthOptions {
    /// Faces in `train_data`.
    pub train: usize,
    /// Faces in `test_data`.
    pub test: usize,
    /// Points a face: 106.
    pub points: usize,
    /// The same seed gives the same files.
    pub seed: u64,
    /// Whether a folder of made faces may be replaced.
    #[serde(skip)]
    pub overwrite: bool,
}

/// Writes a data folder of made faces at `out`: `train_data/{imgs,imgs_wide,list.txt}`, `test_data/{imgs,list.txt}`, and
/// `synth.toml` with what they were made from. `made` is called after each face, from any thread.
///
/// The folder is complete or absent: it is made under another name beside `out`, which is renamed at the end.
///
/// # Errors
/// Another count than 106 points, no face in a list, `out` is not empty (with `overwrite`: and was not made by this), or
/// the disk refuses.
pub fn write_synth(out: &Path, options: &SynthOptions, made: impl Fn() + Sync) -> Result<()> {
    if options.points != POINTS {
        return Err(FacesError::Usage(format!("synthetic faces have {POINTS} landmarks; {} are not supported", options.points)));
    }
    if options.train == 0 || options.test == 0 {
        return Err(FacesError::Usage("a data folder must have at least 1 training face and 1 test face".to_owned()));
    }
    let replace = may_replace(out, options.overwrite)?;
    let partial = beside(out, "partial")?;
    // What an interrupted run left.
    if partial.exists() {
        may_replace(&partial, true)?;
        remove(&partial)?;
    }
    create(&partial)?;
    let marker = toml::to_string(options).map_err(|error| FacesError::Usage(error.to_string()))?;
    write(&partial.join(MARKER), marker.as_bytes())?;
    for (list, split, count) in [(0, "train_data", options.train), (1, "test_data", options.test)] {
        write_split(&partial, split, list, count, options.seed, &made)?;
    }
    if replace {
        remove(out)?;
    }
    std::fs::rename(&partial, out).map_err(FacesError::io("cannot rename the finished folder to", out))
}

fn write_split(root: &Path, split: &str, list: u64, count: usize, seed: u64, made: &(impl Fn() + Sync)) -> Result<()> {
    let folder = root.join(split);
    let wide = (list == 0).then(|| folder.join("imgs_wide"));
    create(&folder.join("imgs"))?;
    if let Some(wide) = &wide {
        create(wide)?;
    }
    let lines: Vec<String> = (0..count)
        .into_par_iter()
        .map(|index| {
            let face = synth_face(seed, list, index as u64);
            let name = format!("{index:05}.jpg");
            write(&folder.join("imgs").join(&name), &jpeg(&face.crop())?)?;
            if let Some(wide) = &wide {
                write(&wide.join(&name), &jpeg(&face.wide)?)?;
            }
            made();
            Ok(line(&format!("{split}/imgs/{name}"), &face))
        })
        .collect::<Result<_>>()?;
    write(&folder.join("list.txt"), lines.concat().as_bytes())
}

fn line(path: &str, face: &SynthFace) -> String {
    let mut line = path.to_owned();
    for value in face.landmarks.iter().chain(&face.angles) {
        // Writing to a string cannot fail.
        let _ = write!(line, " {value:.5}");
    }
    line.push('\n');
    line
}

fn jpeg(picture: &Picture) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, QUALITY)
        .encode_image(&picture.clone().into_image())
        .map_err(|error| FacesError::Usage(format!("cannot encode a picture: {error}")))?;
    Ok(bytes)
}

/// Whether something is at `path` that must be removed first.
fn may_replace(path: &Path, overwrite: bool) -> Result<bool> {
    match std::fs::read_dir(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(FacesError::Io { what: "cannot read the folder", path: path.to_owned(), source }),
        Ok(mut entries) => match entries.next() {
            None => Ok(true),
            Some(_) if overwrite && path.join(MARKER).is_file() => Ok(true),
            Some(_) if overwrite => Err(FacesError::Usage(format!(
                "{} was not made by `trainer synth` (it has no {MARKER}); it is not overwritten",
                path.display()
            ))),
            Some(_) => Err(FacesError::NotEmpty { path: path.to_owned() }),
        },
    }
}

/// `path` with an ending added to its name.
fn beside(path: &Path, ending: &str) -> Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| FacesError::Usage(format!("{} names no folder", path.display())))?;
    let mut name = name.to_owned();
    name.push(".");
    name.push(ending);
    Ok(path.with_file_name(name))
}

fn create(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).map_err(FacesError::io("cannot make the folder", path))
}

fn remove(path: &Path) -> Result<()> {
    std::fs::remove_dir_all(path).map_err(FacesError::io("cannot remove the folder", path))
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes).map_err(FacesError::io("cannot write", path))
}
