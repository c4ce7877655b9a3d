"""Latency tables: the latency of each candidate of a search space on one device, and of networks of them."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Mapping, Sequence, Union

from . import file
from .errors import Fault, LutError, Misfit, Unknown, UnknownCandidate, UnknownLayer, UnknownSpace, listed, suggestion
from .header import Header, prediction_error
from .row import COLUMNS, FIXED_PREFIX, Row, cells
from .space import BUILT_IN, Layer, Space

if TYPE_CHECKING:
    import pandas

UNITS = {"us": 1.0, "ms": 1e-3, "s": 1e-6}
"""Factors from microseconds to these units."""

Choice = Union[Sequence[Union[int, str]], Mapping[str, Union[int, str]]]
"""One candidate per layer: a sequence of names or indices (from 0), or a mapping from names of layers to them."""


@dataclass(frozen=True)
class Prediction:
    """The prediction for one network. All times are microseconds of one run."""

    layers_us: tuple[float, ...]
    """Time of each searched layer."""
    fixed_us: float | None
    """Time of the fixed pieces; `None` if the table has none (imported tables)."""
    total_us: float
    """Sum of both."""
    interval_us: tuple[float, float] | None
    """95 % interval of the true time of the network; `None` if the table does not allow one."""


class Lut:
    """A latency table that is complete and fits its search space.

    `Lut.read` makes one. All times are microseconds of one run with batch 1, on the device, engine and threads that `header` states.
    """

    header: Header
    """Provenance of the table: the TOML of its header as nested dicts."""
    rows: tuple[Row, ...]
    """All rows in the order of the file."""
    space: Space | None
    """The search space. `None` if it is not stated in the table, not built in, and was not given."""

    def __init__(self, header: Header, rows: Sequence[Row], space: Space | None = None) -> None:
        """A table of rows that were checked (`Lut.read` does this). Raises `LutError` if rows of the space are missing."""
        self.header = header
        self.rows = tuple(rows)
        self._rows = {row.key: row for row in self.rows}
        self.space = space = space or Space.of_table(header, self._rows)
        if space is not None and (faults := self._misfits(space)):
            raise LutError(f"the latency table does not fit the space '{space.name}':", listed(faults))

    @classmethod
    def read(
        cls,
        path: str | os.PathLike[str],
        space: Space | str | os.PathLike[str] | None = None,
        *,
        allow_emulated: bool = False,
    ) -> Lut:
        """Reads a table and checks it as `profiler` and `trainer` do. Raises a `LutError` that lists all faults.

        A table of your own blocks (a space folder) states its layers itself. For any other table, `space` is the search space that it must
        fit: a `Space`, the name of a built-in space, or a TOML file. Without it, the space that the header names is used if it is built in;
        otherwise the table gives times by key only.

        A table that was made in an emulator is refused, because its times mean nothing, unless `allow_emulated` is set. Raises `OSError` if
        the file does not exist or cannot be read.
        """
        header, rows = file.read(path)
        if header["source"] == "emulated" and not allow_emulated:
            reason = "its times mean nothing; allow_emulated=True reads it anyway"
            raise Misfit(f"{os.fspath(path)} is emulated: {reason}", {"allow_emulated": False}, {"allow_emulated": True})
        if "folder" in header["space"]:
            if space is not None and not isinstance(space, Space):
                reason = f"was made for a folder of ONNX files and states its layers itself: leave out space={space!r}"
                raise Misfit(f"{os.fspath(path)} {reason}", {"space": space}, {"space": None})
        elif space is None and header["space"]["name"] in BUILT_IN:
            space = header["space"]["name"]
        if space is not None and not isinstance(space, Space):
            space = Space.read(space)
        return cls(header, rows, space)

    def _misfits(self, space: Space) -> list[Fault]:
        """Faults: the table is for another space, or keys of the space are missing or have another kind."""
        faults = []
        found = self.header["space"]
        if space.hash is not None and space.hash != found["hash"]:
            made = f"made for the search space '{found['name']}' (hash {found['hash'][:12]})"
            faults.append(Fault(f"{made}, not for '{space.name}' (hash {space.hash[:12]})", None, "space.hash"))
        checked = set()
        for layer in space.layers:
            for key, identity in zip(layer.keys, layer.identities or [None] * len(layer.keys)):
                if key in checked:
                    continue
                checked.add(key)
                row = self._rows.get(key)
                expected = {True: ("identity",), False: ("block",), None: ("block", "identity")}[identity]
                if row is None:
                    faults.append(Fault(f"{key}: missing", None, "key", key))
                elif row.kind not in expected:
                    text = f"{key}: is kind '{row.kind}' in the table, but must be '{expected[0]}'"
                    faults.append(Fault(text, None, "kind", key))
        if self.source != "imported":
            faults += [Fault(f"{key}: missing", None, "key", key) for key in space.fixed if key not in self._rows]
        return faults

    @property
    def source(self) -> str:
        """How the times were obtained: `measured`, `simulated`, `emulated` or `imported`."""
        return str(self.header["source"])

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The searched layers, in order. Raises `UnknownSpace` if the search space is not known."""
        if self.space is None:
            name = self.header["space"]["name"]
            advice = "give it: Lut.read(TABLE, space=FILE)"
            raise UnknownSpace(f"the table's search space '{name}' is not built in; {advice}", name, BUILT_IN)
        return self.space.layers

    @property
    def fixed_us(self) -> float | None:
        """Time of the fixed pieces for the number of landmarks in the header; `None` if the table has no fixed pieces."""
        fixed = self._fixed(None)
        return None if fixed is None else sum(row.latency_us * factor for row, factor in fixed)

    def by_key(self, key: str) -> Row:
        """The row with this key. Raises `UnknownCandidate` if there is none."""
        if key not in self._rows:
            message = f"the latency table has no row for {key}{suggestion(key, list(self._rows))}"
            raise UnknownCandidate(message, key, self._rows)
        return self._rows[key]

    def row(self, layer: int | str, candidate: int | str) -> Row:
        """The row of a candidate. Layer and candidate are names or indices from 0. Raises `UnknownLayer` or `UnknownCandidate`."""
        found = self.layer(layer)
        return self._rows[found.keys[_index(found, candidate)]]

    def latency(self, layer: int | str, candidate: int | str) -> float:
        """Latency of a candidate in µs; 0 for an identity. Raises the same errors as `row`."""
        return self.row(layer, candidate).latency_us

    def interval(self, layer: int | str, candidate: int | str) -> tuple[float, float] | None:
        """95 % interval of `latency` in µs; `None` if it is not known, and for an identity. Raises the same errors as `row`."""
        return self.row(layer, candidate).ci95_us

    def as_dict(self, unit: str = "us") -> dict[str, dict[str, float]]:
        """Latency of all candidates as `{layer: {candidate: time}}`; `unit` is `us`, `ms` or `s`."""
        factor = factor_of(unit)
        return {
            layer.name: {name: self._rows[key].latency_us * factor for name, key in zip(layer.candidates, layer.keys)}
            for layer in self.layers
        }

    def predict(self, choice: Choice, *, points: int | None = None) -> Prediction:
        """Latency of the network with these candidates: one name or index (from 0) per layer, or a mapping from layers to them.

        `points` is the number of landmarks of a PFLD network, if it differs from that of the table: the time of the last fixed piece is
        scaled with it. Not allowed for tables of space folders.

        The interval is for the true time. If whole networks were used in the fit, it comes from the error of networks that were predicted
        from the others. Otherwise the uncertainties of the rows are added in quadrature; a key that is used twice counts linearly.

        Raises `Misfit` for a wrong number of layers, `UnknownLayer` or `UnknownCandidate`.
        """
        blocks = [self._rows[layer.keys[index]] for layer, index in zip(self.layers, self.indices(choice))]
        layers = tuple(row.latency_us for row in blocks)
        used = [(row, 1.0) for row in blocks]
        fixed_us = None
        if (fixed := self._fixed(points)) is not None:
            fixed_us = sum(row.latency_us * factor for row, factor in fixed)
            used += fixed
        total = sum(layers) + (fixed_us or 0.0)
        return Prediction(layers, fixed_us, total, self._interval_of(used, total))

    def indices(self, choice: Choice) -> list[int]:
        """A choice as one index per layer, from 0. Raises the same errors as `predict`."""
        layers = self.layers
        if isinstance(choice, Mapping):
            for name in choice:
                self.layer(name)
            if missing := [layer.name for layer in layers if layer.name not in choice]:
                message = f"the choice names no candidate for {', '.join(missing)}"
                raise Misfit(message, tuple(choice), tuple(layer.name for layer in layers))
            choice = [choice[layer.name] for layer in layers]
        if len(choice) != len(layers):
            name = self.space.name if self.space else ""
            raise Misfit(f"{len(choice)} candidates for the {len(layers)} layers of space {name}", len(choice), len(layers))
        return [_index(layer, candidate) for layer, candidate in zip(layers, choice)]

    def to_pandas(self) -> pandas.DataFrame:
        """All rows as a `pandas.DataFrame`: a line per row in the file's order, with the columns of the file. Missing numbers are NaN.

        Times are in µs. Raises `ImportError` if pandas is not installed.
        """
        try:
            import pandas
        except ImportError as e:
            raise ImportError("Lut.to_pandas needs pandas, which is not installed: pip install pandas") from e
        return pandas.DataFrame([cells(row) for row in self.rows], columns=list(COLUMNS))

    def require(
        self, *, engine: str | None = None, threads: int | None = None, device: str | None = None, space_hash: str | None = None
    ) -> None:
        """Raises `Misfit` unless the table was made with this engine, number of threads and device model, for the space with this hash.

        The hash is that of `Space.hash`, and of `hash` in the section `space` of a header: two spaces with the same one have the same
        layers, candidates and blocks.
        """
        given = {"engine": engine, "threads": threads, "device": device, "space_hash": space_hash}
        asked = {name: value for name, value in given.items() if value is not None}
        found = {"engine": self.header["engine"]["name"], "threads": self.header["threads"], "device": self.header["device"]["model"]}
        found["space_hash"] = self.header["space"]["hash"]
        if others := {name: value for name, value in asked.items() if value != found[name]}:
            told = "; ".join(f"{name} is '{found[name]}', not '{value}'" for name, value in others.items())
            raise Misfit(f"the table was made with other settings: {told}", others, {name: found[name] for name in others})

    def layer(self, layer: int | str) -> Layer:
        """A layer by its name or its index from 0. Raises `UnknownLayer`."""
        layers = self.layers
        names = [known.name for known in layers]
        if isinstance(layer, str):
            if layer not in names:
                raise UnknownLayer(f"no layer '{layer}'{suggestion(layer, names)}", layer, names)
            return layers[names.index(layer)]
        if not 0 <= layer < len(layers):
            raise UnknownLayer(f"no layer {layer}; there are {len(layers)}, counted from 0", layer, names)
        return layers[layer]

    def _fixed(self, points: int | None) -> list[tuple[Row, float]] | None:
        """Rows of the fixed pieces, each with the factor of its time; `None` if the table has none."""
        keys = self.space.fixed if self.space else tuple(key for key in self._rows if key.startswith(FIXED_PREFIX))
        if keys and not any(row.kind == "trunk" for row in self.rows):
            return None
        measured = self.header.get("points")
        if points is not None and measured is None:
            raise Misfit("networks of a space folder have no landmarks: leave out points", {"points": points}, {"points": None})
        grown = 1.0 if points is None else points / int(self.header["points"])
        return [(self.by_key(key), grown if key == f"{FIXED_PREFIX}fc" else 1.0) for key in keys]

    def _interval_of(self, used: Sequence[tuple[Row, float]], total: float) -> tuple[float, float] | None:
        if (fit := self.header.get("fit")) is not None:
            half = total * (1.96 * prediction_error(fit))
            return max(0.0, total - half), total + half
        below: dict[str, float] = {}
        above: dict[str, float] = {}
        for row, factor in used:
            if row.kind == "identity":
                continue
            if row.ci95_us is None:
                return None
            low, high = row.ci95_us
            below[row.key] = below.get(row.key, 0.0) + factor * (row.latency_us - low)
            above[row.key] = above.get(row.key, 0.0) + factor * (high - row.latency_us)
        return max(0.0, total - math.hypot(*below.values())), total + math.hypot(*above.values())


def factor_of(unit: str) -> float:
    """Factor from µs to `us`, `ms` or `s`. Raises `Unknown` for any other unit."""
    if unit not in UNITS:
        raise Unknown(f"unit '{unit}' is not one of {', '.join(UNITS)}", unit, UNITS)
    return UNITS[unit]


def _index(layer: Layer, candidate: int | str) -> int:
    names = layer.candidates
    if isinstance(candidate, str):
        if candidate not in names:
            message = f"layer {layer.name} has no candidate '{candidate}'{suggestion(candidate, names)}"
            raise UnknownCandidate(message, candidate, names, layer.name)
        return names.index(candidate)
    if not 0 <= candidate < len(names):
        message = f"layer {layer.name} has no candidate {candidate}; there are {len(names)}, counted from 0"
        raise UnknownCandidate(message, candidate, names, layer.name)
    return int(candidate)
