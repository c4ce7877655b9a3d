"""What the tests share: where the project's files lie, and a small table."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from blocktime import Lut

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT / "tests" / "corpus"

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def tiny() -> Lut:
    """A sound table of the space `tests/spaces/tiny.toml`: two layers of two candidates, nine fixed pieces of 3, 4, … 11 µs."""
    return Lut.read(CORPUS / "table" / "sound.csv", ROOT / "tests" / "spaces" / "tiny.toml")
