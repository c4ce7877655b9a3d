//! The search space that a command names, or that a table belongs to.

use std::path::Path;

use blocks::{Measurable, PrimitiveSpace, Space, SpaceFolder};
use luts::{Layout, Table};
use terminal::note;

use super::error::CommandError;
use super::values::LANDMARKS;

/// A space of either kind.
pub(super) enum Opened {
    /// Of this program's primitives, with the landmarks of its networks.
    Primitives(Box<PrimitiveSpace>),
    /// A folder of ONNX files.
    Folder(Box<SpaceFolder>),
}

impl Opened {
    /// The space of that name or path. A message says what was read in another way than it was written.
    pub(super) fn open(name: &str, points: Option<usize>) -> Result<Self, CommandError> {
        let path = Path::new(name);
        if Space::is_built_in(name) || !(path.is_dir() || SpaceFolder::is_at(path)) {
            return Ok(Self::primitives(Space::load(name)?, points));
        }
        if points.is_some() {
            return Err(CommandError::Usage(format!(
                "--points is for built-in spaces only; leave it out: the folder {name} defines its own outputs"
            )));
        }
        let space = SpaceFolder::load(path)?;
        space.notes().iter().for_each(|text| note(format_args!("note: {text}")));
        Ok(Self::Folder(Box::new(space)))
    }

    fn primitives(space: Space, points: Option<usize>) -> Self {
        Self::Primitives(Box::new(PrimitiveSpace { space, points: points.unwrap_or(LANDMARKS) }))
    }

    /// As the code that measures it sees it.
    pub(super) fn measurable(&self) -> &dyn Measurable {
        match self {
            Self::Primitives(space) => &**space,
            Self::Folder(space) => &**space,
        }
    }

    /// The space of primitives, if it is one.
    pub(super) fn known(&self) -> Option<&Space> {
        match self {
            Self::Primitives(space) => Some(&space.space),
            Self::Folder(_) => None,
        }
    }

    /// Landmarks of its networks, of a space of primitives.
    pub(super) fn points(&self) -> Option<usize> {
        match self {
            Self::Primitives(space) => Some(space.points),
            Self::Folder(_) => None,
        }
    }
}

/// The layers of the space that was named, else those that the table lists itself, else those of the built-in space of its name if it is the
/// very one that was measured.
pub(super) fn layout_if_known(table: &Table, named: Option<String>) -> Result<Option<Layout>, CommandError> {
    let own = &table.header.space;
    let built_in = || Space::load(&own.name).ok().filter(|space| space.hash() == own.hash).map(|space| Layout::from(&space));
    match named {
        Some(name) => Ok(Some(Opened::open(&name, None)?.measurable().into())),
        None => Ok(table.layout().or_else(built_in)),
    }
}

/// The layers of the space that was named, else those that the table lists itself, else those of the built-in space of its name.
pub(super) fn layout(table: &Table, named: Option<String>) -> Result<Layout, CommandError> {
    match table.layout() {
        Some(own) if named.is_none() => Ok(own),
        _ => Ok(of(table, named, None)?.measurable().into()),
    }
}

/// The space that was named, else the built-in one of the table's name; its networks have that many landmarks, else the table's.
pub(super) fn of(table: &Table, named: Option<String>, points: Option<usize>) -> Result<Opened, CommandError> {
    let own = &table.header.space;
    let stated = points.or(table.header.points);
    match named {
        Some(name) => match Opened::open(&name, points)? {
            Opened::Primitives(space) => Ok(Opened::primitives(space.space, stated)),
            folder => Ok(folder),
        },
        None if own.folder.is_some() => {
            Err(CommandError::Usage(format!("name the folder of the table's search space '{}' with --space", own.name)))
        }
        None => match Space::load(&own.name) {
            Ok(space) => Ok(Opened::primitives(space, stated)),
            Err(e) => Err(CommandError::Usage(format!("name the table's search space '{}' with --space ({e})", own.name))),
        },
    }
}
