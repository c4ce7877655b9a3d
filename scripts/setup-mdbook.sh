#!/usr/bin/env bash
# Installs mdbook, which builds the book in docs/, into the cache folder and prints its path.
#
# The folder is ${BLOCKTIME_CACHE:-${XDG_CACHE_HOME:-~/.cache}/blocktime}/mdbook/VERSION. Compiled without optimisation and without a server,
# which takes a minute or two. If it is installed, the script only prints the path.
set -euo pipefail

version=0.5.4
folder=${BLOCKTIME_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/blocktime}/mdbook/$version
if [ ! -x "$folder/bin/mdbook" ]; then
    mkdir -p "$folder"
    # Debug symbols would be most of the work and of the file.
    CARGO_TARGET_DIR="$folder/target" CARGO_PROFILE_DEV_DEBUG=false \
        cargo install mdbook --version "=$version" --locked --debug --no-default-features --quiet --root "$folder" >&2
    rm -rf "$folder/target"
fi
echo "$folder/bin/mdbook"
