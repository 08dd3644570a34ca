"""Deliveries: what an endpoint was told, is being told and could not be told; trying out, reading, sending again. Spec C9."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from baton.activities import activity as activities
from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.automations.webhooks import endpoint as endpoints
from baton.automations.webhooks import events
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx, struct_of
from baton.kernel.errors import Conflict, Invalid, NotFound
from baton.kernel.newest import newest
from baton.kernel.operation import Input, Output, operation
from baton.kernel.page import Page
from baton.kernel.shapes import Cursor, Kind, Moment, PageSize
from baton.kernel.values import new_id
from baton.leads import lead as leads

Status = Literal["waiting", "delivered", "failed"]
MAX_LIMIT = 200
MAX_REPLAY = 10_000


class Delivery(Output, kw_only=True):
    """One message to one endpoint about one activity, however often it is tried. `nextAt` is when it is tried next."""

    id: UUID
    endpoint_id: UUID
    activity_id: UUID
    event: str
    status: Status
    attempts: int
    next_at: datetime | None
    last_status: int | None
    last_error: str | None
    delivered_at: datetime | None
    created_at: datetime


class Attempt(Output, kw_only=True):
    """One try: the HTTP status and the beginning of the answer, or what went wrong, and how long it took."""

    status: int | None
    milliseconds: int
    response: str | None
    error: str | None
    attempted_at: datetime


class DeliveryLog(Delivery, kw_only=True):
    """A delivery with its attempts, oldest first, and the message as it would be sent now."""

    log: list[Attempt]
    message: dict[str, Any]


class ListDeliveries(Input, kw_only=True):
    """Deliveries of an endpoint or of all, newest first; `limit` 1 to 200."""

    webhook_id: UUID | None = None
    status: Status | None = None
    event: Kind | None = None
    limit: PageSize = 50
    cursor: Cursor | None = None


class NameDelivery(Input, kw_only=True):
    """A delivery."""

    delivery_id: UUID


class Replay(Input, kw_only=True):
    """One delivery to send again, or all of an endpoint that failed since a moment."""

    delivery_id: UUID | None = None
    webhook_id: UUID | None = None
    since: Moment | None = None


class Replayed(Output, kw_only=True):
    """How many deliveries wait to be sent again."""

    deliveries: int


_COLUMNS = """id, endpoint_id, activity_id, event, status, attempts, CASE WHEN status = 'waiting' THEN next_at END AS next_at, last_status,
    last_error, delivered_at, created_at"""


@operation("crm.webhooks.deliveries", kind="query", role=Role.ADMIN, summary="Read what webhooks delivered")
async def list_deliveries(tx: Tx, actor: Actor, input: ListDeliveries) -> Page[Delivery]:
    """A page of deliveries, newest first. Raises NotFound for an endpoint, Invalid for a bad limit or cursor."""
    if not 1 <= input.limit <= MAX_LIMIT:
        raise Invalid(f"A page has 1 to {MAX_LIMIT} entries.", field="limit")
    if input.webhook_id is not None:
        await endpoints.get(tx, input.webhook_id)
    where = {"endpoint_id": input.webhook_id, "status": input.status, "event": input.event}
    rows, more = await newest(
        tx, f"SELECT {_COLUMNS} FROM webhook_deliveries", where, limit=input.limit, after=input.cursor
    )
    return Page(items=[struct_of(row, Delivery) for row in rows], next_cursor=more)


@operation("crm.webhooks.delivery", kind="query", role=Role.ADMIN, summary="Read one delivery of a webhook")
async def get_delivery(tx: Tx, actor: Actor, input: NameDelivery) -> DeliveryLog:
    """A delivery with every attempt and its message. Raises NotFound."""
    row = await tx.fetchrow(
        f"SELECT {_COLUMNS} FROM webhook_deliveries WHERE org_id = $1 AND id = $2", tx.org_id, input.delivery_id
    )
    if row is None:
        raise NotFound("There is no such delivery in your organization.")
    tries = await tx.fetch(
        """SELECT status, milliseconds, response, error, attempted_at FROM webhook_attempts
            WHERE org_id = $1 AND delivery_id = $2 ORDER BY id""",
        tx.org_id, input.delivery_id,
    )  # fmt: skip
    written = (await messages(tx, [row["activity_id"]]))[row["activity_id"]]
    return DeliveryLog(
        **dict(row), log=[struct_of(each, Attempt) for each in tries], message=msgspec.json.decode(written)
    )


@operation("crm.webhooks.test", role=Role.ADMIN, summary="Try a webhook out")
async def test(tx: Tx, actor: Actor, input: endpoints.NameEndpoint) -> Delivery:
    """Send a `webhook.test` event to an endpoint. Raises NotFound, Conflict for one that is switched off."""
    target = await endpoints.get(tx, input.webhook_id)
    _must_be_active(target)
    (activity_id,) = await append(
        tx, actor, Entry(kind=kinds.WEBHOOK_TESTED, subject_type="webhook", subject_id=target.id, payload={"name": target.url})
    )  # fmt: skip
    row = await tx.fetchrow(
        f"""INSERT INTO webhook_deliveries (org_id, id, endpoint_id, activity_id, event, began_at, next_at, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $6, $6) RETURNING {_COLUMNS}""",
        tx.org_id, new_id(), target.id, activity_id, events.TEST, tx.now,
    )  # fmt: skip
    assert row is not None
    return struct_of(row, Delivery)


@operation("crm.webhooks.replay", role=Role.ADMIN, summary="Send webhook deliveries again")
async def replay(tx: Tx, actor: Actor, input: Replay) -> Replayed:
    """Send again, under the same message id, with a new day of attempts: one delivery, or what failed since a moment.

    Raises Invalid where neither or both are named, NotFound, Conflict for an endpoint that is switched off.
    """
    if (input.delivery_id is None) == (input.webhook_id is None):
        raise Invalid("Name a delivery, or a webhook whose failed deliveries are sent again.", field="deliveryId")
    webhook_id = input.webhook_id or await tx.fetchval(
        "SELECT endpoint_id FROM webhook_deliveries WHERE org_id = $1 AND id = $2", tx.org_id, input.delivery_id
    )
    if webhook_id is None:
        raise NotFound("There is no such delivery in your organization.")
    target = await endpoints.get(tx, webhook_id)
    _must_be_active(target)
    rows = await tx.fetch(
        """UPDATE webhook_deliveries SET status = 'waiting', attempts = 0, began_at = $3, next_at = $3, delivered_at = NULL
            WHERE org_id = $1 AND id IN (
                  SELECT id FROM webhook_deliveries
                   WHERE org_id = $1 AND endpoint_id = $2
                     AND (id = $4::uuid OR ($4::uuid IS NULL AND status = 'failed' AND created_at >= $5))
                   ORDER BY created_at LIMIT $6)
        RETURNING id""",
        tx.org_id, target.id, tx.now, input.delivery_id, input.since or datetime.min.replace(tzinfo=tx.now.tzinfo), MAX_REPLAY,
    )  # fmt: skip
    said = {"name": target.url, "deliveries": len(rows)}
    await append(
        tx, actor, Entry(kind=kinds.WEBHOOK_REPLAYED, subject_type="webhook", subject_id=target.id, payload=said)
    )
    return Replayed(deliveries=len(rows))


async def messages(tx: Tx, activity_ids: list[UUID]) -> dict[UUID, bytes]:
    """The bodies that tell of activities, written from the log as it is now."""
    rows = await tx.fetch(
        f"SELECT {activities.COLUMNS} FROM activities a WHERE a.org_id = $1 AND a.id = ANY ($2)",
        tx.org_id, activity_ids,
    )  # fmt: skip
    told = [activities.from_row(row) for row in rows]
    lead_ids = list({each.lead_id for each in told if each.lead_id is not None})
    found = await tx.fetch(
        f"SELECT {leads.COLUMNS} FROM leads l WHERE l.org_id = $1 AND l.id = ANY ($2)", tx.org_id, lead_ids
    )
    by_id = {row["id"]: leads.from_row(row) for row in found}
    return {each.id: events.body(each, tx.org_id, by_id.get(each.lead_id) if each.lead_id else None) for each in told}


def _must_be_active(target: endpoints.Endpoint) -> None:
    if target.status != "active":
        raise Conflict("This webhook is switched off. Set its status to active first.")
