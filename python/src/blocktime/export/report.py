"""The result of an export, and its exception."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Iterable


class ExportError(ValueError):
    """The space cannot be exported. Lists all faults, if possible before the first file is written."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults: tuple[str, ...] = tuple(faults)
        """One line per fault; each names its place."""
        super().__init__("the space cannot be exported:" + "".join(f"\n  {fault}" for fault in self.faults))


@dataclass(frozen=True)
class Report:
    """The files that were written."""

    folder: Path
    """The folder of `space.toml`."""
    candidates: int
    """Number of candidates and fixed pieces, without identities."""
    files: int
    """Number of different blocks; each has one file."""
    identities: int
    """Number of candidates that do nothing; they have no file."""
    seconds: float
    """Duration in seconds."""
