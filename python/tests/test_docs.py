"""The page on the package: its code runs, one block after the other, as a reader would type it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

import blocktime.adaptors


def test_the_code_of_the_page_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs" / "src" / "python.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 5
    (tmp_path / "luts").symlink_to(ROOT / "luts")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, "python.md", "exec"), names)
    shown = capsys.readouterr().out
    assert "L1 ('mb_k3_res', 'mb_k3_e2_res'" in shown and "made for the search space 'pfld'" in shown
    assert "4 files for 10 blocks" in shown and (tmp_path / "my-space" / "space.toml").is_file()


def test_the_page_names_every_adaptor() -> None:
    page = (ROOT / "docs" / "src" / "python.md").read_text()
    folder = Path(blocktime.adaptors.__file__).parent
    assert all(f"blocktime.adaptors.{path.stem}." in page for path in folder.glob("*.py") if path.stem != "__init__")
