#!/usr/bin/env python3
"""An evolutionary search under a latency limit. It needs only a table; with a device, it also measures the winner.

    examples/fbnet/search.py TABLE --limit MS [--rounds N] [--seed N]
    examples/fbnet/search.py TABLE --limit MS --space FOLDER --device DEVICE

For any table whose layers the package knows. It looks for the network with the most multiply-adds; in your own search, replace them by the
accuracy that your supernet reports. A network is accepted only if its whole 95 % interval is within the limit. With the
space's folder and a device (`local`, `adb`, `ssh://…`, `sim:sd625`) the program `profiler` measures the winner, with the table's engine and
threads.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Callable

from blocktime import Lut, LutError, Misfit, Prediction

Choice = list[int]


def search(lut: Lut, limit_us: float, worth: Callable[[Choice], float], rounds: int = 3000, seed: int = 1) -> tuple[Choice, Prediction]:
    """The best choice that was found within the limit, and its time. Raises `Misfit` if even the fastest network takes longer."""
    draw = random.Random(seed)
    sizes = [len(layer.candidates) for layer in lut.layers]
    fastest = [min(range(size), key=lambda k: lut.latency(layer, k)) for layer, size in enumerate(sizes)]
    if not interval_us(first := lut.predict(fastest))[1] <= limit_us:
        raise Misfit(f"the fastest network takes {first.total_us / 1000:.2f} ms", limit_us, interval_us(first)[1])
    population = [(worth(fastest), fastest, first)]
    for _ in range(rounds):
        child = [draw.choice(genes) for genes in zip(*(choice for _, choice, _ in draw.choices(population, k=2)))]
        layer = draw.randrange(len(sizes))
        child[layer] = draw.randrange(sizes[layer])
        if all(child != known for _, known, _ in population) and interval_us(time := lut.predict(child))[1] <= limit_us:
            population = sorted([*population, (worth(child), child, time)], key=lambda member: member[0])[-50:]
    return population[-1][1:]


def interval_us(time: Prediction) -> tuple[float, float]:
    """The 95 % interval, or the time twice if no interval is known."""
    return time.interval_us or (time.total_us, time.total_us)


def multiply_adds(lut: Lut) -> list[list[int]]:
    """Multiply-adds of the candidates of each layer. Raises `ValueError` if the table does not state all of them."""
    rows = [[lut.row(i, k) for k in range(len(layer.candidates))] for i, layer in enumerate(lut.layers)]
    unknown = sorted({row.key for of in rows for row in of if row.macs is None and row.kind != "identity"})
    if unknown:
        raise ValueError(f"the table does not state the multiply-adds of {', '.join(unknown)}")
    return [[row.macs or 0 for row in of] for of in rows]


def measured_us(lut: Lut, space: str, names: list[str], device: str) -> float:
    """Latency of a network of a space folder on a device. Raises `CalledProcessError` if `profiler` fails."""
    program = shutil.which("profiler") or "blocktime-profiler"

    def profiler(*arguments: str) -> str:
        return subprocess.run([program, *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout

    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "winner.onnx")
        profiler("net", "--space", space, "--arch", ",".join(names), "--out", file)
        setting = ["--engine", lut.header["engine"]["name"], "--threads", str(lut.header["threads"])]
        return float(json.loads(profiler("bench", file, "--device", device, *setting, "--json"))[0]["median_us"])


def main() -> None:
    """Searches, and shows the winner with its predicted and measured latency."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table")
    parser.add_argument("--limit", type=float, required=True, metavar="MS", help="milliseconds")
    parser.add_argument("--rounds", type=int, default=3000, help="number of networks to try")
    parser.add_argument("--seed", type=int, default=1, help="random seed")
    parser.add_argument("--space", metavar="FOLDER", help="space folder of the table, to measure the winner")
    parser.add_argument("--device", help="device on which the winner is measured")
    args = parser.parse_args()
    if (args.space is None) != (args.device is None):
        parser.error("give both --space and --device, or neither")
    if not args.limit > 0 or args.rounds < 1:
        parser.error("--limit must be above 0, and --rounds at least 1")
    try:
        lut = Lut.read(args.table)
        macs = multiply_adds(lut)

        def worth(choice: Choice) -> int:
            return sum(of[k] for of, k in zip(macs, choice))

        best, found = search(lut, 1000 * args.limit, worth, args.rounds, args.seed)
        names = [layer.candidates[k] for layer, k in zip(lut.layers, best)]
        print(" ".join(names))
        low, high = interval_us(found)
        print(f"predicted {found.total_us / 1000:.3f} ms (95 %: {low / 1000:.3f} to {high / 1000:.3f}), {worth(best) / 1e6:.1f} M")
        if args.device is not None:
            us = measured_us(lut, args.space, names, args.device)
            print(f"measured  {us / 1000:.3f} ms on {args.device}: the prediction is off by {found.total_us / us - 1:+.1%}")
    except (LutError, OSError, ValueError, subprocess.CalledProcessError) as error:
        parser.exit(2, f"{error}\n")


if __name__ == "__main__":
    main()
