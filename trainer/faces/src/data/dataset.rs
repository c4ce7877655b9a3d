//! The faces of one list, and a face as numbers.

use super::split::{divide, read_identities};
use super::store::Store;
use crate::augment::{Augment, Change, warp_planes};
use crate::error::{FacesError, Result};
use crate::list::{Face, FaceList};
use crate::picture::{ChannelOrder, Decoded, Picture, decode, write_planes};
use crate::points::{PointScheme, known_counts, resolve_points};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Pixels that a picture of `imgs_wide` has on each side beyond the one of `imgs`.
const WIDE_MARGIN: usize = 16;

/// Which list of a data folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// `train_data`.
    Train,
    /// `test_data`.
    Test,
}

impl Split {
    /// The folder's name.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Train => "train_data",
            Self::Test => "test_data",
        }
    }
}

/// How a data folder is read.
#[derive(Clone, Debug)]
pub struct DatasetOptions {
    /// The list's file name in the split's folder.
    pub list: String,
    /// The landmark scheme's file, where it is not `points.toml` in the data folder or built in.
    pub points_file: Option<PathBuf>,
    /// Side of the network's input in pixels; other pictures are resized.
    pub side: usize,
    /// Order of the three planes.
    pub channels: ChannelOrder,
    /// How many bytes of compressed pictures stay in memory; the others are read again each time.
    pub keep_bytes: usize,
}

impl Default for DatasetOptions {
    fn default() -> Self {
        Self { list: "list.txt".to_owned(), points_file: None, side: 112, channels: ChannelOrder::Bgr, keep_bytes: 256 << 20 }
    }
}

/// How training changes a face: the ranges, and what the draw depends on beside the face's index.
#[derive(Clone, Copy, Debug)]
pub struct Draw<'a> {
    /// The ranges.
    pub augment: &'a Augment,
    /// The run's seed.
    pub seed: u64,
    /// The epoch.
    pub epoch: u64,
}

/// Where a face's tensors are written.
#[derive(Debug)]
pub struct Sample<'a> {
    /// `[3, side, side]`, 0 to 1.
    pub image: &'a mut [f32],
    /// `[2·N]`, fractions of the crop's side.
    pub landmarks: &'a mut [f32],
    /// Pitch, yaw and roll in degrees.
    pub angles: &'a mut [f32],
}

/// A list with its pictures.
pub struct Dataset {
    root: PathBuf,
    list: FaceList,
    scheme: PointScheme,
    side: usize,
    channels: ChannelOrder,
    /// The picture of `imgs_wide`, where there is one.
    wide: Vec<Option<PathBuf>>,
    crops: Store,
    wides: Store,
    resized: AtomicUsize,
    /// Faces whose pictures were seen to be cut off, and how many of them were told of.
    cut: Box<[AtomicBool]>,
    cut_told: AtomicUsize,
}

impl Dataset {
    /// Opens `root/{train_data,test_data}/LIST`. Pictures are checked to exist, and decoded when asked for.
    ///
    /// # Errors
    /// As [`FaceList::read`] and [`resolve_points`].
    pub fn open(root: &Path, split: Split, options: &DatasetOptions) -> Result<Self> {
        if options.side == 0 {
            return Err(FacesError::Usage("the network's input has at least 1 pixel".to_owned()));
        }
        let known = known_counts(root, options.points_file.as_deref())?;
        let list = FaceList::read(&root.join(split.folder()).join(&options.list), root, &known)?;
        let scheme = resolve_points(list.points, root, options.points_file.as_deref())?;
        let wide = list.faces.iter().map(|face| wide_path(root, &face.path)).collect();
        let count = list.faces.len();
        Ok(Self {
            root: root.to_owned(),
            list,
            scheme,
            side: options.side,
            channels: options.channels,
            wide,
            crops: Store::new(count, options.keep_bytes),
            wides: Store::new(count, options.keep_bytes),
            resized: AtomicUsize::new(0),
            cut: (0..count).map(|_| AtomicBool::new(false)).collect(),
            cut_told: AtomicUsize::new(0),
        })
    }

    /// The list's file.
    pub fn list_path(&self) -> &Path {
        &self.list.path
    }

    /// Number of faces.
    pub fn len(&self) -> usize {
        self.list.faces.len()
    }

    /// Whether there is no face; a list that was read has at least one.
    pub fn is_empty(&self) -> bool {
        self.list.faces.is_empty()
    }

    /// Side of the network's input in pixels.
    pub fn side(&self) -> usize {
        self.side
    }

    /// The landmark scheme.
    pub fn scheme(&self) -> &PointScheme {
        &self.scheme
    }

    /// The faces as listed.
    pub fn faces(&self) -> &[Face] {
        &self.list.faces
    }

    /// The picture of face `index`, relative paths resolved.
    pub fn picture_path(&self, index: usize) -> PathBuf {
        self.root.join(&self.list.faces[index].path)
    }

    /// How many faces have a picture in `imgs_wide`, which augmentation takes.
    pub fn wide_pictures(&self) -> usize {
        self.wide.iter().flatten().count()
    }

    /// How many times a picture had another size than the input and was resized: worth a note when not 0.
    pub fn resized(&self) -> usize {
        self.resized.load(Ordering::Relaxed)
    }

    /// What is worth telling people of the list.
    pub fn notes(&self) -> Vec<String> {
        self.list.notes()
    }

