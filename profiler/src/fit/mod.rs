//! From samples to the rows of a table.
//!
//! | module | what it holds |
//! |---|---|
//! | [`neighbour`] | the effect of a neighbour on the core, taken out of samples |
//! | [`cluster`] | how much wider intervals are because processes differ |
//! | [`readings`] | what samples say of each model |
//! | [`posterior`] | block latencies from blocks alone and whole networks |
//! | [`fitted`] | the table |
//! | [`plausibility`] | rows that are faster than the processor can be |

mod cholesky;
pub mod cluster;
pub mod fitted;
pub mod neighbour;
pub mod plausibility;
pub mod posterior;
pub mod readings;
