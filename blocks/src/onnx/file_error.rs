//! Why a user's ONNX file cannot be used.

use std::path::PathBuf;

use files::Impostor;

/// Largest file: protobuf's limit of 2 GiB, which engines keep to.
pub const FILE_LIMIT: u64 = i32::MAX as u64;

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("cannot read {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Something else was saved under its name.
    #[error("{} {found}", .path.display())]
    Impostor {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: Impostor,
    },
    /// No ONNX.
    #[error("{} is not an ONNX file, or is damaged: {reason}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// More than protobuf holds.
    #[error("{} has {bytes} bytes with its weights; at most {FILE_LIMIT} (2 GiB) fit into one ONNX file", .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size, its weights' included.
        bytes: u64,
    },
    /// Weights that are not where the file says.
    #[error("{}: the values of '{tensor}' lie in another file, {fault}", .path.display())]
    Data {
        /// The model.
        path: PathBuf,
        /// Whose values.
        tensor: String,
        /// What is wrong with that.
        fault: DataFault,
    },
}

/// What is wrong with values that lie in another file.
#[derive(Debug, thiserror::Error)]
pub enum DataFault {
    /// No name.
    #[error("but none is named")]
    Unnamed,
    /// Absolute, or with `..`.
    #[error(
        "'{0}', which may lead out of the model's folder and is not followed: keep that file beside the model, and name it without a path"
    )]
    Escapes(String),
    /// A link to somewhere else.
    #[error("'{location}', a link out of the model's folder (to {}), which is not followed: put the file itself into the model's folder", .to.display())]
    Link {
        /// Its name in the model.
        location: String,
        /// Where it leads.
        to: PathBuf,
    },
    /// Not there.
    #[error(
        "'{location}', which cannot be read ({}: {source}): keep it beside the model, or export with external_data=False", .tried.display()
    )]
    Missing {
        /// Its name in the model.
        location: String,
        /// Where it was looked for.
        tried: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A folder, a pipe.
    #[error("'{0}', which is not a regular file")]
    NoFile(String),
    /// The model is a link, and there are two files that could be meant.
    #[error("'{location}', which exists both beside the link {} and beside its target {}: name the model without the link", .link.display(), .file.display())]
    Two {
        /// Its name in the model.
        location: String,
        /// The first.
        link: PathBuf,
        /// The second.
        file: PathBuf,
    },
    /// Something else was saved under its name.
    #[error("'{location}', which {found}")]
    Impostor {
        /// Its name in the model.
        location: String,
        /// What it is.
        found: Impostor,
    },
    /// Not a number.
    #[error("'{location}', at {key} '{value}', which is not a number")]
    Number {
        /// Its name in the model.
        location: String,
        /// `offset` or `length`.
        key: &'static str,
        /// What stands there.
        value: String,
    },
    /// Cut off, or of another export.
    #[error("'{location}', which has {has} bytes where {needed} are needed: it is truncated, or of another model")]
    Short {
        /// Its name in the model.
        location: String,
        /// Size.
        has: u64,
        /// End of these values.
        needed: u64,
    },
    /// Not as many bytes as the shape takes.
    #[error("'{location}', with {length} bytes for it; its shape takes {needed}: the file is of another model, or damaged")]
    Size {
        /// Its name in the model.
        location: String,
        /// Bytes there.
        length: u64,
        /// Bytes of its shape.
        needed: u64,
    },
}
