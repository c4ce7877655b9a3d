#!/usr/bin/env bash
# Installs the Python package into empty environments, as a new user would, and uses it: scripts/test-wheel.sh
#
# Once from its folder, which is pure Python, and once from the wheel with the programs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# fresh NAME WHAT: an empty environment with WHAT installed, which searches in a table.
fresh() {
    python3 -m venv "$work/$1"
    "$work/$1/bin/pip" install --quiet --disable-pip-version-check "$2"
    (cd "$work" && "$work/$1/bin/python" "$OLDPWD/python/tests/search.py" "$OLDPWD/luts/amd-epyc.csv")
}

# A copy, since pip leaves what it builds in the folder.
cp -rL python "$work/source"
fresh pure "$work/source"
fresh programs "$(scripts/build-wheel.sh --dev "$work/wheels")"
bin=$work/programs/bin
"$bin/blocktime-profiler" --version
"$bin/blocktime-trainer" --version
"$bin/blocktime-profiler" lut validate luts/amd-epyc.csv
echo "the wheel: ok"
