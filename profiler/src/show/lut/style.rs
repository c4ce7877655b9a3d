//! What the parts of a table's picture have in common.

use crate::show::picture::Font;

/// Headings of parts.
pub(super) const HEADING: Font = Font::new(14.0).bold();
