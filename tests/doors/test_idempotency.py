"""The same key does the same write once, at every door: SPEC, "Concurrency"; draft-ietf-httpapi-idempotency-key-header."""

from typing import Any
from uuid import uuid4

import httpx2
import pytest

from baton.kernel.db import Database
from tests.doors.conftest import Caller
from tests.team import Team

DOORS = {
    "REST": ("/api/v1/crm.leads.create", {"name": "Once"}), "tRPC": ("/api/trpc/crm.leads.create", {"name": "Once"}),
    "document C": ("/api/crm/leads/detail", {"name": "Once"}), "document C, short": ("/crm/leads/detail", {"name": "Once"}),
}  # fmt: skip


def id_of(answer: httpx2.Response) -> Any:
    """The id of the lead that an answer tells, in the shape of its door."""
    told = answer.json()
    return (told["result"]["data"] if "result" in told else told)["id"]


@pytest.mark.parametrize("door", DOORS)
async def test_a_repetition_an_other_body_and_one_in_flight(ben: Caller, team: Team, db: Database, door: str) -> None:
    """The first result again; 422 for another body under the key; 409 while the first is under way, then it is done."""
    path, body = DOORS[door]
    key = uuid4().hex
    head = {"idempotency-key": key}
    first = await ben.call("POST", path, body, headers=head)
    again = await ben.call("POST", path, body, headers=head)
    assert first.is_success, first.text
    assert (again.status_code, id_of(again)) == (first.status_code, id_of(first))
    other = await ben.call("POST", path, body | {"name": "Twice"}, headers=head)
    assert other.status_code == 422, other.text
    fresh_key = uuid4().hex
    lock = f"{team.org_id}/{team.ben.key}/{fresh_key}"
    async with db.app.acquire() as conn, conn.transaction():
        await conn.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", lock)
        busy = await ben.call("POST", path, body, headers={"idempotency-key": fresh_key})
        assert busy.status_code == 409, busy.text
    assert (await ben.call("POST", path, body, headers={"idempotency-key": fresh_key})).is_success
    for wrong in ("", "x" * 256):
        assert (await ben.call("POST", path, body, headers={"idempotency-key": wrong})).status_code == 400
