//! NNI's face lists: a line is `path`, 2·N landmark coordinates in 0..1, then pitch, yaw and roll in degrees.

use crate::error::{FacesError, Result};
use std::path::{Path, PathBuf};

/// How far outside 0..1 a landmark may lie: a point may leave the crop, but a coordinate in pixels must not pass.
const MARGIN: f32 = 0.5;
/// How many missing pictures an error names.
const NAMED: usize = 3;

/// A face of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Face {
    /// The picture, relative to the data folder, as the list gives it.
    pub path: PathBuf,
    /// Line in the list, counted from 1.
    pub line: usize,
    /// `[2·N]`: x0 y0 x1 y1 …, as fractions of the picture's width and height.
    pub landmarks: Box<[f32]>,
    /// Pitch, yaw and roll in degrees.
    pub angles: [f32; 3],
}

/// A list of faces that all have the same number of points.
#[derive(Clone, Debug, PartialEq)]
pub struct FaceList {
    /// The list's own file.
    pub path: PathBuf,
    /// Number of points, N.
    pub points: usize,
    /// At least one.
    pub faces: Vec<Face>,
}

impl FaceList {
    /// Reads the list at `path`; its pictures must exist below `root`. Empty lines are skipped.
    ///
    /// # Errors
    /// The file cannot be read, a line is wrong (the message has file and line), the list is empty, or pictures are
    /// missing (all are counted, the first few named).
    pub fn read(path: &Path, root: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(FacesError::io("cannot read the list", path))?;
        let mut faces = Vec::new();
        let mut points = None;
        for (line, text) in (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()) {
            let face =
                parse(text, line, &mut points).map_err(|message| FacesError::List { path: path.to_owned(), line, message })?;
            faces.push(face);
        }
        let Some(points) = points else {
            return Err(FacesError::EmptyList { path: path.to_owned() });
        };
        let list = Self { path: path.to_owned(), points, faces };
        list.require_pictures(root)?;
        Ok(list)
    }

    fn require_pictures(&self, root: &Path) -> Result<()> {
        let missing: Vec<&Face> = self.faces.iter().filter(|face| !root.join(&face.path).is_file()).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let mut first: Vec<String> =
            missing.iter().take(NAMED).map(|face| format!("{} (line {})", face.path.display(), face.line)).collect();
        if missing.len() > NAMED {
            first.push("…".to_owned());
        }
        Err(FacesError::MissingPictures {
            path: self.path.clone(),
            root: root.to_owned(),
            count: missing.len(),
            faces: self.faces.len(),
            first: first.join(", "),
        })
    }
}

/// Parses a line; `points` is N once a line has set it.
fn parse(text: &str, line: usize, points: &mut Option<usize>) -> std::result::Result<Face, String> {
    let mut fields = text.split_whitespace();
    let path = PathBuf::from(fields.next().unwrap_or_default());
    let mut numbers = Vec::new();
    for (column, field) in (2..).zip(fields) {
        match field.parse::<f32>() {
            Ok(value) if value.is_finite() => numbers.push(value),
            Ok(_) => return Err(format!("field {column} is {field}; every number must be finite")),
            Err(_) => return Err(format!("field {column}, {field:?}, is not a number")),
        }
    }
    let count = numbers.len();
    match *points {
        Some(n) if count != 2 * n + 3 => {
            return Err(format!(
                "{count} numbers, but {} are needed: the list's first line has {n} points (2 numbers each, then pitch, yaw, roll)",
                2 * n + 3
            ));
        }
        None if count < 5 || count % 2 == 0 => {
            return Err(format!("{count} numbers after the path do not make x y pairs and pitch, yaw, roll"));
        }
        _ => *points = Some((count - 3) / 2),
    }
    let angles = [numbers[count - 3], numbers[count - 2], numbers[count - 1]];
    numbers.truncate(count - 3);
    if let Some(i) = numbers.iter().position(|value| !(-MARGIN..=1.0 + MARGIN).contains(value)) {
        let axis = ["x", "y"][i % 2];
        return Err(format!(
            "{axis} of point {} is {}; landmarks are fractions of the picture's side, 0 to 1, not pixels",
            i / 2,
            numbers[i]
        ));
    }
    Ok(Face { path, line, landmarks: numbers.into(), angles })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<FaceList> {
        let root = tempfile::tempdir().unwrap();
        for name in ["a.png", "b.png"] {
            std::fs::write(root.path().join(name), "").unwrap();
        }
        let list = root.path().join("list.txt");
        std::fs::write(&list, text).unwrap();
        FaceList::read(&list, root.path())
    }

    #[test]
    fn the_first_line_sets_the_number_of_points() {
        let list = read("a.png 0.1 0.2 0.3 0.4 -1 2.5 30\n\nb.png 0 1 -0.1 1.1 0 0 0\na.png 0 0 0 0 0 0 0\n").unwrap();
        assert_eq!((list.points, list.faces.len()), (2, 3));
        assert_eq!(*list.faces[0].landmarks, [0.1, 0.2, 0.3, 0.4]);
        assert_eq!(list.faces[0].angles, [-1.0, 2.5, 30.0]);
        assert_eq!((list.faces[1].line, list.faces[1].path.as_path()), (3, Path::new("b.png")));
    }

    #[test]
    fn wrong_lines_are_named_with_file_and_line() {
        let good = "a.png 0.1 0.2 0.3 0.4 0 0 0\n";
        for (bad, expected) in [
            ("b.png 0.1 0.2 0.3 0 0 0", "6 numbers, but 7 are needed"),
            ("b.png 0.1 0.2 0.3 0.4 0.5 0.6 0 0 0", "9 numbers, but 7"),
            ("b.png", "0 numbers"),
            ("b.png 0.1 0.2 zero 0.4 0 0 0", "field 4, \"zero\""),
            ("b.png 0.1 NaN 0.3 0.4 0 0 0", "field 3 is NaN"),
            ("b.png 0.1 0.2 0.3 0.4 0 inf 0", "field 7 is inf"),
            ("b.png 0.1 57.2 0.3 0.4 0 0 0", "y of point 0 is 57.2"),
        ] {
            let message = read(&format!("{good}{bad}\n")).unwrap_err().to_string();
            assert!(message.contains("list.txt:2: ") && message.contains(expected), "{bad}: {message}");
        }
        assert!(read("a.png 0.1 0.2\n").unwrap_err().to_string().contains("list.txt:1: 2 numbers"));
        assert!(read(" \n\n").unwrap_err().to_string().contains("no face"));
    }

    #[test]
    fn all_missing_pictures_are_counted_and_the_first_named() {
        let lines: String = (0..9).map(|i| format!("none{i}.png 0.1 0.2 0 0 0\na.png 0.1 0.2 0 0 0\n")).collect();
        let message = read(&lines).unwrap_err().to_string();
        assert!(message.contains("9 of 18") && message.contains("none0.png (line 1), none1.png (line 3)"), "{message}");
        assert!(!message.contains("none3"), "{message}");
    }

    #[test]
    fn a_missing_list_is_named() {
        let message = FaceList::read(Path::new("no/list.txt"), Path::new("no")).unwrap_err().to_string();
        assert!(message.contains("no/list.txt"), "{message}");
    }
}
