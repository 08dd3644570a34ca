"""The rows that an import left out, written as a CSV in which they can be mended and imported again."""

import csv
import re
from pathlib import Path

from baton.imports.map import REASON_HEADERS, text_of
from baton.imports.options import ImportReport
from baton.imports.table import Refusal, Table

_FORMULA = re.compile(r"[\s\x00-\x1f'\"]*[=+\-@＝＋－＠]")
_NUMBER = re.compile(r"[+-]?[\d\s().,/-]*\d[\d\s().,/-]*")


def harmless(text: str) -> str:
    """Text that no spreadsheet runs as a formula; numbers and phones ("+49 30 1234") stay as they are. CWE-1236."""
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


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
