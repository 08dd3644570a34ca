"""XLSX: one sheet of a workbook, weighed before it is opened, since a small archive can hold an endless sheet."""

import datetime as dt
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.parsers import expat

import python_calamine

from baton.imports.table import Cell, Limits, Notes, Refusal, Row, Table, distinct
from baton.kernel.errors import Invalid, TooLarge

_CHUNK = 1 << 16
_REFERENCE = re.compile(r"([A-Za-z]{1,3})(\d{1,7})")
_MAGIC_OLD = b"\xd0\xcf\x11\xe0"


def open_workbook(path: Path, limits: Limits, *, sheet: str | None = None) -> Table:
    """A sheet of an XLSX file (the first visible one unless named) as a Table; cells keep their types.

    A formula counts for the value that was last calculated. Raises Invalid for a file that is no workbook or needs a
    password, TooLarge for one that would unpack beyond the limits.
    """
    if path.stat().st_size > limits.whole_bytes:
        raise TooLarge(f"Workbooks may have up to {limits.whole_bytes:,} bytes; save larger ones as CSV.")
    with path.open("rb") as file:
        if file.read(4) == _MAGIC_OLD:
            raise Invalid("The workbook is protected by a password or in the old .xls form: save it as .xlsx or CSV.")
    _weigh(path, limits)
    names, cells = _opened(path, sheet)
    headers, first = _headers(cells, limits)
    others = [name for name in names if name != cells.name]

    def read(notes: Notes) -> Iterator[Row | Refusal]:
        return _rows(cells, first, len(headers), limits, notes)

    warning = f"Only the sheet “{cells.name}” was read; the workbook has also: {', '.join(others)[:200]}"
    warnings = (warning,) if others else ()
    return Table(name=path.name, format="xlsx", headers=distinct(headers), read=read, warnings=warnings)


def _opened(path: Path, sheet: str | None) -> tuple[list[str], Any]:
    try:
        book = python_calamine.CalamineWorkbook.from_path(path)
        names = [each.name for each in book.sheets_metadata if each.visible is python_calamine.SheetVisibleEnum.Visible]
        if sheet is not None and sheet not in book.sheet_names:
            raise Invalid(f"The workbook has no sheet “{sheet}”; it has: {', '.join(names)[:200]}.", field="sheet")
        if not names:
            raise Invalid("The workbook has no visible sheet.")
        return names, book.get_sheet_by_name(sheet or names[0])
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        raise Invalid(f"The workbook cannot be read: {error}") from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise Invalid("The workbook cannot be read: it is damaged.") from error


def _headers(sheet: Any, limits: Limits) -> tuple[list[str], int]:
    """The first row that holds anything, and its number in the sheet from 1."""
    for number, cells in _numbered(sheet):
        texts = ["" if cell is None else str(cell) for cell in map(_cell, cells)]
        if any(text.strip() for text in texts):
            while not texts[-1].strip():
                texts.pop()
            if len(texts) > limits.columns:
                raise TooLarge(f"The sheet has {len(texts):,} columns; {limits.columns:,} are the most.")
            return texts, number
    raise Invalid(f"The sheet “{sheet.name}” is empty.")


def _numbered(sheet: Any) -> Iterator[tuple[int, list[Any]]]:
    """Rows with their numbers; calamine begins at the first row that holds anything."""
    if sheet.start is None:
        return iter(())
    return enumerate(sheet.iter_rows(), start=1)


def _rows(sheet: Any, first: int, width: int, limits: Limits, notes: Notes) -> Iterator[Row | Refusal]:
    for number, raw in _numbered(sheet):
        if number <= first:
            continue
        cells = [_cell(cell) for cell in raw]
        if all(cell is None for cell in cells):
            continue
        if any(cell is not None for cell in cells[width:]):
            yield Refusal(number, f"It has cells to the right of the {width} headers", tuple(cells[: width * 2]))
            continue
        longest = max((len(cell) for cell in cells if isinstance(cell, str)), default=0)
        if longest > limits.cell_chars:
            yield Refusal(number, f"A cell holds {longest:,} characters; {limits.cell_chars:,} are the most")
            continue
        if any(isinstance(cell, str) and "\0" in cell for cell in cells):
            notes.add("NUL characters were removed", number)
            cells = [cell.replace("\0", "") if isinstance(cell, str) else cell for cell in cells]
        yield Row(number, tuple(cells[:width]) + (None,) * (width - len(cells)))


def _cell(cell: Any) -> Cell:
    """A cell in our types: whole numbers as integers, midnight as a plain date, durations and times as text."""
    if isinstance(cell, str):
        return cell if cell and not cell.isspace() else None
    if isinstance(cell, float):
        return int(cell) if cell.is_integer() and abs(cell) < 2**53 else cell
    if isinstance(cell, dt.datetime):
        return cell.date() if cell.time() == dt.time.min else cell
    if isinstance(cell, bool | int | dt.date):
        return cell
    return str(cell)


def _weigh(path: Path, limits: Limits) -> None:
    """Unpack as a stream, keeping nothing, and refuse what would be too much to hold."""
    unpacked = 0
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            if len(parts) > 10_000:
                raise TooLarge("The workbook's archive has too many parts.")
            for part in parts:
                counter = _SheetWeight(limits) if _is_sheet(part.filename) else None
                with archive.open(part) as stream:
                    while chunk := stream.read(_CHUNK):
                        unpacked += len(chunk)
                        if unpacked > limits.unpacked_bytes:
                            raise TooLarge(f"The workbook unpacks to more than {limits.unpacked_bytes:,} bytes.")
                        if counter:
                            counter.feed(chunk)
    except (
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        NotImplementedError,
        RuntimeError,
        EOFError,
        OSError,
    ) as error:
        raise Invalid(f"The file is no workbook that can be read: {error}") from error
    except expat.ExpatError as error:
        raise Invalid(f"A sheet of the workbook is damaged: {error}") from error


def _is_sheet(name: str) -> bool:
    return "/worksheets/" in f"/{name.lower()}" and name.lower().endswith(".xml")


class _SheetWeight:
    """Counts the cells of a sheet's XML, and the rectangle that they span."""

    def __init__(self, limits: Limits) -> None:
        self.most = limits.sheet_cells
        self.rows = limits.rows
        self.cells = self.width = self.height = 0
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._element
        self.parser.StartDoctypeDeclHandler = self._doctype

    def feed(self, chunk: bytes) -> None:
        self.parser.Parse(chunk, False)

    def _doctype(self, *_: Any) -> None:
        raise Invalid("The workbook declares a document type, which no spreadsheet does.")

    def _element(self, name: str, attributes: dict[str, str]) -> None:
        if name.rpartition(":")[2] != "c":
            return
        self.cells += 1
        if match := _REFERENCE.fullmatch(attributes.get("r", "")):
            column = 0
            for letter in match[1].upper():
                column = column * 26 + ord(letter) - 64
            self.width, self.height = max(self.width, column), max(self.height, int(match[2]))
        if self.cells > self.most or self.width * self.height > self.most:
            raise TooLarge(f"A sheet spans more than {self.most:,} cells; delete its far-off cells or save it as CSV.")
