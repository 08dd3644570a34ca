"""What has served its time is forgotten; what is still needed, and the log, stay."""

from datetime import timedelta

import pytest

from baton.accounts.sign_in import actor_of_token, memberships, open_session
from baton.agents.turns import FORGOTTEN
from baton.jobs import retention
from baton.kernel import settings as configuration
from baton.kernel.actor import Role, system
from baton.kernel.data_dir import Misconfigured
from baton.kernel.errors import Unauthenticated
from baton.kernel.perform import perform
from baton.kernel.security import token_hash
from baton.kernel.settings import Settings
from baton.kernel.values import new_id, utc_now
from tests.operations.cases_people import reset_token, somebody, token_of, whom
from tests.team import PASSWORD, Team


async def keys(team: Team) -> int:
    async with team.db.transaction(team.org_id) as conn:
        found: int = await conn.fetchval("SELECT count(*) FROM idempotency_keys WHERE org_id = $1", team.org_id)
        return found


async def test_keys_are_forgotten_after_their_time_and_not_before(fresh: Team) -> None:
    """A repetition is recognised for thirty days; then its key goes, and nothing that it did."""
    now = utc_now()
    lead = {"name": "Ada"}
    made = await perform(
        fresh.db, fresh.ana, "crm.leads.create", lead, idempotency_key="old", now=now - timedelta(days=31)
    )
    young = await perform(
        fresh.db, fresh.ana, "crm.leads.create", lead, idempotency_key="young", now=now - timedelta(days=29)
    )
    before = await keys(fresh)
    done = await retention.forget(fresh.db, now, only=fresh.org_id)
    assert done.keys == 1
    assert await keys(fresh) == before - 1
    again = await perform(fresh.db, fresh.ana, "crm.leads.create", lead, idempotency_key="young")
    assert again.id == young.id
    assert (await fresh.log(made.id))[0].kind == "lead_imported"


async def test_sessions_that_ended_are_forgotten(fresh: Team) -> None:
    """A session that runs still opens; one that ended is gone from the directory, also the next time."""
    async with fresh.db.transaction(fresh.org_id) as conn:
        person = await conn.fetchval(
            "SELECT person_id FROM members WHERE org_id = $1 AND id = $2", fresh.org_id, fresh.ana.id
        )
    (place,) = await memberships(fresh.db, person)
    now = utc_now()
    ended = await open_session(fresh.db, place, now=now - timedelta(days=15))
    running = await open_session(fresh.db, place, now=now)
    assert (await retention.forget(fresh.db, now, only=fresh.org_id)).sessions >= 1
    assert (await retention.forget(fresh.db, now, only=fresh.org_id)).sessions == 0
    assert (await actor_of_token(fresh.db, running, via="page", kinds=("session",))).id == fresh.ana.id
    with pytest.raises(Unauthenticated):
        await actor_of_token(fresh.db, ended, via="page", kinds=("session",))
    # A clock that runs ahead takes no session that is still open.
    await retention.forget(fresh.db, now + timedelta(days=400), only=fresh.org_id)
    assert (await actor_of_token(fresh.db, running, via="page", kinds=("session",))).id == fresh.ana.id


async def test_finished_jobs_are_told_of_for_two_weeks(fresh: Team) -> None:
    """The engine's log keeps what is younger than the operator says."""
    now = utc_now()
    for days in (13, 15):
        await fresh.db.relay.execute(
            "INSERT INTO jobs.pgqueuer_log (created, job_id, status, priority, entrypoint) VALUES ($1, $2, 'successful', 0, 'kept')",
            now - timedelta(days=days), days,
        )  # fmt: skip
    assert (await retention.forget(fresh.db, now, only=fresh.org_id)).jobs == 1
    left = await fresh.db.relay.fetchval("SELECT count(*) FROM jobs.pgqueuer_log WHERE entrypoint = 'kept'")
    assert left == 1
    await fresh.db.relay.execute("DELETE FROM jobs.pgqueuer_log WHERE entrypoint = 'kept'")


async def test_old_notices_and_decided_captures_are_forgotten(fresh: Team) -> None:
    """Notices go after half a year, but for those still to be mailed; suspicious captures once a person decided on them."""
    now = utc_now()
    async with fresh.db.transaction(fresh.org_id) as conn:
        form = await conn.fetchval("SELECT id FROM forms WHERE org_id = $1 LIMIT 1", fresh.org_id)
        for days, email, status in ((181, "sent", "discarded"), (181, "waiting", "waiting"), (179, "none", "released")):
            await conn.execute(
                """INSERT INTO notices (org_id, id, member_id, event, title, email, created_at)
                   VALUES ($1, $2, $3, 'reply_received', 'A reply', $4, $5)""",
                fresh.org_id, new_id(), fresh.ana.id, email, now - timedelta(days=days),
            )  # fmt: skip
            await conn.execute(
                """INSERT INTO held_captures (org_id, id, form_id, answers, reasons, network, status, created_at)
                   VALUES ($1, $2, $3, '{}', '{}', '192.0.2.1', $4, $5)""",
                fresh.org_id, new_id(), form, status, now - timedelta(days=days),
            )  # fmt: skip
    done = await retention.forget(fresh.db, now, only=fresh.org_id)
    assert (done.notices, done.captures) == (1, 1)
    async with fresh.db.transaction(fresh.org_id) as conn:
        assert await conn.fetchval("SELECT count(*) FROM held_captures WHERE org_id = $1", fresh.org_id) == 2
        left = await conn.fetch("SELECT email FROM notices WHERE org_id = $1 AND title = 'A reply'", fresh.org_id)
    assert sorted(row["email"] for row in left) == ["none", "waiting"]


