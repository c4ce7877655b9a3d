//! Work that may have something to tell the user.

use std::fmt::Display;

use terminal::note;

/// Does work that may leave notices for the user, and prints them, also where it fails.
pub fn with_notices<N: Display, T>(work: impl FnOnce(&mut Vec<N>) -> T) -> T {
    let mut notices = Vec::new();
    let done = work(&mut notices);
    notices.iter().for_each(note);
    done
}
