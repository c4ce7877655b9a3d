"""One row of a table: reading it from text, and checking its values."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Iterator, Mapping, Sequence

from .errors import Fault

COLUMNS = (
    "key kind primitive c_in c_out stride h w macs params latency_us ci95_low_us ci95_high_us p0_us p10_us p50_us p90_us p100_us n "
    "discarded_canary discarded_moved discarded_preempted discarded_temperature discarded_unsteady discarded_loud cold_us checksum"
).split()
"""Names of the columns of the latest schema."""

FIRST_SCHEMA_OF = {"discarded_temperature": 2, "discarded_unsteady": 3, "discarded_loud": 3}
"""Columns that are missing in earlier schemas."""

FIXED_PREFIX = "trunk:"
"""Prefix of the key of a fixed piece."""

KINDS = ("block", "identity", "trunk")
INTERVAL = ("ci95_low_us", "ci95_high_us")
QUANTILES = ("p0_us", "p10_us", "p50_us", "p90_us", "p100_us")
TEXTS = ("key", "kind", "primitive", "checksum")
TIMES = ("latency_us", *INTERVAL, *QUANTILES, "cold_us")

_WHOLE = re.compile(r"\+?[0-9]+")
_FLOAT = re.compile(r"(?i:[+-]?(?:[0-9]+(?:\.[0-9]*)?(?:e[+-]?[0-9]+)?|\.[0-9]+(?:e[+-]?[0-9]+)?|inf|infinity|nan))")
_PLAIN = re.compile(r"[!$-&(-+\--~]+")  # Printable ASCII without comma, quotes, blank and '#'.


@dataclass(frozen=True)
class Row:
    """One measured block, or one fixed piece of the network. Times are microseconds of a run."""

    key: str
    """Key of what was measured: `mb_k3_res@32x14x14-s1-32`, `trunk:stem`."""
    kind: str
    """`block`, `identity` (takes exactly 0) or `trunk` (a fixed piece)."""
    primitive: str
    """Name of the block or of the fixed piece."""
    c_in: int
    """Input channels."""
    c_out: int
    """Output channels."""
    stride: int
    """Stride."""
    h: int
    """Input height in pixels."""
    w: int
    """Input width in pixels."""
    macs: int | None
    """Multiply-adds; `None` if they cannot be counted, which is possible for blocks from ONNX files only."""
    params: int
    """Trained parameters."""
    latency_us: float
    """Its share of the time of a whole network, in µs. Use this in a loss."""
    ci95_us: tuple[float, float] | None
    """95 % interval of `latency_us`; `None` if it is not known, and for an identity."""
    quantiles_us: tuple[float, float, float, float, float] | None
    """Quantiles (0, 10, 50, 90 and 100 %) of the samples of the block alone, in µs, overhead included."""
    samples: int
    """Number of valid samples."""
    discarded: Mapping[str, int]
    """Number of discarded samples, by reason."""
    cold_us: float | None
    """Time of a first run with cold caches; `None` if it was not measured."""
    checksum: str | None
    """Checksum of the outputs, which were compared with the reference result."""


def columns_of(schema: int) -> list[str]:
    """Names of the columns of a schema."""
    return [name for name in COLUMNS if FIRST_SCHEMA_OF.get(name, 1) <= schema]


def form_of(columns: list[str]) -> re.Pattern[str]:
    """The form of a row without faults whose whole numbers have up to 19 digits, with a group for each column.

    A text fits in one way only, so that a line that does not fit takes no longer.
    """
    time, whole = f"({_FLOAT.pattern})", r"(\+?[0-9]{1,19})"
    forms = dict.fromkeys(COLUMNS, whole) | dict.fromkeys(TEXTS, "([^,]*)")
    forms |= {"kind": f"({'|'.join(KINDS)})", "macs": f"{whole}?", "latency_us": time, "cold_us": f"{time}?"}
    for first, *others in (INTERVAL, QUANTILES):
        forms[first] = f"(?:{','.join([time] * (1 + len(others)))}|{',' * len(others)})"
    return re.compile(",".join(forms[name] for name in columns if name not in INTERVAL[1:] + QUANTILES[1:]))


def parse(line: bytes, number: int, columns: list[str], form: re.Pattern[str]) -> Row | list[Fault]:
    """Reads a row; `number` is its line, counted from 1, `form` is `form_of(columns)`.

    If it is not a row, returns one fault per wrong column.
    """

    def fault(reason: str, column: str | None = None) -> Fault:
        return Fault(f"line {number}: {reason}", number, column)

    try:
        text = line.decode()
    except UnicodeDecodeError:
        return [fault("it is not text")]
    if found := form.fullmatch(text):
        return _of_cells(found.groups(), columns)
    fields = text.split(",")
    if len(fields) != len(columns):
        return [fault(f"{len(fields)} columns instead of {len(columns)}")]
    texts = {name: "0" for name in COLUMNS} | dict(zip(columns, fields))
    numbers: dict[str, float | None] = {}
    faults = []
    for name in COLUMNS:
        if name in TEXTS:
            continue
        try:
            numbers[name] = _number(name, texts[name])
        except ValueError:
            faults.append(fault(f"{name} '{texts[name]}' is not a number", name))
    if len({texts[name] == "" for name in INTERVAL}) > 1:
        faults.append(fault("one of ci95_low_us and ci95_high_us is empty", "ci95_low_us"))
    if len({texts[name] == "" for name in QUANTILES}) > 1:
        faults.append(fault("some of p0_us … p100_us are empty", "p0_us"))
    if texts["kind"] not in KINDS:
        faults.append(fault(f"kind '{texts['kind']}' is unknown", "kind"))
    return faults or _row(texts, numbers)


def _number(name: str, text: str) -> float | None:
    """A number as `profiler` writes it, in ASCII digits without blanks and `_`. Times are floats; other numbers are whole and at least 0."""
    if not text and name == "macs":
        return None
    if name in TIMES:
        if not text and name != "latency_us":
            return None
        if not _FLOAT.fullmatch(text):
            raise ValueError
        return float(text)
    if not _WHOLE.fullmatch(text) or int(text) >= 1 << 64:
        raise ValueError
    return int(text)


def _of_cells(cells: Sequence[str | None], columns: list[str]) -> Row:
    """The row of these cells, which have the right form; `None` where nothing stands. This is what makes large tables quick to read."""
    key, kind, primitive, c_in, c_out, stride, h, w, macs, params, latency, low, high, *rest = cells
    p0, p10, p50, p90, p100, n, *reasons, cold, checksum = rest
    interval = quantiles = None
    if low is not None and high is not None:
        interval = (float(low), float(high))
    if p0 is not None and p10 is not None and p50 is not None and p90 is not None and p100 is not None:
        quantiles = (float(p0), float(p10), float(p50), float(p90), float(p100))
    discarded = dict(_discarded(tuple(columns[19:-2]), tuple(reasons)))
    return Row(
        key or "", kind or "", primitive or "", int(c_in or 0), int(c_out or 0), int(stride or 0), int(h or 0), int(w or 0),
        None if macs is None else int(macs), int(params or 0), float(latency or 0.0) or 0.0, interval, quantiles, int(n or 0), discarded,
        None if cold is None else float(cold), checksum or None,
    )  # fmt: skip


@lru_cache
def _discarded(columns: tuple[str, ...], cells: tuple[str | None, ...]) -> Mapping[str, int]:
    found = {name: 0 for name in COLUMNS if name.startswith("discarded_")} | {name: int(cell or 0) for name, cell in zip(columns, cells)}
    return {name.removeprefix("discarded_"): count for name, count in found.items()}


def _row(texts: Mapping[str, str], numbers: Mapping[str, float | None]) -> Row:
    def whole(name: str) -> int:
        return int(numbers[name] or 0)

    low, high = (numbers[name] for name in INTERVAL)
    p0, p10, p50, p90, p100 = (numbers[name] for name in QUANTILES)
    return Row(
        key=texts["key"],
        kind=texts["kind"],
        primitive=texts["primitive"],
        **{name: whole(name) for name in ("c_in", "c_out", "stride", "h", "w", "params")},
        macs=None if numbers["macs"] is None else int(numbers["macs"]),
        latency_us=float(numbers["latency_us"] or 0.0),
        ci95_us=None if low is None or high is None else (low, high),
        quantiles_us=None if p0 is None or p10 is None or p50 is None or p90 is None or p100 is None else (p0, p10, p50, p90, p100),
        samples=whole("n"),
        discarded={name.removeprefix("discarded_"): whole(name) for name in COLUMNS if name.startswith("discarded_")},
        cold_us=numbers["cold_us"],
        checksum=texts["checksum"] or None,
    )


def cells(row: Row) -> dict[str, object]:
    """The values of a row by the names of the columns. Numbers that it does not have are NaN; without a checksum, that is `None`."""
    low, high = row.ci95_us or (math.nan, math.nan)
    quantiles = row.quantiles_us or (math.nan,) * len(QUANTILES)
    shapes = {name: getattr(row, name) for name in ("key", "kind", "primitive", "c_in", "c_out", "stride", "h", "w")}
    counts = {"macs": math.nan if row.macs is None else row.macs, "params": row.params}
    times = {"latency_us": row.latency_us, "ci95_low_us": low, "ci95_high_us": high, **dict(zip(QUANTILES, quantiles))}
    discarded = {f"discarded_{reason}": count for reason, count in row.discarded.items()}
    cold = math.nan if row.cold_us is None else row.cold_us
    return {**shapes, **counts, **times, "n": row.samples, **discarded, "cold_us": cold, "checksum": row.checksum}


def faults_of(row: Row, line: int) -> Iterator[Fault]:
    """Faults in the values of a row."""
    if _is_sound(row):
        return
    at = f" (line {line})"

    def fault(reason: str, column: str) -> Fault:
        return Fault(f"{row.key}: {reason}{at}", line, column, row.key)

    def field(column: str, reason: str, name: str | None = None) -> Fault:
        return fault(f"{name or column} {reason}", column)

    if not _PLAIN.fullmatch(row.key) or not _PLAIN.fullmatch(row.primitive):
        yield Fault(f"{_quoted(row.key)} is not a valid key{at}", line, "primitive" if _PLAIN.fullmatch(row.key) else "key", row.key)
    if (row.kind == "trunk") != row.key.startswith(FIXED_PREFIX):
        yield field("kind", "must be 'trunk' if the key begins with 'trunk:', and only then")
    if row.kind == "identity":
        if row.latency_us != 0.0 or row.ci95_us is not None:
            yield fault("an identity takes exactly 0 and has no interval", "latency_us")
        return
    if not math.isfinite(row.latency_us):
        yield field("latency_us", "is not a number")
    elif row.latency_us <= 0.0:
        yield fault(f"latency {plain(row.latency_us)} µs is not above 0", "latency_us")
    if row.ci95_us is not None:
        low, high = row.ci95_us
        if not math.isfinite(low) or not math.isfinite(high):
            yield field("ci95_low_us" if math.isfinite(high) else "ci95_high_us", "is not a number", "ci95")
        elif low <= 0.0:
            reason = f"{row.key}: its 95 % interval reaches down to {plain(low)} µs{at}; measure it longer"
            yield Fault(reason, line, "ci95_low_us")
        elif _good(row.latency_us) and not low <= row.latency_us <= high:
            yield field("ci95_low_us", "does not contain the latency", "ci95")
    if row.quantiles_us is not None:
        if not all(map(_good, row.quantiles_us)) or list(row.quantiles_us) != sorted(row.quantiles_us):
            yield field("p0_us", "must rise, and be above 0", "p0_us…p100_us")
    if row.cold_us is not None and not _good(row.cold_us):
        yield field("cold_us", "must be above 0")
    if row.checksum is not None and not _PLAIN.fullmatch(row.checksum):
        yield field("checksum", "contains characters that a table cannot hold")


def _is_sound(row: Row) -> bool:
    """Whether a block or a fixed piece has no faults, without saying which: quick, because nearly all rows have none."""
    time, checksum = row.latency_us, row.checksum
    low, high = row.ci95_us or (time, time)
    p0, p10, p50, p90, p100 = row.quantiles_us or (1.0, 1.0, 1.0, 1.0, 1.0)
    return (
        (row.kind == "trunk") == row.key.startswith(FIXED_PREFIX)
        and row.kind != "identity"
        and 0.0 < low <= time <= high < math.inf
        and 0.0 < p0 <= p10 <= p50 <= p90 <= p100 < math.inf
        and (row.cold_us is None or 0.0 < row.cold_us < math.inf)
        and _PLAIN.fullmatch(row.key) is not None
        and _PLAIN.fullmatch(row.primitive) is not None
        and (checksum is None or _PLAIN.fullmatch(checksum) is not None)
    )


def _good(time: float) -> bool:
    return math.isfinite(time) and time > 0.0


def plain(number: float) -> str:
    """A number without exponent and without `.0`, as the programs print it."""
    text = format(Decimal(repr(number)), "f")
    return text.removesuffix(".0")


def _quoted(text: str) -> str:
    """A text as Rust's `{:?}` shows it."""
    known = {"\\": "\\\\", '"': '\\"', "\t": "\\t", "\r": "\\r", "\n": "\\n", "\0": "\\0"}
    return '"' + "".join(known.get(c) or (c if c.isprintable() else f"\\u{{{ord(c):x}}}") for c in text) + '"'
