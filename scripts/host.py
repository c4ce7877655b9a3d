"""What the scripts beside it share: where things lie, and how other programs are run."""

import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = pathlib.Path(
    os.environ.get("BLOCKTIME_CACHE") or pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "blocktime"
)


def fail(message):
    print(f"{pathlib.Path(sys.argv[0]).stem}: {message}", file=sys.stderr)
    sys.exit(2)


def run(command, **more):
    """A program's standard output; its end is ours where it fails."""
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, text=True, **more)
    if done.returncode:
        fail(f"'{' '.join(str(c) for c in command)}' ended with {done.returncode}")
    return done.stdout
