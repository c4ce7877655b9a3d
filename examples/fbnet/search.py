#!/usr/bin/env python3
"""An evolutionary search under a latency limit, with a table and nothing else.

    examples/fbnet/search.py TABLE --limit MS [--rounds N] [--seed N]

For any table whose layers the package knows. It looks for the network of most multiply-adds: they stand for the accuracy that a search of
your own asks its supernet for. A network is taken only if its whole 95 % interval is within the limit.
"""

from __future__ import annotations

import argparse
import random
from typing import Callable

from blocktime import Lut, LutError

Choice = list[int]


def search(lut: Lut, limit_us: float, worth: Callable[[Choice], float], rounds: int = 3000, seed: int = 1) -> Choice:
    """The choice of most worth that was found within the limit; `ValueError` where even the fastest takes longer."""
    draw = random.Random(seed)
    sizes = [len(layer.candidates) for layer in lut.layers]

    def fits(choice: Choice) -> bool:
        found = lut.predict(choice)
        return (found.interval_us or (0.0, found.total_us))[1] <= limit_us

    population = [[min(range(size), key=lambda k: lut.latency(layer, k)) for layer, size in enumerate(sizes)]]
    if not fits(population[0]):
        raise ValueError(f"the fastest network takes {lut.predict(population[0]).total_us / 1000:.2f} ms")
    for _ in range(rounds):
        child = [draw.choice(genes) for genes in zip(*draw.choices(population, k=2))]
        layer = draw.randrange(len(sizes))
        child[layer] = draw.randrange(sizes[layer])
        if child not in population and fits(child):
            population = sorted([*population, child], key=worth)[-50:]
    return population[-1]


def main() -> None:
    """Searches, and shows the winner with what measures it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table")
    parser.add_argument("--limit", type=float, required=True, metavar="MS", help="milliseconds")
    parser.add_argument("--rounds", type=int, default=3000, help="networks looked at")
    parser.add_argument("--seed", type=int, default=1, help="of the random choices")
    args = parser.parse_args()
    try:
        lut = Lut.read(args.table)
        macs = [[lut.row(i, k).macs or 0 for k in range(len(layer.candidates))] for i, layer in enumerate(lut.layers)]
        best = search(lut, 1000 * args.limit, lambda choice: sum(of[k] for of, k in zip(macs, choice)), args.rounds, args.seed)
    except (LutError, OSError, ValueError) as error:
        parser.exit(2, f"{error}\n")
    found = lut.predict(best)
    low, high = found.interval_us or (found.total_us, found.total_us)
    names = [layer.candidates[k] for layer, k in zip(lut.layers, best)]
    print(" ".join(names))
    print(f"{found.total_us / 1000:.3f} ms (95 %: {low / 1000:.3f} to {high / 1000:.3f}), {sum(of[k] for of, k in zip(macs, best)) / 1e6:.1f} M")
    print(f"measure it: profiler net --space FOLDER --arch {','.join(names)} --out winner.onnx; profiler bench winner.onnx --device DEV")


if __name__ == "__main__":
    main()
