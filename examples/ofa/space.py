#!/usr/bin/env python3
"""Once-for-All's MobileNetV3 space (Cai et al., 2020) of width 1.0 as PyTorch modules, and its export as a folder.

    examples/ofa/space.py FOLDER [--exporter torchscript|dynamo]      writes the space

Five stages of four layers, each an inverted residual of kernel 3, 5 or 7 and expansion 3, 4 or 6. A stage may also have only two or
three layers: its last two have `skip`. Each resolution needs a folder of its own. Needs the extra `export` of the package `blocktime`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from parts import Candidates, conv, main  # noqa: E402

STAGES = [
    (24, 2, nn.ReLU, False), (40, 2, nn.ReLU, True), (80, 2, nn.Hardswish, False),
    (112, 1, nn.Hardswish, True), (160, 2, nn.Hardswish, True),
]  # fmt: skip
"""Output channels, stride of the first layer, activation, and whether there is squeeze-and-excitation."""


def round_8(channels: float) -> int:
    """The nearest multiple of 8 that is not below 90 % of the value."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * channels else rounded + 8


class Squeeze(nn.Module):
    """Squeeze-and-excitation."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        mid = round_8(channels / 4)
        layers = [nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, mid, 1), nn.ReLU(), nn.Conv2d(mid, channels, 1), nn.Hardsigmoid()]
        self.gate = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gate(x)


class Block(nn.Module):
    """An inverted residual, which adds its input where the shapes are equal."""

    def __init__(self, c_in: int, c_out: int, stride: int, kernel: int, expand: int, act: type[nn.Module], squeeze: bool) -> None:
        super().__init__()
        mid = round_8(c_in * expand)
        self.body = nn.Sequential(
            *(conv(c_in, mid, act=act) if expand > 1 else []),
            *conv(mid, mid, kernel, stride, groups=mid, act=act),
            *([Squeeze(mid)] if squeeze else []),
            *conv(mid, c_out, act=None),
        )
        self.residual = stride == 1 and c_in == c_out

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x) if self.residual else self.body(x)


def before() -> dict[str, nn.Module]:
    """The fixed piece before the searched layers."""
    return {"first_conv": nn.Sequential(*conv(3, 16, 3, 2, act=nn.Hardswish)), "first_block": Block(16, 16, 1, 3, 1, nn.ReLU, False)}


def after() -> dict[str, nn.Module]:
    """The fixed piece after them."""
    mix = [nn.AdaptiveAvgPool2d(1), nn.Conv2d(960, 1280, 1, bias=False), nn.Hardswish(), nn.Flatten(), nn.Linear(1280, 1000)]
    return {"final_expand": nn.Sequential(*conv(STAGES[-1][0], 960, act=nn.Hardswish)), "classifier": nn.Sequential(*mix)}


def layers() -> list[Candidates]:
    """The candidates of each searched layer; `None` is an identity."""
    found: list[Candidates] = []
    c_in = 16
    for c_out, first_stride, act, squeeze in STAGES:
        for i in range(4):
            stride = first_stride if i == 0 else 1
            found.append({f"k{k}_e{e}": Block(c_in, c_out, stride, k, e, act, squeeze) for k in (3, 5, 7) for e in (3, 4, 6)})
            if i >= 2:
                found[-1]["skip"] = None
            c_in = c_out
    return found


def space() -> dict[str, Any]:
    """Arguments of `export_space`."""
    return {"name": "ofa-mobilenetv3", "layers": layers(), "before": before(), "after": after()}


if __name__ == "__main__":
    main(__doc__, space(), {})
