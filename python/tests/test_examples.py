"""The examples' spaces: their networks are the published ones, and they are exported whole."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import ROOT

from blocktime.export import export_space

SPACES: dict[str, dict[str, Any]] = {
    name: runpy.run_path(str(ROOT / "examples" / name / "space.py")) for name in ("fbnet", "proxylessnas", "ofa")
}
PARTS = runpy.run_path(str(ROOT / "examples" / "parts.py"))
PUBLISHED = [(space, name) for space in ("fbnet", "proxylessnas") for name in SPACES[space]["networks"]()]


@pytest.mark.parametrize(("space", "name"), PUBLISHED)
def test_published_networks_have_the_published_multiply_adds(space: str, name: str) -> None:
    published, net = SPACES[space]["networks"]()[name]
    assert PARTS["multiply_adds"](net) / 1e6 == pytest.approx(published, rel=0.01)


def test_random_networks_of_ofas_space_have_345_million_multiply_adds_in_the_mean() -> None:
    ofa, shape, mean = SPACES["ofa"], (3, 224, 224), 0.0
    fixed = [{"piece": piece} for piece in ofa["before"]().values()], [{"piece": piece} for piece in ofa["after"]().values()]
    for layer in [*fixed[0], *ofa["layers"](), *fixed[1]]:
        modules = [module for module in layer.values() if module is not None]
        mean += sum(PARTS["multiply_adds"](module, shape) for module in modules) / len(layer)
        shape = tuple(modules[0](torch.zeros(1, *shape)).shape[1:])
    assert mean / 1e6 == pytest.approx(345, rel=0.005)


# Blocks that are exported with the fixed pieces, identities, and different files.
COUNTS = {"fbnet": (182 + 2, 16, 102 + 2), "proxylessnas": (126 + 4, 15, 66 + 4), "ofa": (180 + 4, 10, 90 + 4)}


# Of smaller pictures than the networks', for speed.
@pytest.mark.parametrize(("name", "counts"), COUNTS.items())
def test_a_space_is_exported_each_different_block_once(tmp_path: Path, name: str, counts: tuple[int, int, int]) -> None:
    report = export_space(input_shape=(3, 64, 64), folder=tmp_path, exporter="torchscript", **SPACES[name]["space"]())
    assert (report.candidates, report.identities, report.files) == counts
    assert report.seconds < 60
