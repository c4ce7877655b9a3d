//! What is to be built.

use std::path::PathBuf;

use blocks::Measurable;

use crate::commands::quantity::Count;
use crate::devices::Address;
use crate::measure::collect::Setting;
use crate::measure::collect::planned::Wanted;
use crate::measure::fleet::Sharing;

/// A table to be built: of what, how, and into which files.
pub(super) struct Build<'a> {
    /// The space.
    pub space: &'a dyn Measurable,
    /// Landmarks of the networks; of a space of primitives.
    pub points: Option<usize>,
    /// Whole networks to measure along with the blocks.
    pub nets: Count,
    /// Whether a few models are looked at first, to plan the rest by what they take.
    pub looks: bool,
    /// What of the setting is wanted so, whatever they take.
    pub wanted: Wanted,
    /// How to measure; the device in it is the first one.
    pub setting: Setting,
    /// The devices; several must be of one model.
    pub devices: Vec<Address>,
    /// What several devices do.
    pub sharing: Sharing,
    /// The table's file.
    pub out: PathBuf,
    /// The raw file; beside the table where not given.
    pub raw: Option<PathBuf>,
    /// Go on with an unfinished raw file.
    pub resume: bool,
    /// Replace files that are there.
    pub overwrite: bool,
}
