"""An evolutionary search under a latency limit with nothing but the installed package: search.py TABLE."""

from __future__ import annotations

import random
import sys

from blocktime import Lut


def main() -> None:
    """Finds the network of most multiply-adds within 110 % of the fastest one's time, and shows it."""
    lut = Lut.read(sys.argv[1])
    draw = random.Random(1)

    def size(choice: list[int]) -> int:
        return sum(lut.row(layer, candidate).macs or 0 for layer, candidate in enumerate(choice))

    def time(choice: list[int]) -> float:
        return lut.predict(choice).total_us

    fastest = [min(range(len(layer.candidates)), key=lambda k: lut.latency(name, k)) for name, layer in enumerate(lut.layers)]
    limit = 1.1 * time(fastest)
    population = [fastest]
    for _ in range(2000):
        child = list(draw.choice(population))
        layer = draw.randrange(len(child))
        child[layer] = draw.randrange(len(lut.layers[layer].candidates))
        if time(child) <= limit:
            population = sorted([*population, child], key=size)[-20:]
    best = population[-1]
    assert fastest != best and size(best) > size(fastest) and time(best) <= limit
    names = [layer.candidates[k] for layer, k in zip(lut.layers, best)]
    print(f"{' '.join(names)}: {time(best):.1f} µs of {limit:.1f} µs, {size(best)} multiply-adds in place of {size(fastest)}")


if __name__ == "__main__":
    main()
