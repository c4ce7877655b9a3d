#!/usr/bin/env python3
"""ProxylessNAS's search space (Cai et al., 2019) as PyTorch modules, and its export as a folder.

    examples/proxylessnas/space.py FOLDER [--exporter torchscript|dynamo]      writes the space
    examples/proxylessnas/space.py --networks                                  multiply-adds of the published network

21 searched layers of six inverted residuals, of kernel 3, 5 or 7 and expansion 3 or 6, and `Zero`, which leaves a layer out, in those
whose shapes allow it. Widths are those of the published networks. Needs the extra `export` of the package `blocktime`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from parts import Candidates, conv, main, network  # noqa: E402

STAGES = [(32, 4, 2), (40, 4, 2), (80, 4, 2), (96, 4, 1), (192, 4, 2), (320, 1, 1)]
"""Output channels, layers, and stride of the first layer."""

MOBILE = """5x5_MBConv3 3x3_MBConv3 Zero Zero 7x7_MBConv3 3x3_MBConv3 5x5_MBConv3 5x5_MBConv3 7x7_MBConv6 5x5_MBConv3 5x5_MBConv3
    5x5_MBConv3 5x5_MBConv6 5x5_MBConv3 5x5_MBConv3 5x5_MBConv3 7x7_MBConv6 7x7_MBConv6 7x7_MBConv3 7x7_MBConv3 7x7_MBConv6"""
"""The layers of the network for phones."""


class Block(nn.Module):
    """An inverted residual, which adds its input where the shapes are equal."""

    def __init__(self, c_in: int, c_out: int, stride: int, kernel: int, expand: int) -> None:
        super().__init__()
        mid = c_in * expand
        first = conv(c_in, mid, act=nn.ReLU6) if expand > 1 else []
        self.body = nn.Sequential(*first, *conv(mid, mid, kernel, stride, groups=mid, act=nn.ReLU6), *conv(mid, c_out, act=None))
        self.residual = stride == 1 and c_in == c_out

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x) if self.residual else self.body(x)


def before() -> dict[str, nn.Module]:
    """The fixed piece before the searched layers."""
    return {"first_conv": nn.Sequential(*conv(3, 32, 3, 2, act=nn.ReLU6)), "first_block": Block(32, 16, 1, 3, 1)}


def after() -> dict[str, nn.Module]:
    """The fixed piece after them."""
    classifier = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1280, 1000))
    return {"feature_mix": nn.Sequential(*conv(STAGES[-1][0], 1280, act=nn.ReLU6)), "classifier": classifier}


def layers() -> list[Candidates]:
    """The candidates of each searched layer; `None` is an identity."""
    found: list[Candidates] = []
    c_in = 16
    for c_out, count, first_stride in STAGES:
        for i in range(count):
            stride = first_stride if i == 0 else 1
            found.append({f"{k}x{k}_MBConv{e}": Block(c_in, c_out, stride, k, e) for k in (3, 5, 7) for e in (3, 6)})
            if stride == 1 and c_in == c_out:
                found[-1]["Zero"] = None
            c_in = c_out
    return found


def space() -> dict[str, Any]:
    """Arguments of `export_space`."""
    return {"name": "proxylessnas", "layers": layers(), "before": before(), "after": after()}


def networks() -> dict[str, tuple[float, nn.Module]]:
    """The published network, with its multiply-adds in millions as published."""
    return {"ProxylessNAS-Mobile": (320, network(before(), layers(), MOBILE.split(), after()))}


if __name__ == "__main__":
    main(__doc__, space(), networks())
