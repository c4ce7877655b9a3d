#!/bin/sh
# Damaged files for every reader of files: tables, raw samples, NNI's tables and checkpoints, search spaces.
#
#   scripts/fuzz.sh [CASES]      (default: 1000000 a reader; the tests alone take 20,000)
#
# A file that makes a reader panic or take too much memory is kept, and the message says where.
set -eu
cd "$(dirname "$0")/.."

BLOCKTIME_FUZZ_CASES=${1:-1000000}
export BLOCKTIME_FUZZ_CASES
# With the checks of arithmetic that a release leaves out.
export CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS=true CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true
cargo test --release -p blocks -p luts -p profiler --test fuzz -- --nocapture
cargo test --release -p trainer --test nni damaged -- --nocapture
