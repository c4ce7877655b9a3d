"""Shared by the example spaces: a convolution with batch norm, counting multiply-adds, and the command line."""

from __future__ import annotations

import argparse
from typing import Any, Mapping

import torch
from torch import Tensor, nn

from blocktime.export import ExportError, export_space

PICTURE = 224
"""Side of the input in pixels."""

Candidates = dict[str, nn.Module | None]


def conv(c_in: int, c_out: int, kernel: int = 1, stride: int = 1, groups: int = 1, act: type[nn.Module] | None = nn.ReLU) -> list[nn.Module]:
    """Convolution, batch norm and, unless `act` is `None`, an activation."""
    layers = [nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(c_out)]
    return layers if act is None else [*layers, act()]


def multiply_adds(net: nn.Module, shape: tuple[int, ...] = (3, PICTURE, PICTURE)) -> int:
    """Multiply-adds of convolutions and linear layers for one input of that shape."""
    count = 0

    def add(module: nn.Module, _: object, output: Tensor) -> None:
        nonlocal count
        count += module.weight[0].numel() * output.numel()

    hooks = [module.register_forward_hook(add) for module in net.modules() if isinstance(module, (nn.Conv2d, nn.Linear))]
    with torch.no_grad():
        net.eval()(torch.zeros(1, *shape))
    for hook in hooks:
        hook.remove()
    return count


def network(before: Mapping[str, nn.Module], layers: list[Candidates], choice: list[str], after: Mapping[str, nn.Module]) -> nn.Module:
    """The network of these candidates."""
    chosen = [candidates[name] for candidates, name in zip(layers, choice, strict=True)]
    return nn.Sequential(*before.values(), *(module for module in chosen if module is not None), *after.values())


def main(description: str | None, space: Mapping[str, Any], networks: Mapping[str, tuple[float, nn.Module]]) -> None:
    """Writes a space (arguments of `export_space`) into a folder, or counts the multiply-adds of known networks."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", help="folder to write the space to")
    parser.add_argument("--exporter", default="auto", choices=("auto", "torchscript", "dynamo"), help="exporter of PyTorch")
    parser.add_argument("--networks", action="store_true", help="count the published networks' multiply-adds")
    args = parser.parse_args()
    if args.folder is None and not args.networks:
        parser.error("give a folder, or --networks")
    if args.networks:
        for name, (published, net) in networks.items():
            print(f"{name:18} {multiply_adds(net) / 1e6:6.1f} M, published {published} M")
    if args.folder:
        try:
            report = export_space(input_shape=(3, PICTURE, PICTURE), folder=args.folder, exporter=args.exporter, **space)
        except (OSError, ExportError) as error:
            parser.exit(2, f"{error}\n")
        print(f"{report.candidates} blocks and {report.identities} identities in {report.files} files, {report.seconds:.0f} s")
