"""Follows a page of the documentation in an empty folder, with the programs that are installed: walk.py own-blocks.md

The blocks of code run in the page's order, the commands in a shell and all of Python in one program. The first block installs, which
scripts/test-wheel.sh has done. Two commands get shorter settings than the page's, which take a minute: see `SHORTER`.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from page import code_of

from blocktime import Lut
from blocktime.header import parse

SHORTER = """
blocktime-profiler() {
    case $1 in
        build) command blocktime-profiler "$@" --precision 10% --nets 5 --sample 200us ;;
        # Exit code 5: this machine is too busy for a verdict.
        check) command blocktime-profiler "$@" --precision 10% --nets 3 --max-mape 60% || [ $? = 5 ] ;;
        *) command blocktime-profiler "$@" ;;
    esac
}
"""
"""For the shell: the program with fewer networks and samples, where it builds and checks a table."""


def follow(page: str) -> dict[str, Any]:
    """Runs the page's code after its first block; the names that its Python leaves."""
    (_, install), *blocks = code_of(page)
    assert 'pip install "$wheel[torch,export]"' in install and "blocktime-profiler setup ort" in install
    names: dict[str, Any] = {}
    for language, text in blocks:
        print(text, flush=True)
        if language == "python":
            exec(compile(text, page, "exec"), names)
        else:
            subprocess.run(["bash", "-euc", SHORTER + text], check=True)
    return names


def own_blocks_lead_to_a_table_and_a_network(names: dict[str, Any]) -> None:
    """What docs/src/own-blocks.md promises, once it was followed."""
    lut, network = names["lut"], names["network"]
    assert isinstance(lut, Lut) and lut.source == "measured"
    slots = parse(Path("my-space/space.toml").read_text())["slot"]
    stated = [tuple(of["name"] for of in slot["candidates"]) for slot in slots if "candidates" in slot]
    assert [layer.candidates for layer in lut.layers] == stated and len(stated) == 6
    assert all((time == 0.0) == (name == "skip") for layer in lut.as_dict().values() for name, time in layer.items())
    low, high = network.interval_us
    assert 0.0 <= low <= network.total_us <= high < math.inf
    for alpha in names["alphas"]:
        assert alpha.grad is not None and alpha.grad.isfinite().all()
    assert any(alpha.grad.abs().sum() > 0 for alpha in names["alphas"])
    assert 101 <= len(names["fitting"]) < 1000
    assert Path("mine.html").stat().st_size > 0 and Path("winner.onnx").stat().st_size > 0


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        own_blocks_lead_to_a_table_and_a_network(follow(sys.argv[1]))


if __name__ == "__main__":
    main()
