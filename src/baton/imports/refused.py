"""The rows that an import left out, written as a CSV in which they can be mended and imported again."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from baton.imports.column import text_of
from baton.imports.guard import harmless
from baton.imports.kept import RefusedRow
from baton.imports.map import REASON_HEADERS
from baton.imports.options import ImportReport
from baton.imports.table import Refusal, Table


def write_refused(report: ImportReport, table: Table, path: Path) -> int:
    """Write the rows that the report names as refused, with line and reason; answers how many."""
    reasons = {named.line: named.reason for named in report.refused}
    written = 0
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        out = csv.writer(file)
        out.writerow([*map(harmless, table.headers), *REASON_HEADERS])
        for row in table.rows():
            if (reason := reasons.get(row.line)) is None:
                continue
            cells = [harmless(text_of(cell)) for cell in row.cells][: len(table.headers)]
            if isinstance(row, Refusal):
                cells += [""] * (len(table.headers) - len(cells))
            out.writerow([*cells, row.line, reason])
            written += 1
    return written


def refused_head(headers: list[str]) -> bytes:
    """The mark and the header line of a CSV file of refused rows."""
    return b"\xef\xbb\xbf" + _line([*headers, *REASON_HEADERS])


def refused_rows(rows: Iterable[RefusedRow], width: int) -> bytes:
    """Refused rows as CSV lines, guarded against being run as formulas."""
    return b"".join(
        _line([*row.cells[:width], *[""] * (width - len(row.cells)), str(row.line), row.reason]) for row in rows
    )


def _line(cells: list[str]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerow(map(harmless, cells))
    return out.getvalue().encode()
