"""Processes that take training steps turn by turn, so that what disturbs the machine disturbs all of them."""

import os
import pathlib
import statistics
import subprocess
import sys
import time

from host import ROOT


class Side:
    """A process that takes one step per line and answers with its seconds."""

    def __init__(self, name, command, on_gpu):
        self.name = name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.on_gpu = on_gpu
        self.seconds = []
        self.peak = 0.0

    def step(self):
        time.sleep(0.02)  # until the threads of the side before have stopped spinning
        return self.ask("step")

    def ask(self, what):
        self.process.stdin.write(f"{what}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"{self.name} ended early; its message is above")
        return float(answer)

    def end(self):
        """Gives the GPU's memory to the next side."""
        self.process.stdin.close()
        self.process.wait()

    def median(self):
        return statistics.median(self.seconds)

    def peak_mib(self):
        """Of the GPU's memory, or of the process's on the CPU."""
        if self.on_gpu:
            return self.ask("peak")
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


def take_turns(sides, steps):
    """All sides step by step: what disturbs the machine disturbs all."""
    for side in sides:  # warm-up: allocators, thread pools
        side.step(), side.step()
    for _ in range(steps):
        for side in sides:
            side.seconds.append(side.step())
    for side in sides:
        side.peak = side.peak_mib()


def step_program(on_gpu=False):
    """The trainer's example `step`, compiled for release."""
    features = ["--features", "cuda"] if on_gpu else []
    subprocess.run(["cargo", "build", "-q", "--release", "-p", "trainer", "--example", "step", *features], cwd=ROOT, check=True)
    return pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target") / "release" / "examples" / "step"
