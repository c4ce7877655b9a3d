#!/usr/bin/env python3
"""Compares the times of `profiler bench` with a plain ONNX Runtime loop in Python.

    research/compare_with_python.py [MODEL.onnx …] [--nets 5] [--turns 60] [--limit 2%] [--cpu N] [--realtime] [--module]

Without models, or with fewer than `--nets`, random networks of the PFLD space are added (`profiler net`). Both sides use the
same library of ONNX Runtime (Python through its C interface), one thread, all optimisations, bound inputs and outputs, and the
same CPU. In each turn both load the models in new processes (a model's time depends on where its memory lies) and sample
them; one is stopped while the other runs, and they change every 50 ms, so that whatever else the machine does falls on both.
A turn gives a ratio of the two medians of raw times; the median of these ratios decides.

With `--module` Python uses the `onnxruntime` module, which holds another build of the runtime, from the same wheel: beside the
library, in one process, it takes 3 to 4 µs more a run, which is more than 2 % of a small network.

Run this on an idle machine. If other programs keep the cores busy, times have two or more levels, and the level of the median
depends on the samples that each side leaves out.

Exit code 0: all models agree within the limit. 1: some do not. 2: it could not be done.
"""

import argparse
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import host
from host import CACHE, fail, onnxruntime, run

SAMPLE_US = 1000
# Of `profiler bench`, with the time in which it is stopped.
BUDGET_MS = 3000
# What it takes to load engine and models before the first sample.
HEAD_START_S = 0.5
SLICE_S = 0.05


class Library:
    """ONNX Runtime through the C interface of a shared library."""

    # Places in the table of functions. It only grows at its end: they are the same in every version.
    PLACES = {
        "GetErrorMessage": 2,
        "CreateEnv": 3,
        "CreateSession": 7,
        "CreateSessionOptions": 10,
        "SetSessionExecutionMode": 13,
        "SetSessionGraphOptimizationLevel": 23,
        "SetIntraOpNumThreads": 24,
        "SetInterOpNumThreads": 25,
        "CreateTensorWithDataAsOrtValue": 49,
        "CreateCpuMemoryInfo": 69,
        "RunWithBinding": 133,
        "CreateIoBinding": 134,
        "BindInput": 136,
        "BindOutput": 137,
    }
    API = 17

    def __init__(self, path):
        import ctypes

        self.c = ctypes
        # Its own symbols first: the Python module has the same ones.
        library = ctypes.CDLL(str(path), mode=os.RTLD_LOCAL | os.RTLD_NOW | os.RTLD_DEEPBIND)
        library.OrtGetApiBase.restype = ctypes.POINTER(ctypes.c_void_p)
        get_api = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_uint32)(library.OrtGetApiBase()[0])
        self.table = ctypes.cast(get_api(self.API), ctypes.POINTER(ctypes.c_void_p))
        self.kept = []
        self.env = self.make("CreateEnv", ctypes.c_int(3), b"compare")
        self.memory = self.make("CreateCpuMemoryInfo", ctypes.c_int(0), ctypes.c_int(0))

    def call(self, name, *arguments):
        status = self.c.CFUNCTYPE(self.c.c_void_p, *(self.kind(a) for a in arguments))(self.table[self.PLACES[name]])(*arguments)
        if status:
            message = self.c.CFUNCTYPE(self.c.c_char_p, self.c.c_void_p)(self.table[self.PLACES["GetErrorMessage"]])
            raise RuntimeError(f"{name}: {message(status).decode()}")

    def kind(self, argument):
        return self.c.c_char_p if isinstance(argument, bytes) else type(argument) if hasattr(argument, "_type_") else self.c.c_void_p

    def make(self, name, *arguments):
        """What a function creates and hands over through its last argument."""
        made = self.c.c_void_p()
        self.call(name, *arguments, self.c.addressof(made))
        return made

    def tensor(self, values):
        """A tensor over a copy of the values that begins, as the runtime's own do, at a multiple of 64 bytes."""
        import numpy

        room = numpy.empty(values.nbytes + 64, numpy.uint8)
        start = -room.ctypes.data % 64
        room[start : start + values.nbytes] = numpy.frombuffer(values.tobytes(), numpy.uint8)
        shape = (self.c.c_int64 * values.ndim)(*values.shape)
        self.kept += [room, shape]
        size, address = self.c.c_size_t(values.nbytes), self.c.c_void_p(room.ctypes.data + start)
        place, count = self.c.addressof(shape), self.c.c_size_t(values.ndim)
        return self.make("CreateTensorWithDataAsOrtValue", self.memory, address, size, place, count, self.c.c_int(1))

    def load(self, path, inputs, outputs):
        """A model as a function that runs it on these inputs, which are arrays by name."""
        options = self.make("CreateSessionOptions")
        self.call("SetIntraOpNumThreads", options, self.c.c_int(1))
        self.call("SetInterOpNumThreads", options, self.c.c_int(1))
        self.call("SetSessionExecutionMode", options, self.c.c_int(0))
        self.call("SetSessionGraphOptimizationLevel", options, self.c.c_int(99))
        session = self.make("CreateSession", self.env, str(path).encode(), options)
        binding = self.make("CreateIoBinding", session)
        for function, ports in (("BindInput", inputs), ("BindOutput", outputs)):
            for name, values in ports.items():
                self.call(function, binding, name.encode(), self.tensor(values))
        run = self.c.CFUNCTYPE(self.c.c_void_p, *[self.c.c_void_p] * 3)(self.table[self.PLACES["RunWithBinding"]])
        return lambda: run(session, None, binding)


