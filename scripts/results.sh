#!/usr/bin/env bash
# The results table by one command: a searched network beside the MobileNetV3-PFLD baseline and random networks about as fast as itself,
# all trained here by one recipe.
#
#   DATA=faces scripts/results.sh [FOLDER]        # default runs/results; the same command goes on where it was stopped
#
# Settings, by variable (written to FOLDER/settings; a folder keeps those it was begun with):
#   DATA             data folder (needed)                      POINTS_FILE      its point scheme, where it is not built in
#   LUT              latency tables, blank separated           DEVICE           what is measured on, as `profiler` names it (local)
#                    (default: one is built for DEVICE)        BUILD_BUDGET     of that build (90s)
#   WARMUP_EPOCHS    of the search (20)                        SEARCH_EPOCHS    all of the search (60)
#   FINETUNE_EPOCHS  (60)                                      BASELINE_EPOCHS  of the baseline (search + finetune)
#   NETS             random networks (8; 0: none)              SWEEP            flags of `trainer sweep` ("--betas 0,3"; none)
#   BATCH (32), SEED (0), BASE_LR of the search (1e-3)         SEARCH_FLAGS     such as `--beta` or `--target-us` (none)
#   FINETUNE_FLAGS   the recipe of the finetune, the baseline and the random networks
#                    ("--loss wing --pose-weight none --opt adam --base-lr 2e-3 --weight-decay 1e-4", as in docs/src/training.md)
# Not kept, since they change no result: NICE (10), the trainings' niceness; THREADS of the trainings (all).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

out=${1:-runs/results}
mkdir -p "$out"
# The temperature ends near 0.2: τ · e^(−decay · epochs) with τ 5.
decay() { awk -v n="$1" 'BEGIN { printf "%.4f", log(5 / 0.2) / (n > 0 ? n : 1) }'; }
WARMUP_EPOCHS=${WARMUP_EPOCHS:-20} SEARCH_EPOCHS=${SEARCH_EPOCHS:-60} FINETUNE_EPOCHS=${FINETUNE_EPOCHS:-60}
names="DATA POINTS_FILE LUT DEVICE BUILD_BUDGET WARMUP_EPOCHS SEARCH_EPOCHS FINETUNE_EPOCHS BASELINE_EPOCHS NETS SWEEP BATCH BASE_LR SEED
    SEARCH_FLAGS FINETUNE_FLAGS"
if [ -e "$out/settings" ]; then
    # shellcheck disable=SC1091
    . "$out/settings"
    echo "resuming $out with its settings" >&2
else
    : "${DATA:?DATA=FOLDER with train_data and test_data is needed}"
    POINTS_FILE=${POINTS_FILE:-} LUT=${LUT:-$out/table.csv} DEVICE=${DEVICE:-local} BUILD_BUDGET=${BUILD_BUDGET:-90s}
    BASELINE_EPOCHS=${BASELINE_EPOCHS:-$((SEARCH_EPOCHS + FINETUNE_EPOCHS))} NETS=${NETS:-8} SWEEP=${SWEEP:-}
    BATCH=${BATCH:-32} BASE_LR=${BASE_LR:-1e-3} SEED=${SEED:-0} SEARCH_FLAGS=${SEARCH_FLAGS:-}
    FINETUNE_FLAGS=${FINETUNE_FLAGS:---loss wing --pose-weight none --opt adam --base-lr 2e-3 --weight-decay 1e-4}
    for name in $names; do printf '%s=%q\n' "$name" "${!name}"; done >"$out/settings.new"
    mv "$out/settings.new" "$out/settings"
fi

run="$out/run"
mobilenet="$run/baselines/mobilenet"
data=(--data "$DATA")
points=()
[ -z "$POINTS_FILE" ] || points=(--points-file "$POINTS_FILE")
threads=()
[ -z "${THREADS:-}" ] || threads=(--threads "$THREADS")

started=$SECONDS
step() { printf '\n== %s (%d min %02d s)\n' "$*" $(((SECONDS - started) / 60)) $(((SECONDS - started) % 60)) >&2; }
# A stage that is done leaves FOLDER/done/NAME with its seconds, and is not run again.
stage() {
    local name=$1 begun=$SECONDS
    shift
    if [ -e "$out/done/$name" ]; then return; fi
    step "$name"
    "$@"
    mkdir -p "$out/done"
    echo $((SECONDS - begun)) >"$out/done/$name"
}
train() { nice -n "${NICE:-10}" "$trainer" "$@"; }

build_table() { [ -e "$out/table.csv" ] || "$profiler" build --space pfld --device "$DEVICE" --out "$out/table.csv" --budget "$BUILD_BUDGET"; }
# The flags hold words.
# shellcheck disable=SC2086
search() {
    if [ -e "$run/supernet/checkpoint_last.safetensors" ]; then
        train search --out "$run" --resume "${threads[@]}"
    else
        local tables=()
        for table in $LUT; do tables+=(--lut "$table"); done
        train search --out "$run" "${tables[@]}" "${data[@]}" "${points[@]}" --batch "$BATCH" --base-lr "$BASE_LR" --seed "$SEED" \
            --start-epoch "$WARMUP_EPOCHS" --end-epoch "$SEARCH_EPOCHS" --tau-decay "$(decay $((SEARCH_EPOCHS - WARMUP_EPOCHS)))" \
            "${threads[@]}" $SEARCH_FLAGS
    fi
}
# shellcheck disable=SC2086
finetune() {
    if [ -e "$run/subnet/checkpoint_last.safetensors" ]; then
        train finetune --out "$run" --resume "${threads[@]}"
    else
        train finetune --out "$run" "${data[@]}" "${points[@]}" --batch "$BATCH" --seed "$SEED" \
            --end-epoch "$FINETUNE_EPOCHS" "${threads[@]}" $FINETUNE_FLAGS
    fi
}
export_and_eval() {
    "$trainer" export --subnet "$1/subnet/checkpoint_last.safetensors" --out "$1/subnet.onnx" "${data[@]}" "${points[@]}"
    "$trainer" eval --model "$1/subnet.onnx" "${data[@]}" "${points[@]}" --json >"$1/eval.json.new"
    mv "$1/eval.json.new" "$1/eval.json"
}
# Both networks in one measurement, interleaved; split where reports look for it.
measure() {
    "$profiler" bench "$run/subnet.onnx" "$mobilenet/subnet.onnx" --device "$DEVICE" --threads 1 --json >"$out/measured.json.new"
    python3 - "$out/measured.json.new" "$run/measured.json" "$mobilenet/measured.json" <<'PYTHON'
import json, sys

rows = json.load(open(sys.argv[1]))
for row, path in zip(rows, sys.argv[2:], strict=True):
    json.dump([row], open(path, "w"))
PYTHON
    rm "$out/measured.json.new"
}

