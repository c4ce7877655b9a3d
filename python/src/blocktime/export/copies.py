"""Copies of modules for the export: on the CPU, in evaluation mode, with statistics and weights like those of a trained network."""

from __future__ import annotations

import copy
import hashlib
from typing import Any

import torch
from torch import Tensor, nn

_OWN = set(vars(nn.Module())) - {"_forward_hooks", "_forward_pre_hooks"}
"""Attributes that every module has, whatever it computes. Parameters, buffers and parts are looked at by themselves."""


def prepared(module: nn.Module, randomize: bool) -> nn.Module:
    """A copy in float32 and evaluation mode; the module itself is not changed."""
    copied = copy.deepcopy(module).cpu().float().eval()
    if randomize:
        _randomize(copied)
    for parameter in copied.parameters():
        parameter.requires_grad_(False)
    return copied


def without_statistics(module: nn.Module) -> list[str]:
    """Names of the batch norms in a module that have no running statistics and compute those of the batch, even in evaluation mode."""
    parts = ((name, part) for name, part in module.named_modules() if isinstance(part, nn.modules.batchnorm._BatchNorm))
    return [f"'{name}'" if name else type(part).__name__ for name, part in parts if part.running_mean is None or part.running_var is None]


def _randomize(module: nn.Module) -> None:
    """Draws new values for everything that is constant in a new module.

    Exporters fold a batch norm that does nothing, drop a bias of zeros, and share equal constants. Then the graph is not that of a trained
    network, and its latency differs. The same values are drawn each time. Numbers below the smallest normal one, as a training that went
    astray leaves them, become 0: processors are slow with them.
    """
    generator = torch.Generator().manual_seed(0)

    def draw(tensor: Tensor, low: float, high: float) -> None:
        tensor.copy_(torch.rand(tensor.shape, generator=generator) * (high - low) + low)

    with torch.no_grad():
        for tensor in (*module.parameters(), *module.buffers()):
            if tensor.is_floating_point() and bool((small := tensor.abs() < torch.finfo(tensor.dtype).tiny).any()):
                tensor[small] = 0.0
        for part in module.modules():
            mean, variance = getattr(part, "running_mean", None), getattr(part, "running_var", None)
            if isinstance(mean, Tensor) and isinstance(variance, Tensor):
                draw(mean, -0.5, 0.5)
                draw(variance, 0.5, 1.5)
        for parameter in module.parameters():
            if not parameter.numel() or not bool((parameter == parameter.reshape(-1)[0]).all()):
                continue
            value = float(parameter.reshape(-1)[0])
            if value == 0.0:
                draw(parameter, -0.5, 0.5)
            elif parameter.numel() > 1:
                draw(parameter, 0.5 * value, 1.5 * value)


def likeness(module: nn.Module) -> tuple[Any, ...]:
    """A value that is equal for two modules only if they compute the same, apart from the values of their weights.

    It contains everything that a module's code can depend on: types, shapes, numbers that are no weights, and all attributes of all parts.
    Objects that are not plain data are compared by identity, so two modules with equal copies of such an object count as different.
    """
    parts: list[Any] = []
    for name, part in module.named_modules():
        values = {key: _plain(value) for key, value in vars(part).items() if key not in _OWN}
        parts.append((name, type(part), part.training, tuple(sorted(values.items()))))
    tensors = (*module.named_parameters(remove_duplicate=False), *module.named_buffers(remove_duplicate=False))
    return tuple(parts), tuple((name, tuple(tensor.shape), tensor.dtype, _number(tensor)) for name, tensor in tensors)


def _number(tensor: Tensor) -> bytes:
    """SHA-256 of the values of a tensor, on which code can branch; nothing for weights: floats, more than one."""
    is_weight = tensor.is_floating_point() and tensor.numel() > 1
    return b"" if is_weight else hashlib.sha256(tensor.detach().numpy().tobytes()).digest()


def _plain(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"{type(value).__name__}({','.join(map(_plain, value))})"
    if isinstance(value, dict):
        return f"{type(value).__name__}({','.join(f'{_plain(key)}:{_plain(inner)}' for key, inner in value.items())})"
    if value is None or isinstance(value, (bool, int, float, str, torch.dtype, torch.Size)):
        return f"{type(value).__name__} {value!r}"
    return f"object {id(value)}"
