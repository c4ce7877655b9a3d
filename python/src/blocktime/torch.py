"""The expected latency of a supernet, as a term of a loss in PyTorch."""

from __future__ import annotations

from typing import Callable, Sequence, Union

import torch
from torch import Tensor, nn

from .errors import Misfit
from .lut import Lut, factor_of

Weights = Union[Tensor, Sequence[Tensor]]
"""One tensor `(…, L, C)`, or one `(…, C_l)` for each of the L layers."""


class ExpectedLatency(nn.Module):
    """Expected latency of a supernet: `fixed + Σ_l Σ_k w[l][k] · t[l][k]`, differentiable in `w`.

    `t[l][k]` is the latency of candidate k in layer l by the table. `w[l]` are the shares (0 to 1) of the candidates: a softmax or Gumbel
    softmax of the architecture weights, or a sampled one-hot vector.

        latency = ExpectedLatency(Lut.read("phone.csv"))
        loss = cross_entropy + 0.01 * latency([F.gumbel_softmax(alpha, tau) for alpha in alphas])

    The buffer `table`, `(L, C)`, holds the times in the chosen unit. The buffer `mask`, `(L, C)`, says which candidates exist: a layer can
    have fewer than C. Both move with `.to()`. The times stay float32 in a module of half precision, because float16 ends at 65504: a network
    can take more µs than that.
    """

    table: Tensor
    mask: Tensor
    fixed: Tensor

    def __init__(
        self,
        lut: Lut,
        *,
        unit: str = "ms",
        include_fixed: bool = True,
        layers: Sequence[int | str] | None = None,
        logits: bool = False,
        validate: bool = True,
    ) -> None:
        """A module for the space of `lut`.

        unit: unit of the result: `us`, `ms` or `s`.
        include_fixed: adds the fixed pieces, so that the result is the time of a whole network. They are a constant, but a loss with a
            logarithm or a ratio needs them.
        layers: names or indices (from 0) of the layers that the weights are for, in their order [default: all layers of the table]. The
            time of the other layers is not in the result; if they are not searched, add `lut.latency` of their candidates.
        logits: `forward` takes the architecture weights and computes their softmax.
        validate: checks that no share is negative and that the shares of a layer sum to 1, both within 0.001, or within the precision of
            their type where that is coarser. For this they are copied from the device. Compiled steps and `torch.vmap` skip the check.

        Raises `Unknown` for another unit, `UnknownLayer` for a layer that the table does not have, and `Misfit` if a layer is given twice,
        or if the table has no fixed pieces and `include_fixed` is set.
        """
        super().__init__()
        factor = factor_of(unit)
        fixed_us = lut.fixed_us if include_fixed else 0.0
        if fixed_us is None:
            message = "the table has no fixed pieces (it was imported); include_fixed=False counts the searched layers only"
            raise Misfit(message, {"include_fixed": True}, {"include_fixed": False})
        searched = lut.layers if layers is None else tuple(map(lut.layer, layers))
        self.names = [layer.name for layer in searched]
        self.counts = [len(layer.candidates) for layer in searched]
        if twice := next((name for name in self.names if self.names.count(name) > 1), None):
            raise Misfit(f"layer {twice} is given twice", self.names.count(twice), 1, twice)
        self.unit, self.logits, self.validate = unit, logits, validate
        width = max(self.counts, default=0)
        times = [[lut.by_key(key).latency_us * factor for key in layer.keys] for layer in searched]
        self.register_buffer("table", torch.tensor([row + [0.0] * (width - len(row)) for row in times]))
        self.register_buffer("mask", torch.tensor([[k < count for k in range(width)] for count in self.counts]))
        self.register_buffer("fixed", torch.tensor(fixed_us * factor))

    def forward(self, weights: Weights) -> Tensor:
        """The expected latency, of the shape of the leading dimensions: a scalar for tensors without them.

        weights: shares (or logits, if `logits` was set): `(…, L, C)`, where values of missing candidates are ignored, or L tensors
            `(…, C_l)`. Raises a `Misfit` that names the layer if a shape does not fit, if a share is negative, or if shares do not sum to 1.
        """
        shares = self._padded(weights)
        if self.logits:
            shares = shares.masked_fill(~self.mask, float("-inf")).softmax(-1)
        else:
            shares = shares.masked_fill(~self.mask, 0.0)
            if self.validate and not torch.compiler.is_compiling():
                self._check(shares)
        return self.fixed + (shares * self.table).sum((-2, -1))

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> ExpectedLatency:
        times = {name: getattr(self, name) for name in ("table", "fixed")}
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        for name, before in times.items():
            moved = getattr(self, name)
            if moved.dtype in (torch.float16, torch.bfloat16):
                setattr(self, name, before.to(moved.device, torch.float32))
        return self

    def extra_repr(self) -> str:
        """Layers, candidates and unit, for `print`."""
        return f"{len(self.names)} layers of up to {self.table.shape[-1]} candidates, {self.unit}"

    def _padded(self, weights: Weights) -> Tensor:
        rows, width = self.table.shape
        if isinstance(weights, Tensor):
            if weights.shape[-2:] != (rows, width):
                message = f"weights are {tuple(weights.shape)}, but must end in ({rows}, {width}): layers, candidates"
                raise Misfit(message, tuple(weights.shape), (rows, width))
            return weights
        if len(weights) != rows:
            raise Misfit(f"{len(weights)} tensors for {rows} layers", len(weights), rows)
        padded = []
        for name, count, tensor in zip(self.names, self.counts, weights):
            if tensor.shape[-1:] != (count,):
                message = f"layer {name}: weights are {tuple(tensor.shape)}, but must end in {count}, its candidates"
                raise Misfit(message, tuple(tensor.shape), (count,), name)
            if tensor.shape[:-1] != weights[0].shape[:-1]:
                message = f"layer {name}: weights are {tuple(tensor.shape)}, but those of layer {self.names[0]} {tuple(weights[0].shape)}"
                raise Misfit(message, tuple(tensor.shape), (*weights[0].shape[:-1], count), name)
            padded.append(nn.functional.pad(tensor, (0, width - count)))
        return torch.stack(padded, -2)

    def _check(self, shares: Tensor) -> None:
        allowed = max(1e-3, torch.finfo(shares.dtype).eps if shares.is_floating_point() else 0.0)
        sums = shares.detach().sum(-1, dtype=torch.float64 if shares.dtype == torch.float64 else torch.float32)
        least = shares.detach().amin(-1)
        wrong = ~((sums - 1).abs() <= allowed) | (least < -allowed)
        try:
            if not wrong.any():
                return
        except RuntimeError as e:
            if "vmap" in str(e):  # Within it, no value can be looked at.
                return
            raise
        layer = int(wrong.reshape(-1, len(self.names)).any(0).nonzero()[0])
        name, sums = self.names[layer], sums.reshape(-1, len(self.names))[:, layer]
        if (lowest := float(least.reshape(-1, len(self.names))[:, layer].min())) < -allowed:
            raise Misfit(f"layer {name}: a share is {lowest:.4g}, below 0; give a softmax, or logits=True", lowest, 0.0, name)
        found = float(sums[(sums - 1).abs().argmax()])
        raise Misfit(f"layer {name}: shares sum to {found:.4g}, not 1; give a softmax, or logits=True", found, 1.0, name)
