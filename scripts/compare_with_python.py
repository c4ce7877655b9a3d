#!/usr/bin/env python3
"""Compares the times of `profiler bench` with a plain ONNX Runtime loop in Python.

    scripts/compare_with_python.py [MODEL.onnx …] [--nets 5] [--turns 60] [--limit 2%] [--cpu N]

Without models, or with fewer than `--nets`, random networks of the PFLD space are added (`profiler net`). Both sides use the
same wheel of ONNX Runtime, one thread, all optimisations, bound inputs and outputs, and the same CPU. They take turns of about
a second, each turn in a new process that loads the models anew (a model's time depends on where its memory lies), so that
whatever else the machine does falls on both. Each turn gives a ratio of the two medians; the median of the ratios decides.

Exit code 0: all models agree within the limit. 1: some do not. 2: it could not be done.
"""

import argparse
import hashlib
import json
import os
import pathlib
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = pathlib.Path(
    os.environ.get("BLOCKTIME_CACHE") or pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "blocktime"
)
SAMPLE_US = 1000
BUDGET_MS = 700


def python_side(models, cpu):
    """Child process: samples of all models in random order until the budget is spent; medians in µs as JSON."""
    import gc
    import resource

    import numpy
    import onnxruntime as ort

    os.sched_setaffinity(0, {cpu})
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.use_deterministic_compute = True
    rng = numpy.random.default_rng(1)

    def load(path):
        session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        binding = session.io_binding()
        shape = lambda port: [d if isinstance(d, int) else 1 for d in port.shape]
        for port in session.get_inputs():
            values = rng.uniform(-1, 1, shape(port)).astype(numpy.float32)
            binding.bind_ortvalue_input(port.name, ort.OrtValue.ortvalue_from_numpy(values))
        for port in session.get_outputs():
            binding.bind_ortvalue_output(port.name, ort.OrtValue.ortvalue_from_numpy(numpy.zeros(shape(port), numpy.float32)))
        return session, binding

    def timed(session, binding, runs):
        clock, raw = time.clock_gettime_ns, time.CLOCK_MONOTONIC_RAW
        start = clock(raw)
        for _ in range(runs):
            session.run_with_iobinding(binding)
        return (clock(raw) - start) / runs / 1000

    def interruptions():
        return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw

    loaded = [load(path) for path in models]
    runs = []
    for session, binding in loaded:
        timed(session, binding, 3)
        runs.append(max(1, -(-SAMPLE_US // max(1, int(min(timed(session, binding, 1) for _ in range(5)))))))
    gc.disable()
    samples = [[] for _ in models]
    end = time.monotonic() + BUDGET_MS / 1000
    while time.monotonic() < end:
        for i in random.sample(range(len(models)), len(models)):
            session, binding = loaded[i]
            timed(session, binding, 1)
            before = interruptions()
            us = timed(session, binding, runs[i])
            if interruptions() == before:
                samples[i].append(us)
    print(json.dumps({"version": ort.__version__, "median_us": [statistics.median(s) if len(s) >= 6 else None for s in samples]}))


def fail(message):
    print(f"compare_with_python: {message}", file=sys.stderr)
    sys.exit(2)


def run(command, **more):
    """A program's standard output; its end is ours where it fails."""
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, text=True, **more)
    if done.returncode:
        fail(f"'{' '.join(str(c) for c in command)}' ended with {done.returncode}")
    return done.stdout


def environment():
    """The library that `profiler` loads, and an interpreter with the same version's Python package."""
    library = pathlib.Path(run([ROOT / "scripts" / "setup-onnxruntime.sh"]).strip())
    version = re.fullmatch(r"libonnxruntime\.so\.([0-9.]+)", library.name).group(1)
    folder = CACHE / f"python-onnxruntime-{version}"
    python = folder / "bin" / "python"
    if not python.exists() or subprocess.run([python, "-c", "import onnxruntime, numpy"], capture_output=True).returncode:
        print(f"installing onnxruntime {version} into {folder}", file=sys.stderr)
        run([sys.executable, "-m", "venv", folder])
        run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", f"onnxruntime=={version}", "numpy"])
    # Python's module holds the runtime itself, not this library; that both are of one wheel shows in the library beside it.
    beside = "import onnxruntime, pathlib; print(pathlib.Path(onnxruntime.__file__).parent / 'capi')"
    twin = pathlib.Path(run([python, "-c", beside]).strip()) / library.name
    digest = lambda path: hashlib.sha256(path.read_bytes()).hexdigest()
    if not twin.exists() or digest(twin) != digest(library):
        fail(f"{library} and {twin} are not the same file: remove the folder of one, and run this again")
    return library, python


def profiler():
    run(["cargo", "build", "-q", "--release", "-p", "profiler"], cwd=ROOT)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
    return target / "release" / "profiler"


def bench_turn(program, library, models, cpu):
    """Medians in µs, or nothing where the machine was too busy for enough samples."""
    command = [program, "bench", *models, "--json", "--engine-lib", library, "--cpus", cpu, "--passes", 1, "--precision", "0.01%"]
    command += ["--sample", f"{SAMPLE_US}us", "--canary", "200us", "--budget", f"{BUDGET_MS}ms"]
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode:
        if "too few good samples" in done.stderr:
            return None
        fail(done.stderr.strip())
    return [figure["median_us"] for figure in json.loads(done.stdout)]


def python_turn(python, library, models, cpu):
    answer = json.loads(run([python, __file__, "--python-side", "--cpu", cpu, *models]))
    if not library.name.endswith(f".so.{answer['version']}"):
        fail(f"Python's ONNX Runtime is {answer['version']}, but the library is {library.name}")
    return None if None in answer["median_us"] else answer["median_us"]


def median_interval(values):
    """Median, and the order statistics between which it lies with 95 % probability."""
    values, n = sorted(values), len(values)
    rank, below, p = 0, 0.0, 0.5**n
    while below + p <= 0.025:
        below += p
        rank += 1
        p *= (n - rank + 1) / rank
    rank = max(rank, 1)
    return statistics.median(values), values[rank - 1], values[n - rank]


def share(text):
    value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a share, such as 2%")
    return value


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", type=pathlib.Path)
    parser.add_argument("--nets", type=int, default=5, help="models in all; random networks make up the number")
    parser.add_argument("--turns", type=int, default=60, help="turns of each side")
    parser.add_argument("--limit", type=share, default=0.02, help="largest difference of the medians")
    parser.add_argument("--cpu", type=int, default=max(os.sched_getaffinity(0)))
    parser.add_argument("--python-side", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.python_side:
        return python_side([str(m) for m in args.models], args.cpu)
    if args.turns < 6:
        parser.error("an interval needs 6 turns or more")

    library, python = environment()
    program = profiler()
    with tempfile.TemporaryDirectory(prefix="compare-") as folder:
        models = list(args.models)
        for seed in range(1, args.nets - len(models) + 1):
            models.append(pathlib.Path(folder) / f"random-{seed}.onnx")
            run([program, "net", "--seed", seed, "--out", models[-1]], stderr=subprocess.DEVNULL)
        sides = {"profiler": lambda: bench_turn(program, library, models, args.cpu), "Python": lambda: python_turn(python, library, models, args.cpu)}
        turns, skipped = [], 0
        while len(turns) < args.turns:
            order = list(sides) if (len(turns) + skipped) % 2 == 0 else list(sides)[::-1]
            turn = {name: sides[name]() for name in order}
            if None in turn.values():
                skipped += 1
                if skipped > 2 * args.turns:
                    fail("the machine is too busy: most turns gave too few samples without an interruption")
                continue
            turns.append(turn)
            print(f"\rturn {len(turns)} of {args.turns}", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)

    print(f"{library.name}, CPU {args.cpu}, 1 thread, {args.turns} turns ({skipped} more left out: too few undisturbed samples)")
    print(f"{'model':28} {'profiler':>11} {'Python':>11} {'ratio':>7}  95 % interval")
    agree = True
    for i, model in enumerate(models):
        ours, theirs = ([turn[name][i] for turn in turns] for name in sides)
        ratio, low, high = median_interval([a / b for a, b in zip(ours, theirs)])
        within = abs(ratio - 1) <= args.limit
        agree &= within
        figures = f"{statistics.median(ours):8.1f} µs {statistics.median(theirs):8.1f} µs {ratio:7.4f}  {low:.4f}…{high:.4f}"
        print(f"{model.name[:28]:28} {figures}{'' if within else '  differs'}")
    print(f"{'all within' if agree else 'not all within'} {100 * args.limit:g} %")
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
