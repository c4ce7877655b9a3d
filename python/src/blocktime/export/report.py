"""What an export did, or why it was not done."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Iterable


class ExportError(ValueError):
    """A space that cannot be exported; all faults at once, before the first file is written where that is possible."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults: tuple[str, ...] = tuple(faults)
        """One line a fault, each naming its place."""
        super().__init__("the space cannot be exported:" + "".join(f"\n  {fault}" for fault in self.faults))


@dataclass(frozen=True)
class Report:
    """What was written."""

    folder: Path
    """Where `space.toml` is."""
    candidates: int
    """Candidates and fixed pieces that are exported, identities left out."""
    files: int
    """Different blocks, a file each."""
    identities: int
    """Candidates that do nothing, and have no file."""
    seconds: float
    """How long it took."""
