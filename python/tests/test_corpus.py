"""Every table of the corpus is refused for what its list says, or is sound; the programs' tests read the same files and list."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import CORPUS, ROOT

from blocktime import Lut, LutError
from blocktime.header import newer, parse

LISTED: dict[str, dict[str, Any]] = {table["file"]: table for table in parse((CORPUS / "tables.toml").read_text())["table"]}
BEGINS = {
    "not-a-table": "{} is not a latency table: ",
    "schema": "{} is a latency table of schema ",
    "header": "the header of the latency table {} is not valid:",
    "truncated": "the latency table {} is truncated: ",
    "row": "the latency table {} is not valid:",
    "faults": "the latency table",
}


@pytest.mark.parametrize("name", LISTED)
def test_each_broken_table_is_refused_and_says_why(name: str) -> None:
    table = LISTED[name]
    path = CORPUS / "table" / name
    with pytest.raises(LutError) as caught:
        Lut.read(path, ROOT / table["space"] if "space" in table else None)
    message, found = str(caught.value), caught.value.faults
    assert message.startswith(BEGINS[table["kind"]].format(path))
    for expected in table["faults"]:
        assert expected.get("text", "") in message
        if "line" in expected or "column" in expected:
            places = [(fault.line, fault.column) for fault in found if expected.get("text", "") in fault.text]
            assert (expected.get("line"), expected.get("column")) in places
    if table["kind"] in ("header", "faults"):
        assert len(found) == len(table["faults"]), "all of them, and no other"


def test_every_other_table_is_sound() -> None:
    others = sorted(path for path in (CORPUS / "table").iterdir() if path.name not in LISTED)
    assert len(others) >= 4
    for path in others:
        space, rows = (None, 8) if path.stem == "folder-sound" else (ROOT / "tests" / "spaces" / "tiny.toml", 13)
        assert len(Lut.read(path, space).rows) == rows


def test_what_only_toml_1_1_allows_is_refused_by_newer_versions_of_python_too() -> None:
    for name, line in (("inline-table-lines", 11), ("inline-table-comma", 11), ("escape", 7), ("inline-table-sound", None)):
        header = (CORPUS / "table" / f"header-{name}.csv").read_text().split("\nkey,")[0]
        found = newer("\n".join(text[2:] for text in header.split("\n")))
        assert found is None if line is None else found is not None and f"at line {line}, column " in found
    assert newer('a = [{ b = [\n1,\n], c = "\\\\x" }, # }\n\n]\nd = \'\\x\' # {') is None


def test_every_listed_table_is_there() -> None:
    assert all((CORPUS / "table" / name).is_file() for name in LISTED)
