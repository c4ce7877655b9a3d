#!/usr/bin/env python3
"""FBNet's search space (Wu et al., 2019) as PyTorch modules, and its export as a folder.

    examples/fbnet/space.py FOLDER [--exporter torchscript|dynamo]      writes the space
    examples/fbnet/space.py --networks                                  multiply-adds of the published networks

22 searched layers of nine candidates: inverted residuals of kernel 3 or 5 and expansion 1, 3 or 6, those of expansion 1 also with their
1×1 convolutions in two groups, and `skip`. Needs the extra `export` of the package `blocktime`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from torch import Tensor, nn

sys.path += [str(folder) for folder in Path(__file__).resolve().parents[:2]]
from networks import NETWORKS  # noqa: E402
from parts import Candidates, conv, main, network  # noqa: E402

STAGES = [(16, 1, 1), (24, 4, 2), (32, 4, 2), (64, 4, 2), (112, 4, 1), (184, 4, 2), (352, 1, 1)]
"""Output channels, layers, and stride of the first layer."""

BLOCKS = {f"k{kernel}_e{expand}{'_g2' * (groups == 2)}": (kernel, expand, groups)
          for kernel in (3, 5) for expand, groups in ((1, 1), (1, 2), (3, 1), (6, 1))}  # fmt: skip
"""Kernel, expansion and groups of each block."""


class Shuffle(nn.Module):
    """Channel shuffle: distributes the channels of each group over all groups."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        return x.view(n, self.groups, c // self.groups, h, w).transpose(1, 2).reshape(n, c, h, w)


class Block(nn.Module):
    """An inverted residual, which adds its input where the shapes are equal."""

    def __init__(self, c_in: int, c_out: int, stride: int, kernel: int, expand: int, groups: int) -> None:
        super().__init__()
        mid = c_in * expand
        self.body = nn.Sequential(
            *conv(c_in, mid, groups=groups),
            *([Shuffle(groups)] if groups > 1 else []),
            *conv(mid, mid, kernel, stride, groups=mid),
            *conv(mid, c_out, groups=groups, act=None),
        )
        self.residual = stride == 1 and c_in == c_out

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x) if self.residual else self.body(x)


def before() -> dict[str, nn.Module]:
    """The fixed piece before the searched layers."""
    return {"stem": nn.Sequential(*conv(3, 16, 3, 2))}


def after(width: int = 1984) -> dict[str, nn.Module]:
    """The fixed piece after them, with `width` channels before the classifier."""
    pooled = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 1000)]
    return {"head": nn.Sequential(*conv(STAGES[-1][0], width), *pooled)}


def layers() -> list[Candidates]:
    """The candidates of each searched layer; `None` is an identity."""
    found: list[Candidates] = []
    c_in = 16
    for c_out, count, first_stride in STAGES:
        for i in range(count):
            stride = first_stride if i == 0 else 1
            skip = None if stride == 1 and c_in == c_out else nn.Sequential(*conv(c_in, c_out, 1, stride))
            found.append({**{name: Block(c_in, c_out, stride, *block) for name, block in BLOCKS.items()}, "skip": skip})
            c_in = c_out
    return found


def space() -> dict[str, Any]:
    """Arguments of `export_space`."""
    return {"name": "fbnet", "layers": layers(), "before": before(), "after": after()}


def networks() -> dict[str, tuple[float, nn.Module]]:
    """The published networks, with their multiply-adds in millions as published."""
    return {name: (macs, network(before(), layers(), choice.split(), after(width))) for name, (macs, width, choice) in NETWORKS.items()}


if __name__ == "__main__":
    main(__doc__, space(), networks())
