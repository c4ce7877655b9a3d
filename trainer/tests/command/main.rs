//! The command from outside.

#![allow(clippy::unwrap_used)]

mod beside;
mod choose;
mod common;
mod compare;
mod figures;
mod full_space;
mod import;
mod models;
mod refusals;
mod report;
mod resume;
mod safety;
mod shell;
mod spaces;
mod variants;
mod whole_path;
