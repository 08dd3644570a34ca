"""ATTACKS "Log": personal data left in history, search, webhook log or backups after erasure. Spec A7, A8."""

import json
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from baton.kernel.embedded import EmbeddedPostgres
from baton.kernel.errors import Conflict, NotFound
from baton.leads.lead import facts
from tests.team import Team

SECRETS = ("Zsuzsanna", "Nagy-Kovács", "zsuzsa@secret.example", "+36 1 555 0199", "allergic to peanuts", "left-handed")


async def everything(server: EmbeddedPostgres, org_id: UUID) -> dict[str, str]:
    """All that the database holds of an organization, table by table, as text."""
    owner = await asyncpg.connect(server.dsn())
    tables = await owner.fetch(
        "SELECT table_name AS name FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'org_id'"
    )
    found = {}
    for row in tables:
        kind = await owner.fetchval("SELECT relkind FROM pg_class WHERE oid = $1::regclass", row["name"])
        if kind == b"r":
            rows = await owner.fetch(f"SELECT to_jsonb(t)::text AS row FROM {row['name']} t WHERE org_id = $1", org_id)
            found[row["name"]] = "\n".join(each["row"] for each in rows)
    await owner.close()
    return found


async def person(team: Team) -> Any:
    """A person with all that is usually known of one: a lead, a message, a call, a task, own fields, a second e-mail merged in."""
    await team.do(team.ana, "crm.webhooks.create", {"url": "https://hooks.example/baton", "events": ["lead.created"]})
    await team.do(team.ana, "crm.fields.create", label="Hand", type="shortText", key="hand")
    lead = await team.capture(
        firstName="Zsuzsanna", lastName="Nagy-Kovács", email="zsuzsa@secret.example", phone="+36 1 555 0199",
        message="I am allergic to peanuts", company="Quiet Kft",
    )  # fmt: skip
    ref = {"leadId": str(lead.id)}
    await team.do(team.ben, "crm.leads.update", ref | {"fields": {"hand": "left-handed"}})
    await team.do(team.ben, "crm.leads.logActivity", ref | {"type": "call", "notes": "Zsuzsanna is left-handed"})
    await team.do(team.ben, "crm.leads.followUp", ref | {"title": "Call Zsuzsanna", "dueAt": "2030-01-01T10:00:00Z"})
    async with team.db.transaction(team.org_id) as conn:  # what other rooms keep of a person
        await conn.execute(
            """INSERT INTO messages (org_id, id, channel, lane_id, lead_id, thread_id, recipient, sender, subject, text, state, next_at,
                                     actor, activity_id, operation_id, created_at)
               VALUES ($1, uuidv7(), 'email', uuidv7(), $2, uuidv7(), 'zsuzsa@secret.example', 'us@acme.example', 'Zsuzsanna',
                       'left-handed', 'waiting', now() + interval '1 day', '{}', uuidv7(), uuidv7(), now())""",
            team.org_id, lead.id,
        )  # fmt: skip
        await conn.execute(
            """INSERT INTO approvals (org_id, id, agent_id, operation, input, summary, why, lead_id, asked, created_at, expires_at)
               VALUES ($1, uuidv7(), $2, 'x', 'Zsuzsanna', 'To Zsuzsanna', 'left-handed', $3, 'a', now(), now() + interval '1 day')""",
            team.org_id, team.marcus.id, lead.id,
        )  # fmt: skip
        activity_id, run_id = (await team.log(lead.id))[-1].id, uuid4()
        await conn.execute(
            """INSERT INTO agent_runs (org_id, id, agent_id, lead_id, activity_id, status, receipt, started_at)
               VALUES ($1, $2, $3, $4, $5, 'waiting', '[{"detail": "left-handed"}]', now())""",
            team.org_id, run_id, team.marcus.id, lead.id, activity_id,
        )  # fmt: skip
        await conn.execute(
            """INSERT INTO agent_turns (org_id, id, run_id, step, position, message, created_at)
               VALUES ($1, uuidv7(), $2, 0, 0, 'Zsuzsanna is left-handed', now())""",
            team.org_id, run_id,
        )  # fmt: skip
        await conn.execute(
            """INSERT INTO agent_refusals (org_id, id, agent_id, operation, code, day, message, first_at, last_at)
               VALUES ($1, uuidv7(), $2, 'x', 'x', '2030-01-01', 'Zsuzsa@secret.example wants no mail', now(), now())""",
            team.org_id, team.marcus.id,
        )  # fmt: skip
        endpoint = await conn.fetchval("SELECT id FROM webhook_endpoints WHERE org_id = $1", team.org_id)
        delivery = await conn.fetchval(
            """INSERT INTO webhook_deliveries (org_id, id, endpoint_id, activity_id, event, began_at, next_at, last_error, created_at)
               VALUES ($1, uuidv7(), $2, $3, 'lead.created', now(), now(), 'Who is Zsuzsanna?', now()) RETURNING id""",
            team.org_id, endpoint, activity_id,
        )  # fmt: skip
        await conn.execute(
            """INSERT INTO webhook_attempts (org_id, id, delivery_id, milliseconds, response, attempted_at)
               VALUES ($1, uuidv7(), $2, 1, 'Hello left-handed Zsuzsanna', now())""",
            team.org_id, delivery,
        )  # fmt: skip
    other = await team.do(team.ben, "crm.contacts.create", {"name": "Zsuzsanna N", "email": "zsuzsa@home.example"})
    await team.do(team.ben, "crm.contacts.merge", survivorId=str(lead.contact_id), mergedId=str(other.id))
    return await team.do(team.ben, "crm.leads.get", ref)


