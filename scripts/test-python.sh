#!/usr/bin/env bash
# Tests the Python package: scripts/test-python.sh [arguments of pytest]
#
# Types first, then the tests, in the virtual environment of scripts/setup-pytorch.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../python"

python=$(../scripts/setup-pytorch.sh)
"$python" -m mypy --cache-dir "$(dirname "$python")/../mypy"
PYTHONPATH=src "$python" -m pytest -q -p no:cacheprovider "$@"
