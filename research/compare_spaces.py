#!/usr/bin/env python3
"""Times a training step of the supernets of some search spaces, turn by turn in one run, and compares them with the first.

    research/compare_spaces.py pfld pfld-full [--batch 32] [--steps 21] [--threads 2]

A space is a name or a file. `weights` trains a supernet's weights by mixtures of all candidates, `path` by one candidate per layer (as
`trainer search --warm-up fair` does), `arch` the architecture. An epoch of a search trains the weights on four fifths of the faces and the
architecture on the rest, so it takes as long as four steps of `weights` and one of `arch`. Needs an idle machine.
"""

import argparse
import os

from turns import Side, step_program, take_turns

PASSES = ["weights", "path", "arch"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spaces", nargs="+", metavar="SPACE")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=21, help="timed steps of each")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    args = parser.parse_args()

    program = step_program()
    seconds = {space: {} for space in args.spaces}
    for which in PASSES:
        shape = ["--batch", str(args.batch), "--threads", str(args.threads), "--pass", which]
        sides = [Side(space, [program, *shape, "--space", space], on_gpu=False) for space in args.spaces]
        take_turns(sides, args.steps)
        for side in sides:
            seconds[side.name][which] = side.median()
            side.end()
    for times in seconds.values():
        times["epoch"] = (4 * times["weights"] + times["arch"]) / 5
    first = seconds[args.spaces[0]]
    print(f"batch {args.batch}, {args.threads} threads, median of {args.steps} steps; epoch: mean over the steps of an epoch of a search")
    for space, times in seconds.items():
        print(f"{space:20}", "  ".join(f"{which} {1e3 * s:6.1f} ms ({s / first[which]:.2f})" for which, s in times.items()))


if __name__ == "__main__":
    main()
