#!/usr/bin/env bash
# Tests the Python package: scripts/test-python.sh [arguments of pytest]
#
# Types first, then the tests, in the virtual environment with PyTorch, which research/bench_vs_pytorch.py uses too:
# ${BLOCKTIME_CACHE:-${XDG_CACHE_HOME:-~/.cache}/blocktime}/pytorch. It is created or completed if needed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../python"

environment=${BLOCKTIME_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/blocktime}/pytorch
python=$environment/bin/python
pip() { "$python" -m pip "$@" --quiet --disable-pip-version-check >&2; }

if ! "$python" -c "import torch, numpy" 2>/dev/null; then
    echo "installing PyTorch into $environment" >&2
    python3 -m venv "$environment"
    pip install torch numpy
fi
# What is there with these versions is not looked for again.
noted=$environment/requirements-test.txt
if ! cmp -s requirements-test.txt "$noted"; then
    pip install -r requirements-test.txt
    cp requirements-test.txt "$noted"
fi

"$python" -m mypy --cache-dir "$environment/mypy"
PYTHONPATH=src "$python" -m pytest -q -p no:cacheprovider "$@"
