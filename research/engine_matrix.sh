#!/usr/bin/env bash
# How the engine of the table changes a search: searches with the table of each engine, and measures the networks found in all engines.
#
#   research/engine_matrix.sh [--out FOLDER] [--data FACES] [--seeds N] [--beta B] [--epochs WARMUP,ALL]
#
#   --out FOLDER       where the results go (default runs/engines); finished parts are not repeated
#   --data FACES       a data folder with 106 landmarks (default: synthetic faces)
#   --seeds N          number of searches per table (default 3)
#   --beta B           exponent of the latency term (default 3: prefers faster networks to more accurate ones)
#   --epochs W,E       epochs of warm-up, and in all (default 4,12)
#
# Tables of this machine are built for ONNX Runtime, MNN and tract. With each of them and each seed a search runs, all else equal. The
# networks found are measured side by side in each engine. Prints the median latencies of what each table's searches found in each
# engine, and the candidates whose order differs between tables. Needs an idle machine; takes ten to twenty minutes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

out=runs/engines data='' seeds=3 beta=3 epochs=4,12
while [ $# -gt 0 ]; do
    case $1 in
        --out) out=${2:?a folder is needed} && shift 2 ;;
        --data) data=${2:?a folder is needed} && shift 2 ;;
        --seeds) seeds=${2:?a number is needed} && shift 2 ;;
        --beta) beta=${2:?a number is needed} && shift 2 ;;
        --epochs) epochs=${2:?two numbers are needed} && shift 2 ;;
        *) echo "unknown option '$1'; see the first lines of $0" >&2 && exit 2 ;;
    esac
done
warmup=${epochs%,*} all=${epochs#*,}
engines=(ort mnn tract)
mkdir -p "$out"
step() { printf '== %s (%s)\n' "$*" "$(date +%T)" >&2; }

step "engines, compile"
ORT_DYLIB_PATH=${ORT_DYLIB_PATH:-$(scripts/setup-onnxruntime.sh)}
export ORT_DYLIB_PATH
scripts/setup-mnn.sh --build >/dev/null
# shellcheck disable=SC1091
. scripts/ccache.sh
cargo build --quiet --release -p profiler --features mnn,tract
cargo build --quiet --release -p trainer
target=${CARGO_TARGET_DIR:-target}/release
profiler=$target/profiler trainer=$target/trainer

if [ -z "$data" ]; then
    data=$out/faces
    [ -d "$data" ] || "$trainer" synth --out "$data" --train 1000 --test 100 --seed 1
fi
for engine in "${engines[@]}"; do
    [ -e "$out/$engine.csv" ] && continue
    step "table of $engine"
    "$profiler" build --space pfld --device local --engine "$engine" --out "$out/$engine.csv" --resume
done
# The temperature ends near 0.2.
decay=$(python3 -c "import math; print(math.log(5 / 0.2) / ($all - $warmup))")
for engine in "${engines[@]}"; do
    for ((seed = 1; seed <= seeds; seed++)); do
        run=$out/search-$engine-$seed
        [ -e "$run/arch.json" ] && [ -e "$out/$engine-$seed.onnx" ] && continue
        step "search with the table of $engine, seed $seed"
        "$trainer" search --lut "$out/$engine.csv" --data "$data" --out "$run" --overwrite --seed "$seed" --beta "$beta" \
            --batch 32 --base-lr 1e-3 --start-epoch "$warmup" --end-epoch "$all" --tau-decay "$decay" >"$out/search-$engine-$seed.txt"
        arch=$(python3 -c "import json, sys; print(','.join(json.load(open(sys.argv[1]))['choice']))" "$run/arch.json")
        "$profiler" net --arch "$arch" --out "$out/$engine-$seed.onnx" >/dev/null
    done
done
for engine in "${engines[@]}"; do
    [ -e "$out/measured-$engine.json" ] && continue
    step "measuring in $engine"
    "$profiler" bench "$out"/*-[0-9]*.onnx --device local --engine "$engine" --budget 60s --json >"$out/measured-$engine.json.new"
    mv "$out/measured-$engine.json.new" "$out/measured-$engine.json"
done
for pair in "ort mnn" "ort tract" "mnn tract"; do
    read -r a b <<<"$pair"
    "$profiler" lut diff "$out/$a.csv" "$out/$b.csv" --json >"$out/diff-$a-$b.json"
done

python3 - "$out" "$seeds" "${engines[@]}" <<'PYTHON'
import csv, json, pathlib, statistics, sys

out, seeds, engines = pathlib.Path(sys.argv[1]), range(1, int(sys.argv[2]) + 1), sys.argv[3:]
measured = {}
for engine in engines:
    for figure in json.loads((out / f"measured-{engine}.json").read_text()):
        measured[engine, pathlib.Path(figure["model"]).stem] = figure["paired_us"]


def nme(name):
    rows = list(csv.DictReader(open(out / f"search-{name}" / "metrics.csv")))
    return float(rows[-1]["val_nme"])


print("\n| searched with the table of | " + " | ".join(f"measured in {y}" for y in engines) + " | NME of the supernet's subnet |")
print("|---|" + "---|" * (len(engines) + 1))
cells = {}
for x in engines:
    for y in engines:
        cells[x, y] = statistics.median(measured[y, f"{x}-{seed}"] for seed in seeds)
    error = statistics.median(nme(f"{x}-{seed}") for seed in seeds)
    print(f"| {x} | " + " | ".join(f"{cells[x, y]:.1f} µs" for y in engines) + f" | {error:.2f} % |")
print()
for y in engines:
    best = min(engines, key=lambda x: cells[x, y])
    lost = cells[y, y] / cells[best, y] - 1
    print(f"{y}: fastest is what the table of {best} found" + (f", {100 * lost:.1f} % faster than its own table's" if best != y else ""))
for x in engines:
    for seed in seeds:
        choice = json.loads((out / f"search-{x}-{seed}" / "arch.json").read_text())["choice"]
        print(f"{x} seed {seed}: {' '.join(choice)}")
for path in sorted(out.glob("diff-*.json")):
    diff = json.loads(path.read_text())
    swaps = [(swap, layer) for layer in diff["layers"] for swap in layer["swaps"]]
    certain = sum(swap["certain"] for swap, _ in swaps)
    fastest = sum(layer["fastest"][0] != layer["fastest"][1] for layer in diff["layers"])
    print(
        f"{path.stem}: {len(swaps)} pairs of candidates change places, {certain} of them for certain; another one is fastest in "
        f"{fastest} of {len(diff['layers'])} kinds of layers; median change of a row {100 * diff['median_change']:.1f} %"
    )
PYTHON
