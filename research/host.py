"""Shared by the Python scripts in this folder: where files are, and how other programs are run."""

import os
import pathlib
import subprocess
import sys
import threading
from contextlib import contextmanager

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = pathlib.Path(
    os.environ.get("BLOCKTIME_CACHE") or pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "blocktime"
)


def fail(message):
    print(f"{pathlib.Path(sys.argv[0]).stem}: {message}", file=sys.stderr)
    sys.exit(2)


def run(command, **more):
    """The standard output of a program. If it fails, this script ends."""
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, text=True, **more)
    if done.returncode:
        fail(f"'{' '.join(str(c) for c in command)}' ended with {done.returncode}")
    return done.stdout


def onnxruntime():
    """The library that `profiler` loads."""
    return pathlib.Path(run([ROOT / "scripts" / "setup-onnxruntime.sh"]).strip())


def profiler():
    """The program, compiled for release."""
    run(["cargo", "build", "--quiet", "--release", "-p", "profiler"], cwd=ROOT)
    return pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target") / "release" / "profiler"


@contextmanager
def busy(cpus, nice=0):
    """A busy loop on each of these CPUs."""
    loop = "while True: sum(range(10000))"
    loops = [subprocess.Popen(["taskset", "-c", str(cpu), "nice", "-n", str(nice), sys.executable, "-c", loop]) for cpu in cpus]
    try:
        yield
    finally:
        for process in loops:
            process.kill()
            process.wait()


@contextmanager
def meanwhile(work):
    """Runs `work` in a thread; the event that it is given is set at the end."""
    ended = threading.Event()
    thread = threading.Thread(target=work, args=[ended])
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