async def test_nothing_of_the_person_is_left(fresh: Team, server: EmbeddedPostgres) -> None:
    """Every table is searched, as the owner; what happened, when and by whom is still there, with its digests."""
    lead = await person(fresh)
    before = await everything(server, fresh.org_id)
    assert all(any(secret in text for text in before.values()) for secret in SECRETS)
    history = await fresh.log(lead.id)
    async with fresh.db.transaction(fresh.org_id) as conn:
        digests = await conn.fetch("SELECT id, digest FROM activities WHERE lead_id = $1 ORDER BY id", lead.id)
    input = {"contactId": str(lead.contact_id), "confirm": "ZSUZSA@secret.example"}
    done = await fresh.do(fresh.ana, "crm.contacts.erase", input)
    assert (done.contacts, done.leads) == (2, 1)
    after = await everything(server, fresh.org_id)
    left = {name: secret for name, text in after.items() for secret in (*SECRETS, "zsuzsa@home") if secret in text}
    assert left == {}
    async with fresh.db.transaction(fresh.org_id) as conn:
        rows = await conn.fetch("SELECT id, digest, salt FROM activities WHERE lead_id = $1 ORDER BY id", lead.id)
    assert [(row["id"], row["digest"]) for row in rows[: len(digests)]] == [tuple(row) for row in digests]
    assert {bytes(row["salt"]) for row in rows} == {b""}, "no digest can be tried against a guess"
    told = await fresh.log(lead.id)
    assert [(a.kind, a.actor_name, a.occurred_at) for a in told[: len(history)]] == [
        (a.kind, a.actor_name, a.occurred_at) for a in history
    ]
    assert not (await fresh.do(fresh.ben, "crm.search", query="zsuzs")).leads
    assert not (await fresh.do(fresh.ben, "crm.search", query="peanuts")).leads


async def test_the_deal_stays_and_the_log_still_replays(fresh: Team) -> None:
    """Place, value and owner are the business's; a lead as of each of its moments can still be read."""
    lead = await person(fresh)
    await fresh.do(fresh.ana, "crm.contacts.erase", contactId=str(lead.contact_id), confirm="zsuzsa@secret.example")
    now = await fresh.do(fresh.ben, "crm.leads.get", leadId=str(lead.id))
    assert (now.name, now.email, now.fields, now.company_name) == ("Erased person", None, {}, "Quiet Kft")
    assert (now.stage_id, now.source, now.contact_id) == (lead.stage_id, lead.source, lead.contact_id)
    for activity in await fresh.log(lead.id):
        past = await fresh.do(fresh.ben, "crm.leads.asOf", leadId=str(lead.id), at=activity.occurred_at.isoformat())
        assert past.name == "Erased person"
    assert facts(past) == facts(now)


async def test_it_is_meant_for_the_one_who_is_named(fresh: Team, carla: Team) -> None:
    """A slip of the hand erases nobody, nor does another organization."""
    lead = await person(fresh)
    with pytest.raises(Conflict, match="Nobody was erased"):
        await fresh.do(fresh.ana, "crm.contacts.erase", contactId=str(lead.contact_id), confirm="ben@secret.example")
    with pytest.raises(NotFound):
        await carla.do(carla.ana, "crm.contacts.erase", contactId=str(lead.contact_id), confirm="zsuzsa@secret.example")
    async with carla.db.transaction(carla.org_id) as conn:
        assert await conn.fetchval("SELECT erase_from_log($1, '{}', 'x')", [lead.id]) == 0
    assert "Zsuzsanna" in json.dumps([activity.changes for activity in await fresh.log(lead.id)])


async def test_nobody_else_changes_the_log(fresh: Team, server: EmbeddedPostgres) -> None:
    """Neither the application nor the owner, nor the function's own role beyond what is blanked."""
    lead = await fresh.capture()
    owner = await asyncpg.connect(server.dsn())

    async def tries(role: str | None, sql: str) -> None:
        async with owner.transaction():
            if role:
                await owner.execute(f"SET LOCAL ROLE {role}")
            await owner.execute(f"SET LOCAL app.org_id = '{fresh.org_id}'")
            await owner.execute(f"{sql} WHERE lead_id = '{lead.id}'")

    for role, sql in (
        ("baton_app", "UPDATE activities SET payload = '{}'"),
        (None, "UPDATE activities SET payload = '{}'"),
        ("baton_eraser", "UPDATE activities SET kind = 'x'"),
        ("baton_eraser", "DELETE FROM activities"),
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await tries(role, sql)
    await owner.close()
