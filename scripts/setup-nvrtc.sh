#!/bin/sh
# Fetches NVIDIA's run-time compiler of kernels, NVRTC, with pip into the cache folder and prints the library's path. It needs no GPU.
#
#   scripts/setup-nvrtc.sh            prints the path; fetches what is missing
#   scripts/setup-nvrtc.sh --found    prints the path, or nothing if the library is missing
#
# PyTorch's environment (scripts/setup-pytorch.sh) has the library too; if it is there, that one is used. Otherwise the folder is
# ${BLOCKTIME_CACHE:-${XDG_CACHE_HOME:-~/.cache}/blocktime}/nvrtc. Needs python3 with pip.
set -eu

cache=${BLOCKTIME_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/blocktime}
folder=$cache/nvrtc

found() {
    for library in "$cache"/pytorch/lib/python3*/site-packages/nvidia/*/lib/libnvrtc.so.* "$folder"/nvidia/*/lib/libnvrtc.so.*; do
        if [ -s "$library" ]; then
            echo "$library"
            return
        fi
    done
    return 1
}

if found; then exit 0; fi
if [ "${1:-}" = --found ]; then exit 0; fi

echo "setup-nvrtc: fetching nvidia-cuda-nvrtc with pip" >&2
mkdir -p "$cache"
# Beside its place first, so that a broken run leaves no half library behind.
work=$(mktemp -d "$cache/nvrtc.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
python3 -m pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: --target "$work/new" nvidia-cuda-nvrtc >&2
rm -rf "$folder"
mv "$work/new" "$folder"
found || {
    echo "setup-nvrtc: the package nvidia-cuda-nvrtc has no library" >&2
    exit 1
}
