//! A space as it is read: checked whole.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::fault::{FolderError, FolderFault, MANIFEST_LIMIT, Place};
use super::manifest::Manifest;
use super::slots::{self, Candidate, Slot};
use super::{files, keys, outputs, shapes};
use crate::onnx::block::{Block, Port};
use crate::onnx::join::Source;

/// The file that makes a folder a space.
pub const MANIFEST: &str = "space.toml";

/// A checked search space.
#[derive(Clone, Debug, PartialEq)]
pub struct SpaceFolder {
    name: String,
    inputs: Vec<Port>,
    pub(super) outputs: Vec<(Port, Source)>,
    export: BTreeMap<String, String>,
    slots: Vec<Slot>,
    blocks: Vec<Block>,
    notes: Vec<String>,
}

impl SpaceFolder {
    /// Whether a path names a space of this kind: a folder with `space.toml`, or that file itself, told by its key `kind`.
    pub fn is_at(path: &Path) -> bool {
        if path.is_dir() {
            return path.join(MANIFEST).is_file();
        }
        let table = text(path).ok().and_then(|text| text.parse::<toml::Table>().ok());
        table.is_some_and(|table| table.contains_key("kind"))
    }

    /// Reads and checks the space in a folder, or of a `space.toml`.
    ///
    /// # Errors
    /// [`FolderError`]; all faults of the space are reported at once.
    pub fn load(path: &Path) -> Result<Self, FolderError> {
        if !path.is_dir() {
            return Self::parse(&text(path)?, path);
        }
        let manifest = path.join(MANIFEST);
        // Of a pipe nobody would see the end.
        if !manifest.is_file() {
            return Err(FolderError::NoManifest { path: path.to_path_buf() });
        }
        Self::parse(&text(&manifest)?, &manifest)
    }

    /// Reads and checks the space that the text of a `space.toml` at that path describes.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn parse(text: &str, path: &Path) -> Result<Self, FolderError> {
        let invalid = |source| FolderError::Syntax { path: path.to_path_buf(), source: Box::new(source) };
        let manifest: Manifest = toml::from_str(text).map_err(invalid)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Self::of(&manifest, folder).map_err(|faults| FolderError::Faults { path: path.to_path_buf(), faults })
    }

    fn of(manifest: &Manifest, folder: &Path) -> Result<Self, Vec<FolderFault>> {
        let mut faults = manifest.faults();
        if manifest.is_too_large() || manifest.slot.is_empty() {
            return Err(faults);
        }
        let mut slots = slots::of(manifest);
        let blocks = files::read(folder, &mut slots, &mut faults);
        let notes = take_nothings(&mut slots, &blocks);
        shapes::find(manifest, &mut slots, &blocks, &mut faults);
        faults.extend(shapes::opsets(&slots, &blocks));
        let outputs = outputs::find(manifest, &slots, &mut faults);
        // What is read by a slot with faults is not known.
        if faults.is_empty() {
            let sources: Vec<Source> = outputs.iter().map(|(_, source)| *source).collect();
            faults.extend(shapes::unused(manifest, &slots, &sources));
            faults.extend(keys::give(&mut slots, &blocks));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let inputs = manifest.inputs().into_iter().map(|(name, dims)| Port { name, dims }).collect();
        let (name, export) = (manifest.name.clone(), manifest.exported());
        Ok(Self { name, inputs, outputs, export, slots, blocks, notes })
    }

    /// Its name, as tables state it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The network's inputs.
    pub fn inputs(&self) -> &[Port] {
        &self.inputs
    }

    /// How its files were exported, in its own words: exporter, versions.
    pub fn export(&self) -> &BTreeMap<String, String> {
        &self.export
    }

    /// All slots, in execution order.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The searched layers, in order.
    pub fn layers(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter().filter(|slot| slot.is_searched)
    }

    /// The different files' blocks.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// What was taken otherwise than it was written, one line each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// SHA-256, in hex, of everything that decides what is measured: inputs, slots, wires, candidates and their blocks, except for their
    /// weights' values.
    pub fn hash(&self) -> String {
        let mut text = "onnx\n".to_string();
        for port in &self.inputs {
            text += &format!("input {} {:?}\n", port.name, port.dims);
        }
        for slot in &self.slots {
            let sources: Vec<String> = slot.sources.iter().map(|source| source.hashed()).collect();
            text += &format!("slot {} [{}]", slot.name, sources.join(", "));
            for candidate in &slot.candidates {
                let fingerprint = candidate.block.map_or("nothing", |block| &self.blocks[block].fingerprint);
                text += &format!(" {}={fingerprint}", candidate.name);
            }
            text.push('\n');
        }
        for (port, source) in &self.outputs {
            text += &format!("output {} {}\n", port.name, source.hashed());
        }
        ::files::sha256(text)
    }
}

/// Takes candidates whose block does nothing as identities, and says so.
fn take_nothings(slots: &mut [Slot], blocks: &[Block]) -> Vec<String> {
    let mut notes = Vec::new();
    for slot in slots.iter_mut().filter(|slot| slot.is_searched) {
        let place = |candidate: &Candidate| Place::Candidate { layer: slot.name.clone(), name: candidate.name.clone() };
        for candidate in &mut slot.candidates {
            if candidate.block.is_some_and(|block| blocks[block].does_nothing) {
                notes.push(format!("{}: does nothing, taken as identity", place(candidate)));
                (candidate.block, candidate.file) = (None, None);
            }
        }
    }
    notes
}

/// A file's text.
fn text(path: &Path) -> Result<String, FolderError> {
    let failed = |source| FolderError::Read { path: PathBuf::from(path), source };
    let bytes = ::files::read_start(path, MANIFEST_LIMIT + 1).map_err(failed)?;
    if bytes.len() as u64 > MANIFEST_LIMIT {
        return Err(FolderError::TooLong { path: path.to_path_buf() });
    }
    if let Some(impostor) = ::files::impostor(&bytes) {
        return Err(FolderError::Impostor { path: path.to_path_buf(), impostor });
    }
    let text = std::str::from_utf8(::files::without_mark(&bytes));
    text.map(str::to_string).map_err(|e| failed(std::io::Error::new(std::io::ErrorKind::InvalidData, e)))
}
