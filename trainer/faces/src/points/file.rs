//! A landmark scheme from `points.toml`.

use super::{BUILT_IN, Group, Normaliser, PointScheme, builtin};
use crate::error::{FacesError, Result};
use crate::text::read_text;
use serde::Deserialize;
use std::path::Path;

/// `points.toml` as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PointsFile {
    count: usize,
    nme_pair: Option<[usize; 2]>,
    nme_fixed_px: Option<f32>,
    mirror: Option<Vec<usize>>,
    #[serde(default)]
    groups: Vec<Group>,
}

/// Reads a landmark scheme: `count`, one of `nme_pair = [a, b]` and `nme_fixed_px = 34`, and optionally `mirror = […]` and
/// `[[groups]]` with `points = […]`, `closed = true`.
///
/// # Errors
/// The file cannot be read, is not such a file, or [`PointScheme::validate`] refuses it.
pub fn read_points_file(path: &Path) -> Result<PointScheme> {
    let text = read_text("cannot read the landmark scheme", path)?;
    let fault = |message: &dyn std::fmt::Display| FacesError::Points(format!("{}: {message}", path.display()));
    let file: PointsFile = toml::from_str(&text).map_err(|error| fault(&error))?;
    let nme = match (file.nme_pair, file.nme_fixed_px) {
        (Some([a, b]), None) => Normaliser::Pair(a, b),
        (None, Some(length)) => Normaliser::FixedPixels(length),
        _ => return Err(fault(&"give exactly one of nme_pair = [a, b] and nme_fixed_px = 34")),
    };
    let scheme = PointScheme { count: file.count, nme, mirror: file.mirror, groups: file.groups };
    scheme.validate().map_err(|error| fault(&error))?;
    Ok(scheme)
}

/// The scheme of `count` points for the data folder `root`: the `explicit` file if given, else `points.toml` in the
/// folder if it has this count, else the built-in one.
///
/// # Errors
/// A file is wrong, the explicit file has another count, or nothing knows this count.
pub fn resolve_points(count: usize, root: &Path, explicit: Option<&Path>) -> Result<PointScheme> {
    if let Some(path) = explicit {
        let scheme = read_points_file(path)?;
        if scheme.count != count {
            let message = format!("{} is for {} landmarks, but the list has {count} per face", path.display(), scheme.count);
            return Err(FacesError::Points(message));
        }
        return Ok(scheme);
    }
    let beside = root.join("points.toml");
    let found = beside.is_file().then(|| read_points_file(&beside)).transpose()?;
    let other = match found {
        Some(scheme) if scheme.count == count => return Ok(scheme),
        Some(scheme) => format!(", and {} is for {}", beside.display(), scheme.count),
        None => String::new(),
    };
    builtin(count).ok_or_else(|| {
        FacesError::Points(format!(
            "no scheme for {count} landmarks (19, 29, 68, 98 and 106 are built in{other}); the list has {} numbers per line: x and y of \
             {count} landmarks, then 3 angles. If that is right, write count = {count} and nme_pair = [a, b] (the two outer eye corners) \
             into {} or into a file given by --points-file",
            2 * count + 3,
            beside.display()
        ))
    })
}

/// The point counts that [`resolve_points`] has a scheme for.
///
/// # Errors
/// A file is wrong.
pub fn known_counts(root: &Path, explicit: Option<&Path>) -> Result<Vec<usize>> {
    if let Some(path) = explicit {
        return Ok(vec![read_points_file(path)?.count]);
    }
    let beside = root.join("points.toml");
    let found = beside.is_file().then(|| read_points_file(&beside)).transpose()?;
    Ok(found.map(|scheme| scheme.count).into_iter().chain(BUILT_IN).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<PointScheme> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("points.toml");
        std::fs::write(&path, text).unwrap();
        read_points_file(&path)
    }

    #[test]
    fn a_file_gives_a_scheme() {
        let scheme = read("count = 3\nnme_pair = [0, 2]\nmirror = [2, 1, 0]\n[[groups]]\npoints = [0, 1, 2]\n").unwrap();
        assert_eq!((scheme.count, scheme.nme, scheme.mirror), (3, Normaliser::Pair(0, 2), Some(vec![2, 1, 0])));
        assert!(!scheme.groups[0].closed);
        assert_eq!(read("count = 3\nnme_fixed_px = 34\n").unwrap().nme, Normaliser::FixedPixels(34.0));
    }

    #[test]
    fn wrong_files_say_what_is_wrong() {
        for (text, expected) in [
            ("count = 3\n", ["nme_pair", "nme_fixed_px"]),
            ("count = 3\nnme_pair = [0, 2]\nnme_fixed_px = 3\n", ["nme_pair", "nme_fixed_px"]),
            ("count = 3\nnme_pair = [0, 3]\n", ["nme_pair [0, 3]", "0 to 2"]),
            ("count = 3\nnme_pair = [1, 1]\n", ["nme_pair", "[1, 1]"]),
            ("count = 3\nnme_fixed_px = -1\n", ["nme_fixed_px", "-1"]),
            ("count = 3\nnme_pair = [0, 2]\nmirror = [2, 1]\n", ["mirror", "2 entries for 3 "]),
            ("count = 3\nnme_pair = [0, 2]\nmirror = [1, 2, 0]\n", ["mirror[0] = 1", "mirror[1] = 2"]),
            ("count = 3\nnme_pair = [0, 2]\nmirror = [3, 1, 0]\n", ["mirror[0] = 3", "0 to 2"]),
            ("count = 3\nnme_pair = [0, 2]\nmirorr = [2, 1, 0]\n", ["mirorr", "mirror"]),
            ("count = \n", ["points.toml", "count"]),
        ] {
            let message = read(text).unwrap_err().to_string();
            assert!(expected.iter().chain(&["points.toml"]).all(|part| message.contains(part)), "{text:?}: {message}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_passed_over() {
        assert_eq!(read("\u{feff}count = 3\r\nnme_fixed_px = 34\r\n").unwrap().count, 3);
        let page = read("<!doctype html>");
        assert!(
            matches!(page, Err(FacesError::Impostor { path, impostor: files::Impostor::WebPage }) if path.ends_with("points.toml"))
        );
    }

    #[test]
    fn explicit_file_then_folder_then_built_in() {
        let folder = tempfile::tempdir().unwrap();
        let explicit = folder.path().join("mine.toml");
        std::fs::write(&explicit, "count = 68\nnme_pair = [1, 2]\n").unwrap();
        std::fs::write(folder.path().join("points.toml"), "count = 68\nnme_pair = [3, 4]\n").unwrap();
        let nme = |count, explicit| resolve_points(count, folder.path(), explicit).map(|scheme| scheme.nme);
        assert_eq!(nme(68, Some(explicit.as_path())).unwrap(), Normaliser::Pair(1, 2));
        assert_eq!(nme(68, None).unwrap(), Normaliser::Pair(3, 4));
        assert_eq!(nme(106, None).unwrap(), Normaliser::Pair(35, 93));
        assert!(nme(106, Some(explicit.as_path())).unwrap_err().to_string().contains("mine.toml is for 68"));
        let message = nme(86, None).unwrap_err().to_string();
        assert!(message.contains("nme_pair") && message.contains("points.toml is for 68"), "{message}");
        std::fs::remove_file(folder.path().join("points.toml")).unwrap();
        let message = nme(86, None).unwrap_err().to_string();
        assert!(message.contains("nme_pair") && message.matches("68").count() == 1, "{message}");
    }
}
