"""For forks of FBNet with a class `LookUpTable`: its dict, filled from a latency table of a real device."""

from __future__ import annotations

from typing import Any

from ..errors import Misfit
from ..lut import Lut


def lookup_table_latency(lut: Lut) -> list[dict[str, float]]:
    """The dict `lookup_table_latency[layer_id][op_name]` of those forks, in µs."""
    return list(lut.as_dict("us").values())


def fill(lookup_table: Any, lut: Lut) -> None:
    """Replaces the times in the fork's `LookUpTable`, which were measured on the training computer, by those of the table.

    Raises `Misfit` if the table does not have the same layers and operations; then nothing is changed.
    """
    latency = lookup_table_latency(lut)
    if len(latency) != lookup_table.cnt_layers:
        message = f"the table has {len(latency)} layers, the fork's lookup table {lookup_table.cnt_layers}"
        raise Misfit(message, lookup_table.cnt_layers, len(latency))
    for layer, times in zip(lut.layers, latency):
        if missing := [name for name in lookup_table.lookup_table_operations if name not in times]:
            message = f"layer {layer.name}: the table has no candidate {', '.join(missing)}"
            raise Misfit(message, tuple(lookup_table.lookup_table_operations), layer.candidates, layer.name)
    lookup_table.lookup_table_latency = latency
