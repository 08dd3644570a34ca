"""A list that the database writes as JSON is the list that the product reads, lead by lead and value by value."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from baton.kernel.page import Page
from baton.kernel.perform import perform
from baton.kernel.written import written
from baton.leads.lead import Lead
from tests.team import Team

ODD: list[dict[str, Any]] = [
    {"firstName": 'Ada "the" \\ Count', "lastName": "Lovelace\tKing", "email": "ada@acme.example", "tags": ['a,"b"', "c;d", "ü"]},
    {"firstName": "山田", "lastName": "O'Neil </script> \u2028", "email": "yamada@acme.example", "valueCents": 9_007_199_254_740_991},
    {"lastName": "Only", "email": "only@acme.example", "companyName": "100% :n $1 {x}", "website": "https://acme.example/?a=b&c=d"},
    {"lastName": "Fields", "email": "fields@acme.example", "fields": {"a": "quoted \"x\"", "b": 7, "c": 1.5, "d": ["x", "y"], "é": True}},
]  # fmt: skip


async def test_every_lead_is_written_as_it_is_read(fresh: Team) -> None:
    """Spec A10, B8: quotes, line ends, other scripts, none at all, moments with and without a fraction."""
    for number, values in enumerate(ODD):
        moment = datetime(2026, 3, 4, 5, 6, 7, (0, 100_000, 777_100, 777_134)[number], UTC)
        await perform(fresh.db, fresh.ben, "crm.leads.create", values, now=moment)
    for asked in (
        {}, {"limit": 2}, {"sort": "score"}, {"sort": "valueCents", "limit": 1, "descending": False}, {"sort": "companyName", "limit": 1},
        {"sort": "expectedCloseDate"}, {"where": {"field": "email", "op": "=", "value": "nobody@acme.example"}, "count": True},
    ):  # fmt: skip
        cursor: str | None = None
        for _ in range(len(ODD) + 1):
            page = {**asked, "cursor": cursor}
            read: Page[Lead] = await perform(fresh.db, fresh.vera, "crm.leads.find", page)
            told = msgspec.json.encode(await perform(fresh.db, fresh.vera, "crm.leads.find", page, written=True))
            assert msgspec.json.decode(told, type=Page[Lead]) == read
            assert _keys(told) == _keys(msgspec.json.encode(read))
            cursor = read.next_cursor
            if cursor is None:
                break
        assert cursor is None


def _keys(told: bytes) -> list[list[str]]:
    """The names of each lead's values, in their order."""
    return [list(each) for each in msgspec.json.decode(told)["items"]]


def test_what_the_database_cannot_write_is_found_at_the_start() -> None:
    """A struct with a value of another kind has no such list."""

    class Odd(msgspec.Struct):
        things: set[Any]

    with pytest.raises(TypeError, match="things"):
        written(Odd, "l")
