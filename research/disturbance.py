#!/usr/bin/env python3
"""Do other programs on the machine change what is measured? Builds a table on the idle machine, then with each disturbance, and compares.

    research/disturbance.py [--space pfld] [--budget 60s] [--out FOLDER] [--only NAME,...]

Disturbances: `again` (none: how well a table repeats), `nice` (a busy loop of lowest priority on the same CPU), `hog` (one of normal priority), `other-core` (a busy loop on
every other CPU), `stop` (SIGSTOP bursts of 20 ms), `quota` (a cgroup that lets the agent run half of the time; needs root and
cgroup v2). For each it prints how many samples were left out, and how far the median of every block moved, compared with the idle run.
Exit code 1 if a disturbance left out no more samples than the idle run, or moved the medians by more than 2 % (median over
the blocks).
"""

import argparse
import csv
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from host import busy, meanwhile, profiler

LIMIT = 0.02


def build(program, space, budget, out):
    """Starts a build; gives the process."""
    command = [program, "build", "--space", space, "--device", "local", "--budget", budget, "--out", out, "--overwrite"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def agent_of(host):
    """The process that measures for this host, once it is there."""
    try:
        children = Path(f"/proc/{host}/task/{host}/children").read_text().split()
    except OSError:
        return None
    for child in children:
        try:
            if b"\0agent\0" in Path(f"/proc/{child}/cmdline").read_bytes():
                return int(child)
        except OSError:
            pass
    return None


def each_agent(host, act):
    """Calls `act` with the agent's process again and again until the end."""

    def run(ended):
        while not ended.is_set():
            agent = agent_of(host)
            if agent is None:
                time.sleep(0.05)
                continue
            try:
                act(agent)
            except ProcessLookupError:
                pass

    return meanwhile(run)


def stop_and_go(agent):
    os.kill(agent, signal.SIGSTOP)
    time.sleep(0.02)
    os.kill(agent, signal.SIGCONT)
    time.sleep(0.08)


@contextmanager
def quota(host):
    """Lets the agent run for 20 of every 40 ms."""
    group = Path("/sys/fs/cgroup/blocktime-disturbance")
    group.mkdir()
    try:
        (group / "cpu.max").write_text("20000 40000")

        def join(agent):
            (group / "cgroup.procs").write_text(str(agent))
            time.sleep(0.2)

        with each_agent(host, join):
            yield
    finally:
        for _ in range(100):
            try:
                group.rmdir()
                break
            except OSError:
                time.sleep(0.1)


def read(table):
    """Rows of a table by key."""
    with open(table) as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        return {row["key"]: row for row in rows if row["kind"] != "identity"}


def left_out(rows):
    reasons = ["discarded_canary", "discarded_moved", "discarded_preempted", "discarded_temperature",
               "discarded_unsteady", "discarded_loud"]
    return sum(int(row[reason]) for row in rows.values() for reason in reasons)


def kept(rows):
    return sum(int(row["n"]) for row in rows.values())


def moved(quiet, other, column):
    return sorted(abs(float(other[key][column]) / float(quiet[key][column]) - 1) for key in quiet)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--space", default="pfld")
    parser.add_argument("--budget", default="60s")
    parser.add_argument("--out", type=Path, help="keep the tables there")
    parser.add_argument("--only", help="names, separated by commas")
    arguments = parser.parse_args()
    program = profiler()
    cpus = sorted(os.sched_getaffinity(0))
    measured = cpus[-1]
    nothing = lambda host: busy([])
    disturbances = {
        "again": nothing,
        "nice": lambda host: busy([measured], nice=19),
        "hog": lambda host: busy([measured]),
        "other-core": lambda host: busy(cpus[:-1]),
        "stop": lambda host: each_agent(host, stop_and_go),
    }
    if os.geteuid() == 0 and Path("/sys/fs/cgroup/cgroup.controllers").exists():
        disturbances["quota"] = quota
    else:
        print("quota: left out; it needs root and cgroup v2", file=sys.stderr)
    if arguments.only:
        disturbances = {name: disturbances[name] for name in arguments.only.split(",")}
    folder = arguments.out or Path(tempfile.mkdtemp(prefix="blocktime-disturbance-"))
    folder.mkdir(parents=True, exist_ok=True)

    def measure(name, disturb):
        print(f"{name} ...", file=sys.stderr)
        out = folder / f"{name}.csv"
        process = build(program, arguments.space, arguments.budget, out)
        with disturb(process.pid):
            said = process.communicate()[1]
        if process.returncode != 0:
            sys.exit(f"{name}: the build failed: {said}")
        return read(out)

    quiet = measure("quiet", nothing)
    share = lambda rows: left_out(rows) / (left_out(rows) + kept(rows))
    print(f"{'':12}  {'left out':>8}  {'medians moved (median, largest)':>32}  {'latencies moved (median, largest)':>34}")
    print(f"{'quiet':12}  {share(quiet):8.1%}")
    good = True
    for name, disturb in disturbances.items():
        rows = measure(name, disturb)
        medians, latencies = moved(quiet, rows, "p50_us"), moved(quiet, rows, "latency_us")
        # A busy neighbour on another core takes nothing from this one's time, and need not be noticed.
        noticed = share(rows) > share(quiet) or name in ("again", "other-core")
        fine = noticed and statistics.median(medians) <= LIMIT
        good &= fine
        print(
            f"{name:12}  {share(rows):8.1%}  {statistics.median(medians):23.2%} {medians[-1]:8.2%}"
            f"  {statistics.median(latencies):25.2%} {latencies[-1]:8.2%}{'' if fine else '   <- above the limit'}"
        )
    print(f"tables: {folder}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
