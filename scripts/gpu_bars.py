#!/usr/bin/env python3
"""Says which bars training on a GPU meets: the last part of scripts/on-gpu.sh.

    scripts/gpu_bars.py OUT --parity passed|failed|missing --compute cuda|cpu --cpu-batch N "PASS BATCH"…

OUT has what the parts before have written: steps.jsonl (steps on the GPU, here and in PyTorch), cpu.jsonl (steps on two CPU cores with the
batch N), loader.txt (images a second of the loader alone), metrics.csv (of a search). The bars, for each pass and batch that was to be timed:
parity with the reference's data as on the CPU (data that is missing counts as not measured); at least 10 times the images a second of two CPU cores; at least as many as PyTorch's fastest
form on the same GPU; at least as many from the loader alone as the step takes. Prints them and writes OUT/gpu.json. A figure that a failed
part has not written is `not measured`. The exit code is 1 if a bar is not met; with `--compute cpu` (a dry run) only if one was not measured.
"""

import argparse
import csv
import json
import pathlib
import sys

# Images a second on the GPU, as a multiple of each.
TWO_CORES, PYTORCH, LOADER = 10, 1, 1
# How the tests of parity ended, as a verdict.
PARITY = {"passed": "met", "failed": "missed", "missing": "not measured"}
# The side of research/bench_vs_pytorch.py that is this project's.
OURS = "blocktime"


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def fastest(rows, which, batch, ours):
    """The most images a second of a pass, here or in PyTorch; None if it was not measured."""
    found = [r["images_per_s"] for r in rows if (r["pass"], r["batch"], r["side"] == OURS) == (which, batch, ours)]
    return max(found, default=None)


def ratio(above, below):
    return above / below if above and below else None


def waiting(path):
    """Share of a search's time that it waited for pictures, without its first epoch."""
    rows = list(csv.DictReader(path.open()))[1:] if path.exists() else []
    seconds = sum(float(r["seconds"]) for r in rows)
    return sum(float(r["loader_wait_s"]) for r in rows) / seconds if seconds else None


def bars(out, timed, cpu_batch, parity):
    steps, cpu = lines(out / "steps.jsonl"), lines(out / "cpu.jsonl")
    loader = float((out / "loader.txt").read_text() or 0) if (out / "loader.txt").exists() else None
    yield {"bar": "parity with the reference, 1e-3 relative", "found": parity, "at_least": None, "verdict": PARITY[parity]}
    for which, batch in timed:
        here = fastest(steps, which, batch, True)
        for what, found, least in [
            ("images/s / those of two CPU cores", ratio(here, fastest(cpu, which, cpu_batch, True)), TWO_CORES),
            ("images/s / those of PyTorch's fastest form", ratio(here, fastest(steps, which, batch, False)), PYTORCH),
            ("the loader's images/s / the step's", ratio(loader, here), LOADER),
        ]:
            verdict = "not measured" if found is None else "met" if found >= least else "missed"
            yield {"bar": f"{which}, batch {batch}: {what}", "found": found, "at_least": least, "verdict": verdict}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--parity", choices=list(PARITY), required=True)
    parser.add_argument("--compute", choices=["cuda", "cpu"], required=True)
    parser.add_argument("--cpu-batch", type=int, required=True)
    parser.add_argument("timed", nargs="+", metavar="PASS BATCH")
    args = parser.parse_args()
    timed = [(which, int(batch)) for which, batch in (each.split() for each in args.timed)]
    judged = list(bars(args.out, timed, args.cpu_batch, args.parity))
    waited = waiting(args.out / "metrics.csv")

    for bar in judged:
        found = "-" if bar["found"] is None else bar["found"] if isinstance(bar["found"], str) else f"{bar['found']:.2f}"
        least = f">= {bar['at_least']}" if bar["at_least"] else ""
        print(f"{bar['verdict']:12}  {found:>8} {least:6}  {bar['bar']}")
    print(f"the search waited for pictures in {waited:.1%} of its time" if waited is not None else "the search was not measured")
    dry = args.compute == "cpu"
    counts = {verdict: sum(bar["verdict"] == verdict for bar in judged) for verdict in ("met", "missed", "not measured")}
    print(", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
    if dry:
        print("a dry run on the CPU: the figures mean nothing")
    written = {"dry_run": dry, "bars": judged, "search_waited": waited}
    written |= {"gpu_steps": lines(args.out / "steps.jsonl"), "cpu_steps": lines(args.out / "cpu.jsonl")}
    (args.out / "gpu.json").write_text(json.dumps(written, indent=2) + "\n")
    sys.exit(counts["not measured"] > 0 or (not dry and counts["missed"] > 0))


if __name__ == "__main__":
    main()