step "system packages, ONNX Runtime, compile"
scripts/setup-system.sh
ORT_DYLIB_PATH=$(scripts/setup-onnxruntime.sh)
export ORT_DYLIB_PATH
nice -n "${NICE:-10}" cargo build --release --workspace --bins
target=${CARGO_TARGET_DIR:-target}/release
profiler=$target/profiler trainer=$target/trainer

[ "$LUT" != "$out/table.csv" ] || stage table build_table
stage search search
stage finetune finetune
stage searched export_and_eval "$run"
stage mobilenet train baseline mobilenet --run "$run" --end-epoch "$BASELINE_EPOCHS" "${threads[@]}"
stage baseline export_and_eval "$mobilenet"
stage measure measure
[ "$NETS" -eq 0 ] || stage "random-$NETS" train baseline random --run "$run" --nets "$NETS" --seed "$SEED" "${threads[@]}"
# shellcheck disable=SC2086
[ -z "$SWEEP" ] || stage sweep train sweep --run "$run" $SWEEP "${threads[@]}"
"$trainer" report "$run" >/dev/null
step "done"

python3 - "$out" "$DEVICE" <<'PYTHON' | tee "$out/results.md"
import glob, json, os, sys

out, device = sys.argv[1:]
run = f"{out}/run"
read = lambda path: json.load(open(path))
arch = read(f"{run}/arch.json")
tables = arch.get("tables") or [{"table": arch["table"], "predicted": arch["predicted"]}]
folders = {"MobileNetV3-PFLD": f"{run}/baselines/mobilenet", "searched": run}
rows = {}
for name, folder in folders.items():
    rows[name] = {
        "bytes": os.path.getsize(f"{folder}/subnet.onnx"),
        # Paired with the canary, as the table's figures are.
        "us": read(f"{folder}/measured.json")[0]["paired_us"],
        "nme": 100 * read(f"{folder}/eval.json")["nme"],
    }
columns = "".join(f" predicted, {t['table']['device'] or t['table']['source']} |" for t in tables)
print(f"| network | layers | size, bytes | measured ({device}, 1 thread), µs |{columns} test NME, % |")
print("|---|---|---|---|" + "---|" * (len(tables) + 1))
for name, row in rows.items():
    layers = " ".join(f"`{c}`" for c in arch["choice"]) if name == "searched" else ""
    predicted = "".join(f" {t['predicted']['total']:.1f} |" if name == "searched" else " |" for t in tables)
    print(f"| {name} | {layers} | {row['bytes']:,} | {row['us']:.1f} |{predicted} {row['nme']:.3f} |")

print("\n| searched / baseline | here | published | at or beyond |\n|---|---|---|---|")
published = {"bytes": ("size", 0.69), "us": ("latency", 0.16), "nme": ("NME", 0.90)}
for key, (name, theirs) in published.items():
    ours = rows["searched"][key] / rows["MobileNetV3-PFLD"][key]
    print(f"| {name} | {ours:.3f} | {theirs:.2f} | {'yes' if ours <= theirs else 'no'} |")

comparison = f"{run}/baselines/random.json"
if os.path.exists(comparison):
    r = read(comparison)
    print("\n| random network | predicted | NME, % |\n|---|---|---|")
    for net in r["random"]:
        print(f"| {' '.join(f'`{c}`' for c in net['choice'])} | {net['predicted']:.1f} {r['unit']} | {net['nme']:.3f} |")
    sd = "" if r["sd"] is None else f" ± {r['sd']:.3f}"
    print(f"\nRandom networks: {r['mean']:.3f}{sd} % ({r['on']}). Searched less random:")
    interval = lambda e, digits=3: f" (95 %: {e['interval'][0]:+.{digits}f} to {e['interval'][1]:+.{digits}f})" if e["interval"] else ""
    print(f"\n- whatever their times, {r['difference']['value']:+.3f}{interval(r['difference'])} points")
    if adjusted := r["adjusted"]:
        d, slope = adjusted["difference"], adjusted["slope"]
        print(f"- at the searched one's time, {d['value']:+.3f}{interval(d)} points; "
              f"their error changes by {slope['value']:+.2g} points a {r['unit']}{interval(slope, 4)}")

took = {os.path.basename(p): int(open(p).read()) / 60 for p in glob.glob(f"{out}/done/*")}
print("\nMinutes: " + ", ".join(f"{name} {minutes:.1f}" for name, minutes in sorted(took.items(), key=lambda t: t[1])) + ".")
PYTHON
