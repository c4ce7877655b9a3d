"""The pages on the package: their code runs, one block after the other, as a reader would type it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import made_up
import pytest
from conftest import ROOT
from page import PAGES, code_of

import blocktime.adaptors
from blocktime.header import parse


def run(page: str, blocks: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs the code of a page in an empty folder that has the project's tables."""
    found = [code.text for code in code_of(page) if code.language == "python"]
    assert len(found) == blocks
    (folder / "luts").symlink_to(ROOT / "luts")
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {}
    for block in found:
        exec(compile(block, page, "exec"), names)


def test_the_code_of_the_page_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("python.md", 5, tmp_path, monkeypatch)
    shown = capsys.readouterr().out
    assert "L1 ('mb_k3_res', 'mb_k3_e2_res'" in shown and "made for the search space 'pfld'" in shown
    assert "4 files for 10 blocks" in shown and (tmp_path / "my-space" / "space.toml").is_file()


def test_the_way_to_a_table_of_own_blocks_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def layer(c_in: int, c_out: int, stride: int, side: int) -> made_up.Layer:
        blocks = {name: ((c_in, c_out, stride, side, side), time) for name, time in (("k3_e3", 20.0), ("k3_e6", 35.0), ("k5_e6", 50.0))}
        return {**blocks, "skip": ((c_in, c_out, 1, side, side), 0.0)} if c_in == c_out else blocks

    # What `profiler build`, between the page's blocks, would write; with made-up times. The walk of scripts/test-wheel.sh measures.
    layers = [layer(16, 24, 2, 32), *[layer(24, 24, 1, 16)] * 2, layer(24, 40, 2, 16), *[layer(40, 40, 1, 8)] * 2]
    (tmp_path / "mine.csv").write_text(made_up.text(layers, {"stem": 30.0, "head": 10.0}))
    run("own-blocks.md", 4, tmp_path, monkeypatch)
    shown = capsys.readouterr().out
    assert "14 files for 20 blocks" in shown and "'skip': 0.0}" in shown
    space = parse((tmp_path / "my-space" / "space.toml").read_text())
    stated = [[candidate["name"] for candidate in slot["candidates"]] for slot in space["slot"] if "candidates" in slot]
    assert stated == [list(of) for of in layers], "the folder has the layers of the table"


def test_the_page_names_every_adaptor() -> None:
    page = (PAGES / "python.md").read_text()
    folder = Path(blocktime.adaptors.__file__).parent
    assert all(f"blocktime.adaptors.{path.stem}." in page for path in folder.glob("*.py") if path.stem != "__init__")
