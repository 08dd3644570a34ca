"""XLSX: rows go to a file as they come, so that memory stays bounded; texts are texts, never formulas or links."""

import tempfile
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import xlsxwriter

from baton.exports.columns import Column
from baton.kernel.db import Row

_PART = 1 << 18
_MOST_CHARS = 32_767
"""The longest text that a cell of a workbook holds."""


class Workbook:
    """A workbook of one sheet."""

    def __init__(self, columns: list[Column]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="baton-export-")
        self._path = Path(self._folder.name) / "leads.xlsx"
        options = {"constant_memory": True, "tmpdir": self._folder.name, "default_date_format": "yyyy-mm-dd"}
        self._book = xlsxwriter.Workbook(self._path, options)
        self._moment = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._sheet = self._book.add_worksheet("Leads")
        self._sheet.freeze_panes(1, 0)
        bold = self._book.add_format({"bold": True})
        for place, column in enumerate(columns):
            self._sheet.write_string(0, place, column.header, bold)
        self._next = 1

    def rows(self, rows: list[Row]) -> bytes:
        """Add rows of typed values to the sheet."""
        for row in rows:
            for place, value in enumerate(row.values()):
                if value is not None:
                    self._write(place, value)
            self._next += 1
        return b""

    def finish(self) -> None:
        """Write the file out."""
        self._book.close()

    def end(self) -> Iterator[bytes]:
        """The finished file."""
        with self._path.open("rb") as file:
            while part := file.read(_PART):
                yield part

    def close(self) -> None:
        """Remove the files."""
        self._folder.cleanup()

    def _write(self, place: int, value: Any) -> None:
        sheet, line = self._sheet, self._next
        if isinstance(value, bool):
            sheet.write_boolean(line, place, value)
        elif isinstance(value, int | float | Decimal):
            sheet.write_number(line, place, value)
        elif isinstance(value, datetime):
            sheet.write_datetime(line, place, value.replace(tzinfo=None, microsecond=0), self._moment)
        elif isinstance(value, date):
            sheet.write_datetime(line, place, datetime(value.year, value.month, value.day))  # noqa: DTZ001
        else:
            text = value if isinstance(value, str) else _joined(value)
            sheet.write_string(line, place, text[:_MOST_CHARS])


def _joined(value: Any) -> str:
    """Tags by semicolon where none holds a separator; other values as JSON."""
    if isinstance(value, list) and all(isinstance(each, str) and not set(each) & set(';,|\n"') for each in value):
        return "; ".join(value)
    return msgspec.json.encode(value).decode()
