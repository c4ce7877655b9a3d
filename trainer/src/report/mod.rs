//! A run, or a comparison of several, on one self-contained HTML page, and the front of a run's networks.
//!
//! | module | what it holds |
//! |---|---|
//! | `page` | the page |
//! | `architecture` | what was chosen, and what it costs |
//! | `training` | phases, errors and curves |
//! | `comparison` | a comparison over several seeds on one page |
//! | `candidates` | the networks that a search chose from |
//! | `beside` | the run's network beside others |
//! | `network` | a network by latency and error |
//! | [`front`] | which networks are the best of their latency: `pareto.csv`, `pareto.svg` |
//! | `table` | a comparison over several seeds in tables and sentences |
//! | `chart`, `front_picture`, `fronts_picture`, `cost_picture` | what is drawn |
//! | `reported` | the task whose runs these are |
//! | `html` | writing HTML |

mod architecture;
mod beside;
mod candidates;
mod chart;
mod comparison;
mod cost_picture;
pub mod front;
mod front_picture;
mod fronts_picture;
mod html;
mod network;
mod page;
mod reported;
mod table;
mod training;

pub use comparison::comparison_page;
pub use network::{BASELINE, Net, Origin};
pub use page::{ReportError, page};
pub use table::table;
