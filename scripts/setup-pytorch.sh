#!/usr/bin/env bash
# Installs PyTorch and what the Python package's tests need beside it, and prints the path of that environment's Python.
#
# The virtual environment is ${BLOCKTIME_CACHE:-${XDG_CACHE_HOME:-~/.cache}/blocktime}/pytorch; research/bench_vs_pytorch.py uses it too. It is
# created or completed if needed.
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
echo "$python"
