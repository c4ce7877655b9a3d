//! From samples to the rows of a table.
//!
//! | module | what it holds |
//! |---|---|
//! | [`interference`] | the effect of other work on the core, taken out of samples |
//! | [`cluster`] | how much wider intervals are because processes differ |
//! | [`readings`] | what samples say of each model |
//! | [`posterior`] | block latencies from blocks alone and whole networks |
//! | [`table`] | the table: rows and header |
//! | [`plausibility`] | rows that are faster than the processor can be |

mod cholesky;
pub mod cluster;
pub mod interference;
pub mod plausibility;
pub mod posterior;
pub mod readings;
pub mod table;
