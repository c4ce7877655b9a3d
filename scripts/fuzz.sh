#!/bin/sh
# Gives damaged bytes to every reader of foreign files: tables, spaces, raw samples, ONNX files, pictures, lists, landmark schemes,
# checkpoints and all else in a run's folder, NNI's files, and whatever a device and adb's server say.
#
#   scripts/fuzz.sh [CASES]      (default: 1000000 per reader; `cargo test` uses 20,000)
#
# What makes a reader panic, take too much memory or take long is kept, and the message says where.
set -eu
cd "$(dirname "$0")/.."

BLOCKTIME_FUZZ_CASES=${1:-1000000}
export BLOCKTIME_FUZZ_CASES
# Debug builds, since they check arithmetic; what the tests have compiled is used again.
cargo test --workspace --lib --test fuzz --test nni survive -- --nocapture
