#!/usr/bin/env bash
# Installs the Python package into empty environments, as a new user would, and uses it: scripts/test-wheel.sh
#
# Once from its folder, which is pure Python; once from the wheel with the programs, which then make a table to search in; and once with
# PyTorch, to follow the page docs/src/own-blocks.md.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
project=$PWD

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Measured times do not matter here: no waiting for other measurements on this machine.
export BLOCKTIME_LOCKS=$work/locks
mkdir "$BLOCKTIME_LOCKS"

# fresh NAME: an empty environment.
fresh() { python3 -m venv "$work/$1"; }

# install NAME WHAT: WHAT in that environment.
install() { "$work/$1/bin/pip" install --quiet --disable-pip-version-check "$2"; }

# in_fresh NAME SCRIPT ARGUMENTS…: a script of the tests with that environment's Python and programs, away from the project's folder.
in_fresh() {
    local bin=$work/$1/bin script=$project/python/tests/$2
    shift 2
    (cd "$work" && PATH=$bin:$PATH "$bin/python" "$script" "$@")
}

# A copy, since pip leaves what it builds in the folder.
cp -rL python "$work/source"
fresh pure
install pure "$work/source"
in_fresh pure search.py "$project/luts/amd-epyc.csv"

wheel=$(scripts/build-wheel.sh --dev "$work/wheels")
fresh programs
install programs "$wheel"
bin=$work/programs/bin
"$bin/blocktime-profiler" --version
"$bin/blocktime-trainer" --version
"$bin/blocktime-profiler" lut validate luts/amd-epyc.csv
"$bin/blocktime-profiler" setup ort
in_fresh programs own_table.py "$project/tests/spaces/onnx/torchscript"

# PyTorch is gigabytes: its environment lends it to this one, and pip finds there what the extras ask for.
fresh page
"$(scripts/setup-pytorch.sh)" -c 'import site; print(*site.getsitepackages(), sep="\n")' >"$(echo "$work"/page/lib/python3*/site-packages)/pytorch.pth"
install page "${wheel}[torch,export]"
in_fresh page walk.py own-blocks.md
echo "the wheel: ok"
