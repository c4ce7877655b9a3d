"""A table that the installed program makes on this machine, and a search in it with the installed package: own_table.py SPACE."""

from __future__ import annotations

import itertools
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

from blocktime import Lut
from blocktime.header import parse

SHORT = ["--precision", "10%", "--nets", "5", "--sample", "200us"]
"""Settings of a build of seconds."""


def profiler(*arguments: object) -> str:
    """Runs the program, and gives its output."""
    return subprocess.run(["blocktime-profiler", *map(str, arguments)], check=True, stdout=subprocess.PIPE, text=True).stdout


def is_of(lut: Lut, space: Path) -> None:
    """The table has the space's layers, and times of this machine."""
    slots = [slot["candidates"] for slot in parse((space / "space.toml").read_text())["slot"] if "candidates" in slot]
    assert [layer.candidates for layer in lut.layers] == [tuple(candidate["name"] for candidate in slot) for slot in slots]
    files: dict[str, float] = {}
    for layer, slot in enumerate(slots):
        for name, time in list(lut.as_dict().values())[layer].items():
            (candidate,) = (of for of in slot if of["name"] == name)
            if candidate.get("identity"):
                assert time == 0.0
            else:
                assert time == files.setdefault(candidate["file"], time) and time > 0.0, "one file, one time"
    assert lut.fixed_us is not None and lut.fixed_us > 0.0
    assert lut.source == "measured"
    lut.require(engine="onnxruntime", threads=1)


def largest_within(lut: Lut, limit_us: float) -> list[int]:
    """The network of most multiply-adds among all that take less time than the limit."""

    def size(choice: tuple[int, ...]) -> int:
        return sum(lut.row(layer, candidate).macs or 0 for layer, candidate in enumerate(choice))

    choices = itertools.product(*(range(len(layer.candidates)) for layer in lut.layers))
    return list(max((choice for choice in choices if lut.predict(choice).total_us < limit_us), key=size))


def main() -> None:
    """Builds, searches, and measures the network that was found."""
    space = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        table, winner = Path(folder) / "own.csv", Path(folder) / "winner.onnx"
        profiler("build", "--space", space, "--device", "local", "--out", table, *SHORT)
        lut = Lut.read(table)
        is_of(lut, space)
        slowest = [max(range(len(layer.candidates)), key=lambda k: lut.latency(name, k)) for name, layer in enumerate(lut.layers)]
        limit = 0.9 * lut.predict(slowest).total_us
        best = largest_within(lut, limit)
        found = lut.predict(best)
        assert found.total_us < limit and best != slowest
        assert found.interval_us is not None and 0.0 <= found.interval_us[0] <= found.total_us <= found.interval_us[1] < math.inf

        names = [layer.candidates[k] for layer, k in zip(lut.layers, best)]
        profiler("net", "--space", space, "--arch", ",".join(names), "--out", winner)
        (measured,) = json.loads(profiler("bench", winner, "--device", "local", "--precision", "10%", "--budget", "5s", "--json"))
        # Not a bar for the prediction, but for the units: other programs may run here.
        assert 0.1 < measured["median_us"] / found.total_us < 10
        print(f"{' '.join(names)}: {found.total_us:.1f} µs predicted, {measured['median_us']:.1f} µs measured, limit {limit:.1f} µs")


if __name__ == "__main__":
    main()
