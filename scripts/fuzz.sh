#!/bin/sh
# Damaged bytes for every reader of bytes from elsewhere: tables, spaces, raw samples, ONNX files, pictures, lists, point schemes,
# checkpoints and all else in a run's folder, NNI's files, and whatever a device and adb's server say.
#
#   scripts/fuzz.sh [CASES]      (default: 1000000 a reader; the tests alone take 20,000)
#
# What makes a reader panic, take too much memory or take long is kept, and the message says where.
set -eu
cd "$(dirname "$0")/.."

BLOCKTIME_FUZZ_CASES=${1:-1000000}
export BLOCKTIME_FUZZ_CASES
# With the checks of arithmetic that a release leaves out.
export CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS=true CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true
cargo test --release -p blocks -p luts -p profiler -p faces -p trainer --lib --test fuzz --test nni survive -- --nocapture
