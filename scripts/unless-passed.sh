# For scripts (`. scripts/unless-passed.sh`) in the project's folder. Skips a slow step that would give the same result again:
#
#   unless_passed NAME INPUT… -- COMMAND…     runs the command, unless it has passed before with the same inputs
#
# Inputs are files and folders; the build's own settings, the scripts, the compilers and the command always count as well. What passed is
# noted in ${BLOCKTIME_CACHE:-${XDG_CACHE_HOME:-~/.cache}/blocktime}/passed/NAME: from empty caches, everything runs.
# shellcheck shell=bash

# inputs_hash INPUT…: one hash of all that the result depends on.
inputs_hash() {
    local rust=${BLOCKTIME_AARCH64:-${BLOCKTIME_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/blocktime}/aarch64}/rust/rustc
    {
        rustc -vV
        if [ -x "$rust" ]; then "$rust" -vV; fi
        if command -v aarch64-linux-gnu-g++ >/dev/null; then aarch64-linux-gnu-g++ --version; fi
        find Cargo.toml Cargo.lock .cargo .ci scripts "$@" -type f ! -path '*/__pycache__/*' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
    } | sha256sum | cut -d' ' -f1
}

unless_passed() {
    local name=$1 inputs=() folder hash
    shift
    while [ "$1" != -- ]; do
        inputs+=("$1")
        shift
    done
    shift
    folder=${BLOCKTIME_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/blocktime}/passed
    hash=$(inputs_hash "${inputs[@]}") || return
    hash=$(echo "$* $hash" | sha256sum | cut -d' ' -f1)
    if [ "$(cat "$folder/$name" 2>/dev/null)" = "$hash" ]; then
        echo "skipped: $name, unchanged since it passed on $(date -r "$folder/$name" '+%F %T'); to run it again, remove $folder/$name" >&2
        return 0
    fi
    "$@" || return
    mkdir -p "$folder"
    echo "$hash" >"$folder/.$name.new"
    mv "$folder/.$name.new" "$folder/$name"
}