def test_the_operator_says_how_long(settings: Settings) -> None:
    """In days, and at least one."""
    told = configuration.load(data=settings.data_dir, environ={"BATON_KEEP_KEYS": "7", "BATON_KEEP_JOBS": "2"})
    assert (told.keep_keys, told.keep_jobs) == (7, 2)
    with pytest.raises(Misconfigured):
        configuration.load(data=settings.data_dir, environ={"BATON_KEEP_KEYS": "0"})


async def test_what_models_were_told_and_said_is_forgotten(fresh: Team) -> None:
    """The words go after half a year; what they cost, and the receipt of the run, stay."""
    now, run, lead = utc_now(), new_id(), await fresh.capture()
    activity = (await fresh.log(lead.id))[-1]
    async with fresh.db.transaction(fresh.org_id) as conn:
        await conn.execute(
            """INSERT INTO agent_runs (org_id, id, agent_id, lead_id, activity_id, status, started_at, finished_at)
               VALUES ($1, $2, $3, $4, $5, 'done', $6, $6)""",
            fresh.org_id, run, fresh.marcus.id, lead.id, activity.id, now - timedelta(days=181),
        )  # fmt: skip
        for position, days in enumerate((181, 179)):
            await conn.execute(
                """INSERT INTO agent_turns (org_id, id, run_id, step, position, message, tokens, created_at)
                   VALUES ($1, $2, $3, 0, $4, 'Dear Jane', 7, $5)""",
                fresh.org_id, new_id(), run, position, now - timedelta(days=days),
            )  # fmt: skip
    assert (await retention.forget(fresh.db, now, only=fresh.org_id)).thoughts == 1
    assert (await retention.forget(fresh.db, now, only=fresh.org_id)).thoughts == 0
    async with fresh.db.transaction(fresh.org_id) as conn:
        left = await conn.fetch(
            "SELECT message, tokens FROM agent_turns WHERE org_id = $1 ORDER BY position", fresh.org_id
        )
    assert [(row["message"], row["tokens"]) for row in left] == [(FORGOTTEN, 7), ("Dear Jane", 7)]


async def test_invitations_and_links_that_are_over_are_forgotten(fresh: Team) -> None:
    """Half a year after they were settled or expired, with their links in the directory; the log goes on to tell of them."""
    now = utc_now()
    made = {}
    for name, days in (("accepted", 189), ("revoked", 181), ("expired", 188), ("young", 186)):
        past = now - timedelta(days=days)
        made[name] = await perform(fresh.db, fresh.ana, "crm.members.invite", whom(), now=past)
    wish = {"token": token_of(made["accepted"]), "name": "Bea Stone", "password": PASSWORD}
    visitor = system(fresh.org_id, "Invitation", via="page", role=Role.VIEWER)
    await perform(fresh.db, visitor, "crm.members.acceptInvitation", wish, now=now - timedelta(days=188))
    revoked = {"invitationId": str(made["revoked"].id)}
    await perform(fresh.db, fresh.ana, "crm.members.revokeInvitation", revoked, now=now - timedelta(days=181))
    for days in (181, 179):
        email, _ = await somebody(fresh)
        await reset_token(fresh, email, now=now - timedelta(days=days))
    done = await retention.forget(fresh.db, now, only=fresh.org_id)
    assert (done.invitations, done.resets) == (3, 1)
    again = await retention.forget(fresh.db, now, only=fresh.org_id)
    assert (again.invitations, again.resets) == (0, 0)
    async with fresh.db.transaction(fresh.org_id) as conn:
        kept = [row["id"] for row in await conn.fetch("SELECT id FROM invitations WHERE org_id = $1", fresh.org_id)]
        found = {
            name: await conn.fetchval(
                "SELECT target_id FROM directory_address('invitation', $1)", token_hash(token_of(each)).hex()
            )
            for name, each in made.items()
        }
    assert kept == [made["young"].id]
    assert found == {"accepted": None, "revoked": None, "expired": None, "young": made["young"].id}
    assert (await fresh.do(fresh.ana, "crm.activities.list")).items
