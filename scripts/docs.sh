#!/usr/bin/env bash
# Builds the book in docs/ into target/book (or the folder given) and checks the links of all pages: scripts/docs.sh [FOLDER]
#
#   scripts/docs.sh --pictures     draws the pictures again from the committed tables, and does nothing else
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [ "${1:-}" = --pictures ]; then
    cargo run --quiet -p profiler -- lut show luts/amd-epyc.csv --out docs/src/pictures/amd-epyc.svg >/dev/null
    exit
fi
scripts/check_links.py
mdbook=$(scripts/setup-mdbook.sh)
"$mdbook" build docs --dest-dir "$(realpath -m "${1:-target/book}")"
