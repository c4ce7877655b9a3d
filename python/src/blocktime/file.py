"""The file of a table: header, a line of column names, rows, `# end`. A faulty file is refused."""

from __future__ import annotations

import os
import re
from typing import BinaryIO, Iterator

from . import header as headers
from .errors import LISTED, Fault, LutError, listed
from .header import Header, folder_keys
from .row import Row, columns_of, faults_of, form_of, parse

FORMAT = 'format = "blocktime-lut"'
END = b"# end"
SCHEMA = 4
"""The latest version of the columns and of the header; earlier ones are read too."""

LINE_LIMIT = 4096
HEADER_LINE_LIMIT = 64 << 10
HEADER_LIMIT = 4 << 20
ROW_LIMIT = 1_000_000

_BLANKS = b" \t\n\x0c\r"


def read(path: str | os.PathLike[str]) -> tuple[Header, list[Row]]:
    """Reads a table: its header, and its rows in the file's order. A row that repeats another one exactly is dropped.

    Raises `LutError` if the file is not a table or has faults; it lists all of them. Raises `OSError` if the file cannot be read.
    """
    with open(path, "rb") as file:
        return _Reader(file, os.fspath(path)).read()


class _Reader:
    """Reads one file, line by line."""

    def __init__(self, file: BinaryIO, path: str) -> None:
        self.file = file
        self.path = path
        self.line = 0
        self.ended = False

    def read(self) -> tuple[Header, list[Row]]:
        header = self._header()
        columns = columns_of(header["schema"])
        lines = self._lines()
        if (first := next(lines, None)) is None:
            raise self._truncated("it has no rows")
        damage = []
        if first.split(b",") != [name.encode() for name in columns]:
            text = f"line {self.line}: the columns are not those of schema {header['schema']}: {','.join(columns)}"
            damage.append(Fault(text, self.line))
            columns = []
        form = form_of(columns)
        rows: list[tuple[int, Row]] = []
        for line in lines:
            row = parse(line, self.line, columns, form) if columns else []
            if isinstance(row, Row):
                rows.append((self.line, row))
            elif len(damage) <= LISTED:
                damage += row
            if len(rows) > ROW_LIMIT:
                raise self._not_a_table(f"more than {ROW_LIMIT} rows")
        if not self.ended:
            raise self._truncated(f"its last line is not '{END.decode()}'; {len(rows)} of {header['rows']} rows are complete")
        # A damaged row is reported only once it is certain that it is not just where the file was cut.
        if not damage and len(rows) != header["rows"]:
            raise self._truncated(f"the header announces {header['rows']} rows, but there are {len(rows)}")
        return header, self._sound(header, rows, damage)

    def _sound(self, header: Header, rows: list[tuple[int, Row]], damage: list[Fault]) -> list[Row]:
        """The rows, if nothing is wrong with them or the header."""
        faults = [*damage, *headers.value_faults(header)]
        for line, row in rows:
            if len(faults) > LISTED:
                break
            faults += faults_of(row, line)
        unique: dict[str, tuple[int, Row]] = {}
        for numbered in rows:
            line, row = numbered
            first, known = unique.setdefault(row.key, numbered)
            # Compared as text, so that NaN equals NaN: it is reported as what it is.
            if first != line and repr(known) != repr(row):
                faults.append(Fault(f"{row.key}: appears twice, with different values (lines {first} and {line})", line, "key", row.key))
        folder = header["space"].get("folder")
        if folder is None:
            uncounted = [(line, row.key) for line, row in rows if row.macs is None]
            reason = "macs may be empty only in tables of a folder of ONNX files"
            faults += [Fault(f"{key}: {reason} (line {line})", line, "macs", key) for line, key in uncounted]
        else:
            faults += [Fault(f"{key}: missing", None, "key", key) for key in folder_keys(folder) if key not in unique]
        if faults:
            raise LutError(f"the latency table {self.path} is not valid:", listed(faults))
        return [row for _, row in unique.values()]

    def _header(self) -> Header:
        """Reads the comment lines at the start."""
        lines: list[str] = []
        size = 0
        while line := self._header_line():
            size += len(line)
            if len(line) > HEADER_LINE_LIMIT or size > HEADER_LIMIT:
                raise self._not_a_table("its header is too long")
            try:
                text = line.decode().rstrip("\r\n")
            except UnicodeDecodeError:
                raise self._not_a_table("its header is not text") from None
            lines.append(text.removeprefix("# ") if text.startswith("# ") else text[1:])
        if not lines or lines[0].strip() != FORMAT:
            raise self._not_a_table(f"its first line is not '# {FORMAT}'")
        # A cut inside the header shows as a TOML error; but without a single row it is first of all a cut.
        if not self._peek():
            raise self._truncated("it ends within its header")
        return self._parsed("\n".join(lines) + "\n")

    def _parsed(self, text: str) -> Header:
        invalid = f"the header of the latency table {self.path} is not valid:"
        try:
            header = headers.parse(text)
        except ValueError as e:
            place = re.search(r"at line (\d+)", str(e))
            raise LutError(invalid, [Fault(f"header: {e}", int(place[1]) if place else None)]) from None
        schema = header.get("schema")
        if not isinstance(schema, int) or isinstance(schema, bool):
            raise self._not_a_table("its header has no 'schema'")
        if not 1 <= schema <= SCHEMA:
            update = "update the package or rebuild the table"
            raise LutError(f"{self.path} is a latency table of schema {schema}, this package reads schema {SCHEMA}; {update}")
        if faults := headers.form_faults(header, text):
            raise LutError(invalid, faults)
        return header

    def _header_line(self) -> bytes:
        """The next line if it is a comment, otherwise nothing. A byte-order mark before the first line is ignored."""
        if self.line == 0 and self._peek(3).startswith(b"\xef\xbb\xbf"):
            self.file.read(3)
        if self._peek() != b"#":
            return b""
        self.line += 1
        return self.file.readline(HEADER_LINE_LIMIT + 1)

    def _peek(self, size: int = 1) -> bytes:
        at = self.file.tell()
        begin = self.file.read(size)
        self.file.seek(at)
        return begin

    def _lines(self) -> Iterator[bytes]:
        """The lines after the header, without comments and empty lines. Nothing may follow `# end`."""
        while line := self.file.readline(LINE_LIMIT + 1):
            self.line += 1
            if len(line) > LINE_LIMIT:
                raise self._not_a_table(f"line {self.line} is longer than {LINE_LIMIT} bytes")
            line = line.rstrip(_BLANKS)
            if line and self.ended:
                raise self._not_a_table(f"text follows its last line '{END.decode()}'")
            if line.startswith(b"#"):
                self.ended = line == END
            elif line:
                yield line

    def _not_a_table(self, reason: str) -> LutError:
        return LutError(f"{self.path} is not a latency table: {reason}")

    def _truncated(self, reason: str) -> LutError:
        return LutError(f"the latency table {self.path} is truncated: {reason}; build it again or copy it again")
