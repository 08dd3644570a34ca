"""Captures that look suspicious: held until a person releases or discards them; nothing is lost. Spec B4."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx, struct_of
from baton.kernel.errors import NotFound
from baton.kernel.operation import Input, Output, operation
from baton.kernel.page import Page, cursor, position
from baton.kernel.shapes import Cursor, PageSize
from baton.kernel.values import new_id
from baton.leads.capture import Captured
from baton.leads.create import create_many
from baton.leads.forms import SubmitForm, answered, read_form

MAX_WAITING = 10_000


class HoldCapture(SubmitForm, kw_only=True):
    """What a visitor filled in, why it looks suspicious, and from which network it came."""

    reasons: list[str]
    network: str


class HeldCapture(Output, kw_only=True):
    """A capture that waits for a person."""

    id: UUID
    form_id: UUID
    form_name: str
    answers: dict[str, str]
    reasons: list[str]
    network: str
    status: Literal["waiting", "released", "discarded"]
    lead_id: UUID | None
    created_at: datetime


class ListHeld(Input, kw_only=True):
    """A page of 1–200 waiting captures, newest first."""

    limit: PageSize = 50
    cursor: Cursor | None = None


class DecideHeld(Input, kw_only=True):
    """The capture to release or discard."""

    capture_id: UUID


_COLUMNS = "h.id, h.form_id, f.name AS form_name, h.answers, h.reasons, h.network, h.status, h.lead_id, h.created_at"
_FROM = "held_captures h JOIN forms f ON f.org_id = h.org_id AND f.id = h.form_id"


@operation("crm.forms.hold", role=None, summary="Hold a capture", internal=True)
async def hold(tx: Tx, actor: Actor, input: HoldCapture) -> Captured:
    """Keep a capture that looks suspicious for a person to decide; it must be what the form takes. Raises as `crm.forms.submit`.

    Beyond 10,000 waiting ones the oldest are discarded, so that a flood fills no disk.
    """
    form = await read_form(tx, input.address)
    answered(form, input.values)
    id = new_id()
    known = {field.name for field in form.fields}
    answers = {name: text[:5000] for name, text in input.values.items() if name in known}
    await tx.execute(
        """INSERT INTO held_captures (org_id, id, form_id, answers, reasons, network, created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7)""",
        tx.org_id, id, form.id, answers, input.reasons, input.network[:100], tx.now,
    )  # fmt: skip
    await tx.execute(
        """UPDATE held_captures SET status = 'discarded', version = version + 1
            WHERE org_id = $1 AND status = 'waiting' AND id IN (
                  SELECT id FROM held_captures WHERE org_id = $1 AND status = 'waiting'
                   ORDER BY created_at DESC, id DESC OFFSET $2)""",
        tx.org_id, MAX_WAITING,
    )  # fmt: skip
    await append(
        tx, actor,
        Entry(kind=kinds.CAPTURE_HELD, subject_type="held_capture", subject_id=id, payload={"name": form.name},
              reason=", ".join(input.reasons)),
    )  # fmt: skip
    return Captured(id=id)


@operation("crm.quarantine.list", kind="query", role=Role.MEMBER, summary="List held captures")
async def list_held(tx: Tx, actor: Actor, input: ListHeld) -> Page[HeldCapture]:
    """The captures that wait, newest first. Raises Invalid for a bad cursor."""
    limit = max(1, min(input.limit, 200))
    args: list[object] = [tx.org_id]
    after = ""
    if input.cursor is not None:
        args += position(input.cursor, datetime, UUID)
        after = "AND (h.created_at, h.id) < ($2, $3)"
    rows = await tx.fetch(
        f"""SELECT {_COLUMNS} FROM {_FROM} WHERE h.org_id = $1 AND h.status = 'waiting' {after}
             ORDER BY h.created_at DESC, h.id DESC LIMIT {limit + 1}""",
        *args,
    )
    items = [struct_of(row, HeldCapture) for row in rows[:limit]]
    return Page(items=items, next_cursor=cursor(items[-1].created_at, items[-1].id) if len(rows) > limit else None)


@operation("crm.quarantine.release", role=Role.MEMBER, summary="Release a held capture")
async def release(tx: Tx, actor: Actor, input: DecideHeld) -> HeldCapture:
    """Make the lead after all, as the form would have. Raises NotFound where it does not wait any more."""
    held = await _waiting(tx, input.capture_id)
    address = await tx.fetchval("SELECT address FROM forms WHERE org_id = $1 AND id = $2", tx.org_id, held.form_id)
    form = await read_form(tx, address, closed_too=True)
    (made,) = await create_many(tx, actor, [answered(form, held.answers)], via="form")
    return await _decided(tx, actor, held, "released", made.id)


@operation("crm.quarantine.discard", role=Role.MEMBER, summary="Discard a held capture")
async def discard(tx: Tx, actor: Actor, input: DecideHeld) -> HeldCapture:
    """Make no lead of it. Raises NotFound where it does not wait any more."""
    return await _decided(tx, actor, await _waiting(tx, input.capture_id), "discarded", None)


async def _waiting(tx: Tx, id: UUID) -> HeldCapture:
    row = await tx.fetchrow(
        f"SELECT {_COLUMNS} FROM {_FROM} WHERE h.org_id = $1 AND h.id = $2 AND h.status = 'waiting' FOR UPDATE OF h",
        tx.org_id,
        id,
    )
    if row is None:
        raise NotFound("There is no such capture, or it was decided already.")
    return struct_of(row, HeldCapture)


async def _decided(
    tx: Tx, actor: Actor, held: HeldCapture, status: Literal["released", "discarded"], lead_id: UUID | None
) -> HeldCapture:
    await tx.execute(
        "UPDATE held_captures SET status = $3, lead_id = $4, version = version + 1 WHERE org_id = $1 AND id = $2",
        tx.org_id, held.id, status, lead_id,
    )  # fmt: skip
    kind = kinds.CAPTURE_RELEASED if status == "released" else kinds.CAPTURE_DISCARDED
    await append(
        tx, actor,
        Entry(kind=kind, subject_type="held_capture", subject_id=held.id, lead_id=lead_id, payload={"name": held.form_name}),
    )  # fmt: skip
    held.status, held.lead_id = status, lead_id
    return held
