#!/usr/bin/env bash
# Builds the Python package's wheel with both programs in it, as blocktime-profiler and blocktime-trainer, and prints its path.
#
#   scripts/build-wheel.sh [--dev] [FOLDER]      (default: target/wheels; --dev: programs as `cargo build` makes them, which is faster)
#
# The wheel runs on systems whose glibc is at least as new as this machine's, with OpenSSL 3; its tag `linux_…` stands for that. The programs
# find ONNX Runtime in the usual places. Without programs, `pip install ./python` is enough.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

maturin=1.16.0
profile=release
if [ "${1:-}" = --dev ]; then
    profile=dev
    shift
fi
folder=$(realpath -m "${1:-target/wheels}")

environment=${BLOCKTIME_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/blocktime}/maturin-$maturin
if [ ! -x "$environment/bin/maturin" ]; then
    echo "installing maturin into $environment" >&2
    python3 -m venv "$environment"
    "$environment/bin/pip" install --quiet --disable-pip-version-check "maturin==$maturin" >&2
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd python
"$environment/bin/maturin" build --quiet --profile "$profile" --compatibility linux --out "$work" >&2
mkdir -p "$folder"
wheel=$(basename "$work"/*.whl)
mv "$work/$wheel" "$folder/$wheel"
echo "$folder/$wheel"
