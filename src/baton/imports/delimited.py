"""CSV in all its forms: any of the usual separators, quotes and encodings, read one record at a time."""

import io
from collections.abc import Iterator
from pathlib import Path

from baton.imports import dialect as dialects
from baton.imports import encoding as encodings
from baton.imports.encoding import Encoding
from baton.imports.guard import unguarded
from baton.imports.records import Dialect, lines_of, records, unwrapped
from baton.imports.table import Limits, Notes, Refusal, Row, Table, distinct
from baton.kernel.errors import Invalid, TooLarge

UNWRAPPED = "Records were wrapped in quotes once more as a whole, and were unwrapped"
BLANK = "Blank lines were skipped"
UNDECODED = "Bytes that the encoding does not know became �"
_SAMPLE_CHARS = 256_000


def open_delimited(path: Path, limits: Limits, *, encoding: str | None = None, delimiter: str | None = None) -> Table:
    """A delimited text file as a Table; encoding and separator are recognised unless named.

    Raises Invalid for a file without a header or a separator of several characters, TooLarge for too many columns.
    """
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '\r\n"\0'):
        raise Invalid("A separator is one character, such as a comma, a semicolon or a tab.", field="delimiter")
    codec = encodings.recognise(path, encoding)
    with _text(path, codec, "") as text:
        sample = text.read(_SAMPLE_CHARS)
    newline = "\n" if "\n" in sample else ""
    if len(sample) == _SAMPLE_CHARS:
        sample = sample[: sample.rfind("\n" if newline else "\r") + 1] or sample
    dialect = dialects.recognise(sample.replace("\0", ""), newline, limits, delimiter)
    headers = _headers(path, codec, newline, dialect, limits)

    def read(notes: Notes) -> Iterator[Row | Refusal]:
        with _text(path, codec, newline) as text:
            yield from _rows(text, dialect, headers, limits, notes)

    return Table(
        name=path.name,
        format="csv",
        headers=distinct(headers),
        read=read,
        encoding=codec.name,
        delimiter=dialect.delimiter,
        warnings=(codec.warning,) if codec.warning else (),
    )


def _text(path: Path, codec: Encoding, newline: str) -> io.TextIOWrapper:
    return path.open(encoding=codec.name, errors=codec.errors, newline=newline)


def _headers(path: Path, codec: Encoding, newline: str, dialect: Dialect, limits: Limits) -> list[str]:
    with _text(path, codec, newline) as text:
        for record in records(lines_of(text, limits, Notes()), dialect, limits):
            if isinstance(record, Refusal):
                raise Invalid(f"The header on line {record.line} cannot be read: {record.reason}.")
            line, cells = record
            if line <= dialect.above or not any(cell.strip() for cell in cells):
                continue
            headers = [unguarded(header) for header in unwrapped(cells, dialect) or cells]
            if len(headers) > limits.columns:
                raise TooLarge(f"The file has {len(headers):,} columns; {limits.columns:,} are the most.")
            return headers
    raise Invalid("The file is empty: it has no line of headers.")


def _rows(
    text: io.TextIOWrapper, dialect: Dialect, headers: list[str], limits: Limits, notes: Notes
) -> Iterator[Row | Refusal]:
    named = max((place for place, header in enumerate(headers, start=1) if header.strip()), default=0)
    header_seen = False
    count = 0
    for record in records(lines_of(text, limits, notes), dialect, limits):
        if isinstance(record, Refusal):
            yield record
            continue
        line, cells = record
        if line <= dialect.above:
            continue
        if not any(cell and not cell.isspace() for cell in cells):
            notes.add(BLANK, line)
            continue
        if not header_seen:
            header_seen = True
            continue
        count += 1
        if count > limits.rows:
            raise TooLarge(f"The file has more than {limits.rows:,} rows; split it.")
        yield _row(line, cells, dialect, (named, len(headers)), notes)


def _row(line: int, cells: list[str], dialect: Dialect, widths: tuple[int, int], notes: Notes) -> Row | Refusal:
    """A record of exactly as many cells as there are headers; only what has no header may be missing at its end."""
    named, width = widths
    if len(cells) != width and (inner := unwrapped(cells, dialect)) and len(inner) == width:
        notes.add(UNWRAPPED, line)
        cells = inner
    while len(cells) > width and not cells[-1].strip():
        cells = cells[:-1]
    if named <= len(cells) < width:
        cells = cells + [""] * (width - len(cells))
    if len(cells) != width:
        return Refusal(line, f"It has {len(cells)} cells where the headers name {width}", tuple(cells[: width * 2]))
    if any("�" in cell for cell in cells):
        notes.add(UNDECODED, line)
    return Row(line, tuple(unguarded(cell) if "'" in cell else cell for cell in cells))
