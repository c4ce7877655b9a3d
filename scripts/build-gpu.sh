#!/usr/bin/env bash
# Compiles what scripts/on-gpu.sh runs on a machine with a GPU, which needs no Rust and no network, and prints the folder: target/gpu.
# This machine needs neither a GPU nor CUDA. With the reference's data (BLOCKTIME_SHARED, default ../shared) the folder is for parity, too.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

target=${CARGO_TARGET_DIR:-target}
folder=$target/gpu
reference=${BLOCKTIME_SHARED:-../shared}/reference
cargo build --release -p trainer --features cuda --bin trainer --example step >&2
parity=$(cargo test --release --no-run -p trainer --features cuda --test parity --message-format json |
    python3 -c 'import json, sys
built = [json.loads(line) for line in sys.stdin if line.startswith("{")]
print([b["executable"] for b in built if b.get("executable") and b["target"]["name"] == "parity"][0])')
rm -rf "$folder"
mkdir -p "$folder/shared/reference"
strip -o "$folder/trainer" "$target/release/trainer"
strip -o "$folder/step" "$target/release/examples/step"
strip -o "$folder/parity" "$parity"
if [ -d "$reference" ]; then
    cp "$reference"/pfld_reference.safetensors "$reference"/pfld_reference.json "$folder/shared/reference"
else
    echo "build-gpu: $reference is missing; the comparison with the reference is left out" >&2
fi
du -sh "$folder" >&2
echo "$folder"
