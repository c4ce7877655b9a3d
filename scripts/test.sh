#!/usr/bin/env bash
# Everything the tests need, then the tests: scripts/test.sh [arguments of `cargo test`]
#
# Tests that need the shared data folder (BLOCKTIME_SHARED, default ../shared) skip without it; BLOCKTIME_REQUIRE_SHARED=1 and
# BLOCKTIME_REQUIRE_ENGINE=1 turn a skip into a failure. Tests on emulated phones and boards need the parts that
# scripts/setup-aarch64.sh brings; BLOCKTIME_REQUIRE_DEVICE_TESTS=1 brings them and turns a skip into a failure, `later` skips
# them in any case.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup-system.sh
ORT_DYLIB_PATH=$(scripts/setup-onnxruntime.sh)
export ORT_DYLIB_PATH
scripts/setup-mnn.sh >/dev/null
export BLOCKTIME_REQUIRE_ENGINE=${BLOCKTIME_REQUIRE_ENGINE:-1}
# Kernels for GPUs are compiled by NVIDIA's compiler, and run on the CPU as C++: neither needs a GPU.
scripts/setup-nvrtc.sh >/dev/null
export BLOCKTIME_REQUIRE_NVRTC=${BLOCKTIME_REQUIRE_NVRTC:-1} BLOCKTIME_REQUIRE_CXX=${BLOCKTIME_REQUIRE_CXX:-1}

if [ "${BLOCKTIME_REQUIRE_DEVICE_TESTS:-0}" = 1 ]; then scripts/setup-aarch64.sh >/dev/null; fi

cargo test --workspace "$@"
