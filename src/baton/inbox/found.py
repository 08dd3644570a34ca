"""The rows of an inbox: one bounded query for approvals, one for tasks, one for notices; and their counts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from baton.kernel.db import Tx

NOTICES = {"reply": "replies", "mention": "mentions", "lead": "leads", "alert": "alerts"}
"""The kinds that are notices not read yet, and what their count is called."""

# What of the notices belongs into the inbox, and as which kind. A task that is due stands there itself.
_KINDS = """(VALUES ('reply', 'reply'), ('mention', 'mention'), ('assigned', 'lead'), ('agent', 'alert'), ('sla_near', 'alert'),
    ('sla_missed', 'alert'), ('webhook_disabled', 'alert')) AS k (event, kind)"""

# An agent asks the person behind it: its supervisor, else the admins. Who approved already is not asked again.
_ASKED = """approvals a JOIN members m ON m.org_id = a.org_id AND m.id = a.agent_id
    LEFT JOIN members s ON s.org_id = m.org_id AND s.id = m.supervisor_id AND s.kind = 'person' AND s.status = 'active'
   CROSS JOIN (SELECT role IN ('owner', 'admin') AS manages FROM members WHERE org_id = $1 AND id = $2) me
   WHERE a.org_id = $1 AND a.status = 'waiting' AND a.expires_at > $3
     AND NOT EXISTS (SELECT FROM jsonb_array_elements(a.given) g WHERE g ->> 'id' = $2::uuid::text)"""
_MINE = "coalesce(s.id = $2, me.manages)"


async def approvals(tx: Tx, me: UUID, limit: int) -> list[dict[str, Any]]:
    """What agents ask this person, the longest waiting first."""
    rows = await tx.fetch(
        f"""SELECT w.id, w.title, w.why AS body, w.lead_id, l.name AS lead_name, w.at, w.version, '/approvals/' || w.id AS href
              FROM (SELECT a.id, m.name || ' asks: ' || a.summary AS title, a.why, a.lead_id, a.created_at AS at, a.version
                      FROM {_ASKED} AND {_MINE} ORDER BY a.created_at, a.id LIMIT $4) w
              LEFT JOIN leads l ON l.org_id = $1 AND l.id = w.lead_id ORDER BY w.at, w.id""",
        tx.org_id, me, tx.now, limit,
    )  # fmt: skip
    return [dict(row) for row in rows]


async def count_approvals(tx: Tx, me: UUID, most: int) -> tuple[int, int]:
    """How many approvals this person may decide, and how many of them are asked of this person."""
    row = await tx.fetchrow(
        f"""SELECT count(*) AS decide, count(*) FILTER (WHERE mine) AS mine
              FROM (SELECT {_MINE} AS mine FROM {_ASKED} LIMIT {most}) w""",
        tx.org_id, me, tx.now,
    )  # fmt: skip
    assert row is not None
    return row["decide"], row["mine"]


_TASKS = """tasks t LEFT JOIN leads l ON l.org_id = t.org_id AND l.id = t.lead_id
   WHERE t.org_id = $1 AND t.assignee_id = $2 AND t.status = 'open' AND t.due_at < $3 AND l.deleted_at IS NULL"""


async def tasks(tx: Tx, me: UUID, until: datetime, limit: int) -> list[dict[str, Any]]:
    """The member's open tasks that are due before a moment, the earliest first."""
    rows = await tx.fetch(
        f"""SELECT t.id, t.title, t.notes AS body, t.lead_id, l.name AS lead_name, t.due_at AS at, t.version,
                   CASE WHEN t.lead_id IS NULL THEN '/tasks' ELSE '/leads/' || t.lead_id END AS href
              FROM {_TASKS} ORDER BY t.due_at, t.id LIMIT $4""",
        tx.org_id, me, until, limit,
    )  # fmt: skip
    return [dict(row) for row in rows]


async def count_tasks(tx: Tx, me: UUID, until: datetime, most: int) -> int:
    """How many open tasks of the member are due before a moment."""
    count: int = await tx.fetchval(f"SELECT count(*) FROM (SELECT FROM {_TASKS} LIMIT {most}) n", tx.org_id, me, until)
    return count


_READ = 400
_UNREAD = f"""notices n JOIN {_KINDS} ON k.event = n.event
   WHERE n.org_id = $1 AND n.member_id = $2 AND n.in_app AND n.read_at IS NULL"""


async def notices(tx: Tx, me: UUID, kinds: Sequence[str], limit: int) -> list[dict[str, Any]]:
    """What the member was told and has not read, of these kinds, the oldest first; a lead that an agent handed over is a lead."""
    rows = await tx.fetch(
        f"""SELECT w.kind, w.id, w.title, w.body, w.lead_id, l.name AS lead_name, w.at, w.activity_id, w.href
              FROM (SELECT v.*, row_number() OVER (PARTITION BY v.kind ORDER BY v.at, v.id) AS place
                      FROM (SELECT CASE WHEN a.kind = 'handed_off' THEN 'lead' ELSE u.kind END AS kind, u.id, u.title, u.body,
                                   u.lead_id, u.at, u.activity_id, u.href
                              FROM (SELECT k.kind, n.id, n.title, n.body, n.lead_id, n.created_at AS at, n.activity_id, n.href
                                      FROM {_UNREAD} ORDER BY n.created_at DESC, n.id DESC LIMIT {_READ}) u
                              LEFT JOIN activities a ON a.org_id = $1 AND a.id = u.activity_id) v
                     WHERE v.kind = ANY ($3)) w
              LEFT JOIN leads l ON l.org_id = $1 AND l.id = w.lead_id
             WHERE w.place <= $4 ORDER BY w.at, w.id""",
        tx.org_id, me, list(kinds), limit,
    )  # fmt: skip
    return [dict(row) for row in rows]


async def count_notices(tx: Tx, me: UUID, most: int) -> dict[str, int]:
    """How many notices of each kind the member has not read."""
    rows = await tx.fetch(
        f"""SELECT CASE WHEN a.kind = 'handed_off' THEN 'lead' ELSE n.kind END AS kind, count(*) AS count
              FROM (SELECT k.kind, n.event, n.activity_id FROM {_UNREAD} LIMIT {most}) n
              LEFT JOIN activities a ON n.event = 'agent' AND a.org_id = $1 AND a.id = n.activity_id GROUP BY 1""",
        tx.org_id, me,
    )  # fmt: skip
    return {row["kind"]: row["count"] for row in rows}
