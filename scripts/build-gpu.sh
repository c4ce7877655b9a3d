#!/usr/bin/env bash
# Compiles what scripts/on-gpu.sh runs on a machine with a GPU, which needs no Rust and no network, and prints the folder: target/gpu.
# This machine needs neither a GPU nor CUDA. With the reference's data (BLOCKTIME_SHARED, default ../shared) the folder is for parity, too.
# A folder above 64 MiB is an error: it is more than can be carried to such a machine.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

most=64
target=${CARGO_TARGET_DIR:-target}
folder=$target/gpu
reference=${BLOCKTIME_SHARED:-../shared}/reference
cargo build --release -p trainer --features cuda --bin trainer --example step >&2
cargo build --release -p faces --example loading >&2
parity=$(cargo test --release --no-run -p trainer --features cuda --test parity --message-format json |
    python3 -c 'import json, sys
built = [json.loads(line) for line in sys.stdin if line.startswith("{")]
print([b["executable"] for b in built if b.get("executable") and b["target"]["name"] == "parity"][0])')
rm -rf "$folder"
mkdir -p "$folder/shared/reference"
strip -o "$folder/trainer" "$target/release/trainer"
strip -o "$folder/step" "$target/release/examples/step"
strip -o "$folder/loading" "$target/release/examples/loading"
strip -o "$folder/parity" "$parity"
if [ -d "$reference" ]; then
    cp "$reference"/pfld_reference.safetensors "$reference"/pfld_reference.json "$folder/shared/reference"
else
    echo "build-gpu: $reference is missing; the comparison with the reference is left out" >&2
fi
size=$(du -s --apparent-size --block-size=1K "$folder" | cut -f 1)
if [ "$size" -gt $((most * 1024)) ]; then
    printf 'build-gpu: %s has %s KiB, more than %s MiB; its largest files, in KiB:\n' "$folder" "$size" "$most" >&2
    find "$folder" -type f -printf '%k %P\n' | sort -rn | head -5 >&2
    exit 1
fi
printf '%s KiB of at most %s MiB\n' "$size" "$most" >&2
echo "$folder"
