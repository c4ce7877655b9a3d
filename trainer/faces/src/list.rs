//! NNI's face lists: a line is `path`, 2·N landmark coordinates in 0..1, then pitch, yaw and roll in degrees.
//!
//! Between coordinates and angles may stand attributes (lists made of WFLW have six): numbers that are 0 or 1 in every line. They are
//! passed over where they leave a number of points that has a scheme.

mod face;
mod line;

use crate::error::{FacesError, Result};
use crate::text::read_text;
pub use face::Face;
use line::Line;
use std::path::{Path, PathBuf};

/// How many missing pictures an error names.
const NAMED: usize = 3;

/// π, with its last digit rounded up, as lists may have it.
#[allow(clippy::approx_constant, reason = "it is meant to be above π")]
const HALF_TURN: f32 = 3.142;

/// A list of faces that all have the same number of points.
#[derive(Clone, Debug, PartialEq)]
pub struct FaceList {
    /// The list's own file.
    pub path: PathBuf,
    /// Number of points, N.
    pub points: usize,
    /// How many numbers of each line were passed over, being attributes.
    pub attributes: usize,
    /// At least one.
    pub faces: Vec<Face>,
}

impl FaceList {
    /// Reads the list at `path`; its pictures must exist below `root`. Empty lines are skipped. `known` are the point counts that
    /// there are schemes for.
    ///
    /// # Errors
    /// The file cannot be read, a line is wrong (the message has file and line), the list is empty, or pictures are
    /// missing (all are counted, the first few named).
    pub fn read(path: &Path, root: &Path, known: &[usize]) -> Result<Self> {
        let text = read_text("cannot read the list", path)?;
        let fault = |line: usize| move |message: String| FacesError::List { path: path.to_owned(), line, message };
        let mut lines: Vec<(usize, Line)> = Vec::new();
        // Lists put together from several have a byte-order mark within.
        let texts = text.lines().map(|text| text.trim_start_matches('\u{feff}'));
        for (number, text) in (1..).zip(texts).filter(|(_, text)| !text.trim().is_empty()) {
            let line = Line::parse(text).map_err(fault(number))?;
            if let Some((_, first)) = lines.first() {
                line.require_as_many(first).map_err(fault(number))?;
            }
            lines.push((number, line));
        }
        let Some((first, count)) = lines.first().map(|(number, line)| (*number, line.numbers.len())) else {
            return Err(FacesError::EmptyList { path: path.to_owned() });
        };
        let (points, attributes) = layout(count, &lines, known).map_err(fault(first))?;
        let face = |(line, text): (usize, Line)| text.face(line, points).map_err(fault(line));
        let faces = lines.into_iter().map(face).collect::<Result<_>>()?;
        let list = Self { path: path.to_owned(), points, attributes, faces };
        list.require_pictures(root)?;
        Ok(list)
    }

