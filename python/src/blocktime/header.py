"""A table's provenance: the TOML in its comment lines, and what can be wrong with it."""

from __future__ import annotations

import math
import re
import sys
from itertools import islice
from typing import Any, Iterator, Mapping, Sequence

from .errors import LISTED, Fault, listed, plain_text
from .row import FIXED_PREFIX

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Header = Mapping[str, Any]

SOURCES = ("measured", "simulated", "emulated", "imported")
"""How the times were obtained."""

FOLDER_SCHEMA = 4
"""The first schema for tables of space folders, which list their slots."""

DEEPEST = 100
"""Most parts of a name with dots."""
_PART = re.compile(r"[\s\w\"'-]+")

_CLUSTER = {"cpus": str, "core?": str, "processor?": str, "instruction_sets?": str, "min_mhz?": float, "max_mhz?": float, "shared_l2?": str}
_DEVICE = {
    **{"model": str, "arch": str, "soc?": str, "serial_hash?": str, "system?": str, "kernel?": str},
    **{"memory_mib?": int, "sensors?": [str], "clusters?": [_CLUSTER]},
}
_ENGINE = {"name": str, "version": str, "precision?": str, "library_sha256?": str, "build?": str, "program_sha256?": str}
_MODEL_ERROR = {"what": str, "count": int, "mape": float, "bias": float, "largest?": float, "kendall_tau?": float}
_SIMULATOR = {
    **{"chip": str, "chip_sha256": str, "model": str, "qemu": str, "qemu_sha256": str, "agent_sha256": str},
    "errors?": [_MODEL_ERROR],
}
_ANCHOR = {"architecture": str, "measured_us": float, "standard_error?": float}
_CHECKED = {
    **{"date?": str, "nets": int, "seed": int, "mape": float, "bias": float, "within_5": float, "within_10": float},
    **{"kendall_tau": float, "state?": float, "bias_with_state?": float, "covered?": float},
}
_FOLDER = {"inputs": {"*": [int]}, "export?": {"*": str}, "slots": [{"name": str, "key?": str, "candidates?": [str]}]}
# A name ends in `?` where the entry may be absent, `*` is any name. `int` is at least 0, `float` may be whole; a list holds any number of
# its one element.
_FORM: dict[str, Any] = {
    **{"format": str, "schema": int, "rows": int, "source": SOURCES, "date?": str, "profiler": str, "method": str},
    "merged_from?": [str],
    **{"points?": int, "threads": int, "cpus": [int], "stopped_by?": str, "reference?": str},
    "space": {"name": str, "hash": str, "folder?": _FOLDER},
    **{"device": _DEVICE, "engine": _ENGINE, "simulator?": _SIMULATOR, "governor?": str},
    "canary?": {"kind": str, "stated_us": float, "median_us": float},
    "clock?": {"min_mhz": float, "median_mhz": float, "max_mhz": float},
    "temperature?": {"start_c": float, "min_c": float, "max_c": float},
    "units?": {"mode": str, "count": int, "serial_hashes": [str], "median_spread?": float, "largest_spread?": float},
    "fit?": {"residual": float, "noise?": float, "architectures": [str], "anchors?": [_ANCHOR]},
    "checked?": _CHECKED,
}


def parse(text: str) -> Header:
    """Reads TOML. Raises `ValueError` with line and column (of the table's file, without the `# `) if it is not TOML."""
    nested = "it is nested too deeply"
    for number, line in enumerate(text.split("\n"), 1):
        if _longest_name(line) > DEEPEST:
            raise ValueError(f"{nested} (at line {number})")
    try:
        header: Header = tomllib.loads(text, parse_float=_float)
    except RecursionError:
        raise ValueError(nested) from None
    if what := newer(text):
        raise ValueError(what)
    return header


_TOKEN = re.compile(r'''"""(?:\\.|[^\\])*?"{3,5}|\'{3}.*?\'{3,5}|"(?:\\.|[^"\\])*"|\'[^\']*\'|\#[^\n]*|[][{},\n]|[^][{},\s"\'\#]+''', re.DOTALL)


