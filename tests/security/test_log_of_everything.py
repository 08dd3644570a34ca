"""The log against those who would change it: the application, the relay, and the owner, who is found out. Spec A7, A8."""

from typing import Any

import asyncpg
import pytest

from baton.activities.append import digest
from baton.kernel.embedded import EmbeddedPostgres
from tests.doors.conftest import Caller
from tests.team import Team

_COMMITTED = (  # noqa: SIM905
    "org_id id kind actor_type actor_id actor_name via lead_id lead_version subject_type subject_id changes payload reason operation "
    "operation_id caused_by occurred_at"
).split()


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TRIGGER activities_append_only ON activities",
        "ALTER TABLE activities DISABLE TRIGGER ALL",
        "ALTER TABLE activities DISABLE ROW LEVEL SECURITY",
        "DROP TABLE activities CASCADE",
        "DROP POLICY tenant ON activities",
        "CREATE POLICY mine ON activities USING (true)",
        "SET session_replication_role = replica",
        "ALTER TABLE activities OWNER TO baton_app",
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'begin return new; end'",
        "DROP FUNCTION refuse_change CASCADE",
        "CREATE RULE quiet AS ON INSERT TO activities DO INSTEAD NOTHING",
        "ALTER TABLE activities ADD COLUMN x int",
        "SET ROLE postgres",
        "CREATE TRIGGER mine BEFORE INSERT ON activities FOR EACH ROW EXECUTE FUNCTION refuse_change()",
        "LOCK TABLE activities IN ACCESS EXCLUSIVE MODE",
        "INSERT INTO activities SELECT * FROM activities ON CONFLICT (org_id, id) DO UPDATE SET reason = 'x'",
        "MERGE INTO activities a USING activities b ON a.id = b.id WHEN MATCHED THEN UPDATE SET reason = 'x'",
        "COPY activities FROM PROGRAM 'true'",
        "CREATE TABLE activities_2 (x int)",
    ],
)
@pytest.mark.parametrize("role", ["app", "relay"])
async def test_the_application_cannot_loosen_it(team: Team, role: str, statement: str) -> None:
    """Neither role of the product owns anything: triggers, policies, tables and roles are out of their reach."""
    await team.capture()
    async with getattr(team.db, role).acquire() as conn:
        transaction = conn.transaction()
        await transaction.start()
        try:
            await conn.execute(f"SET LOCAL app.org_id = '{team.org_id}'")
            with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.InvalidParameterValueError)):
                await conn.execute(statement)
        finally:
            await transaction.rollback()


@pytest.mark.parametrize(
    "change",
    [
        "actor_name = 'Olivia Park'",
        "reason = 'never happened'",
        "payload = '{}'",
        "changes = '{\"score\": [1, 99]}'",
        "occurred_at = occurred_at - interval '1 day'",
        "kind = 'note_added'",
        "lead_version = 9",
        "via = 'page'",
        "operation = 'crm.leads.delete'",
        "actor_type = 'user', actor_id = org_id",
    ],
)
async def test_an_owner_who_changes_a_field_is_found_out(team: Team, server: EmbeddedPostgres, change: str) -> None:
    """Whoever drops the trigger can write, but the row does not fit its digest any more. Each told field is within it."""
    lead = await team.capture(message="as it was")
    owner = await asyncpg.connect(server.dsn())
    await owner.set_type_codec("jsonb", schema="pg_catalog", encoder=str, decoder=_json)
    transaction = owner.transaction()
    await transaction.start()
    try:
        await owner.execute(
            "SET LOCAL lock_timeout = '5s'; ALTER TABLE activities DISABLE TRIGGER activities_append_only"
        )
        await owner.execute(f"UPDATE activities SET {change} WHERE lead_id = $1 AND kind = 'lead_imported'", lead.id)
        rows = await owner.fetch("SELECT * FROM activities WHERE lead_id = $1", lead.id)
    finally:
        await transaction.rollback()
        await owner.close()
    fits = [digest(row["salt"], [row[name] for name in _COMMITTED]) == row["digest"] for row in rows]
    assert fits.count(False) == 1
    assert len(fits) > 1


def _json(text: str) -> Any:
    import json

    return json.loads(text)


async def test_no_door_writes_history(admin: Caller) -> None:
    """No operation takes a moment, actor or kind for the log: what happened, by whom and when is the server's to say."""
    lead = await admin.team.capture()
    for extra in (
        {"occurredAt": "2000-01-01T00:00:00Z"},
        {"actorName": "Ben"},
        {"kind": "lead_qualified"},
        {"recordedAt": "2000-01-01T00:00:00Z"},
    ):
        body = {"leadId": str(lead.id), "type": "note", "notes": "x"} | extra
        assert (await admin.call("POST", "/api/v1/crm.leads.logActivity", body)).status_code == 400
    for kind in ("lead_qualified", "stage_changed", "lead_scored", "agent_ran"):
        answer = await admin.call(
            "POST", "/api/v1/crm.leads.logActivity", {"leadId": str(lead.id), "type": kind, "notes": "x"}
        )
        assert answer.status_code == 400, kind
