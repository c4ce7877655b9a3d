#!/usr/bin/env python3
"""Latencies of FBNet's published networks, predicted by tables of its search space.

    examples/fbnet/networks.py TABLE [TABLE …]

Prints a column per table: milliseconds, and the place in the order from fast to slow. All networks have the space's head with 1984
channels, because a table has one head. Needs only the package `blocktime`.
"""

from __future__ import annotations

import argparse

from blocktime import Lut, LutError

# Multiply-adds as published, in millions; channels before the classifier; the layers.
NETWORKS: dict[str, tuple[int, int, str]] = {
    "FBNet-A": (249, 1504, """skip k3_e3 k3_e1 skip skip k5_e6 k3_e3 k5_e1 k3_e3 k5_e6 k5_e3
        k5_e1_g2 k5_e6 k3_e6 k5_e1_g2 k5_e3 k3_e1_g2 k5_e6 k5_e6 k5_e3 k5_e6 k5_e6"""),
    "FBNet-B": (295, 1984, """k3_e1 k3_e6 k5_e1 k3_e1 k3_e1 k5_e6 k5_e3 k3_e6 k5_e6 k5_e6 k5_e1
        skip k5_e3 k5_e6 k3_e1 k5_e1 k5_e3 k5_e6 k5_e1 k5_e6 k5_e6 k3_e6"""),
    "FBNet-C": (375, 1504, """k3_e1 k3_e6 skip k3_e1 k3_e1 k5_e6 k5_e3 k5_e6 k3_e6 k5_e6 k5_e3
        k5_e6 k5_e6 k5_e6 k5_e6 k5_e6 k5_e3 k5_e6 k5_e6 k5_e6 k5_e6 k3_e6"""),
    "FBNet-S8": (293, 1504, """k3_e1 k3_e3 k3_e1 skip skip k5_e6 k3_e3 k3_e3 k3_e6 k5_e6 k5_e3
        k5_e3 k5_e3 k3_e6 k5_e3 k5_e3 k5_e3 k5_e6 k5_e6 k5_e3 k5_e6 k5_e6"""),
    "FBNet-iPhoneX": (322, 1504, """skip k3_e6 k3_e1 k3_e1 k3_e1 k3_e6 k3_e6 k3_e6 k3_e6 k3_e6 k3_e6
        k3_e3 k3_e6 k3_e6 k3_e3 k3_e3 k3_e3 k5_e6 k5_e6 k5_e6 k5_e3 k5_e6"""),
}  # fmt: skip


def compared(luts: list[Lut]) -> list[list[str]]:
    """Rows of a table: network, published multiply-adds, and for each latency table its time in ms with its place."""
    times = [{name: lut.predict(choice.split()).total_us for name, (_, _, choice) in NETWORKS.items()} for lut in luts]
    places = [{name: place for place, name in enumerate(sorted(of, key=of.__getitem__), 1)} for of in times]
    head = ["network", "multiply-adds", *(f"{lut.header['device']['model']}, {lut.header['engine']['name']}, {lut.source}" for lut in luts)]
    rows = [head, ["---"] * len(head)]
    for name, (macs, _, _) in NETWORKS.items():
        rows.append([name, f"{macs} M", *(f"{of[name] / 1000:.2f} ms ({place[name]})" for of, place in zip(times, places))])
    return rows


def main() -> None:
    """Prints the table for the tables that were given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", nargs="+")
    args = parser.parse_args()
    try:
        for row in compared([Lut.read(path) for path in args.table]):
            print("|", " | ".join(row), "|")
    except (LutError, OSError) as error:
        parser.exit(2, f"{error}\n")


if __name__ == "__main__":
    main()
