//! Draws faces of a data folder with their points: `cargo run -p faces --example contact_sheet -- DIR OUT.png [LIST] [POINTS_FILE]`.

use faces::data::{Dataset, DatasetOptions, Split};
use faces::overlay::{Layer, TRUTH, contact_sheet, overlay, save_png};
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(root), Some(out)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: contact_sheet DIR OUT.png [LIST] [POINTS_FILE]");
        return ExitCode::from(2);
    };
    let list = arguments.next().unwrap_or_else(|| "list.txt".to_owned());
    let options = DatasetOptions { list, points_file: arguments.next().map(PathBuf::from), ..DatasetOptions::default() };
    match draw(&PathBuf::from(root), &PathBuf::from(out), &options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

/// A row of plain faces above each row of the same with their points.
fn draw(root: &std::path::Path, out: &std::path::Path, options: &DatasetOptions) -> faces::Result<()> {
    const COLUMNS: usize = 6;
    let dataset = Dataset::open(root, Split::Train, options)?;
    let mut pictures = Vec::new();
    for row in 0..2 {
        for with_points in [false, true] {
            for index in (row * COLUMNS..(row + 1) * COLUMNS).take_while(|&index| index < dataset.len()) {
                let layer = Layer { landmarks: &dataset.faces()[index].landmarks, colour: TRUTH };
                let layers = if with_points { &[layer][..] } else { &[] };
                pictures.push(overlay(dataset.picture(index)?, dataset.scheme(), layers, 3)?);
            }
        }
    }
    save_png(&contact_sheet(&pictures, COLUMNS)?, out)
}
