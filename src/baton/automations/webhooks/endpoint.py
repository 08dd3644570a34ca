"""Endpoints: where an organization wants to be told what happens, and of which events. Spec C9."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.automations.webhooks import events as known
from baton.automations.webhooks.signature import new_secret
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Row, Tx, struct_of
from baton.kernel.errors import Conflict, Invalid, NotFound, must_be_current
from baton.kernel.operation import Input, Nothing, Output, operation
from baton.kernel.shapes import Line, Version, WebAddress
from baton.kernel.values import new_id

MAX_ENDPOINTS = 50
DAY = timedelta(hours=24)


class Endpoint(Output, kw_only=True):
    """An address that is told of events. `failingSince` is when it last began to fail without a success since."""

    id: UUID
    url: str
    description: str
    events: list[str]
    status: Literal["active", "disabled", "deleted"]
    failing_since: datetime | None
    disabled_reason: str | None
    previous_until: datetime | None
    version: int
    created_at: datetime


class NewEndpoint(Endpoint, kw_only=True):
    """An endpoint with a secret: the only time that it is told."""

    secret: str


class CreateEndpoint(Input, kw_only=True):
    """An https address and the events it is told of: "lead.stage_changed", "lead.*" or "*"."""

    url: WebAddress
    events: known.Patterns = msgspec.field(default_factory=lambda: ["lead.*"])
    description: Line = ""


class EditEndpoint(Input, kw_only=True):
    """What of an endpoint to change; absent fields stay. `active` switches a disabled one on again."""

    webhook_id: UUID
    version: Version | None = None
    url: WebAddress | None = None
    events: known.Patterns | None = None
    description: Line | None = None
    status: Literal["active", "disabled"] | None = None


class NameEndpoint(Input, kw_only=True):
    """An endpoint."""

    webhook_id: UUID


class RemoveEndpoint(NameEndpoint, kw_only=True):
    """The endpoint to remove."""

    version: Version | None = None


class RotateSecret(Input, kw_only=True):
    """An endpoint, and for how many hours the old secret signs beside the new one (0 to 168)."""

    webhook_id: UUID
    overlap_hours: Annotated[int, Meta(ge=0, le=168)] = 24
    version: Version | None = None


class Disable(Input, kw_only=True):
    """An endpoint that does not answer, and why it is given up."""

    webhook_id: UUID
    why: str


COLUMNS = "id, url, description, events, status, failing_since, disabled_reason, previous_until, version, created_at"


def place(org_id: UUID, id: UUID) -> str:
    """Where an endpoint's secret lies in the vault."""
    return f"webhook {org_id} {id}"


async def get(tx: Tx, id: UUID, *, locking: bool = False) -> Endpoint:
    """An endpoint. Raises NotFound, also for a removed one."""
    row = await tx.fetchrow(
        f"SELECT {COLUMNS} FROM webhook_endpoints WHERE org_id = $1 AND id = $2 AND status <> 'deleted'"
        + (" FOR NO KEY UPDATE" if locking else ""),
        tx.org_id, id,
    )  # fmt: skip
    if row is None:
        raise NotFound("There is no such webhook in your organization.")
    return struct_of(row, Endpoint)


@operation("crm.webhooks.list", kind="query", role=Role.ADMIN, summary="List webhooks")
async def list_endpoints(tx: Tx, actor: Actor, input: Nothing) -> list[Endpoint]:
    """The organization's endpoints, newest first, without their secrets."""
    rows = await tx.fetch(
        f"SELECT {COLUMNS} FROM webhook_endpoints WHERE org_id = $1 AND status <> 'deleted' ORDER BY created_at DESC, id DESC",
        tx.org_id,
    )
    return [struct_of(row, Endpoint) for row in rows]


@operation("crm.webhooks.create", role=Role.ADMIN, summary="Create a webhook", secret=True)
async def create(tx: Tx, actor: Actor, input: CreateEndpoint) -> NewEndpoint:
    """Make an endpoint and its secret. Raises Invalid for an address that is not called, or an unknown event."""
    url, wanted = _checked_url(tx, input.url), known.checked(input.events)
    count = await tx.fetchval(
        "SELECT count(*) FROM webhook_endpoints WHERE org_id = $1 AND status <> 'deleted'", tx.org_id
    )
    if count >= MAX_ENDPOINTS:
        raise Conflict(f"An organization has at most {MAX_ENDPOINTS} webhooks. Remove one first.")
    id, secret = new_id(), new_secret()
    row = await tx.fetchrow(
        f"""INSERT INTO webhook_endpoints (org_id, id, url, description, events, secret, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING {COLUMNS}""",
        tx.org_id, id, url, _description(input.description), wanted, tx.installation.vault.seal(secret, place(tx.org_id, id)), tx.now,
    )  # fmt: skip
    assert row is not None
    await _tell(tx, actor, kinds.WEBHOOK_CREATED, id, url, events=wanted)
    return NewEndpoint(**dict(row), secret=secret)


