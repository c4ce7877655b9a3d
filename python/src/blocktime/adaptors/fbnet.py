"""For the forks of FBNet with a `LookUpTable` class: their table's dict, from a table of a real device."""

from __future__ import annotations

from typing import Any

from ..lut import Lut


def lookup_table_latency(lut: Lut) -> list[dict[str, float]]:
    """`lookup_table_latency[layer_id][op_name]` in µs, as those forks index it."""
    return list(lut.as_dict("us").values())


def fill(lookup_table: Any, lut: Lut) -> None:
    """Puts the table's times in place of those that the fork's `LookUpTable` took on the computer that trains.

    `ValueError` where the two have other layers or operations, before anything is changed.
    """
    latency = lookup_table_latency(lut)
    if len(latency) != lookup_table.cnt_layers:
        raise ValueError(f"the table has {len(latency)} layers, the fork's lookup table {lookup_table.cnt_layers}")
    for layer, times in zip(lut.layers, latency):
        if missing := [name for name in lookup_table.lookup_table_operations if name not in times]:
            raise ValueError(f"layer {layer.name}: the table has no candidate {', '.join(missing)}")
    lookup_table.lookup_table_latency = latency
