#!/usr/bin/env bash
# All checks of training that need a GPU, within ten minutes:
#
#   scripts/on-gpu.sh FOLDER OUT      FOLDER as scripts/build-gpu.sh has made it; results go to OUT/gpu.txt
#
# Parity with the reference's data, steps of training beside PyTorch's on the same GPU, a short search on synthetic faces, memory. The
# machine needs Python with PyTorch, whose packages bring CUDA's libraries; it needs no Rust and no network. A part that fails does not
# keep the others from running; the exit code is 1 then.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
folder=$(realpath "$1")
mkdir -p "$2"
out=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

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
    timeout "$limit" "$@" 2>&1
    local code=$?
    printf -- '-- %s: %s, %s s\n' "$name" "$([ $code = 0 ] && echo done || echo "failed with $code")" $((SECONDS - start))
    [ $code = 0 ] || failed=1
}

beside() {
    part 75 "$1 step, batch $2, beside PyTorch" \
        python3 research/bench_vs_pytorch.py --compute cuda --program "$folder/step" --threads "$(nproc)" --steps 20 --pass "$1" --batch "$2"
}

all() {
    nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader
    python3 -c 'import torch; print("PyTorch", torch.__version__, "CUDA", torch.version.cuda)'
    if [ -e "$folder/shared/reference/pfld_reference.json" ]; then
        BLOCKTIME_SHARED=$folder/shared BLOCKTIME_REQUIRE_SHARED=1 BLOCKTIME_REQUIRE_GPU=1 \
            part 60 "parity with the reference" "$folder/parity" --nocapture --test-threads 1
    fi
    for batch in 256 2048; do beside weights $batch; done
    beside arch 256
    beside finetune 256
    part 50 "synthetic faces" "$folder/trainer" synth --out "$work/faces" --train 4000 --test 400
    # Its metrics tell images a second, and how long the training waited for pictures.
    part 100 "a short search" "$folder/trainer" search --lut luts/amd-epyc.csv --data "$work/faces" --out "$work/run" --batch 256 \
        --base-lr 1e-3 --start-epoch 1 --end-epoch 4 --compute cuda
    cat "$work/run/metrics.csv"
    return $failed
}

all | tee "$out/gpu.txt"
exit "${PIPESTATUS[0]}"
