"""CSV (RFC 4180, UTF-8 with a mark, so that spreadsheets know): what people wrote is guarded against being run."""

import csv
import io
from collections.abc import Iterator

from baton.exports.columns import Column
from baton.imports.guard import SUSPECT, harmless
from baton.kernel.db import Row


class Csv:
    """A CSV file with one header line."""

    typed = False

    def __init__(self, columns: list[Column]) -> None:
        self._columns = columns
        self._spoken = [place for place, column in enumerate(columns) if column.spoken]

    def begin(self) -> bytes:
        """The mark and the headers."""
        return b"\xef\xbb\xbf" + self._written([[harmless(column.header) for column in self._columns]])

    def rows(self, rows: list[Row]) -> bytes:
        """Rows of texts as lines; None is an empty cell."""
        spoken = self._spoken
        lines: list[list[str | None]] = []
        for row in rows:
            cells = list(row.values())
            said = [cells[place] or "" for place in spoken]
            if SUSPECT.search("\x1e".join(said)):
                for place, text in zip(spoken, said, strict=True):
                    cells[place] = harmless(text)
            lines.append(cells)
        return self._written(lines)

    def finish(self) -> None:
        """Nothing is left to do."""

    def end(self) -> Iterator[bytes]:
        """Nothing ends a CSV file."""
        return iter(())

    def close(self) -> None:
        """Nothing was opened."""

    @staticmethod
    def _written(lines: list[list[str | None]] | list[list[str]]) -> bytes:
        out = io.StringIO()
        csv.writer(out).writerows(lines)
        return out.getvalue().encode()
