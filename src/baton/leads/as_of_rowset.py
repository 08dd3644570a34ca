"""The past as a rowset: all leads as they stood at a moment, with a lead's columns, for any condition or report. Spec A8.

What the log says was changed after the moment is taken back from the rows as they are: a lead that nothing happened to
since costs nothing, so the report of last week reads a week of the log, not all of it.
"""

import types
import typing
from datetime import date, datetime
from typing import Any
from uuid import UUID

from baton.leads.lead import FACT_NAMES, Lead

_SQL_TYPES: dict[Any, str] = {UUID: "uuid", int: "bigint", datetime: "timestamptz", date: "date"}
_ENCODED = dict(zip(Lead.__struct_fields__, Lead.__struct_encode_fields__, strict=True))


def rowset(at: str) -> str:
    """SQL of the organization's (`$1`) leads as they stood at the moment `at`, a parameter such as "$2".

    It has every fact, `org_id`, `version` and `last_activity_at`; deleted leads are in it, as they are in the table. When a
    lead is late is known of the stay in which it is still.
    """
    return _rowset(at, f"a.occurred_at > {at}")


def rowset_before_closing() -> str:
    """SQL of the organization's closed leads as each stood just before it was closed."""
    return _rowset("p.closed_at", "a.occurred_at >= p.closed_at")


def rowset_at_creation() -> str:
    """SQL of the organization's leads as each stood when it was made."""
    return _rowset("p.created_at", "a.occurred_at > p.created_at")


def _rowset(at: str, later: str) -> str:
    """The first change after the moment tells what was before it: of several the one of the least version is kept.

    The log is asked lead by lead, along its index, and only of leads to which something happened since. IS TRUE keeps the
    planner from walking the whole log's newest part for each lead, when its statistics do not know that part yet.
    """
    facts = ",\n       ".join(_fact(name) for name in FACT_NAMES if name != "id")
    return f"""(SELECT p.org_id, p.id, {facts},
       coalesce(r.version, p.version) AS version, NULL::text AS sla_told,
       CASE WHEN r.old ? 'stageEnteredAt' THEN NULL ELSE p.sla_due_at END AS sla_due_at,
       CASE WHEN p.last_activity_at <= {at} THEN p.last_activity_at ELSE
         (SELECT max(a.occurred_at) FILTER (WHERE a.occurred_at <= {at}) FROM activities a WHERE a.org_id = $1 AND a.lead_id = p.id)
       END AS last_activity_at
  FROM leads p
  LEFT JOIN LATERAL (
    SELECT min(a.lead_version) - 1 AS version, jsonb_object_agg(c.key, c.value -> 0 ORDER BY a.lead_version DESC) AS old
      FROM activities a CROSS JOIN LATERAL jsonb_each(a.changes) c
     WHERE p.last_activity_at >= {at} AND a.org_id = $1 AND a.lead_id = p.id AND a.lead_version IS NOT NULL AND ({later}) IS TRUE
     GROUP BY a.lead_id) r ON true
 WHERE p.org_id = $1 AND p.created_at <= {at})"""


def _fact(name: str) -> str:
    key = _ENCODED[name]
    return f"CASE WHEN r.old ? '{key}' THEN {_read(name, key)} ELSE p.{name} END AS {name}"


def _read(name: str, key: str) -> str:
    hint = _HINTS[name]
    plain = next((part for part in typing.get_args(hint) if part is not type(None)), hint) if _is_union(hint) else hint
    if typing.get_origin(plain) is list:
        return f"ARRAY(SELECT jsonb_array_elements_text(r.old -> '{key}'))"
    if typing.get_origin(plain) is dict:
        return f"r.old -> '{key}'"
    cast = _SQL_TYPES.get(plain)
    return f"(r.old ->> '{key}')" + (f"::{cast}" if cast else "")


def _is_union(hint: Any) -> bool:
    return typing.get_origin(hint) in (typing.Union, types.UnionType)


_HINTS = typing.get_type_hints(Lead)
