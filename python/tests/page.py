"""The code of a page of the documentation."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

PAGES = Path(__file__).resolve().parents[2] / "docs" / "src"


class Code(NamedTuple):
    """A block of code."""

    language: str
    """`python` or `sh`."""
    text: str


def code_of(page: str) -> list[Code]:
    """The page's blocks of code, in order."""
    return [Code(*found) for found in re.findall(r"^```(python|sh)\n(.*?)^```$", (PAGES / page).read_text(), re.DOTALL | re.MULTILINE)]
