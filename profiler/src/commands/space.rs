//! The search space that a table belongs to.

use blocks::Space;
use luts::Table;

use super::error::CommandError;

/// The space that was named, else the built-in one of the table's name if it is the very one that was measured.
pub(super) fn if_known(table: &Table, named: Option<String>) -> Result<Option<Space>, CommandError> {
    match named {
        Some(name) => Ok(Some(Space::load(&name)?)),
        None => Ok(Space::load(&table.header.space.name).ok().filter(|s| s.hash() == table.header.space.hash)),
    }
}

/// The space that was named, else the built-in one of the table's name.
pub(super) fn of(table: &Table, named: Option<String>) -> Result<Space, CommandError> {
    match named {
        Some(name) => Ok(Space::load(&name)?),
        None => Space::load(&table.header.space.name).map_err(|e| {
            CommandError::Usage(format!("name the table's search space '{}' with --space ({e})", table.header.space.name))
        }),
    }
}