def python_side(models, cpu, library):
    """Child process: loads, says so, and samples all models in random order until told to end; medians in µs as JSON."""
    import gc
    import resource

    os.environ["OPENBLAS_NUM_THREADS"] = "1"

    import numpy
    import onnxruntime as ort

    os.sched_setaffinity(0, {cpu})
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.use_deterministic_compute = True
    options.log_severity_level = 3
    rng = numpy.random.default_rng(1)

    native = Library(library) if library else None

    def load(path):
        session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        shape = lambda port: [d if isinstance(d, int) else 1 for d in port.shape]
        inputs = {p.name: rng.uniform(-1, 1, shape(p)).astype(numpy.float32) for p in session.get_inputs()}
        outputs = {p.name: numpy.zeros(shape(p), numpy.float32) for p in session.get_outputs()}
        if native:
            return native.load(path, inputs, outputs)
        binding = session.io_binding()
        for name, values in inputs.items():
            binding.bind_ortvalue_input(name, ort.OrtValue.ortvalue_from_numpy(values))
        for name, values in outputs.items():
            binding.bind_ortvalue_output(name, ort.OrtValue.ortvalue_from_numpy(values))
        return lambda: session.run_with_iobinding(binding)

    def timed(run, runs):
        clock, raw = time.clock_gettime_ns, time.CLOCK_MONOTONIC_RAW
        start = clock(raw)
        for _ in range(runs):
            run()
        return (clock(raw) - start) / runs / 1000

    def interruptions():
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return usage.ru_nivcsw + usage.ru_nvcsw

    loaded = [load(path) for path in models]
    runs = []
    for run in loaded:
        timed(run, 3)
        runs.append(max(1, -(-SAMPLE_US // max(1, int(min(timed(run, 1) for _ in range(5)))))))
    gc.disable()
    # As `profiler` does: what other processes do to the core shows in a fixed loop, and samples between unequal ones are left out.
    a, b, c = (rng.random((128, 128), dtype=numpy.float32) for _ in range(3))

    def canary():
        start = time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)
        for _ in range(10):
            numpy.matmul(a, b, out=c)
        return time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW) - start

    last = canary()
    samples = [[] for _ in models]
    goes_on = True

    def end(*_):
        nonlocal goes_on
        goes_on = False

    signal.signal(signal.SIGTERM, end)
    print("ready", flush=True)
    while goes_on:
        for i in random.sample(range(len(models)), len(models)):
            timed(loaded[i], 3)
            before = interruptions()
            us = timed(loaded[i], runs[i])
            undisturbed = interruptions() == before
            last, earlier = canary(), last
            if undisturbed and abs(last - earlier) <= 0.05 * min(last, earlier):
                samples[i].append(us)
    print(json.dumps({"version": ort.__version__, "median_us": [statistics.median(s) if len(s) >= 6 else None for s in samples]}))


def environment():
    """The library that `profiler` loads, and an interpreter with the same version's Python package."""
    library = onnxruntime()
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


def profiler(folder):
    """The program, copied: clones that share a target folder replace each other's."""
    return pathlib.Path(shutil.copy(host.profiler(), folder))


def send(process, number):
    """Sends a signal to a process and its children: `profiler` keeps its agent in a group of its own."""
    children = (int(pid) for file in pathlib.Path(f"/proc/{process.pid}/task").glob("*/children") for pid in file.read_text().split())
    for pid in [process.pid, *children]:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def turn(program, python, library, models, cpu, realtime, module):
    """Medians in µs of both sides, sampled in slices; nothing where the machine was too busy for enough samples."""
    bench = [program, "bench", *models, "--json", "--engine-lib", library, "--cpus", cpu, "--passes", 1, "--precision", "0.01%"]
    bench += ["--sample", f"{SAMPLE_US}us", "--canary", "200us", "--budget", f"{BUDGET_MS}ms"]
    loop = [python, __file__, "--python-side", "module" if module else library, "--cpu", cpu, *models]

    def start(command):
        # `profiler` itself stays on the CPU too, where it waits for its agent: elsewhere it would keep the neighbours busy or quiet.
        command = ["taskset", "--cpu-list", cpu, "chrt", "--fifo", "1", *command] if realtime else command
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen([str(c) for c in command], **pipes, text=True)

    sides = []
    try:
        sides.append(start(loop))
        if sides[0].stdout.readline() != "ready\n":
            fail(sides[0].stderr.read().strip())
        send(sides[0], signal.SIGSTOP)
        sides.append(start(bench))
        time.sleep(HEAD_START_S)
        while sides[1].poll() is None:
            for stopped, running in (sides[::-1], sides):
                if sides[1].poll() is None:
                    send(stopped, signal.SIGSTOP)
                    send(running, signal.SIGCONT)
                    time.sleep(SLICE_S)
        send(sides[0], signal.SIGTERM)
        send(sides[0], signal.SIGCONT)
        (answer, trouble), (figures, complaint) = (side.communicate() for side in sides)
    finally:
        for side in sides:
            if side.poll() is None:
                send(side, signal.SIGKILL)
    if sides[0].returncode:
        fail(trouble.strip())
    if sides[1].returncode:
        if "too few valid samples" in complaint:
            return None
        fail(complaint.strip())
    answer = json.loads(answer)
    if not library.name.endswith(f".so.{answer['version']}"):
        fail(f"Python's ONNX Runtime is {answer['version']}, but the library is {library.name}")
    theirs = answer["median_us"]
    return None if None in theirs else ([figure["median_us"] for figure in json.loads(figures)], theirs)


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
    parser.add_argument("--realtime", action="store_true", help="keep others off the CPU (chrt --fifo; needs root): for a busy machine")
    parser.add_argument("--module", action="store_true", help="Python's own module instead of the library that `profiler` loads")
    parser.add_argument("--python-side", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.python_side:
        library = None if args.python_side == "module" else args.python_side
        return python_side([str(m) for m in args.models], args.cpu, library)
    if args.turns < 6:
        parser.error("an interval needs 6 turns or more")

    library, python = environment()
    with tempfile.TemporaryDirectory(prefix="compare-") as folder:
        program = profiler(folder)
        models = list(args.models)
        for seed in range(1, args.nets - len(models) + 1):
            models.append(pathlib.Path(folder) / f"random-{seed}.onnx")
            run([program, "net", "--seed", seed, "--out", models[-1]], stderr=subprocess.DEVNULL)
        if args.realtime:
            # Above both sides, so that they change in time.
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(2))
        turns, skipped = [], 0
        while len(turns) < args.turns:
            found = turn(program, python, library, models, args.cpu, args.realtime, args.module)
            if found is None:
                skipped += 1
                if skipped > 2 * args.turns:
                    fail("the machine is too busy: most turns gave too few samples without an interruption")
                continue
            turns.append(found)
            print(f"\rturn {len(turns)} of {args.turns}", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)

    print(f"{library.name}, CPU {args.cpu}, 1 thread, {args.turns} turns ({skipped} more left out: too few undisturbed samples)")
    print(f"{'model':28} {'profiler':>11} {'Python':>11} {'ratio':>7}  95 % interval")
    agree = True
    for i, model in enumerate(models):
        ours, theirs = ([medians[side][i] for medians in turns] for side in (0, 1))
        ratio, low, high = median_interval([a / b for a, b in zip(ours, theirs)])
        within = abs(ratio - 1) <= args.limit
        agree &= within
        figures = f"{statistics.median(ours):8.1f} µs {statistics.median(theirs):8.1f} µs {ratio:7.4f}  {low:.4f}…{high:.4f}"
        print(f"{model.name[:28]:28} {figures}{'' if within else '  differs'}")
    print(f"{'all within' if agree else 'not all within'} {100 * args.limit:g} %")
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
