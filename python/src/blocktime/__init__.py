"""Latency tables in Python: the latency of each candidate of a search space on a device.

    from blocktime import Lut
    lut = Lut.read("phone.csv")
    lut.predict(["sep_k3", "gh_k5", "mb_k5_res", "gh_k5", "gh_k5"]).total_us

`blocktime.torch` has the expected latency as a term of a loss, `blocktime.export` writes PyTorch modules as the folder of a search
space, and `blocktime.adaptors` converts a table to the form that other search programs expect.
"""

from .errors import Fault, LutError, Misfit, Unknown, UnknownCandidate, UnknownLayer, UnknownSpace
from .lut import Lut, Prediction
from .row import Row
from .space import Layer, Space

__all__ = [
    "Fault", "Layer", "Lut", "LutError", "Misfit", "Prediction", "Row", "Space", "Unknown", "UnknownCandidate", "UnknownLayer", "UnknownSpace",
]  # fmt: skip
