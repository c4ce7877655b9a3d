//! The blocks' files of a space, each read once, within a bound of memory.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use super::fault::{FaultKind, FolderFault, SIZE_LIMIT};
use super::slots::Slot;
use crate::onnx::block::Block;
use crate::onnx::file;
use crate::onnx::file_error::FileError;

/// Reads the files of all slots, and notes in each candidate which block is its own.
pub fn read(folder: &Path, slots: &mut [Slot], faults: &mut Vec<FolderFault>) -> Vec<Block> {
    let mut reader = Reader { folder, blocks: Vec::new(), known: BTreeMap::new(), left: SIZE_LIMIT };
    for slot in slots {
        for i in 0..slot.candidates.len() {
            let Some(file) = slot.candidates[i].file.clone() else { continue };
            match reader.block(&file) {
                Ok(block) => slot.candidates[i].block = block,
                Err(kinds) => {
                    let place = slot.place(&slot.candidates[i]);
                    faults.extend(kinds.into_iter().map(|kind| place.fault(kind)));
                }
            }
        }
    }
    reader.blocks
}

struct Reader<'a> {
    folder: &'a Path,
    blocks: Vec<Block>,
    /// Places of the blocks by their files; none of a file with faults, which are reported once.
    known: BTreeMap<String, Option<usize>>,
    /// Bytes that may still be read.
    left: u64,
}

impl Reader<'_> {
    /// The place of a file's block; none where its faults were told before.
    fn block(&mut self, file: &str) -> Result<Option<usize>, Vec<FaultKind>> {
        if let Some(&known) = self.known.get(file) {
            return Ok(known);
        }
        self.known.insert(file.to_string(), None);
        let bytes = self.bytes(file).map_err(|kind| vec![kind])?;
        let of_file = |fault| FaultKind::Block { file: file.to_string(), fault };
        let block = Block::read(&bytes).map_err(|faults| faults.into_iter().map(of_file).collect::<Vec<_>>())?;
        self.blocks.push(block);
        self.known.insert(file.to_string(), Some(self.blocks.len() - 1));
        Ok(Some(self.blocks.len() - 1))
    }

    /// A file with its weights.
    fn bytes(&mut self, name: &str) -> Result<Vec<u8>, FaultKind> {
        let relative = Path::new(name);
        let escapes = || FaultKind::Path(name.to_string());
        if name.is_empty() || relative.components().any(|part| !matches!(part, Component::Normal(_) | Component::CurDir)) {
            return Err(escapes());
        }
        let unread = |e: std::io::Error| FaultKind::File(format!("cannot read {name}: {e}"));
        let root = self.folder.canonicalize().map_err(unread)?;
        let path = root.join(relative).canonicalize().map_err(unread)?;
        if !path.starts_with(&root) {
            return Err(escapes());
        }
        // Asked before it is opened: a pipe would be waited for.
        let facts = path.metadata().map_err(unread)?;
        if !facts.is_file() {
            return Err(FaultKind::File(format!("{name} is not a regular file")));
        }
        let too_large = || FaultKind::Size(name.to_string());
        if facts.len() > self.left {
            return Err(too_large());
        }
        let bytes = ::files::read_start(&path, self.left + 1).map_err(unread)?;
        Block::check_size(&bytes).map_err(|fault| FaultKind::Block { file: name.to_string(), fault })?;
        let whole = file::whole_within(bytes, &path, self.left).map_err(|e| match e {
            FileError::TooLarge { .. } => too_large(),
            other => FaultKind::File(text(&other, &path, name)),
        })?;
        self.left = self.left.checked_sub(whole.bytes.len() as u64).ok_or_else(too_large)?;
        Ok(whole.bytes)
    }
}

/// An error in words, with the file called as the space calls it.
fn text(error: &FileError, path: &Path, name: &str) -> String {
    error.to_string().replace(&path.display().to_string(), name)
}
