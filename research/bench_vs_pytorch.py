#!/usr/bin/env python3
"""Times a step of the PFLD supernet, or of a subnet, here and in PyTorch, turn by turn in one run.

    research/bench_vs_pytorch.py [--batch 32] [--pass weights|arch|finetune|eval] [--steps 7] [--threads 2] [--compute cuda]

`weights` and `arch` train a supernet's weights and its architecture, `finetune` a subnet's weights, `eval` computes a subnet's
landmarks. PyTorch runs in several forms: with the default memory layout and with channels_last, and `arch` each with gradients of the
weights, as NNI's example takes them, and with the weights frozen, as here, where those gradients are not needed. All sides take a step on
random pictures in turn, so that a neighbour on the machine slows down all; the medians are compared, each form has its ratio, and the
last line is `ratio N.NN`: images a second here over images a second in the fastest form of PyTorch. Builds the release binary and
installs PyTorch into a virtual environment in the cache folder if they are not there yet.

With `--compute cuda` the sides run on the first GPU, one after the other, and PyTorch has a third form: channels_last in a CUDA graph. `--program FILE` names
the binary where there is no Rust, and this script's own interpreter must have PyTorch then. `--alone` leaves PyTorch out. `--json FILE`
appends a line a side.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

from host import CACHE
from turns import Side, step_program, take_turns

# PyTorch's memory layouts; on these networks the second one is the faster.
LAYOUTS = ["default", "channels_last"]
# channels_last, the whole step recorded once and replayed: GPUs only.
GRAPH = "CUDA graph"
# This project's side.
OURS = "blocktime"


def pytorch_side(batch, which, threads, layout, frozen, device):
    """Child process: one step for each line on stdin, seconds on stdout; for the line `peak`, the GPU's most MiB in use."""
    import torch
    from torch import nn
    from torch.nn import functional as F

    torch.set_num_threads(threads)
    torch.set_default_device(device)
    torch.manual_seed(0)

    def cbr(i, o, k=1, s=1, p=0, g=1):
        return nn.Sequential(nn.Conv2d(i, o, k, s, p, groups=g, bias=False), nn.BatchNorm2d(o), nn.ReLU(inplace=True))

    class Attention(nn.Module):
        def __init__(self, c, size):
            super().__init__()
            self.squeeze = nn.Conv2d(c, c, size, groups=c, bias=False)
            self.excite = nn.Conv2d(c, c, 1)

        def forward(self, x):
            return x * F.relu6(self.excite(self.squeeze(x)) + 3) / 6

    class Bottleneck(nn.Module):
        def __init__(self, i, o, stride=1, k=3, mid=None, res=False, dil=1, se=False, size=7):
            super().__init__()
            mid = mid or i
            self.skip = res and stride == 1
            pad = k // 2 + dil - 1
            self.body = nn.Sequential(
                nn.Conv2d(i, mid, 1, bias=False),
                nn.BatchNorm2d(mid),
                nn.ReLU(inplace=True),
                nn.Conv2d(mid, mid, k, stride, pad, dil, groups=mid, bias=False),
                nn.BatchNorm2d(mid),
                Attention(mid, size) if se else nn.Identity(),
                nn.ReLU(inplace=True),
                nn.Conv2d(mid, o, 1, bias=False),
                nn.BatchNorm2d(o),
            )

        def forward(self, x):
            return x + self.body(x) if self.skip else self.body(x)

    class Ghost(nn.Module):
        def __init__(self, i, o, stride, k):
            super().__init__()
            self.primary = cbr(i, o // 2, 1, stride)
            self.cheap = cbr(o // 2, o // 2, k, 1, k // 2, o // 2)

        def forward(self, x):
            a = self.primary(x)
            return torch.cat([a, self.cheap(a)], 1)

    def separable(i, o, k, stride=1):
        return nn.Sequential(cbr(i, i, k, stride, k // 2, i), cbr(i, o))

    def candidate(name, i, o, stride, size):
        kind, *rest = name.split("_")
        k = int(next(r[1:] for r in rest if r[0] == "k"))
        if kind == "sep":
            return separable(i, o, k, stride)
        if kind == "gh":
            return Ghost(i, o, stride, k)
        dil = next((int(r[1:]) for r in rest if r[0] == "d"), 1)
        expand = next((int(r[1:]) for r in rest if r[0] == "e"), 2 if dil > 1 else 1)
        return Bottleneck(i, o, stride, k, i * expand, "res" in rest, dil, "se" in rest, size)

    first = "mb_k3_res mb_k3_e2_res mb_k3_res_d3 mb_k5_res mb_k5_e2_res sep_k3 sep_k5 gh_k3 gh_k5".split()
    second = "mb_k3_e2_res mb_k3_e4_res mb_k3_e2_res_se mb_k3_res_d3 mb_k5_res mb_k5_e2_res mb_k5_res_se mb_k5_e2_res_se gh_k5".split()
    layers = [(first, 32, 32, 1, 14)] * 2 + [(second, 32, 64, 2, 7)] + [(second, 64, 64, 1, 7)] * 2

    subnet = ["mb_k3_e2_res", "sep_k5", "mb_k5_e2_res_se", "mb_k3_res_d3", "gh_k5"]
    if which in ("finetune", "eval"):
        layers = [([name], *shape) for name, (_, *shape) in zip(subnet, layers)]

    class Supernet(nn.Module):
        def __init__(self):
            super().__init__()
            self.s1 = cbr(3, 16, 3, 2, 1)
            self.s2a = nn.Sequential(cbr(16, 16), separable(16, 16, 1, 2))
            self.s3 = cbr(32, 16)
            self.b4 = Bottleneck(16, 32, 2, mid=32)
            self.searched = nn.ModuleList(nn.ModuleList(candidate(n, *shape) for n in names) for names, *shape in layers)
            self.side1 = nn.Conv2d(16, 16, 9, 8, 1, groups=16, bias=False)
            self.side2 = nn.Conv2d(32, 32, 3, 2, 1, groups=32, bias=False)
            self.join = nn.Conv2d(112, 64, 1, bias=False)
            self.head = nn.Sequential(
                Bottleneck(64, 64, mid=128, res=True, se=True),
                separable(64, 128, 3),
                nn.Conv2d(128, 128, 7, groups=128, bias=False),
                nn.Conv2d(128, 212, 1),
            )

        def forward(self, x, masks):
            a = self.s1(x)
            features = self.s3(torch.cat([self.s2a(a), F.max_pool2d(a, 2)], 1))
            y = self.b4(features)
            for i, (ops, mask) in enumerate(zip(self.searched, masks)):
                y = ops[0](y) if len(ops) == 1 else sum(m * op(y) for m, op in zip(mask, ops))
                if i == 1:
                    side = y
            y = self.head(self.join(torch.cat([y, self.side2(side), self.side1(a)], 1)))
            return y.flatten(1), features

    class Pose(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(
                cbr(16, 64, 3, 2, 1), cbr(64, 64, 3, 1, 1), cbr(64, 32, 3, 2, 1), cbr(32, 64, 7, 1, 1), nn.MaxPool2d(3), nn.Flatten()
            )
            self.fc = nn.Sequential(nn.Linear(64, 32), nn.Linear(32, 3))

        def forward(self, x):
            return self.fc(self.body(x))

    net, pose = Supernet().train(), Pose().train()
    weights = [*net.parameters(), *pose.parameters()]
    alphas = [torch.full((9,), 1 / 9, requires_grad=True) for _ in layers]
    latency = torch.rand(5, 9) * 200 + 20
    recorded = {"capturable": True} if layout == GRAPH else {}
    descent = torch.optim.RMSprop(weights, lr=1e-4, weight_decay=1e-6, **recorded)
    arch_descent = torch.optim.AdamW(alphas, lr=0.01, weight_decay=5e-4, **recorded)
    memory_format = torch.contiguous_format if layout == "default" else torch.channels_last
    net, pose = net.to(memory_format=memory_format), pose.to(memory_format=memory_format)
    for weight in weights:
        weight.requires_grad_(not frozen)
    images, points, angles = torch.rand(batch, 3, 112, 112).to(memory_format=memory_format), torch.rand(batch, 212), torch.randn(batch, 3) * 0.1

    def search_step():
        masks = [F.gumbel_softmax(a, tau=5.0) for a in alphas]
        landmarks, features = net(images, masks)
        squared = (landmarks - points).square().sum(1)
        if which == "weights":
            squared = squared * (1 - torch.cos(pose(features) - angles)).sum(1)
        cost = sum((m * t).sum() for m, t in zip(masks, latency))
        loss = squared.mean() * 0.25 * cost.log() ** 0.6
        optimizer = descent if which == "weights" else arch_descent
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def finetune_step():
        landmarks, features = net(images, layers)
        loss = ((landmarks - points).square().sum(1) * (1 - torch.cos(pose(features) - angles)).sum(1)).mean()
        descent.zero_grad()
        loss.backward()
        descent.step()

    def eval_step():
        with torch.inference_mode():
            net(images, layers)

    if which == "eval":
        net.eval()
    step = {"finetune": finetune_step, "eval": eval_step}.get(which, search_step)
    if layout == GRAPH:
        step = recorded_step(torch, step)
    wait = torch.cuda.synchronize if device != "cpu" else lambda: None

    for line in sys.stdin:
        if line.strip() == "peak":
            print(torch.cuda.max_memory_reserved() / 2**20, flush=True)
            continue
        wait()
        start = time.perf_counter()
        step()
        wait()
        print(time.perf_counter() - start, flush=True)


def recorded_step(torch, step):
    """The step as a CUDA graph, after a few steps that let PyTorch choose its algorithms."""
    beside = torch.cuda.Stream()
    beside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(beside):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(beside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def torch_python():
    """An interpreter with PyTorch, installed on first use."""
    folder = CACHE / "pytorch"
    python = folder / "bin" / "python"
    if subprocess.run([python, "-c", "import torch"], capture_output=True).returncode if python.exists() else True:
        print(f"installing PyTorch into {folder}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "torch", "numpy"], check=True)
    return python


def pytorch_forms(python, which, on_gpu, shape):
    """PyTorch's forms: a name and a command each."""
    layouts = [*LAYOUTS, GRAPH] if on_gpu and which != "eval" else LAYOUTS
    for frozen in [False, True] if which == "arch" else [False]:
        for layout in layouts:
            name = f"PyTorch, {layout if layout == GRAPH else layout + ' layout'}{', weights frozen' if frozen else ''}"
            yield name, [python, __file__, "--pytorch-side", layout, *shape, *(["--frozen"] if frozen else [])]


def record(side, args):
    """What was measured of a side, for programs that read it."""
    conditions = {"pass": args.which, "compute": args.compute, "batch": args.batch, "threads": args.threads, "steps": args.steps}
    return {**conditions, "side": side.name, "images_per_s": args.batch / side.median(), "peak_mib": side.peak}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--pass", dest="which", choices=["weights", "arch", "finetune", "eval"], default="weights")
    parser.add_argument("--steps", type=int, default=7, help="timed steps of each side")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--compute", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--program", type=pathlib.Path, help="the example `step`, compiled elsewhere")
    parser.add_argument("--alone", action="store_true", help="without PyTorch")
    parser.add_argument("--json", type=pathlib.Path, help="append the figures to this file, a line a side")
    parser.add_argument("--pytorch-side", choices=[*LAYOUTS, GRAPH], help=argparse.SUPPRESS)
    parser.add_argument("--frozen", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.pytorch_side:
        return pytorch_side(args.batch, args.which, args.threads, args.pytorch_side, args.frozen, args.compute)

    on_gpu = args.compute != "cpu"
    shape = ["--batch", str(args.batch), "--pass", args.which, "--threads", str(args.threads), "--compute", args.compute]
    specs = [(OURS, [args.program or step_program(on_gpu), *shape])]
    if not args.alone:
        specs += pytorch_forms(sys.executable if args.program else torch_python(), args.which, on_gpu, shape)
    sides = []
    # A GPU's memory does not hold all sides at once, and no other program uses it.
    for group in [[spec] for spec in specs] if on_gpu else [specs]:
        running = [Side(name, command, on_gpu) for name, command in group]
        take_turns(running, args.steps)
        if on_gpu:
            running[0].end()
        sides += running
    ours, *theirs = sides
    print(f"{args.which} step on {args.compute}, batch {args.batch}, {args.threads} threads, median of {args.steps}")
    for side in sides:
        median = side.median()
        ratio = "" if side is ours else f"  ratio {median / ours.median():5.2f}"
        print(f"{side.name:38} {median * 1e3:8.1f} ms  {args.batch / median:7.1f} images/s  peak {side.peak:6.0f} MiB{ratio}")
    if args.json:
        with args.json.open("a") as file:
            file.writelines(json.dumps(record(side, args)) + "\n" for side in sides)
    if not theirs:
        return
    fastest = min(theirs, key=Side.median)
    print(f"fastest: {fastest.name}")
    print(f"memory ratio {ours.peak / fastest.peak:.2f}")
    print(f"ratio {fastest.median() / ours.median():.2f}")


if __name__ == "__main__":
    main()