    /// What is worth telling people of pictures that lack their ends; `None` where there is nothing new since it was asked last.
    pub fn cut_note(&self) -> Option<String> {
        let cut = || (0..self.len()).filter(|&index| self.cut[index].load(Ordering::Relaxed));
        let (first, count) = (cut().next()?, cut().count());
        (self.cut_told.swap(count, Ordering::Relaxed) != count).then(|| {
            let (list, first) = (self.list.path.display(), self.picture_path(first));
            format!(
                "note: {list}: {count} JPEG files are truncated (the first is {}); they are read as far as they go. Download them again",
                first.display()
            )
        })
    }

    /// Divides the faces into (kept, held back), both ascending, about `fraction` of them held back; the same for the same
    /// seed. Where `meta.csv` beside the list has the columns `file` and `identity`, no person is on both sides.
    ///
    /// # Errors
    /// `fraction` is not strictly between 0 and 1, a side would be empty, or `meta.csv` is not a CSV file.
    pub fn split(&self, fraction: f64, seed: u64) -> Result<(Vec<usize>, Vec<usize>)> {
        if !(fraction > 0.0 && fraction < 1.0) {
            return Err(FacesError::Usage(format!("the held-back fraction {fraction} is not between 0 and 1")));
        }
        let groups = read_identities(&self.list.path.with_file_name("meta.csv"))?;
        let names: Vec<&str> =
            self.list.faces.iter().map(|face| face.path.file_name().and_then(|name| name.to_str()).unwrap_or("")).collect();
        let (kept, held) = divide(&names, &groups, fraction, seed);
        if kept.is_empty() || held.is_empty() {
            return Err(FacesError::Usage(format!(
                "{}: {} faces cannot be split so that {fraction} of them are held back; give more faces or another fraction",
                self.list.path.display(),
                self.len()
            )));
        }
        Ok((kept, held))
    }

    /// Face `index` as it is, resized to the input where it has another size.
    ///
    /// # Errors
    /// The picture cannot be read or decoded.
    pub fn picture(&self, index: usize) -> Result<Picture> {
        let picture = self.decode(&self.crops, index, &self.picture_path(index))?;
        Ok(self.fit(picture, 0))
    }

    /// Writes face `index`, changed as `draw` says, to `out`.
    ///
    /// # Errors
    /// The picture cannot be read or decoded.
    ///
    /// # Panics
    /// A slice of `out` has another length.
    pub fn sample(&self, index: usize, draw: Option<Draw>, out: Sample) -> Result<()> {
        let face = &self.list.faces[index];
        let Some(Draw { augment, seed, epoch }) = draw else {
            write_planes(&self.picture(index)?, self.channels, out.image);
            out.landmarks.copy_from_slice(&face.landmarks);
            out.angles.copy_from_slice(&face.angles);
            return Ok(());
        };
        let mirror = self.scheme.mirror.as_deref();
        let change = Change::draw(augment, seed, epoch, index as u64, mirror.is_some());
        let (picture, margin) = match &self.wide[index] {
            Some(path) => {
                let wide = self.decode(&self.wides, index, path)?;
                if wide.width.min(wide.height) <= 2 * WIDE_MARGIN {
                    return Err(self.fault(index, path, format!("a wide picture is more than {} pixels wide", 2 * WIDE_MARGIN)));
                }
                let margin = self.fitted_margin(&wide);
                (self.fit(wide, margin), margin)
            }
            None => (self.picture(index)?, 0),
        };
        warp_planes(&picture, margin, &change, self.channels, self.side, out.image);
        change.landmarks(&face.landmarks, mirror, out.landmarks);
        out.angles.copy_from_slice(&change.angles(face.angles));
        Ok(())
    }

    /// The margin of a wide picture once its crop has the input's size.
    fn fitted_margin(&self, wide: &Picture) -> usize {
        let crop = wide.width - 2 * WIDE_MARGIN;
        (WIDE_MARGIN * self.side + crop / 2) / crop
    }

    /// The picture at the input's size plus `margin` on each side.
    fn fit(&self, picture: Picture, margin: usize) -> Picture {
        let side = self.side + 2 * margin;
        if (picture.width, picture.height) != (side, side) {
            self.resized.fetch_add(1, Ordering::Relaxed);
        }
        picture.resized(side, side)
    }

    fn decode(&self, store: &Store, index: usize, path: &Path) -> Result<Picture> {
        let Decoded { picture, is_cut } = store.with(index, path, decode)?.map_err(|message| self.fault(index, path, message))?;
        if is_cut {
            self.cut[index].store(true, Ordering::Relaxed);
        }
        Ok(picture)
    }

    fn fault(&self, index: usize, path: &Path, message: String) -> FacesError {
        let origin = format!(" ({}:{})", self.list.path.display(), self.list.faces[index].line);
        FacesError::Picture { path: path.to_owned(), origin, message }
    }
}

/// `…/imgs_wide/NAME` for `…/imgs/NAME`, if it exists.
fn wide_path(root: &Path, path: &Path) -> Option<PathBuf> {
    let folder = path.parent().filter(|folder| folder.ends_with("imgs"))?;
    let wide = root.join(folder.with_file_name("imgs_wide")).join(path.file_name()?);
    wide.is_file().then_some(wide)
}
