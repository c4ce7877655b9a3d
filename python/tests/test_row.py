"""Rows that have no faults are read and checked by a quick way; it must find what the thorough way finds."""

from __future__ import annotations

import random
import re
import time

import pytest
from conftest import CORPUS

from blocktime import Row, row
from blocktime.row import columns_of, faults_of, form_of, parse

NEVER = re.compile(r"(?!)")
"""The form of no row: with it, each is read the thorough way."""


def lines() -> list[bytes]:
    """All rows of the corpus, and thousands of them with a few cells changed."""
    found = [line for path in sorted((CORPUS / "table").iterdir()) for line in path.read_bytes().split(b"\n") if line.count(b",") > 20]
    draw = random.Random(0)
    cells = [b"", b"0", b"-0", b"5", b"007", b"+5", b"4.25", b".5", b"5.", b"1e3", b"1e400", b"inf", b"NaN", b"-1", b"0x20", b"1_0", b" 5"]
    cells += [b"trunk:a", b"block", b"identity", b"trunk", b"brick", b"\xff", "\N{ARABIC-INDIC DIGIT FOUR}".encode(), b"9" * 19, b"9" * 20, b"a b"]
    for _ in range(20_000):
        changed = draw.choice(found).split(b",")
        for _ in range(draw.randint(1, 3)):
            changed[draw.randrange(len(changed))] = draw.choice(cells)
        found.append(b",".join(changed))
    return found


def test_the_quick_way_reads_what_the_thorough_way_reads() -> None:
    quick = 0
    for schema in (1, 2, 3):
        columns = columns_of(schema)
        form = form_of(columns)
        for line in lines():
            expected = parse(line, 7, columns, NEVER)
            assert repr(parse(line, 7, columns, form)) == repr(expected), line
            quick += isinstance(expected, Row) and form.fullmatch(line.decode()) is not None
    assert quick > 2000


def test_the_quick_check_passes_only_rows_without_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = columns_of(3)
    form = form_of(columns)
    rows = [found for line in lines() if isinstance(found := parse(line, 7, columns, form), Row)]
    sound = [row._is_sound(found) for found in rows]
    monkeypatch.setattr(row, "_is_sound", lambda _: False)
    thorough = [not list(faults_of(found, 7)) for found in rows]
    assert sum(sound) > 1000 and len(sound) - sum(thorough) > 500
    for found, is_sound, has_none in zip(rows, sound, thorough):
        assert is_sound == has_none or (has_none and found.kind == "identity"), found


def test_a_line_that_almost_fits_takes_no_longer() -> None:
    columns = columns_of(3)
    (line,) = [line for line in (CORPUS / "table" / "sound.csv").read_bytes().split(b"\n") if line.startswith(b"sep_k3")]
    cells = line.split(b",")
    for column in range(10, 18):
        cells[column] = b"1" * 400
    cells[-2] = b"?"
    began = time.process_time()
    found = parse(b",".join(cells), 7, columns, form_of(columns))
    assert isinstance(found, list) and [fault.column for fault in found] == ["cold_us"]
    assert time.process_time() - began < 1.0, "with several ways to read a number it would be years"
