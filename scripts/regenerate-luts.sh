#!/usr/bin/env bash
# Measures the tables of the devices that are listed in a small file again: one build and one check for each.
#
#   scripts/regenerate-luts.sh [--file FILE] [--nets N] [NAME…]
#
#   --file FILE   the list (default luts/devices.txt, which says what a line is)
#   --nets N      networks of the check (default 50)
#   NAME…         only these
#
# A table is replaced when its new one is whole; its raw samples lie beside it, packed; the check's result goes into its header.
# A device that is not there, or that fails, does not keep the others from being measured; the exit code is then 1. What a failed
# build has measured is gone on with the next time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

file=luts/devices.txt nets=50 names=()
while [ $# -gt 0 ]; do
    case $1 in
        --file) file=${2:?a file is needed} && shift 2 ;;
        --nets) nets=${2:?a number is needed} && shift 2 ;;
        -*) echo "unknown option '$1'; see the first lines of $0" >&2 && exit 2 ;;
        *) names+=("$1") && shift ;;
    esac
done
[ -r "$file" ] || {
    echo "$file cannot be read; it lists the devices: NAME DEVICE [options]" >&2
    exit 2
}
folder=$(dirname "$file")

wanted() { [ ${#names[@]} -eq 0 ] || printf '%s\n' "${names[@]}" | grep -qxF "$1"; }

# What the lines need: engines that are compiled in, for this machine, and MNN's converter, for any.
features=()
while read -r name device options; do
    case $name in '' | '#'*) continue ;; esac
    wanted "$name" || continue
    case " $options " in
        *" --engine mnn "*)
            build=
            if [ "$device" = local ]; then build=--build features+=(mnn); fi
            # shellcheck disable=SC2086
            scripts/setup-mnn.sh $build >/dev/null
            ;;
        *" --engine tract "*) if [ "$device" = local ]; then features+=(tract); fi ;;
        *)
            if [ "$device" = local ]; then
                ORT_DYLIB_PATH=${ORT_DYLIB_PATH:-$(scripts/setup-onnxruntime.sh)}
                export ORT_DYLIB_PATH
            fi
            ;;
    esac
done <"$file"
# shellcheck disable=SC1091
. scripts/ccache.sh
cargo build --quiet --release -p profiler --features "${features[*]}"
profiler=${CARGO_TARGET_DIR:-target}/release/profiler

# Measures under another name; only a whole table takes the old one's place.
regenerate() {
    local name=$1 device=$2
    shift 2
    local new=$folder/.$name.new
    # A space that is a file is not found by the table's name.
    local space=() i
    for ((i = 1; i < $#; i++)); do
        if [ "${!i}" = --space ]; then i=$((i + 1)) && space=(--space "${!i}"); fi
    done
    "$profiler" build --device "$device" --out "$new.csv" --raw "$new.raw.gz" --resume "$@" || return 1
    "$profiler" check "$new.csv" --device "$device" --nets "$nets" --seed "$((RANDOM * 32768 + RANDOM))" "${space[@]}" || return 1
    mv "$new.raw.gz" "$folder/$name.raw.gz"
    mv "$new.csv" "$folder/$name.csv"
}

failed=() seen=()
while read -r name device options; do
    case $name in '' | '#'*) continue ;; esac
    if [ -z "$device" ] || [[ ! $name =~ ^[A-Za-z0-9._-]+$ ]]; then
        echo "$file: '$name $device' is no line of the list: NAME DEVICE [options]" >&2
        exit 2
    fi
    wanted "$name" || continue
    seen+=("$name")
    echo "== $name ($device)" >&2
    # Options are words without blanks.
    # shellcheck disable=SC2086
    regenerate "$name" "$device" $options </dev/null || failed+=("$name")
done <"$file"

for name in "${names[@]}"; do
    printf '%s\n' "${seen[@]}" | grep -qxF "$name" || {
        echo "$file has no line for '$name'" >&2
        exit 2
    }
done
[ ${#seen[@]} -gt 0 ] || echo "$file lists no device" >&2
if [ ${#failed[@]} -gt 0 ]; then
    echo "failed: ${failed[*]}" >&2
    exit 1
fi
