"""ATTACKS "Log": cutting the tail, rewriting a whole chain, a field outside the hash, concurrent forks. Spec A7."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import asyncpg
import msgspec
import pytest

from baton.activities import evidence, seal
from baton.activities.append import digest
from baton.activities.evidence import Entry, Seal, verify
from baton.kernel.embedded import EmbeddedPostgres
from tests.team import Team

Lines = list[dict[str, Any]]


async def sealed(team: Team) -> Lines:
    """A log under two seals, and one activity that is not sealed yet, as it is written out."""
    for n in range(2):
        lead = await team.capture(message=f"Ünïcode {n} — “quotes”, 1.50 €", companySize=12)
        await team.do(
            team.ben,
            "crm.leads.update",
            leadId=str(lead.id),
            valueCents=123_456,
            fields={"a": 1.5, "b": [1, 2], "c": None},
        )
        while await seal.step(team.db):
            pass
    await team.do(team.ben, "crm.leads.update", leadId=str(lead.id), title="CTO")
    return [json.loads(line) async for line in evidence.export(team.db, team.org_id)]


def verdict(lines: Lines, **known: str) -> evidence.Verdict:
    return verify([json.dumps(line).encode() for line in lines], **known)


async def test_a_log_verifies_from_the_file_alone(fresh: Team) -> None:
    """Every value, every digest, every seal; what is too new is said to be so; what was erased stays provable."""
    lines = await sealed(fresh)
    told = await fresh.do(fresh.ana, "crm.log.seals")
    found = verdict(lines, key=told[0].key, head=told[0].hash)
    assert (found.faults, found.seals) == ([], 2)
    assert found.unsealed > 0
    assert found.activities == sum(each.activities for each in told) > 10
    contact = (await fresh.do(fresh.ben, "crm.contacts.find")).items[0]
    await fresh.do(fresh.ana, "crm.contacts.erase", contactId=str(contact.id), confirm=contact.email)
    after = verdict([json.loads(line) async for line in evidence.export(fresh.db, fresh.org_id)], head=told[0].hash)
    assert after.faults == []
    assert after.erased > 0
    assert await seal.step(fresh.db) > 0


def _say(lines: Lines, change: Callable[[list[Any]], None], *, honest_digest: bool) -> None:
    line = next(each for each in lines if each["type"] == "activity" and each["values"][2] == "field_updated")
    change(line["values"])
    if honest_digest:
        entry = msgspec.convert(line, Entry)
        line["digest"] = msgspec.to_builtins(digest(entry.salt, entry.values))


@pytest.mark.parametrize("place", [0, 3, 5, 9, 13, 17])
async def test_no_field_is_outside_the_hash(fresh: Team, place: int) -> None:
    """A change of any value shows, also where its digest was made anew: then the seal does not fit."""
    lines = await sealed(fresh)
    for honest in (False, True):
        changed = json.loads(json.dumps(lines))
        _say(
            changed,
            lambda values: values.__setitem__(place, "11111111-1111-7111-8111-111111111111"),
            honest_digest=honest,
        )
        assert verdict(changed).faults


async def test_what_is_cut_off_taken_out_put_in_or_moved_shows(fresh: Team) -> None:
    """The tail, a seal, an activity in the middle, one put in, two in another order."""
    lines = await sealed(fresh)
    told = (await fresh.do(fresh.ana, "crm.log.seals"))[0]
    second = max(i for i, line in enumerate(lines) if line["type"] == "seal")
    entries = [i for i, line in enumerate(lines) if line["type"] == "activity"]
    cut = lines[:second]
    assert verdict(cut).faults == [], "without a head that was seen nobody can know"
    assert verdict(cut, head=told.hash).faults
    swapped = list(lines)
    swapped[entries[0]], swapped[entries[1]] = lines[entries[1]], lines[entries[0]]
    for attack in (
        lines[:second] + lines[second + 1 :],
        lines[:2] + lines[3:],
        [*lines[:3], lines[2], *lines[3:]],
        swapped,
    ):
        assert verdict(attack, head=told.hash).faults


async def test_a_chain_that_was_rewritten_is_not_ours(fresh: Team) -> None:
    """With another key every seal can be made to fit; the key that was seen tells."""
    lines = await sealed(fresh)
    told = (await fresh.do(fresh.ana, "crm.log.seals"))[0]
    forger = seal.signing_key("another installation's secret")
    previous, forged = seal.FIRST, []
    for line in lines:
        if line["type"] == "seal":
            old = msgspec.convert(line, Seal)
            key = forger.public_key().public_bytes_raw()
            hashed = seal.seal_hash(old.org_id, old.number, previous, old.root, old.activity_ids, key, old.sealed_at)
            new = msgspec.structs.replace(old, previous=previous, hash=hashed, key=key, signature=forger.sign(hashed))
            forged.append(msgspec.to_builtins(new))
            previous = hashed
        else:
            forged.append(line)
    assert verdict(forged).faults == []
    assert verdict(forged, key=told.key).faults
    assert verdict(forged, head=told.hash).faults


async def test_sealers_at_once_make_one_chain(fresh: Team) -> None:
    """Each activity is under one seal, whoever seals; a cursor that was lost repeats nothing."""
    for _ in range(3):
        await fresh.capture()
        await asyncio.gather(*(seal.step(fresh.db) for _ in range(4)))
    while await seal.step(fresh.db):
        pass
    before = await fresh.do(fresh.ana, "crm.log.seals", limit=200)
    await fresh.db.relay.execute("UPDATE log_cursors SET cluster = 'another' WHERE name = 'seals'")
    while await seal.step(fresh.db):
        pass
    assert await fresh.do(fresh.ana, "crm.log.seals", limit=200) == before
    assert verdict([json.loads(line) async for line in evidence.export(fresh.db, fresh.org_id)]).faults == []


async def test_seals_are_append_only(fresh: Team, server: EmbeddedPostgres) -> None:
    await sealed(fresh)
    owner = await asyncpg.connect(server.dsn())
    for sql in ("UPDATE log_seals SET number = 9", "DELETE FROM log_seals", "TRUNCATE log_seals"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await owner.execute(sql)
    await owner.close()