    /// What is worth telling people of it.
    pub fn notes(&self) -> Vec<String> {
        let path = self.path.display();
        let mut notes = Vec::new();
        if self.attributes > 0 {
            notes.push(format!(
                "note: {path}: {} numbers between the coordinates of {} landmarks and the angles are 0 or 1 in every line: they are \
                 attributes and are ignored",
                self.attributes, self.points
            ));
        }
        let angles = || self.faces.iter().flat_map(|face| face.angles);
        if angles().all(|angle| angle.abs() <= HALF_TURN) && angles().any(|angle| angle != 0.0) {
            notes.push(format!("note: {path}: all angles are within ±π and may be radians; pitch, yaw and roll must be degrees"));
        }
        notes
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

/// How many points `count` numbers a line hold, and how many attributes behind them.
fn layout(count: usize, lines: &[(usize, Line)], known: &[usize]) -> std::result::Result<(usize, usize), String> {
    let whole = (count >= 5 && count % 2 == 1).then(|| (count - 3) / 2);
    if let Some(points) = whole.filter(|points| known.contains(points)) {
        return Ok((points, 0));
    }
    let is_flag = |value: &f32| *value == 0.0 || *value == 1.0;
    let are_flags = |&points: &usize| {
        2 * points + 3 < count && lines.iter().all(|(_, line)| line.numbers[2 * points..count - 3].iter().all(is_flag))
    };
    match (known.iter().copied().filter(are_flags).max(), whole) {
        (Some(points), _) => Ok((points, count - 3 - 2 * points)),
        (None, Some(points)) => Ok((points, 0)),
        (None, None) => Err(format!("{count} numbers after the path are not x y pairs and pitch, yaw, roll")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::points::BUILT_IN;
    use files::Impostor;

    fn read(text: impl AsRef<[u8]>) -> Result<FaceList> {
        let root = tempfile::tempdir().unwrap();
        for name in ["a.png", "b.png"] {
            std::fs::write(root.path().join(name), "").unwrap();
        }
        let list = root.path().join("list.txt");
        std::fs::write(&list, text).unwrap();
        FaceList::read(&list, root.path(), &BUILT_IN)
    }

    #[test]
    fn the_first_line_sets_the_number_of_points() {
        let list = read("a.png 0.1 0.2 0.3 0.4 -1 2.5 30\n\nb.png 0 1 -0.1 1.1 0 0 0\na.png 0 0 0 0 0 0 0\n").unwrap();
        assert_eq!((list.points, list.faces.len()), (2, 3));
        assert_eq!(*list.faces[0].landmarks, [0.1, 0.2, 0.3, 0.4]);
        assert_eq!(list.faces[0].angles, [-1.0, 2.5, 30.0]);
        assert_eq!((list.faces[1].line, list.faces[1].path.as_path()), (3, Path::new("b.png")));
    }

    /// The line that is wrong, and the message about it.
    fn wrong(text: impl AsRef<[u8]>) -> (usize, String) {
        match read(text).unwrap_err() {
            FacesError::List { line, message, .. } => (line, message),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn wrong_lines_are_named_with_file_and_line() {
        let good = "a.png 0.1 0.2 0.3 0.4 0 0 0\n";
        for (bad, expected) in [
            // How many numbers there are, and are needed.
            ("b.png 0.1 0.2 0.3 0 0 0", ["6 ", " 7:"]),
            ("b.png 0.1 0.2 0.3 0.4 0.5 0.6 0 0 0", ["9 ", " 7:"]),
            ("b.png", ["0 ", " 7:"]),
            // Which field, and what stands there.
            ("b.png 0.1 0.2 zero 0.4 0 0 0", ["field 4", "\"zero\""]),
            ("b.png 0.1 NaN 0.3 0.4 0 0 0", ["field 3", "NaN"]),
            ("b.png 0.1 0.2 0.3 0.4 0 inf 0", ["field 7", "inf"]),
            ("b.png 0.1 57.2 0.3 0.4 0 0 0", ["y of landmark 0", "57.2"]),
        ] {
            let (line, message) = wrong(format!("{good}{bad}\n"));
            assert!(line == 2 && expected.iter().all(|part| message.contains(part)), "{bad}: {line}: {message}");
        }
        let (line, message) = wrong("a.png 0.1 0.2\n");
        assert!(line == 1 && message.starts_with("2 "), "{line}: {message}");
        assert!(matches!(read(" \n\n"), Err(FacesError::EmptyList { .. })));
    }

    #[test]
    fn all_missing_pictures_are_counted_and_the_first_named() {
        let lines: String = (0..9).map(|i| format!("none{i}.png 0.1 0.2 0 0 0\na.png 0.1 0.2 0 0 0\n")).collect();
        let FacesError::MissingPictures { count: 9, faces: 18, first, .. } = read(&lines).unwrap_err() else { panic!() };
        assert!(first.contains("none0.png (line 1), none1.png (line 3)") && !first.contains("none3"), "{first}");
    }

    #[test]
    fn a_missing_list_is_named() {
        let missing = FaceList::read(Path::new("no/list.txt"), Path::new("no"), &BUILT_IN);
        assert!(matches!(missing, Err(FacesError::Io { path, .. }) if path == Path::new("no/list.txt")));
    }

    /// A line of so many coordinates of 0.5, then these fields.
    fn line(points: usize, behind: &str) -> String {
        format!("a.png{} {behind}\n", " 0.5 0.25".repeat(points))
    }

    #[test]
    fn attributes_between_coordinates_and_angles_are_left_out_and_told() {
        let angles = "-1.5 20 3";
        // WFLW's six; one of 68 points; COFW's occlusion of each of 29 points.
        let occluded = "0 1 ".repeat(14) + "0";
        for (points, flags) in [(98, "0 1 0 0 0 1"), (68, "1"), (29, occluded.as_str())] {
            let count = flags.split(' ').count();
            let list =
                read(line(points, &format!("{flags} {angles}")) + &line(points, &format!("{} {angles}", "0 ".repeat(count))))
                    .unwrap();
            assert_eq!((list.points, list.attributes, list.faces.len()), (points, count, 2));
            assert_eq!((list.faces[0].landmarks.len(), list.faces[0].angles), (2 * points, [-1.5, 20.0, 3.0]));
            let note = &list.notes()[0];
            assert!(note.contains(&format!(" {count} ")) && note.contains(&format!(" {points} ")), "{note}");
        }
        // One that is neither 0 nor 1 is no attribute.
        assert_eq!(read(line(98, &format!("0 1 0 0 0 0.5 {angles}"))).unwrap().points, 101);
        assert!(wrong(line(98, &format!("0 2 0 {angles}"))).1.starts_with("202 "));
        // A scheme for the whole is believed.
        assert_eq!(read(line(106, angles)).unwrap().attributes, 0);
        assert!(read(line(98, angles)).unwrap().notes().is_empty());
    }

    #[test]
    fn byte_order_marks_are_passed_over() {
        let text = format!("\u{feff}{0}\u{feff}{0}", line(1, "10 0 0"));
        assert_eq!(read(&text).unwrap().faces[0].path, Path::new("a.png"));
        assert_eq!(read(&text).unwrap().faces[1].path, Path::new("a.png"));
        let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.encode_utf16().skip(1).flat_map(u16::to_le_bytes)).collect();
        let wide = read(wide);
        assert!(matches!(wide, Err(FacesError::Impostor { path, impostor: Impostor::Utf16 }) if path.ends_with("list.txt")));
        // 人脸.png in GBK.
        let chinese = [line(1, "10 0 0").as_bytes(), b"\xc8\xcb\xc1\xb3.png 0.5 0.25 0 0 0\n"].concat();
        assert!(matches!(read(chinese), Err(FacesError::NotUtf8 { line: 2, .. })));
        let pointer = read("version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 1\n");
        assert!(matches!(pointer, Err(FacesError::Impostor { impostor: Impostor::LfsPointer, .. })));
    }

    #[test]
    fn a_blank_in_a_pictures_name_is_named() {
        for (text, name) in
            [("imgs/my face.png 0.1 0.2 0 0 0", "imgs/my face.png"), ("imgs/IMG 12 3.JPG 0.1 0.2 0 0 0", "imgs/IMG 12 3.JPG")]
        {
            let (line, message) = wrong(text);
            assert!(line == 1 && message.starts_with("field") && message.contains(&format!("({name:?})")), "{message}");
        }
        let (_, behind) = wrong("12.5 14.25 0 1 2 imgs/a.jpg");
        assert!(behind.contains("imgs/a.jpg"), "{behind}");
        let (_, typo) = wrong("a.png 0.1 0,2 0 0 0");
        assert!(typo.contains("field 3, \"0,2\"") && !typo.contains("a.png"), "{typo}");
    }

    #[test]
    fn angles_that_look_like_radians_are_told() {
        let notes = |angles: &[&str]| read(angles.iter().map(|angles| line(1, angles)).collect::<String>()).unwrap().notes();
        assert_eq!(notes(&["0.1 -3.1416 0", "-0.5 0.2 1.5"]).len(), 1);
        assert!(notes(&["0.1 -3.1416 0", "-0.5 20 1.5"]).is_empty());
        assert!(notes(&["0 0 0", "0 0 0"]).is_empty(), "no angles at all");
    }
}
