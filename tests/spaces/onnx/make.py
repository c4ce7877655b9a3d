"""Makes the two folders beside it again, with each of PyTorch's exporters: a small space of three layers with a side branch, the network of
one choice exported whole, and the fingerprints that the Python package gives the files.

    pip install './python[export]' && python tests/spaces/onnx/make.py
"""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from blocktime.export import export_space
from blocktime.export.copies import prepared
from blocktime.export.files import EXPORTERS, export, fingerprint

CHOICE = ["k3_e2", "skip", "se"]
"""The network that is exported whole, too."""


class Block(nn.Module):
    """An inverted residual; its 1×1 convolutions may be grouped, with a shuffle between them."""

    def __init__(self, c_in: int, c_out: int, kernel: int, expand: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        mid = c_in * expand
        self.groups, self.residual = groups, stride == 1 and c_in == c_out
        self.first = nn.Sequential(nn.Conv2d(c_in, mid, 1, groups=groups, bias=False), nn.BatchNorm2d(mid), nn.ReLU6())
        self.depth = nn.Conv2d(mid, mid, kernel, stride, kernel // 2, groups=mid, bias=False)
        self.last = nn.Sequential(nn.BatchNorm2d(mid), nn.Hardswish(), nn.Conv2d(mid, c_out, 1, groups=groups, bias=False), nn.BatchNorm2d(c_out))

    def forward(self, x: Tensor) -> Tensor:
        y = self.first(x)
        if self.groups > 1:
            n, c, h, w = y.shape
            y = y.view(n, self.groups, c // self.groups, h, w).transpose(1, 2).reshape(n, c, h, w)
        y = self.last(self.depth(y))
        return x + y if self.residual else y


class Squeeze(nn.Module):
    """A convolution and squeeze-and-excitation."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(c_in, c_out, 1, stride=2, bias=False), nn.BatchNorm2d(c_out), nn.ReLU())
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(c_out, 2, 1), nn.ReLU(), nn.Conv2d(2, c_out, 1), nn.Hardsigmoid())

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        return y * self.gate(y)


class Normed(nn.Module):
    """A block whose batch norm comes first: in a network it joins the convolution before it."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.norm, self.conv = nn.BatchNorm2d(c), nn.Conv2d(c, c, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(torch.relu(self.norm(x)))


class Stem(nn.Module):
    """Gives the first map, and its mean for the head."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1, bias=False), nn.BatchNorm2d(4), nn.ReLU())

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y = self.conv(x)
        return y, y.mean((2, 3))


class Head(nn.Module):
    """Takes the last layer's map and the stem's mean."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(12, 5)

    def forward(self, x: Tensor, side: Tensor) -> Tensor:
        return self.linear(torch.cat([x.mean((2, 3)), side], 1))


class Network(nn.Module):
    """The whole network of some pieces."""

    def __init__(self, stem: nn.Module, layers: list[nn.Module], head: nn.Module) -> None:
        super().__init__()
        self.stem, self.layers, self.head = stem, nn.Sequential(*layers), head

    def forward(self, x: Tensor) -> Tensor:
        y, side = self.stem(x)
        return self.head(self.layers(y), side)


def main() -> None:
    torch.manual_seed(7)
    stem, head = Stem(), Head()
    layers: list[dict[str, nn.Module | None]] = [
        {"k3_e2": Block(4, 4, 3, 2), "k5_e1_g2": Block(4, 4, 5, 1, groups=2), "again": Block(4, 4, 3, 2), "skip": None},
        {"k3_e2": Block(4, 4, 3, 2), "normed": Normed(4), "skip": None},
        {"k3_e1": Block(4, 8, 3, 1, stride=2), "se": Squeeze(4, 8)},
    ]
    for exporter, opset in EXPORTERS.items():
        folder = Path(__file__).parent / exporter
        export_space(
            layers, (3, 16, 16), folder, before={"stem": stem}, after={"head": head}, inputs={"head": ["L3", "stem:1"]},
            name=f"small-{exporter}", exporter=exporter, overwrite=True,
        )
        prints = {f"blocks/{path.name}": fingerprint(onnx.load(path)) for path in sorted((folder / "blocks").iterdir())}
        (folder / "fingerprints.json").write_text(json.dumps(prints, indent=1) + "\n")
        chosen = [prepared(module, True) for name, layer in zip(CHOICE, layers) if (module := layer[name]) is not None]
        whole = export(Network(prepared(stem, True), chosen, prepared(head, True)).eval(), [(1, 3, 16, 16)], exporter, opset)
        (folder / "whole.onnx").write_bytes(whole.SerializeToString(deterministic=True))


if __name__ == "__main__":
    main()
