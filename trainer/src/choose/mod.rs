//! Which network a search ends with: the most probable one, or one of the most probable ones that are compared first.
//!
//! | module | what it holds |
//! |---|---|
//! | `method` | the methods, their settings, and the seam to what they ask about a network |
//! | `candidate` | a network that may be chosen, and `candidates.csv` |

mod candidate;
mod method;

pub use candidate::{CANDIDATES, Candidate};
pub use method::{Choose, Judge};
