#!/usr/bin/env bash
# Everything the tests need, then the tests: scripts/test.sh [arguments of `cargo test`]
#
# Tests that need the shared data folder (BLOCKTIME_SHARED, default ../shared) skip without it; BLOCKTIME_REQUIRE_SHARED=1 and
# BLOCKTIME_REQUIRE_ENGINE=1 turn a skip into a failure.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup-system.sh
ORT_DYLIB_PATH=$(scripts/setup-onnxruntime.sh)
export ORT_DYLIB_PATH
export BLOCKTIME_REQUIRE_ENGINE=${BLOCKTIME_REQUIRE_ENGINE:-1}

cargo test --workspace "$@"
