//! What both programs do at a terminal.
//!
//! | module | what it holds |
//! |---|---|
//! | [`lines`] | messages on standard error, results on standard output |
//! | [`mod@chain`] | an error with its causes |
//! | [`shell`] | words for a shell |
//! | [`program`] | the name under which a program is installed |
//! | [`help`] | completions and manual pages, made from the command line's description |
//!
//! ```
//! assert_eq!(terminal::quoted("two words"), "'two words'");
//! assert_eq!(terminal::chain(&std::io::Error::other("the disk is full")), "the disk is full");
//! ```

pub mod chain;
pub mod help;
pub mod lines;
pub mod program;
pub mod shell;

pub use chain::chain;
pub use lines::{note, note_text, print_line, print_text};
pub use shell::{quote, quoted};
