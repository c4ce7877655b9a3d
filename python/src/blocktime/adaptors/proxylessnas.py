"""For ProxylessNAS: a replacement for its `LatencyEstimator`."""

from __future__ import annotations

from typing import Mapping, Sequence

from ..errors import Unknown
from ..lut import Lut


class LatencyEstimator:
    """Latencies in ms for `expected_latency(latency_model)` and `net_latency`: `run_manager.latency_estimator = LatencyEstimator(…)`."""

    def __init__(self, lut: Lut, fixed: Mapping[str, str], candidate: str = "{kernel}x{kernel}_MBConv{expand}") -> None:
        """fixed: the table's keys for the types `Conv`, `Conv_1` and `Logits`, and for `expanded_conv`, the first block, which is
        not searched. candidate: pattern of the names of blocks in the table."""
        self.fixed_ms = {name: lut.by_key(key).latency_us / 1000 for name, key in fixed.items()}
        self.candidate = candidate
        self.blocks_ms: dict[tuple[str, tuple[int, ...], tuple[int, ...]], float] = {}
        for layer in lut.layers:
            for name, key in zip(layer.candidates, layer.keys):
                row = lut.by_key(key)
                output = (-(-row.h // row.stride), -(-row.w // row.stride), row.c_out)
                self.blocks_ms[name, (row.h, row.w, row.c_in), output] = row.latency_us / 1000

    def predict(
        self, ltype: str, _input: Sequence[int], output: Sequence[int],
        expand: int | None = None, kernel: int | None = None, stride: int | None = None, idskip: int | None = None,
    ) -> float:  # fmt: skip
        """Latency of a layer in ms; shapes are (height, width, channels). Raises `Unknown` if the table has no such layer."""
        name = self.candidate.format(kernel=kernel, expand=expand)
        block = (name, tuple(_input), tuple(output))
        if ltype == "expanded_conv" and block in self.blocks_ms:
            return self.blocks_ms[block]
        if ltype not in self.fixed_ms or (ltype == "expanded_conv" and expand != 1):
            asked = (ltype, name, tuple(_input), tuple(output))
            raise Unknown(f"the table has no {ltype} {name} from {tuple(_input)} to {tuple(output)}", asked, [*self.fixed_ms, *self.blocks_ms])
        return self.fixed_ms[ltype]
