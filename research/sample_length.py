#!/usr/bin/env python3
"""How long should a sample and its canaries be on this machine? Builds short tables with several lengths and compares how well a
median is known after the same time.

    research/sample_length.py [--budget 12s] [SAMPLE/CANARY ...]        (default: 3ms/400us 1ms/400us 1ms/200us 500us/200us 500us/100us 200us/50us)

For each: samples taken, share left out, spread of the good samples of an item (1.48 × median absolute deviation of the logarithm,
mean over the items), and the standard error of an item's median, which is what counts: the smaller, the better.
"""

import argparse
import json
import math
import statistics
import subprocess
import tempfile
from pathlib import Path

from host import profiler

LENGTHS = ["3ms/400us", "1ms/400us", "1ms/200us", "500us/200us", "500us/100us", "200us/50us"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lengths", nargs="*", default=LENGTHS, metavar="SAMPLE/CANARY")
    parser.add_argument("--budget", default="12s")
    arguments = parser.parse_args()
    program = profiler()
    print(f"{'sample/canary':>14} {'samples':>8} {'left out':>9} {'spread':>8} {'error of a median':>18}")
    with tempfile.TemporaryDirectory() as folder:
        for length in arguments.lengths:
            sample, canary = length.split("/")
            raw = Path(folder) / f"{sample}-{canary}.jsonl"
            command = [program, "build", "--space", "pfld", "--device", "local", "--nets", "30", "--passes", "1", "--cold", "0"]
            command += ["--precision", "0.1%", "--budget", arguments.budget, "--sample", sample, "--canary", canary]
            # Too few samples of some item are a result too: the raw file stays, unfinished.
            subprocess.run([*command, "--raw", raw, "--out", raw.with_suffix(".csv")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            lines = (raw if raw.exists() else Path(f"{raw}.part")).read_text().splitlines()
            samples = [event for event in map(json.loads, lines) if event.get("event") == "sample"]
            ratios = {}
            for s in samples:
                if s["fault"] is None:
                    ratios.setdefault(s["id"], []).append(math.log(2 * s["us"] / (s["before_us"] + s["after_us"])))
            known = [values for values in ratios.values() if len(values) > 5]
            spread = statistics.mean(
                1.48 * statistics.median(abs(v - statistics.median(values)) for v in values) for values in known
            )
            count = statistics.mean(map(len, ratios.values()))
            left_out = 1 - sum(map(len, ratios.values())) / len(samples)
            print(f"{length:>14} {len(samples):8} {left_out:9.0%} {spread:8.1%} {1.25 * spread / math.sqrt(count):18.2%}")


if __name__ == "__main__":
    main()
