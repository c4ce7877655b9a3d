"""The example of FBNet's space: its networks are the published ones, and it is exported whole."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from conftest import ROOT

from blocktime.export import export_space

FBNET = runpy.run_path(str(ROOT / "examples" / "fbnet" / "space.py"))


@pytest.mark.parametrize("name", FBNET["NETWORKS"])
def test_published_networks_have_the_published_multiply_adds(name: str) -> None:
    published, width, choice = FBNET["NETWORKS"][name]
    found = FBNET["multiply_adds"](FBNET["network"](choice.split(), width)) / 1e6
    assert found == pytest.approx(published, rel=0.01)


def test_the_space_is_exported_each_different_block_once(tmp_path: Path) -> None:
    layers = FBNET["layers"]()
    ends = {"before": {"stem": FBNET["stem"]()}, "after": {"head": FBNET["head"]()}}
    report = export_space(layers, (3, 224, 224), tmp_path, name="fbnet", exporter="torchscript", **ends)
    # 198 candidates, of which 16 are nothing; 102 different blocks, and the two ends.
    assert (report.candidates, report.identities, report.files) == (182 + 2, 16, 102 + 2)
    assert report.seconds < 60
