#!/usr/bin/env bash
# Compares the simulated cores with published times of real ones, and writes simulator/validation/README.md, its pictures and its data:
#
#   scripts/validate-simulator.sh                  everything: tract's kernels, whole networks of ncnn
#   scripts/validate-simulator.sh --rows N         N of tract's rows only, chosen at random; nothing is written
#   scripts/validate-simulator.sh --without-networks       tract's kernels only; nothing is written
#   scripts/validate-simulator.sh --networks FOLDER…   ncnn's parameter files of FOLDERs, too: NAME.param of networks whose published times are
#                                                  not known here; `NAME WIDTH HEIGHT` stand in FOLDER/sizes
#
# Fails if a figure misses its limit. Needs scripts/setup-simulator.sh and scripts/setup-aarch64.sh. For the networks it needs
# $BLOCKTIME_NCNN_SETUP (default: shared/a53/ncnn/setup.sh beside the checkout): `$BLOCKTIME_NCNN_SETUP FOLDER` makes FOLDER/root, an arm64
# system with Python and ncnn, FOLDER/nb.py, which times a network (NAME WIDTH HEIGHT THREADS), and FOLDER/params/NAME.param.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { echo "validate-simulator: $*" >&2; }
die() {
    say "$*"
    exit 2
}

rows=()
extra=()
with_networks=yes
while [ $# -gt 0 ]; do
    case $1 in
        --rows)
            rows=(--most "${2:?--rows needs a number}")
            with_networks=no
            shift 2
            ;;
        --networks)
            extra+=("${2:?--networks needs a folder}")
            shift 2
            ;;
        --without-networks)
            with_networks=no
            shift
            ;;
        *) die "unknown argument '$1'" ;;
    esac
done

# Figures without the networks would be nearer to real chips than they are: nothing is written without them.
setup=${BLOCKTIME_NCNN_SETUP:-../shared/a53/ncnn/setup.sh}
if [ $with_networks = yes ] && [ ! -e "$setup" ]; then
    die "there is no $setup, which brings ncnn for the networks: name it in BLOCKTIME_NCNN_SETUP, or give --without-networks"
fi

cache=${BLOCKTIME_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/blocktime}
parts=${BLOCKTIME_AARCH64:-$cache/aarch64}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say "building the profiler and the comparison"
# All the work is the plugin's. For a few rows the programs are those that the tests have compiled, debug builds.
cargo build --quiet --release --locked --package simulator-plugin
targets=$(cd "${CARGO_TARGET_DIR:-target}" && pwd)
export BLOCKTIME_SIMULATOR_PLUGIN=$targets/release/libsimulator_plugin.so
if [ ${#rows[@]} = 0 ]; then
    cargo build --quiet --release --locked --package profiler --package validation
    target=$targets/release
else
    cargo build --quiet --locked --workspace --bins
    target=$targets/debug
fi

# Another compiler than the host's, as in build-agent.sh: the standard library is built from source where it is not there.
say "building tract's kernels for aarch64"
kernels=simulator/validation/kernels
triple=aarch64-unknown-linux-musl
(
    if [ -x "$parts/rust/rustc" ]; then export RUSTC=$parts/rust/rustc; fi
    export CARGO_TARGET_DIR=${BLOCKTIME_CROSS_TARGET:-$cache/cross-target}
    unset RUSTC_WRAPPER RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_TARGET
    options=()
    if ! compgen -G "$("${RUSTC:-rustc}" --print target-libdir --target $triple)/libstd-*.rlib" >/dev/null; then
        options=(-Zbuild-std=std,panic_unwind)
        export RUSTC_BOOTSTRAP=1
    fi
    export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER=aarch64-linux-gnu-gcc CC_aarch64_unknown_linux_musl=aarch64-linux-gnu-gcc
    cargo build --quiet --release --locked --manifest-path $kernels/Cargo.toml --target $triple "${options[@]}"
    cp "$CARGO_TARGET_DIR/$triple/release/kernels" "$work/kernels"
)

# The published times are those that the crate of the engine has.
tract=$(cargo metadata --format-version 1 --locked --filter-platform "$(rustc -vV | sed -n 's/^host: //p')" --all-features |
    grep -o '"manifest_path":"[^"]*/tract-linalg-[^"/]*/Cargo.toml"' | sed 's/^"manifest_path":"//; s/.Cargo.toml"$//' | head -1)
[ -e "$tract/src/arm64/cortex_a53.txt" ] || die "tract-linalg's sources are not where cargo says: '$tract'"

# simulate CHIP PROGRAM ARG…: in simulated time; what the simulator tells goes aside.
simulate() {
    local chip=$1
    shift
    "$target/profiler" simulate --chip "$chip" --env TRACT_CPU_AARCH64_KIND=a53 "${options[@]}" -- "$@" 2>>"$work/told"
}

"$target/validation" rows "$tract/src/arm64" "${rows[@]}" >"$work/rows"
workers=$(nproc)
say "simulating $(wc -l <"$work/rows") of tract's rows on $workers processors"
options=()
pids=()
for ((worker = 0; worker < workers; worker++)); do
    awk -v n="$workers" -v k="$worker" 'NR % n == k' "$work/rows" >"$work/rows.$worker"
    simulate rpi3b "$work/kernels" <"$work/rows.$worker" >"$work/seconds.$worker" &
    pids+=($!)
done
for pid in "${pids[@]}"; do wait "$pid" || die "the simulation failed"; done
cat "$work"/seconds.* >"$work/seconds"

networks=()
if [ $with_networks = yes ]; then
    ncnn=$cache/ncnn-aarch64
    if [ ! -e "$ncnn/run.sh" ]; then
        say "fetching an arm64 Python with ncnn"
        bash "$setup" "$ncnn" >&2
    fi
    sizes=$(printf '%s\n' 'squeezenet 227 227' 'mobilenet 224 224' 'blazeface 128 128')
    for folder in "${extra[@]}"; do
        cp "$folder"/*.param "$ncnn/params/"
        sizes+=$'\n'$(cat "$folder/sizes")
    done
    while read -r name width height; do
        say "simulating $name"
        options=(--sysroot "$ncnn/root")
        simulate qrb2210 "$ncnn/root/usr/bin/python3.11" "$ncnn/nb.py" "$name" "$width" "$height" 1 >>"$work/networks"
    done <<<"$sizes"
    networks=(--networks "$work/networks")
fi

# A few rows judge the warm kernels alone: of the others there are too few.
written=(--check warm)
if [ $with_networks = yes ]; then written=(--check --folder simulator/validation); fi
sources=$(find simulator/src simulator/cores simulator/chips -type f | LC_ALL=C sort | xargs cat | sha256sum | cut -c1-12)
conditions="Core \`cortex-a53\`, chips \`rpi3b\` and \`qrb2210\`, of the model and the files whose hash is $sources; QEMU 7.2 (\`scripts/setup-simulator.sh\`)."
"$target/validation" report "$tract/src/arm64" --kernels "$work/seconds" "${networks[@]}" --conditions "$conditions" "${written[@]}"
