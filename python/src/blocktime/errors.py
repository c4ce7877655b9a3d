"""Faults of a table, and the exceptions that report them."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Iterable, Sequence
from unicodedata import category

LISTED = 1000
"""Number of faults that are listed; if there are more, one last line says so."""


@dataclass(frozen=True)
class Fault:
    """One fault of a table, in the words of the program `profiler`."""

    text: str
    """The whole message."""
    line: int | None = None
    """Line of the file, counted from 1; `None` if the fault is not in a single line."""
    column: str | None = None
    """Column of the row, or entry of the header (`fit.residual`)."""
    key: str | None = None
    """Key of the row; `None` if the fault is not in the values of one row."""

    def __str__(self) -> str:
        return self.text


class LutError(ValueError):
    """The table cannot be read or used. None of its values are returned."""

    def __init__(self, message: str, faults: Iterable[Fault] = ()) -> None:
        self.faults: tuple[Fault, ...] = tuple(faults)
        """All faults, at most a thousand; empty if the file is not a table at all."""
        super().__init__(plain_text(message + "".join(f"\n  {fault}" for fault in self.faults)))


class Unknown(LutError, KeyError):
    """Something was asked for that does not exist: a unit, or what the classes below name."""

    def __init__(self, message: str, asked: object = None, known: Iterable[object] = ()) -> None:
        self.asked = asked
        """The name or the index that was asked for."""
        self.known: tuple[object, ...] = tuple(known)
        """The names that exist."""
        super().__init__(message)

    __str__ = ValueError.__str__


class UnknownSpace(Unknown):
    """No built-in search space and no file has this name."""


class UnknownLayer(Unknown):
    """The search space of the table has no such layer."""


class UnknownCandidate(Unknown):
    """The layer has no such candidate, or the table has no such key."""

    def __init__(self, message: str, asked: object = None, known: Iterable[object] = (), layer: str | None = None) -> None:
        self.layer = layer
        """Name of the layer; `None` if a key was asked for."""
        super().__init__(message, asked, known)


class Misfit(LutError):
    """What was given does not fit the table: numbers, shapes or names that should be equal, or an argument."""

    def __init__(self, message: str, given: object = None, fitting: object = None, layer: str | None = None) -> None:
        self.given = given
        """What was given; arguments as a dict by their names."""
        self.fitting = fitting
        """What would fit, in the same form."""
        self.layer = layer
        """Name of the layer; `None` if the error is not about one layer."""
        super().__init__(message)


def plain_text(text: str) -> str:
    """The text without control characters other than line ends and tabs: a file must not control the terminal that shows its texts."""
    return "".join("?" if category(c) == "Cc" and c not in "\n\t" else c for c in text)


def listed(faults: Sequence[Fault]) -> list[Fault]:
    """The first thousand faults; if there are more, one last fault says so."""
    if len(faults) <= LISTED:
        return list(faults)
    return [*faults[:LISTED], Fault(f"and more; only the first {LISTED} are listed")]


def suggestion(name: str, known: Sequence[str]) -> str:
    """`; did you mean …?` if a known name is similar, otherwise the known names."""
    near = get_close_matches(name, known, n=1)
    return f"; did you mean '{near[0]}'?" if near else f"; known are {', '.join(known) or 'none'}"
