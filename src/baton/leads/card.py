"""A card of the board: what it shows of its lead, and how it is read. Spec B2."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from baton.kernel.db import Row
from baton.kernel.operation import Output


class Owner(Output, kw_only=True):
    """Who has the ball: a person or an agent."""

    id: UUID
    kind: str
    name: str


class Card(Output, kw_only=True):
    """A lead as it stands on the board. `sla` says that it should have left its stage by `slaDueAt`, or nearly."""

    id: UUID
    version: int
    name: str
    company_name: str | None
    title: str | None
    score: int | None
    value_cents: int | None
    currency: str
    next_action_at: datetime | None
    stage_entered_at: datetime
    sla_due_at: datetime | None
    sla: Literal["near", "late"] | None
    owner: Owner | None
    tags: list[str]


CARD = """l.id, l.version, l.name, l.company_name, l.title, l.score, l.value_cents, l.currency, l.next_action_at, l.stage_entered_at,
    l.sla_due_at, l.sla_told, l.tags, l.owner_id, m.kind AS owner_kind, m.name AS owner_name"""
OWNED = "LEFT JOIN members m ON m.org_id = l.org_id AND m.id = l.owner_id"


def card(row: Row, now: datetime) -> Card:
    """The card of a row that has the columns of `CARD`, as it stands now."""
    values = dict(row)
    for name in ("stage_id", "owner_id", "owner_kind", "owner_name"):
        values.pop(name)
    due, told = values["sla_due_at"], values.pop("sla_told")
    sla: Literal["near", "late"] | None = (
        "late" if due is not None and due <= now else "near" if told == "near" else None
    )
    owner = Owner(id=row["owner_id"], kind=row["owner_kind"], name=row["owner_name"]) if row["owner_id"] else None
    return Card(**values, sla=sla, owner=owner)
