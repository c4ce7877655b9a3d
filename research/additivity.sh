#!/bin/sh
# Signed error of whole networks that were not used in the fit: predicted by a table against measured on the device.
#
#   research/additivity.sh [--seed S] [--nets N] [--lut FILE]     (default: seed 1, 8 nets, a table built now)
#
# The networks are measured interleaved, each sample divided by the canary runs beside it. Without --lut a table of this
# machine is built first, in a temporary folder. Needs Rust; ONNX Runtime is fetched where it is missing.
set -eu
cd "$(dirname "$0")/.."

seed=1
nets=8
lut=
while [ $# -gt 0 ]; do
    case $1 in
        --seed) seed=$2 ;;
        --nets) nets=$2 ;;
        --lut) lut=$2 ;;
        *)
            echo "usage: research/additivity.sh [--seed S] [--nets N] [--lut FILE]" >&2
            exit 2
            ;;
    esac
    shift 2
done

cargo build --release --quiet -p profiler
profiler=${CARGO_TARGET_DIR:-target}/release/profiler
[ -n "${ORT_DYLIB_PATH:-}" ] || scripts/setup-onnxruntime.sh > /dev/null

if [ -z "$lut" ]; then
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT INT TERM
    lut=$folder/this-machine.csv
    "$profiler" build --space pfld --device local --out "$lut" > /dev/null
fi
"$profiler" check "$lut" --device local --nets "$nets" --seed "$seed" --no-write
