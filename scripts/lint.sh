#!/usr/bin/env bash
# Lints and documents all code, with every feature: scripts/lint.sh. One set of features, so that each crate is checked once. MNN is
# compiled for it (scripts/setup-mnn.sh --build), and MPI's headers are read (scripts/setup-system.sh mpi).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cargo clippy --workspace --all-targets --all-features -- -D warnings
# What clippy has checked is what the documentation needs.
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features --quiet
# Engines without any of them compile, too.
cargo check --quiet -p engines --no-default-features
