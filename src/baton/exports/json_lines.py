"""JSON lines: one object a lead, its custom fields with their types beneath `fields`."""

from collections.abc import Iterator

import msgspec

from baton.exports.columns import FIELD, Column
from baton.kernel.db import Row


class JsonLines:
    """A file of one JSON object a line; what is not known is left out."""

    def __init__(self, columns: list[Column]) -> None:
        self._facts = [
            (place, column.name) for place, column in enumerate(columns) if not column.name.startswith(FIELD)
        ]
        self._fields = [
            (place, column.name[len(FIELD) :]) for place, column in enumerate(columns) if column.name.startswith(FIELD)
        ]
        self._encoder = msgspec.json.Encoder(decimal_format="number")

    def rows(self, rows: list[Row]) -> bytes:
        """Rows of typed values as lines."""
        leads = []
        for row in rows:
            lead = {name: row[place] for place, name in self._facts if row[place] not in (None, [])}
            fields = {name: row[place] for place, name in self._fields if row[place] is not None}
            leads.append(lead | ({"fields": fields} if fields else {}))
        return self._encoder.encode_lines(leads)

    def finish(self) -> None:
        """Nothing is left to do."""

    def end(self) -> Iterator[bytes]:
        """Nothing ends the file."""
        return iter(())

    def close(self) -> None:
        """Nothing was opened."""
