#!/usr/bin/env bash
# Builds the training kernels for ARMv8 and runs their tests in an emulator: every operation with NEON and with portable code, against
# the plain formula and finite differences. The tests are those of this machine.
#
#   scripts/test-neon.sh [--quiet] [-- NAME | -- --skip NAME]
#
# Arguments go to `cargo test`. Needs scripts/setup-aarch64.sh. An emulator shows whether results are right, but not how long they take.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cache=${BLOCKTIME_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/blocktime}
parts=${BLOCKTIME_AARCH64:-$cache/aarch64}
for part in rust/rustc qemu/usr/bin/qemu-aarch64 phone/usr/lib/aarch64-linux-gnu/libc.so.6; do
    [ -e "$parts/$part" ] || {
        echo "test-neon: $parts/$part is missing: run scripts/setup-aarch64.sh" >&2
        exit 2
    }
done

# Another compiler than the host's: what the two build must not be mixed.
export RUSTC=$parts/rust/rustc
export CARGO_TARGET_DIR=${BLOCKTIME_CROSS_TARGET:-$cache/cross-target}
unset RUSTC_WRAPPER RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_TARGET
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
libraries=$parts/phone/usr/lib/aarch64-linux-gnu
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="$parts/qemu/usr/bin/qemu-aarch64 -cpu cortex-a53 $libraries/ld-linux-aarch64.so.1 --library-path $libraries"
# Not those that compile kernels for GPUs with this machine's compiler.
cargo test --locked -p kernels --lib --test group --test plan --target aarch64-unknown-linux-gnu "$@"
