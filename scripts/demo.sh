#!/usr/bin/env bash
# All steps on synthetic faces, one command on a new Debian or Ubuntu machine with Rust:
# table of this machine → search → finetune → export → measurement → report. Results go to runs/demo (or the folder given).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

out=${1:-runs/demo}
seed=1
faces="$out/faces" lut="$out/host.csv" run="$out/run"
if [ -e "$out" ]; then
    echo "$out already exists: remove it, or choose another folder (scripts/demo.sh FOLDER)" >&2
    exit 2
fi
mkdir -p "$out"

started=$SECONDS
step() { printf '\n== %s (%d min %02d s)\n' "$*" $(((SECONDS - started) / 60)) $(((SECONDS - started) % 60)) >&2; }

step "system packages, ONNX Runtime"
scripts/setup-system.sh
ORT_DYLIB_PATH=$(scripts/setup-onnxruntime.sh)
export ORT_DYLIB_PATH
step "compile"
cargo build --release --workspace --bins
target=${CARGO_TARGET_DIR:-target}/release
profiler=$target/profiler trainer=$target/trainer

started=$SECONDS
step "synthetic faces"
"$trainer" synth --out "$faces" --train 2000 --test 200 --seed $seed
step "latency table of this machine"
"$profiler" build --space pfld --device local --out "$lut" --budget 90s
step "search"
"$trainer" search --lut "$lut" --data "$faces" --out "$run" --seed $seed \
    --batch 32 --base-lr 1e-3 --start-epoch 3 --end-epoch 8 --tau-decay 0.64
step "finetune"
# The chosen subnet with the supernet's weights, on the faces that the finetuned one is judged on.
"$trainer" eval --model "$run/supernet/checkpoint_last.safetensors" --data "$faces" --json >"$run/before.json"
"$trainer" finetune --supernet "$run/supernet/checkpoint_last.safetensors" --data "$faces" --out "$run" --seed $seed \
    --batch 32 --base-lr 1e-3 --end-epoch 15
step "export"
"$trainer" export --subnet "$run/subnet/checkpoint_last.safetensors" --out "$run/subnet.onnx" --data "$faces"
step "measure the result"
"$profiler" bench "$run/subnet.onnx" --device local --json >"$run/measured.json"
"$trainer" eval --model "$run/subnet.onnx" --data "$faces" --json >"$run/eval.json"
picture=$(awk 'NR == 1 { print $1 }' "$faces/test_data/list.txt")
"$trainer" predict --model "$run/subnet.onnx" --image "$faces/$picture" --out "$run/overlay.png"
"$trainer" report "$run"
step "done"

python3 - "$run" <<'PYTHON'
import json, os, sys

run = sys.argv[1]
arch = json.load(open(f"{run}/arch.json"))
measured = json.load(open(f"{run}/measured.json"))[0]
found = json.load(open(f"{run}/eval.json"))
before = json.load(open(f"{run}/before.json"))
print("\nlayer  chosen             predicted µs")
for layer in arch["layers"]:
    print(f"{layer['layer']:5}  {layer['chosen']:18} {layer['cost']:8.1f}")
print(f"trunk  {'':18} {arch['predicted']['trunk']:8.1f}")
# Paired with the canary, as the table's figures are.
total, low, high = arch["predicted"]["total"], *measured["paired_ci95_us"]
print(f"\nlatency    predicted {total:.1f} µs, measured {measured['paired_us']:.1f} µs (95 % interval {low:.1f}…{high:.1f})")
print(f"size       {os.path.getsize(run + '/subnet.onnx') / 1e3:.0f} KB")
print(f"NME        {100 * before['nme']:.2f} % before finetuning, {100 * found['nme']:.2f} % after ({found['faces']} test faces)")
print(f"network    {run}/subnet.onnx\npicture    {run}/overlay.png\nreport     {run}/report.html")
PYTHON
