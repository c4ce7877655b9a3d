//! `trainer predict`: the landmarks of one picture, drawn.

use std::path::{Path, PathBuf};

use clap::Args;
use faces::overlay::{Layer, PREDICTED, overlay, save_png};
use faces::picture::{ChannelOrder, Decoded, read_picture, write_planes};
use faces::points::{Normaliser, PointScheme, resolve_points};

use super::args::NetworkArgs;
use super::error::{Error, Result};
use super::output::print_line;
use crate::console::note;
use crate::nni::Reference;
use crate::task::faces::{NetworkFile, OF_MIXTURES};

/// The drawing is enlarged to at least this many pixels a side.
const DRAWN_SIDE: usize = 448;

#[derive(Args, Debug)]
#[command(after_help = "Example:
  trainer predict --model run/subnet.onnx --image face.jpg --out overlay.png")]
pub struct PredictArgs {
    /// ONNX file or checkpoint
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// Picture of one face (JPEG or PNG), cropped like the training pictures
    #[arg(long, value_name = "FILE")]
    image: PathBuf,
    /// Picture to write (PNG)
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Landmark scheme (TOML), for the lines between landmarks [default: built in]
    #[arg(long, value_name = "FILE")]
    points_file: Option<PathBuf>,
    #[command(flatten)]
    opening: NetworkArgs,
    /// Print the landmarks as JSON: [[x, y], …] in pixels of the picture
    #[arg(long)]
    json: bool,
}

pub fn run(args: &PredictArgs) -> Result<()> {
    check_out(args)?;
    let file = NetworkFile::read(&args.model, args.opening.space.as_deref(), args.opening.engine_lib.as_deref())?;
    if file.is_of_mixtures() {
        note(OF_MIXTURES);
    }
    let mut net = file.open(Reference(false))?;
    let Decoded { picture, is_cut } = read_picture(&args.image)?;
    if is_cut {
        note(format_args!("note: the JPEG file {} is truncated; it is used as far as it can be read", args.image.display()));
    }
    let (width, height) = (picture.width, picture.height);
    let mut image = vec![0.0; 3 * net.side * net.side];
    write_planes(&picture.clone().resized(net.side, net.side), ChannelOrder::Bgr, &mut image);
    let landmarks = net.network.landmarks(&image, 1)?;
    let scheme = scheme(net.points, args)?;
    let zoom = DRAWN_SIDE.div_ceil(width.min(height).max(1));
    let drawn = overlay(picture, &scheme, &[Layer { landmarks: &landmarks, colour: PREDICTED }], zoom)?;
    save_png(&drawn, &args.out)?;
    if args.json {
        let points: Vec<[f32; 2]> = landmarks.chunks_exact(2).map(|p| [p[0] * width as f32, p[1] * height as f32]).collect();
        print_line(format_args!("{}", serde_json::json!(points)))?;
    }
    note(format_args!("{} landmarks drawn in {}", net.points, args.out.display()));
    Ok(())
}

/// Refuses to draw over what is read, or over another kind of file.
fn check_out(args: &PredictArgs) -> Result<()> {
    if !files::has_ending(&args.out, "png") {
        return Err(Error::Usage(format!("--out {} must end in .png", args.out.display())));
    }
    let place = |path: &Path| path.canonicalize().ok();
    if place(&args.out).is_some_and(|out| Some(out) == place(&args.image)) {
        return Err(Error::Usage(format!("--out {} is the picture that is read; give another file", args.out.display())));
    }
    Ok(())
}

/// The scheme of the points; if none is known and none was given, points without lines.
fn scheme(count: usize, args: &PredictArgs) -> Result<PointScheme> {
    let folder = args.image.parent().unwrap_or(Path::new("."));
    match resolve_points(count, folder, args.points_file.as_deref()) {
        Err(_) if args.points_file.is_none() => {
            Ok(PointScheme { count, nme: Normaliser::FixedPixels(1.0), mirror: None, groups: Vec::new() })
        }
        found => Ok(found?),
    }
}
