#!/usr/bin/env bash
# All checks of training that need a GPU, within ten minutes:
#
#   scripts/on-gpu.sh FOLDER OUT        FOLDER as scripts/build-gpu.sh has made it
#   scripts/on-gpu.sh FOLDER OUT cpu    a dry run without a GPU: the same parts on the CPU with few pictures; its figures mean nothing
#
# Parity with the reference's data, training steps beside PyTorch's on the same GPU and beside two CPU cores, the loader alone, a short
# search on synthetic faces, memory. At the end a table says which bars are met. OUT gets gpu.txt (all that is printed), gpu.json (the bars
# and all figures), and the files that they were made from.
#
# The machine needs Python with PyTorch, whose packages bring CUDA's libraries; it needs no Rust and no network. A part that fails does not
# keep the others from running. The exit code is 1 if a part fails, or if a bar is missed on a GPU.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
folder=$(realpath "$1")
mkdir -p "$2"
out=$(realpath "$2")
compute=${3:-cuda}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# Steps that are timed, the usual batch and a large one, faces for training and for tests, and how many times its limit a part may take:
# PyTorch is slow on a CPU.
if [ "$compute" = cpu ]; then
    steps=2 batch=8 large=16 faces=(64 16) times=5
else
    steps=20 batch=256 large=2048 faces=(4000 400) times=1
fi
# What is timed: the pass and its batch.
timed=("weights $batch" "weights $large" "arch $batch" "finetune $batch")

# PyTorch's packages have CUDA's libraries in folders of their own.
folders=$(python3 - <<'PYTHON'
import glob, os, site, sysconfig

sites = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *site.getsitepackages(), site.getusersitepackages()}
print(":".join(folder for path in sorted(sites) for folder in sorted(glob.glob(os.path.join(path, "nvidia", "*", "lib")))))
PYTHON
)
export LD_LIBRARY_PATH=$folders:/usr/local/cuda/lib64:${LD_LIBRARY_PATH:-}

# part SECONDS NAME COMMAND…
part() {
    local limit=$1 name=$2 start=$SECONDS
    shift 2
    printf '\n== %s\n' "$name"
    timeout $((limit * times)) "$@" 2>&1
    local code=$?
    printf -- '-- %s: %s, %s s\n' "$name" "$([ $code = 0 ] && echo done || echo "failed with $code")" $((SECONDS - start))
    [ $code = 0 ] || failed=1
    return $code
}

# step SECONDS NAME FILE ARGUMENT…: one pass and batch, its figures into OUT/FILE.
step() {
    local limit=$1 name=$2 file=$3
    shift 3
    part "$limit" "$name" python3 research/bench_vs_pytorch.py --program "$folder/step" --json "$out/$file" "$@"
}

# Sets `parity`.
compare_with_reference() {
    if [ ! -e "$folder/shared/reference/pfld_reference.json" ]; then
        parity=missing
        return
    fi
    local gpu=1
    if [ "$compute" = cpu ]; then gpu=0; fi
    BLOCKTIME_SHARED=$folder/shared BLOCKTIME_REQUIRE_SHARED=1 BLOCKTIME_REQUIRE_GPU=$gpu \
        part 60 "parity with the reference" "$folder/parity" --nocapture --test-threads 1 && parity=passed || parity=failed
}

# With as many threads as training on a GPU gives it.
time_loader() {
    # shellcheck disable=SC2016
    part 20 "the loader alone, images a second" sh -c '"$0" "$1" "$2" "$(nproc)" > "$3" && cat "$3"' \
        "$folder/loading" "$work/faces" $batch "$out/loader.txt"
}

all() {
    if [ "$compute" != cpu ]; then nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader; fi
    python3 -c 'import torch; print("PyTorch", torch.__version__, "CUDA", torch.version.cuda)'
    printf '%s CPUs\n' "$(nproc)"
    local parity pass n each
    compare_with_reference
    for each in "${timed[@]}"; do
        read -r pass n <<<"$each"
        step 70 "$pass step, batch $n, beside PyTorch" steps.jsonl \
            --compute "$compute" --threads "$(nproc)" --steps $steps --pass "$pass" --batch "$n"
    done
    # With the smaller batch, where a CPU computes more images a second.
    for pass in weights arch finetune; do
        step 20 "$pass step on two CPU cores" cpu.jsonl --alone --compute cpu --threads 2 --steps 3 --pass $pass --batch $batch
    done
    part 50 "synthetic faces" "$folder/trainer" synth --out "$work/faces" --train "${faces[0]}" --test "${faces[1]}"
    time_loader
    # Its metrics tell images a second, and how long the training waited for pictures.
    part 90 "a short search" "$folder/trainer" search --lut luts/amd-epyc.csv --data "$work/faces" --out "$work/run" --batch $batch \
        --base-lr 1e-3 --start-epoch 1 --end-epoch 4 --compute "$compute"
    if [ -e "$work/run/metrics.csv" ]; then
        cp "$work/run/metrics.csv" "$out"
        cat "$out/metrics.csv"
    fi
    printf '\n== bars\n'
    scripts/gpu_bars.py "$out" --compute "$compute" --parity "$parity" --cpu-batch $batch "${timed[@]}" || failed=1
    return $failed
}

rm -f "$out"/{steps.jsonl,cpu.jsonl,loader.txt,metrics.csv,gpu.json}
all | tee "$out/gpu.txt"
exit "${PIPESTATUS[0]}"
