"""One entry of the log, as it is read."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from baton.kernel.db import Row

COLUMNS = """a.id, a.kind, a.actor_type, a.actor_id, a.actor_name, a.via, a.lead_id, a.lead_version, a.subject_type, a.subject_id,
    a.changes, a.payload, a.reason, a.operation, a.operation_id, a.caused_by, a.occurred_at"""


class Activity(msgspec.Struct, rename="camel", kw_only=True):
    """Who did what, when, to which record, and why. `changes` holds {field: [old, new]}. Spec A7, A8."""

    id: UUID
    kind: str
    actor_type: str
    actor_id: UUID | None
    actor_name: str
    via: str
    lead_id: UUID | None
    lead_version: int | None
    subject_type: str
    subject_id: UUID
    changes: dict[str, Any]
    payload: dict[str, Any]
    reason: str | None
    operation: str
    operation_id: UUID
    caused_by: UUID | None
    occurred_at: datetime


def from_row(row: Row) -> Activity:
    """The activity of a row that holds `COLUMNS`."""
    return Activity(**dict(row))
