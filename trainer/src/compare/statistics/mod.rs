//! Is a searched network better than random ones of the same predicted cost, and how much is there to win?
//!
//! | module | what it holds |
//! |---|---|
//! | `trained` | a trained network |
//! | `estimate` | values with their intervals |
//! | `equal_cost` | lines through random networks' errors over their costs, of one seed or several |
//! | `comparison` | a searched network among random ones: `random.json` |
//! | `between_fronts` | the same at several costs: the area between the fronts |
//! | `made_up` | networks with known errors, for the tests |
//! | `worth` | the spread of true errors, and how well their order is known before training |

mod between_fronts;
mod comparison;
mod equal_cost;
mod estimate;
#[cfg(test)]
mod made_up;
mod trained;
mod worth;

pub use between_fronts::{BetweenFronts, FrontPoint, PointDifference};
pub use comparison::Comparison;
pub use equal_cost::Adjusted;
pub use estimate::{Estimate, Spread, Verdict};
pub use trained::Trained;
pub use worth::{Ranking, Worth};
