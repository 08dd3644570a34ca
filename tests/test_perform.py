"""`perform`: what it refuses, what it repeats, and how concurrent writers meet."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from baton.kernel.errors import BatonError, Conflict, Forbidden, Invalid, NotFound, Unprocessable
from baton.kernel.page import cursor, position
from baton.kernel.perform import MAX_DEPTH, Cause, perform
from tests.team import Team


@pytest.mark.parametrize(
    ("input", "error"),
    [
        (b"{", Invalid),
        (b"[" * 100_000, Invalid),
        (b'{"leadId": 7}', Invalid),
        (b'{"leadId": "x", "score": 100}', Invalid),
        (b'{"leadId": "x", "ownerId": null, "reason": "a\\u0000b"}', Invalid),
        (b'{"leadId": "\\ud800", "ownerId": null}', Invalid),
        ({"leadId": "\ud800", "ownerId": None}, Invalid),
        ({"leadId": "no-such-lead", "ownerId": None}, NotFound),
        ({"leadId": str(uuid4()), "ownerId": None}, NotFound),
    ],
)
async def test_bad_input_gets_a_clear_error(team: Team, input: Any, error: type[BatonError]) -> None:
    """Nothing reaches a verb that it does not understand; unknown fields are refused."""
    with pytest.raises(error) as raised:
        await perform(team.db, team.ben, "crm.leads.assign", input)
    assert raised.value.message


async def test_doors_may_ignore_what_clients_add(fresh: Team) -> None:
    """SPEC, "Unknown fields": B's and C's doors ignore them; owner, score and stage are never taken from a public body."""
    body = {"orgId": str(fresh.org_id), "firstName": "Eve", "lastName": "Hacker", "email": "eve@evil.example", "score": 100,
            "ownerId": str(fresh.ana.id), "role": "admin", "status": "won", "stageId": str(uuid4())}  # fmt: skip
    made = await perform(fresh.db, fresh.form, "crm.leads.capture", body, ignore_unknown=True)
    lead = await fresh.do(fresh.ana, "crm.leads.get", leadId=str(made.id))
    assert (lead.owner_id, lead.status, lead.score) == (None, "new", 19)


async def test_a_key_answers_again_and_only_for_the_same_request(team: Team) -> None:
    """Idempotency-Key: the same request answers its first result; another one is 422; another actor's key is another key."""
    body = {"firstName": "Wei", "lastName": "Zhang"}
    first = await perform(team.db, team.ben, "crm.leads.create", body, idempotency_key="k1")
    again = await perform(team.db, team.ben, "crm.leads.create", body, idempotency_key="k1")
    assert again == first
    with pytest.raises(Unprocessable):
        await perform(team.db, team.ben, "crm.leads.create", body | {"title": "CTO"}, idempotency_key="k1")
    other = await perform(team.db, team.ana, "crm.leads.create", body, idempotency_key="k1")
    assert other.id != first.id
    with pytest.raises(Invalid):
        await perform(team.db, team.ben, "crm.leads.create", body, idempotency_key="")


async def test_a_key_in_flight_is_a_conflict_and_done_once(team: Team) -> None:
    """Twenty at the same moment with one key: one lead; the others are told to try again, or get its answer."""
    body = {"lastName": "Solberg"}

    async def one() -> Any:
        return await perform(team.db, team.ben, "crm.leads.create", body, idempotency_key="race")

    answers = await asyncio.gather(*(one() for _ in range(20)), return_exceptions=True)
    made = {answer.id for answer in answers if not isinstance(answer, BaseException)}
    assert len(made) == 1
    assert all(isinstance(answer, Conflict) for answer in answers if isinstance(answer, BaseException))


async def test_a_stale_version_is_a_conflict(team: Team) -> None:
    """SPEC, "Concurrency": a write that names a stale version gets 409, and the first write stands."""
    lead = await team.capture()
    ref = {"leadId": str(lead.id), "version": lead.version}
    changed = await team.do(team.ben, "crm.leads.update", ref | {"title": "CTO"})
    with pytest.raises(Conflict, match="changed since you read it"):
        await team.do(team.ana, "crm.leads.update", ref | {"title": "CFO"})
    assert (await team.do(team.ana, "crm.leads.get", leadId=str(lead.id))) == changed


async def test_concurrent_writers_of_one_lead_all_count(team: Team) -> None:
    """No write is lost where many change the same lead at once."""
    lead = await team.capture()

    async def tag(n: int) -> None:
        await team.do(team.ben, "crm.leads.update", leadId=str(lead.id), fields={f"n{n}": n})

    await asyncio.gather(*(tag(n) for n in range(20)))
    after = await team.do(team.ana, "crm.leads.get", leadId=str(lead.id))
    assert after.fields == {f"n{n}": n for n in range(20)}
    assert after.version == lead.version + 20  # the score was calculated each time, and stayed what it was


async def test_concurrent_captures_of_one_person_and_company(team: Team) -> None:
    """Forty leads of one new person and company at once: one contact, one company, no deadlock."""
    email, company = f"{uuid4().hex}@one.example", f"One {uuid4().hex}"
    leads = await asyncio.gather(*(team.capture(email=email, company=company) for _ in range(40)))
    assert len({lead.contact_id for lead in leads}) == 1
    assert len({lead.company_id for lead in leads}) == 1


async def test_a_known_person_is_not_overwritten_from_outside(team: Team) -> None:
    """A public capture never changes what is known of a person."""
    email = f"{uuid4().hex}@one.example"
    first = await team.capture(email=email, firstName="Priya", lastName="Raman", title="Head of Ops")
    second = await team.capture(email=email.upper(), firstName="Mallory", lastName="X", title="CEO")
    assert second.contact_id == first.contact_id
    async with team.db.transaction(team.org_id) as conn:
        contact = await conn.fetchrow("SELECT name, title FROM contacts WHERE id = $1", first.contact_id)
    assert tuple(contact) == ("Priya Raman", "Head of Ops")


async def test_a_chain_of_causes_ends(team: Team) -> None:
    """A loop of automations stops by itself and says why."""
    lead = await team.capture()
    cause = Cause((await team.log(lead.id))[0].id, MAX_DEPTH)
    with pytest.raises(Conflict, match="trigger each other"):
        await perform(team.db, team.athena, "crm.leads.score", {"leadId": str(lead.id)}, cause=cause)


async def test_a_scoped_token_does_no_more_than_its_scopes(team: Team) -> None:
    """Scopes are enforced, not only stored."""
    scoped = msgspec.structs.replace(team.ana, scopes=("crm.leads.get",))
    lead = await team.capture()
    assert await perform(team.db, scoped, "crm.leads.get", {"leadId": str(lead.id)})
    with pytest.raises(Forbidden, match="scopes"):
        await perform(team.db, scoped, "crm.leads.delete", {"leadId": str(lead.id)})


@pytest.mark.parametrize(
    "text", ["", "x", "bm90IGpzb24", cursor("a"), cursor(1, 2), cursor("2026-01-01T00:00:00Z", "nope")]
)
def test_a_foreign_cursor_is_refused(text: str) -> None:
    """Cursors are opaque and checked."""
    with pytest.raises(Invalid, match="cursor"):
        position(text, datetime, UUID)
