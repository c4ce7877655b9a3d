//! The plain reference result of a graph.
