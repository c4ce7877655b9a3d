#!/usr/bin/env python3
"""What Kendall tau can the check of a simulated table reach? From the raw file of a build:

    research/rank_limit.py luts/sd625.raw.gz luts/sd625-tract.raw.gz

For each: how far the networks' times lie apart; by how much the runs of one network differ; how well a network follows from the others as
a sum of its layers' candidates (least squares, each network left out once); the tau that such errors allow, if times and errors are
normal; and the same with any number of networks, where only what does not add up is left.
"""

import argparse
import gzip
import json
import math
import struct

# Keeps the equations soluble where candidates always occur together.
RIDGE = 1e-3
# Layers of the same shapes share their candidates.
SHAPES = [0, 0, 1, 2, 2]


def times(path):
    """Runs in µs of each whole network."""
    with gzip.open(path) as file:
        json.loads(file.readline())
        contents = json.loads(file.readline())
        for _ in range(contents["lines"]):
            file.readline()
        columns = {}
        for name, width in contents["columns"]:
            columns[name] = list(zip(*(file.read(contents["samples"]) for _ in range(width))))
    runs = {}
    for item, us in zip(columns["item"], columns["us"]):
        name = contents["names"][int.from_bytes(item, "little")]
        if name.startswith("net:"):
            runs.setdefault(name[4:], []).append(struct.unpack("<f", bytes([0, *us]))[0])
    return runs


def inverse(matrix):
    """By Gauss and Jordan; the matrix is positive definite."""
    size = len(matrix)
    rows = [list(row) + [float(i == j) for j in range(size)] for i, row in enumerate(matrix)]
    for i in range(size):
        rows[i] = [x / rows[i][i] for x in rows[i]]
        for j in range(size):
            if j != i and rows[j][i]:
                factor = rows[j][i]
                rows[j] = [x - factor * y for x, y in zip(rows[j], rows[i])]
    return [row[size:] for row in rows]


def left_out(nets, us):
    """Relative error of each network, predicted from the others, and the number of figures that were fitted."""
    parts = sorted({(SHAPES[k], part) for net in nets for k, part in enumerate(net)})
    counts = [[float(sum((SHAPES[k], part) == own for k, part in enumerate(net))) for own in parts] + [1.0] for net in nets]
    size = len(parts) + 1
    normal = [[sum(row[i] * row[j] for row in counts) + RIDGE * (i == j) for j in range(size)] for i in range(size)]
    solved = inverse(normal)
    gains = [[sum(row[i] * solved[i][j] for i in range(size)) for j in range(size)] for row in counts]
    right = [sum(row[j] * time for row, time in zip(counts, us)) for j in range(size)]
    errors = []
    for gain, row, time in zip(gains, counts, us):
        fitted = sum(g * r for g, r in zip(gain, right))
        leverage = sum(g * r for g, r in zip(gain, row))
        errors.append((time - fitted) / (1 - leverage) / time)
    return errors, size


def tau(error, spread):
    return 2 / math.pi * math.asin(1 / math.hypot(1, error / spread))


def root_mean_square(values):
    return math.sqrt(sum(value * value for value in values) / len(values))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("raw", nargs="+", metavar="RAW.gz")
    for path in parser.parse_args().raw:
        runs = times(path)
        us = [sum(own) / len(own) for own in runs.values()]
        mean = sum(us) / len(us)
        spread = root_mean_square([time / mean - 1 for time in us])
        ranges = [(max(own) - min(own)) * len(own) / sum(own) for own in runs.values()]
        errors, fitted = left_out([name.split() for name in runs], us)
        error = root_mean_square(errors)
        rest = error / math.sqrt(1 + fitted / len(us))
        print(path)
        print(f"  {len(us)} networks, {min(us):.0f} to {max(us):.0f} µs, standard deviation {100 * spread:.1f} %")
        print(f"  runs of one network differ by more than 1 % in {sum(r > 0.01 for r in ranges)} of them, by {100 * max(ranges):.1f} % at most")
        print(f"  predicted from the others: {100 * error:.2f} % (rms), which allows a tau of {tau(error, spread):.3f}")
        print(f"  with any number of networks: {100 * rest:.2f} %, {tau(rest, spread):.3f}; a tau of 0.94 needs {100 * spread / math.tan(math.pi * 0.94 / 2):.2f} %")


if __name__ == "__main__":
    main()
