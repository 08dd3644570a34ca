"""More of everything that an organization has, made by the database itself: copies that hang together, and children of one parent."""

from typing import Any
from uuid import UUID

# What people fill by the day. Other tables with an organization are set up now and then, or stand alone: settings, totals, seals.
OFTEN = frozenset({
    "activities", "agent_runs", "agent_turns", "approvals", "automation_runs", "automation_steps", "companies", "contacts",
    "customers", "enrichment_runs", "enrolment_steps", "enrolments", "held_captures", "import_refusals", "imports", "inbound_messages",
    "lead_scores", "leads", "messages", "notices", "segment_leads", "tasks", "webhook_attempts", "webhook_deliveries",
})  # fmt: skip
ALONE = frozenset({
    "organizations", "calendars", "exchange_rates", "idempotency_keys", "log_seals", "stage_totals", "stage_deltas", "members",
    "notice_mail", "notice_settings", "agent_limits", "agent_models", "agent_usage", "agent_leases", "agent_policies", "pipelines",
    "stages", "stage_escalations", "field_definitions", "scoring_factors", "scoring_rules", "task_needs", "routing_pool",
    "import_remains", "outreach", "mailboxes", "suppressions", "agent_refusals",
})  # fmt: skip
_PARENTS = (
    "lead_id",
    "contact_id",
    "company_id",
    "agent_id",
    "automation_id",
    "sequence_id",
    "endpoint_id",
    "import_id",
)
_SHARED = (
    "org_id",
    "agent_id",
    "member_id",
    "owner_id",
    "pipeline_id",
    "stage_id",
    "actor_id",
    "assignee_id",
    "created_by",
    "person_id",
)
_WORTHLESS = ("external_id", "slot")

_COLUMNS = """
SELECT a.attname AS name, format_type(a.atttypid, NULL) AS type,
       EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisunique AND a.attnum = ANY (i.indkey::int2[])) AS only
  FROM pg_attribute a WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''"""
_TABLES = """
SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'org_id'
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' ORDER BY 1"""


async def multiply(root: Any, org_id: UUID, *, often: int, seldom: int) -> dict[str, tuple[int, int]]:
    """Copy every row so many times, as the superuser; answers table → rows before and after.

    Every second copy belongs to the parents of its original, so that one lead has many activities and not only many leads a few.
    """
    await root.execute("SET session_replication_role = replica")
    counted: dict[str, tuple[int, int]] = {}
    for row in await root.fetch(_TABLES):
        table = row["relname"]
        if table in ALONE or table.startswith("directory_"):
            continue
        before = await root.fetchval(f'SELECT count(*) FROM "{table}" WHERE org_id = $1', org_id)
        columns = await root.fetch(_COLUMNS, table)
        names = ", ".join(f'"{column["name"]}"' for column in columns)
        values = ", ".join(_value(column, frequent=table in OFTEN) for column in columns)
        await root.execute(
            f"""INSERT INTO "{table}" ({names}) SELECT {values} FROM "{table}" t, generate_series(1, $2::int) AS i
                 WHERE t.org_id = $1 ON CONFLICT DO NOTHING""",
            org_id, often if table in OFTEN else seldom, timeout=600,
        )  # fmt: skip
        counted[table] = (before, await root.fetchval(f'SELECT count(*) FROM "{table}" WHERE org_id = $1', org_id))
    await root.execute("RESET session_replication_role")
    await root.execute("VACUUM (ANALYZE)", timeout=600)
    return counted


def _value(column: Any, *, frequent: bool) -> str:
    """What a copy has in a column: another id, told by the original's and the copy's number, wherever an id may not be the same."""
    name, told = column["name"], f't."{column["name"]}"'
    if name in _WORTHLESS:
        return "NULL"
    if column["type"] == "uuid" and name not in _SHARED:
        other = f"md5({told}::text || i)::uuid"
        kept = frequent and name in _PARENTS and not column["only"]
        return f"CASE WHEN i % 2 = 0 THEN {told} ELSE {other} END" if kept else other
    if column["only"] and column["type"] == "text":
        return f"{told} || '.' || i"
    if name == "token_hash":
        return f"sha256({told} || convert_to(i::text, 'UTF8'))"
    if name == "name":
        return f"{told} || ' ' || i"
    return told
