#!/usr/bin/env python3
"""How accurate are tables? Builds tables of this machine and checks each one with other networks.

    research/repeated_checks.py --out FOLDER [--idle 10] [--busy 5] [--nets 50] [--seed 1] [options of `profiler build`]

First --idle times on the idle machine (stop other programs yourself); then --busy times while a loop on another CPU runs and pauses,
3 to 8 s each. FOLDER keeps the tables, the raw samples and the results of the checks. Prints a line per check, and at the end a summary of all checks
with a verdict. Exit code 1 if a build or a check failed, except checks that were disturbed (code 5).
"""

import argparse
import json
import os
import pathlib
import random
import subprocess
import sys

from host import busy, meanwhile, onnxruntime, profiler

DISTURBED = 5


def coming_and_going(cpu):
    """A busy loop on one CPU that runs and pauses."""

    def run(done):
        while not done.is_set():
            with busy([cpu]):
                done.wait(random.uniform(3, 8))
            done.wait(random.uniform(3, 8))

    return meanwhile(run)


def call(program, *arguments, out):
    """Its exit code; what it says goes into files."""
    with open(out, "w") as file, open(f"{out}.err", "w") as errors:
        return subprocess.run([program, *map(str, arguments)], stdout=file, stderr=errors).returncode


def pair(program, folder, name, seed, nets, options):
    """One build and one check; the check's report."""
    table = folder / f"{name}.csv"
    code = call(program, "build", "--space", "pfld", "--device", "local", "--out", table, "--overwrite", *options, out=folder / f"{name}.build")
    if code == 0:
        found = folder / f"{name}.json"
        raw = folder / f"{name}.check.raw.gz"
        raw.unlink(missing_ok=True)
        code = call(program, "check", table, "--nets", nets, "--seed", seed, "--json", "--raw", raw, *of_check(options), out=found)
        # A mean error that is too large (code 1) is a verdict too.
        if code in (0, 1, DISTURBED):
            return json.loads(found.read_text())
    sys.exit(f"{name}: exit code {code}; see {folder / name}.*")


def of_check(options):
    """Of a build's options those that a check takes too; engine and threads are the table's."""
    kept = []
    for name, value in zip(options, options[1:]):
        if name in ("--cpus", "--passes", "--sample", "--canary", "--band"):
            kept += [name, value]
    return kept


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--idle", type=int, default=10)
    parser.add_argument("--busy", type=int, default=5)
    parser.add_argument("--nets", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    args, options = parser.parse_known_args()
    args.out.mkdir(parents=True, exist_ok=True)
    cpus = sorted(os.sched_getaffinity(0))
    if args.busy and len(cpus) < 2:
        sys.exit("--busy needs a second CPU")
    program = profiler()
    os.environ.setdefault("ORT_DYLIB_PATH", str(onnxruntime()))
    reports = {}

    def series(kind, count):
        for i in range(1, count + 1):
            name = f"{kind}{i}"
            report = reports[name] = pair(program, args.out, name, args.seed + len(reports), args.nets, options)
            print(
                f"{name:7} mean absolute error {100 * report['mape']:.2f} %, bias {100 * report['bias']:+.2f} %, with state "
                f"{100 * report['bias_with_state']:+.2f} %, tau {report['kendall_tau']:.3f}, intervals hold "
                f"{100 * report['covered']:.0f} %{'; disturbed, no verdict' if report['disturbances'] else ''}",
                flush=True,
            )

    series("idle", args.idle)
    if args.busy:
        # The profiler measures on the last CPUs.
        with coming_and_going(cpus[0]):
            series("busy", args.busy)
    verdicts = [report for report in reports.values() if not report["disturbances"]]
    print(f"verdicts: {len(verdicts)} of {len(reports)}")
    if verdicts:
        mean = lambda key: sum(report[key] for report in verdicts) / len(verdicts)
        print(
            f"mean absolute error at most {100 * max(r['mape'] for r in verdicts):.2f} %, |bias| at most "
            f"{100 * max(abs(r['bias']) for r in verdicts):.2f} % (mean {100 * mean('bias'):+.2f} %), with the state left in "
            f"{100 * max(abs(r['bias_with_state']) for r in verdicts):.2f} %, tau at least {min(r['kendall_tau'] for r in verdicts):.3f}; "
            f"intervals hold {100 * mean('covered'):.1f} % of all networks"
        )


if __name__ == "__main__":
    main()