@operation("crm.webhooks.update", role=Role.ADMIN, summary="Change a webhook")
async def update(tx: Tx, actor: Actor, input: EditEndpoint) -> Endpoint:
    """Change an endpoint. Raises NotFound, Invalid, Conflict for a stale version."""
    before = await get(tx, input.webhook_id, locking=True)
    must_be_current("This webhook", before.version, input.version)
    new: dict[str, Any] = {
        "url": before.url if input.url is None else _checked_url(tx, input.url),
        "events": before.events if input.events is None else known.checked(input.events),
        "description": before.description if input.description is None else _description(input.description),
        "status": input.status or before.status,
    }
    changes = {name: [getattr(before, name), value] for name, value in new.items() if getattr(before, name) != value}
    row = await tx.fetchrow(
        f"""UPDATE webhook_endpoints SET url = $3, events = $4, description = $5, status = $6, version = version + 1,
                   failing_since = CASE WHEN $7 THEN NULL ELSE failing_since END,
                   disabled_reason = CASE WHEN $6 = 'active' THEN NULL ELSE disabled_reason END
             WHERE org_id = $1 AND id = $2 RETURNING {COLUMNS}""",
        tx.org_id, before.id, new["url"], new["events"], new["description"], new["status"], bool({"url", "status"} & changes.keys()),
    )  # fmt: skip
    assert row is not None
    await _tell(tx, actor, kinds.WEBHOOK_CHANGED, before.id, new["url"], changes=changes)
    return struct_of(row, Endpoint)


@operation("crm.webhooks.delete", role=Role.ADMIN, summary="Remove a webhook")
async def delete(tx: Tx, actor: Actor, input: RemoveEndpoint) -> Endpoint:
    """Remove an endpoint and its secrets; the record of what was delivered stays. Raises NotFound, Conflict."""
    before = await get(tx, input.webhook_id, locking=True)
    must_be_current("This webhook", before.version, input.version)
    after = await _set(tx, before.id, "status = 'deleted', secret = '', previous_secret = NULL, previous_until = NULL")
    await tx.execute(
        """UPDATE webhook_deliveries SET status = 'failed', last_error = 'The webhook was removed.'
            WHERE org_id = $1 AND endpoint_id = $2 AND status = 'waiting'""",
        tx.org_id, before.id,
    )  # fmt: skip
    await _tell(tx, actor, kinds.WEBHOOK_REMOVED, before.id, before.url)
    return after


@operation("crm.webhooks.rotateSecret", role=Role.ADMIN, summary="Make a new secret for a webhook", secret=True)
async def rotate(tx: Tx, actor: Actor, input: RotateSecret) -> NewEndpoint:
    """Make a new secret; for a while messages are signed with both. Raises NotFound, Invalid, Conflict for a stale version."""
    if not 0 <= input.overlap_hours <= 168:
        raise Invalid("The old secret stays for 0 to 168 hours.", field="overlapHours")
    before = await get(tx, input.webhook_id, locking=True)
    must_be_current("This webhook", before.version, input.version)
    secret, until = new_secret(), tx.now + timedelta(hours=input.overlap_hours)
    row = await tx.fetchrow(
        f"""UPDATE webhook_endpoints SET previous_secret = secret, previous_until = $4, secret = $3, version = version + 1
             WHERE org_id = $1 AND id = $2 RETURNING {COLUMNS}""",
        tx.org_id, before.id, tx.installation.vault.seal(secret, place(tx.org_id, before.id)), until,
    )  # fmt: skip
    assert row is not None
    await _tell(tx, actor, kinds.WEBHOOK_ROTATED, before.id, before.url, previousUntil=until.isoformat())
    return NewEndpoint(**dict(row), secret=secret)


@operation("crm.webhooks.disable", role=Role.ADMIN, summary="Give a failing webhook up", internal=True)
async def disable(tx: Tx, actor: Actor, input: Disable) -> Endpoint:
    """Switch an endpoint off that does not answer; once, however often it is asked. Raises NotFound."""
    before = await get(tx, input.webhook_id, locking=True)
    if before.status == "disabled":
        return before
    after = await _set(tx, before.id, "status = 'disabled', disabled_reason = $3", input.why[:500])
    await _tell(tx, actor, kinds.WEBHOOK_DISABLED, before.id, before.url, reason=input.why[:500])
    return after


async def _set(tx: Tx, id: UUID, assignments: str, *values: Any) -> Endpoint:
    row: Row | None = await tx.fetchrow(
        f"UPDATE webhook_endpoints SET {assignments}, version = version + 1 WHERE org_id = $1 AND id = $2 RETURNING {COLUMNS}",
        tx.org_id, id, *values,
    )  # fmt: skip
    assert row is not None
    return struct_of(row, Endpoint)


async def _tell(
    tx: Tx, actor: Actor, kind: str, id: UUID, url: str, *, changes: dict[str, list[Any]] | None = None,
    reason: str | None = None, **payload: Any,
) -> None:  # fmt: skip
    said = {"name": url} | payload
    await append(
        tx,
        actor,
        Entry(kind=kind, subject_type="webhook", subject_id=id, changes=changes or {}, payload=said, reason=reason),
    )


def _checked_url(tx: Tx, url: str) -> str:
    return tx.installation.outbound.check(url.strip())


def _description(text: str) -> str:
    if len(text) > 500:
        raise Invalid("A description has at most 500 characters.", field="description")
    return text.strip()
