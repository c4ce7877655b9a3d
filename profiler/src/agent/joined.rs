//! Files of models. A large network is brought to a device as a recipe: which bytes of which files it is made of, so that its weights travel
//! once with the blocks that it shares them with.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// How a recipe's name ends.
pub(crate) const ENDING: &str = ".join";
/// Longest model: protobuf's limit of 2 GiB.
const LIMIT: usize = i32::MAX as usize;

/// One line of a recipe: so many bytes from there on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileRange {
    /// A file in the job's folder.
    pub file: String,
    /// Where they begin.
    pub offset: usize,
    /// How many.
    pub len: usize,
}

impl FileRange {
    /// As a recipe's line.
    #[cfg(feature = "host")]
    pub(crate) fn line(&self) -> String {
        format!("{} {} {}\n", self.file, self.offset, self.len)
    }

    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let (file, offset, len) = (words.next()?, words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let is_here = !file.is_empty() && !file.contains('/') && words.next().is_none();
        is_here.then(|| Self { file: file.to_string(), offset, len })
    }
}

/// The bytes of a model in the job's folder.
///
/// # Errors
/// What the system says, and what is wrong with a recipe.
pub(crate) fn read(folder: &Path, name: &str) -> io::Result<Vec<u8>> {
    if !name.ends_with(ENDING) {
        return fs::read(folder.join(name));
    }
    let odd = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_string());
    let recipe = fs::read_to_string(folder.join(name))?;
    let ranges: Vec<FileRange> =
        recipe.lines().map(FileRange::parse).collect::<Option<_>>().ok_or_else(|| odd("its recipe is damaged"))?;
    let whole = ranges.iter().try_fold(0usize, |sum, range| sum.checked_add(range.len)).filter(|&len| len <= LIMIT);
    let mut bytes = vec![0; whole.ok_or_else(|| odd("its recipe is of more than 2 GiB"))?];
    let mut at = 0;
    for FileRange { file, offset, len } in ranges {
        File::open(folder.join(file))?.read_exact_at(&mut bytes[at..at + len], offset as u64)?;
        at += len;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipe_is_followed_to_the_byte() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
        write("0.onnx", b"0123456789");
        write("1.glue", b"ab");
        write("1.join", b"1.glue 0 1\n0.onnx 3 4\n1.glue 1 1\n");
        assert_eq!(read(folder.path(), "1.join").unwrap(), b"a3456b");
        assert_eq!(read(folder.path(), "0.onnx").unwrap(), b"0123456789");
        for wrong in ["0.onnx 8 3\n", "0.onnx 1\n", "../x 0 1\n", "2.onnx 0 1\n", "0.onnx 0 9999999999\n", "0.onnx -1 2\n", "x\n"] {
            write("1.join", wrong.as_bytes());
            assert!(read(folder.path(), "1.join").is_err(), "{wrong}");
        }
    }
}
