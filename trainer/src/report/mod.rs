//! A run on one self-contained HTML page, and the front of its networks.
//!
//! | module | what it holds |
//! |---|---|
//! | `page` | the page |
//! | `architecture` | what was chosen, and what it costs |
//! | `training` | phases, errors and curves |
//! | `beside` | the run's network beside others |
//! | `network` | a network by latency and error |
//! | [`front`] | which networks are the best of their latency: `pareto.csv`, `pareto.svg` |
//! | `table` | a comparison over several seeds, as Markdown |
//! | `chart`, `front_picture` | what is drawn |
//! | `html` | writing HTML |

mod architecture;
mod beside;
mod chart;
pub mod front;
mod front_picture;
mod html;
mod network;
mod page;
mod table;
mod training;

pub use network::{BASELINE, Net, Origin};
pub use page::{ReportError, page};
pub use table::table;