def newer(text: str) -> str | None:
    """The first place in a text of TOML 1.1 that is not TOML 1.0, with line and column; newer readers of TOML take both.

    Tables are TOML 1.0, so that all readers read the same tables.
    """
    opened: list[str] = []
    before = ""
    for token in _TOKEN.finditer(text):
        found = None
        if token[0] == "\n" and opened[-1:] == ["{"]:
            found = "an inline table goes on in the next line"
        elif token[0] == "}" and before == ",":
            found = "an inline table ends with a comma"
        elif token[0].startswith('"') and re.search(r"(?<!\\)(?:\\\\)*\\[xe]", token[0]):
            found = "a text contains \\x or \\e"
        if found:
            at = token.start()
            place = f"line {text.count(chr(10), 0, at) + 1}, column {at - text.rfind(chr(10), 0, at)}"
            return f"{found}, which TOML 1.0 does not allow (at {place})"
        if token[0] in ("[", "{"):
            opened.append(token[0])
        elif token[0] in ("]", "}"):
            del opened[-1:]
        before = token[0]
    return None


def _longest_name(line: str) -> int:
    """The parts of the longest name with dots: Python's reader takes time with their square."""
    longest = parts = 0
    for part in line.split(".") if line.count(".") >= DEEPEST else ():
        parts = parts + 1 if _PART.fullmatch(part) else 0
        longest = max(longest, parts)
    return longest


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number) and text[-1].isdigit():
        raise ValueError(f"{text} is too large a number")
    return number


def form_faults(header: Header, text: str) -> list[Fault]:
    """Entries that are missing, unknown or of the wrong type. `text` is the TOML; it is used to find their lines."""
    faults = []
    lines = _lines_of(text)
    for place, reason in islice(_compare(header, _FORM, ()), LISTED + 1):
        name = ".".join(part for part in place if isinstance(part, str))
        # The entry, or else the section in which it is missing.
        line = lines.get(place, lines.get(place[:-1]))
        at = "" if line is None else f" (line {line})"
        faults.append(Fault(f"header: {name} {reason}{at}", line, name))
    return listed(faults or list(_folder_faults(header)))


def _folder_faults(header: Header) -> Iterator[Fault]:
    """Slots that are neither a fixed piece nor a layer, and candidates that are not a name and a key."""
    folder = header["space"].get("folder")
    if folder is None:
        return
    if header["schema"] < FOLDER_SCHEMA:
        yield _fault("space.folder", f"is unknown to schema {header['schema']}")
    for slot in folder["slots"]:
        if ("key" in slot) == ("candidates" in slot):
            yield Fault(f"header: slot '{slot['name']}' needs either 'key' or 'candidates'", None, "space.folder.slots")
        for text in slot.get("candidates", []):
            if len(text.split(" ")) != 2 or text.startswith(" ") or text.endswith(" "):
                reason = f"header: '{text}' is not a candidate's name and its key, separated by a blank"
                yield Fault(reason, None, "space.folder.slots")


_Place = tuple[Any, ...]
_NAMES = {str: "a text", int: "a whole number of at least 0", float: "a number"}


def _compare(value: Any, form: Any, place: _Place) -> Iterator[tuple[_Place, str]]:
    if isinstance(form, dict):
        if not isinstance(value, dict):
            yield place, "must be a section"
            return
        entries = dict.fromkeys(value, form["*"]) if "*" in form else {name.removesuffix("?"): inner for name, inner in form.items()}
        for name in value:
            if name not in entries:
                yield (*place, name), "is unknown"
        for name, inner in entries.items():
            if name in value:
                yield from _compare(value[name], inner, (*place, name))
            elif name in form:
                yield (*place, name), "is missing"
    elif isinstance(form, list):
        if not isinstance(value, list):
            yield place, "must be a list"
            return
        for i, element in enumerate(value):
            yield from _compare(element, form[0], (*place, i))
    elif isinstance(form, tuple):
        if value not in form:
            yield place, f"must be one of {', '.join(form)}"
    elif not _is(value, form):
        yield place, f"must be {_NAMES[form]}"


def _is(value: Any, form: type) -> bool:
    if isinstance(value, bool):
        return False
    if form is float:
        return isinstance(value, float) or (isinstance(value, int) and -(1 << 63) <= value < 1 << 63)
    return isinstance(value, str) if form is str else isinstance(value, int) and 0 <= value < 1 << 63


