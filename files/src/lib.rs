//! What every program here does with files.
//!
//! | module | what it holds |
//! |---|---|
//! | [`kind`] | what a file is, where it is not what its name says |
//! | [`mod@error`] | a file that cannot be read or written |
//! | [`hash`] | SHA-256 as hex digits |
//! | [`mod@plain`] | texts out of files on a terminal |
//! | [`mod@read`] | the beginning of a file |
//! | [`mod@write`] | writing a file whole or not at all |
//! | [`cache`] | where downloads are kept |
//!
//! ```
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("note.txt");
//! files::write(&path, b"first", files::Overwrite::No)?;
//! assert!(files::write(&path, b"second", files::Overwrite::No).is_err());
//! assert_eq!(files::sha256_of(&path)?, files::sha256("first"));
//! # Ok::<(), std::io::Error>(())
//! ```

pub mod cache;
#[cfg(feature = "write")]
pub mod error;
pub mod hash;
pub mod kind;
pub mod plain;
pub mod read;
#[cfg(feature = "write")]
pub mod write;

pub use cache::cache_folder;
#[cfg(feature = "write")]
pub use error::{FileError, temporary_folder};
pub use hash::{hex, sha256, sha256_of};
pub use kind::{HEAD, Impostor, has_ending, impostor, without_mark};
pub use plain::plain;
pub use read::read_start;
#[cfg(feature = "write")]
pub use write::{Overwrite, write, write_with};
