"""Everything that can be wrong with a table, and how it is told."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Iterable, Sequence

LISTED = 1000
"""Faults listed before the rest is summed up in one line."""


@dataclass(frozen=True)
class Fault:
    """One thing wrong with a table, worded as the program `profiler` words it."""

    text: str
    """The whole message."""
    line: int | None = None
    """The file's line, from 1; absent where the fault has no single place."""
    column: str | None = None
    """The column, or the header's entry (`fit.residual`)."""

    def __str__(self) -> str:
        return self.text


class LutError(ValueError):
    """A table that cannot be read or used. Nothing of it is given out."""

    def __init__(self, message: str, faults: Iterable[Fault] = ()) -> None:
        self.faults: tuple[Fault, ...] = tuple(faults)
        """All that was found, at most a thousand; empty where the file is no table at all."""
        super().__init__(message + "".join(f"\n  {fault}" for fault in self.faults))


class UnknownLayer(LutError, KeyError):
    """The table's space has no such layer."""

    __str__ = ValueError.__str__


class UnknownCandidate(LutError, KeyError):
    """The layer has no such candidate, or the table no such key."""

    __str__ = ValueError.__str__


def listed(faults: Sequence[Fault]) -> list[Fault]:
    """The first thousand faults; the rest becomes one."""
    if len(faults) <= LISTED:
        return list(faults)
    return [*faults[:LISTED], Fault(f"and more; only the first {LISTED} are listed")]


def suggestion(name: str, known: Sequence[str]) -> str:
    """`; did you mean …?` where a known name is near, else the known names."""
    near = get_close_matches(name, known, n=1)
    return f"; did you mean '{near[0]}'?" if near else f"; known are {', '.join(known) or 'none'}"