def _lines_of(text: str) -> dict[_Place, int]:
    """Lines, counted from 1, of entries and sections."""
    lines: dict[_Place, int] = {}
    section: _Place = ()
    seen: dict[tuple[str, ...], int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if head := re.fullmatch(r"\s*\[\[?\s*([\w.]+)\s*\]?\]\s*", line):
            section = names = tuple(head[1].split("."))
            if line.lstrip().startswith("[["):
                seen[names] = seen.get(names, -1) + 1
                section = (*names, seen[names])
            lines.setdefault(section, number)
        elif "=" in line:
            lines.setdefault((*section, line.partition("=")[0].strip()), number)
    return lines


def value_faults(header: Header) -> Iterator[Fault]:
    """Faults in the values of a header whose entries have the right types, in the words of `profiler`."""
    simulated = header["source"] == "simulated"
    folder = header["space"].get("folder")
    if "points" not in header and folder is None:
        yield _fault("points", "is missing")
    if "points" in header and folder is not None:
        yield _fault("points", "is not allowed if the space is a folder")
    if header.get("points") == 0:
        yield _fault("points", "must be at least 1")
    if header["threads"] < 1:
        yield _fault("threads", "must be at least 1")
    if "date" not in header and not simulated:
        yield _fault("date", "is missing; only a simulated table may leave it out")
    if "simulator" in header and not simulated:
        yield _fault("simulator", "is only allowed if the source is 'simulated'")
    if (canary := header.get("canary")) is not None:
        if not _positive(canary["stated_us"]) or not _positive(canary["median_us"]):
            yield _fault("canary", "times must be above 0")
    elif header["source"] == "measured":
        yield _fault("canary", "is missing; a measured table needs it")
    if (fit := header.get("fit")) is not None:
        anchors = fit.get("anchors", [])
        if not _at_least_0(fit["residual"]):
            yield _fault("fit.residual", "must be a number of at least 0")
        if not all(_positive(anchor["measured_us"]) for anchor in anchors):
            yield _fault("fit.anchors", "times must be above 0")
        errors = [part[name] for part, name in [*((a, "standard_error") for a in anchors), (fit, "noise")] if name in part]
        if not all(map(_at_least_0, errors)):
            yield _fault("fit", "standard errors must be numbers of at least 0")
    for entry in dict.fromkeys(_with_control_characters(header, "")):
        yield _fault(entry, "contains control characters")
    if folder is not None:
        yield from _slot_faults(folder["slots"])


def _with_control_characters(value: Any, entry: str) -> Iterator[str]:
    """Entries whose texts contain control characters, which would control a terminal, and sections with such names."""
    if isinstance(value, str) and plain_text(value) != value:
        yield entry
    elif isinstance(value, list):
        for element in value:
            yield from _with_control_characters(element, entry)
    elif isinstance(value, dict):
        if any(plain_text(name) != name for name in value):
            yield entry
            return
        for name, inner in value.items():
            yield from _with_control_characters(inner, f"{entry}.{name}" if entry else name)


def _slot_faults(slots: Sequence[Mapping[str, Any]]) -> Iterator[Fault]:
    """Faults in the slots of a space of ONNX files."""
    if not slots:
        yield _fault("space.folder.slots", "must not be empty")
    names: set[str] = set()
    for slot in slots:
        candidates = named_keys(slot)
        wrong = {
            "stands twice": slot["name"] in names,
            "is a fixed piece, but its key does not say 'trunk:'": not slot.get("key", FIXED_PREFIX).startswith(FIXED_PREFIX),
            "has no candidates": "candidates" in slot and not candidates,
            "has a candidate twice": len({name for name, _ in candidates}) < len(candidates),
            "has a fixed piece among its candidates": any(key.startswith(FIXED_PREFIX) for _, key in candidates),
        }
        names.add(slot["name"])
        for reason in (reason for reason, is_wrong in wrong.items() if is_wrong):
            yield Fault(f"header: slot '{slot['name']}' {reason}", None, "space.folder.slots")


def named_keys(slot: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names and keys of the candidates of a slot; empty for a fixed piece. The table has name and key in one text."""
    cut = (text.partition(" ") for text in slot.get("candidates", []))
    return [(name, key) for name, _, key in cut]


def folder_keys(folder: Mapping[str, Any]) -> list[str]:
    """Keys of all slots of a space of ONNX files, in order, each once."""
    keys = [[slot["key"]] if "key" in slot else [key for _, key in named_keys(slot)] for slot in folder["slots"]]
    return list(dict.fromkeys(key for slot in keys for key in slot))


def _fault(entry: str, reason: str) -> Fault:
    return Fault(f"header: {entry} {reason}", None, entry)


def _positive(number: float) -> bool:
    return math.isfinite(number) and number > 0.0


def _at_least_0(number: float) -> bool:
    return math.isfinite(number) and number >= 0.0


def prediction_error(fit: Mapping[str, Any]) -> float:
    """Relative standard error of the predicted time of a network, from the section `fit`.

    It is the residual without the measurement noise of the networks, but at least half of the residual.
    """
    residual, noise = float(fit["residual"]), float(fit.get("noise", 0.0))
    return max(0.5 * residual, math.sqrt(max(0.0, residual * residual - noise * noise)))
