#!/usr/bin/env bash
# Lints and documents all code, with every feature: scripts/lint.sh. One set of features, so that each crate is checked once. MNN is
# compiled for it (scripts/setup-mnn.sh --build), and MPI's headers are read (scripts/setup-system.sh mpi).
#
# Where NVIDIA's compiler nvcc is, the trainer's feature `cuda` is as any other. Elsewhere a stand-in for nvcc is put in its place: it compiles nothing and
# writes empty files where the real one would leave the GPU's code, so that all Rust code of the feature, candle's included, is checked
# for types and lints. Such a build cannot be linked or run; what a GPU computes is not checked by it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! command -v nvcc >/dev/null; then
    # Always the same place: what was checked with it need not be checked again.
    stand_in=${BLOCKTIME_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/blocktime}/nvcc-stand-in
    mkdir -p "$stand_in/bin" "$stand_in/include" "$stand_in/lib64"
    [ -e "$stand_in/include/cuda.h" ] || touch "$stand_in/include/cuda.h"
    cat > "$stand_in/bin/nvcc.new" <<'NVCC'
#!/bin/sh
# No compiler: writes an empty file for every output that is asked for.
case "$*" in
    *--version*) printf '\n\n\nCuda compilation tools, release 12.8, V12.8.0\n'; exit 0 ;; # It is read from the fourth line.
    *--list-gpu-code*) echo "sm_80"; exit 0 ;;
esac
out=""
folder=""
sources=""
while [ $# -gt 0 ]; do
    case "$1" in
        -o) out=$2; shift ;;
        --output-directory) folder=$2; shift ;;
        *.cu) sources="$sources $1" ;;
    esac
    shift
done
[ -z "$out" ] || : > "$out"
if [ -n "$folder" ]; then
    for source in $sources; do : > "$folder/$(basename "$source" .cu).ptx"; done
fi
NVCC
    chmod +x "$stand_in/bin/nvcc.new"
    if ! cmp -s "$stand_in/bin/nvcc.new" "$stand_in/bin/nvcc"; then mv "$stand_in/bin/nvcc.new" "$stand_in/bin/nvcc"; fi
    export PATH="$stand_in/bin:$PATH" CUDA_HOME="$stand_in" CUDA_PATH="$stand_in" CUDA_ROOT="$stand_in" NVCC="$stand_in/bin/nvcc"
    export CUDA_COMPUTE_CAP=80
    echo "no nvcc on this machine: only Rust code is checked, with a stand-in for nvcc" >&2
fi
cargo clippy --workspace --all-targets --all-features -- -D warnings
# What clippy has checked is what the documentation needs.
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features --quiet
# Engines without any of them compile, too.
cargo check --quiet -p engines --no-default-features
