"""Faults of a table, and the exceptions that report them."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Iterable, Sequence
from unicodedata import category

LISTED = 1000
"""Number of faults that are listed; one line stands for the rest."""


@dataclass(frozen=True)
class Fault:
    """One fault of a table, in the words of the program `profiler`."""

    text: str
    """The whole message."""
    line: int | None = None
    """Line of the file, counted from 1; `None` if the fault is not in a single line."""
    column: str | None = None
    """Column of the row, or entry of the header (`fit.residual`)."""

    def __str__(self) -> str:
        return self.text


class LutError(ValueError):
    """The table cannot be read or used. None of its values are returned."""

    def __init__(self, message: str, faults: Iterable[Fault] = ()) -> None:
        self.faults: tuple[Fault, ...] = tuple(faults)
        """All faults, at most a thousand; empty if the file is not a table at all."""
        super().__init__(plain_text(message + "".join(f"\n  {fault}" for fault in self.faults)))


class UnknownLayer(LutError, KeyError):
    """The search space of the table has no such layer."""

    __str__ = ValueError.__str__


class UnknownCandidate(LutError, KeyError):
    """The layer has no such candidate, or the table has no such key."""

    __str__ = ValueError.__str__


def plain_text(text: str) -> str:
    """The text without control characters other than line ends and tabs: a file must not control the terminal that shows its texts."""
    return "".join("?" if category(c) == "Cc" and c not in "\n\t" else c for c in text)


def listed(faults: Sequence[Fault]) -> list[Fault]:
    """The first thousand faults; one fault stands for the rest."""
    if len(faults) <= LISTED:
        return list(faults)
    return [*faults[:LISTED], Fault(f"and more; only the first {LISTED} are listed")]


def suggestion(name: str, known: Sequence[str]) -> str:
    """`; did you mean …?` if a known name is similar, otherwise the known names."""
    near = get_close_matches(name, known, n=1)
    return f"; did you mean '{near[0]}'?" if near else f"; known are {', '.join(known) or 'none'}"
