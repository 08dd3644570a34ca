"""Taking back what an operation did to leads: facts go back, made leads and tasks go, what was told stays told. Spec A7."""

from typing import Any
from uuid import UUID

import msgspec

from baton.activities import kinds
from baton.agents.undo_records import Effect, Outcome, of_lead, undo_records
from baton.agents.undo_tasks import undo_tasks
from baton.kernel.actor import Actor
from baton.kernel.db import Row, Tx
from baton.kernel.errors import Invalid
from baton.leads import lead as leads
from baton.leads.archive import with_records
from baton.leads.lead import Lead
from baton.pipelines import pipeline as pipelines
from baton.tasks.task import earliest_due

_TOGETHER = (
    ("stageId", "status", "stageEnteredAt", "closedAt", "pipelineId"),
    ("ownerId", "assignedAt"),
    ("firstName", "lastName", "name"),
    ("email", "contactId"),
    ("companyName", "companyId"),
)  # fmt: skip
_FOLLOWS = frozenset({"score", "nextActionAt"})  # calculated from other facts, and again after them
_OUTWARD = {kinds.EMAIL_SENT: "An e-mail cannot be taken back.", kinds.WHATSAPP_SENT: "A message cannot be taken back."}
_TOLD = (
    kinds.NOTE_ADDED,
    kinds.CALL_LOGGED,
    kinds.MEETING_LOGGED,
    kinds.OTHER_LOGGED,
    kinds.EMAIL_RECEIVED,
    kinds.WHATSAPP_RECEIVED,
)


async def undo_leads(
    tx: Tx, actor: Actor, operation_id: UUID, lead_ids: list[UUID], reason: str | None
) -> list[tuple[UUID, Effect]]:
    """Take back what an operation did to some leads, in order of their ids: each effect with its lead."""
    rows = await tx.fetch(
        """SELECT id, kind, lead_id, lead_version, subject_type, subject_id, changes, payload FROM activities
            WHERE org_id = $1 AND operation_id = $2 AND lead_id = ANY ($3) ORDER BY lead_id, lead_version NULLS LAST, id""",
        tx.org_id, operation_id, lead_ids,
    )  # fmt: skip
    by_lead: dict[UUID, list[Row]] = {}
    for row in rows:
        by_lead.setdefault(row["lead_id"], []).append(row)
    effects: list[tuple[UUID, Effect]] = []
    for lead_id, mine in sorted(by_lead.items()):
        effects += [(lead_id, effect) for effect in await _undo_lead(tx, actor, lead_id, mine, operation_id, reason)]
        effects += [(lead_id, effect) for effect in await undo_records(tx, actor, of_lead(mine), reason)]
    return effects


async def _undo_lead(
    tx: Tx, actor: Actor, lead_id: UUID, rows: list[Row], operation_id: UUID, reason: str | None
) -> list[Effect]:
    before = await leads.lock_even_deleted(tx, lead_id)
    effects = [effect for row in rows if (effect := _cannot(row))]
    made = next((row for row in rows if row["kind"] == kinds.LEAD_IMPORTED), None)
    if made is not None:
        effects.append(await _undo_creation(tx, actor, before, rows, reason))
        return effects
    effects += await undo_tasks(tx, actor, rows)
    new, facts = _reversal(before, rows)
    if "stage_id" in new:
        new, facts = await _placed(tx, new, facts)
    effects += facts
    if new.get("external_id") and await _is_taken(tx, new["external_id"], lead_id):
        del new["external_id"]
        effects.append(_effect(rows[0], "externalId", "kept", "Another lead has it by now."))
    next_action = await earliest_due(tx, lead_id)
    if (
        any(row["subject_type"] == "task" for row in rows)
        and before.closed_at is None
        and next_action != before.next_action_at
    ):
        new["next_action_at"] = next_action
    if new:
        told = {"operationId": str(operation_id)}
        after = await leads.change(tx, actor, before, kinds.UNDONE, reason=reason, payload=told, **new)
        if before.deleted_at is not None and after.deleted_at is None:
            await with_records(tx, actor, after)
    return effects


async def _placed(tx: Tx, new: dict[str, Any], facts: list[Effect]) -> tuple[dict[str, Any], list[Effect]]:
    """The facts to set where the old stage still takes leads, with the status that it stands for by now; else without its place."""
    try:
        stage = await pipelines.hold(tx, new["stage_id"])
    except Invalid as error:
        names = {"stage_id", "status", "stage_entered_at", "closed_at", "pipeline_id"}
        kept = [
            msgspec.structs.replace(effect, outcome="kept", why=error.message)
            if effect.what in _TOGETHER[0]
            else effect
            for effect in facts
        ]
        return {name: value for name, value in new.items() if name not in names}, kept
    status = new.get("status", stage.status)
    return new | {"status": pipelines.status_in(stage, status if stage.outcome == "lost" else None)}, facts


async def _is_taken(tx: Tx, external_id: str, lead_id: UUID) -> bool:
    found: bool = await tx.fetchval(
        "SELECT EXISTS (SELECT FROM leads WHERE org_id = $1 AND external_id = $2 AND id <> $3)",
        tx.org_id, external_id, lead_id,
    )  # fmt: skip
    return found


def _cannot(row: Row) -> Effect | None:
    """The effect of an activity that leaves nothing to reverse, or cannot be reversed."""
    if row["kind"] in _OUTWARD and row["payload"].get("messageId"):
        return _effect(row, row["kind"], "impossible", _OUTWARD[row["kind"]])
    if row["kind"] in (*_TOLD, kinds.EMAIL_SENT, kinds.WHATSAPP_SENT):
        return _effect(row, row["kind"], "kept", "What was told stays told.")
    return None


def _reversal(before: Lead, rows: list[Row]) -> tuple[dict[str, Any], list[Effect]]:
    """The facts to set so that a lead is as it was, and what becomes of each."""
    now = leads.facts(before)
    old: dict[str, Any] = {}
    made: dict[str, Any] = {}
    for row in rows:
        for name, (was, became) in row["changes"].items():
            old.setdefault(name, was)
            made[name] = became
    names = [name for name in made if name not in _FOLLOWS and old[name] != made[name]]
    groups: list[tuple[str, ...]] = [group for group in _TOGETHER if set(group) & set(names)]
    groups += [(name,) for name in names if not any(name in group for group in groups)]
    values: dict[str, Any] = {}
    effects: list[Effect] = []
    for group in groups:
        mine = [name for name in group if name in names]
        kept = now[mine[0]] != made[mine[0]]
        effects.append(
            _effect(rows[0], mine[0], "kept" if kept else "reversed", "It was changed since." if kept else None)
        )
        if not kept:
            values |= {name: old[name] for name in mine}
    back = msgspec.convert(msgspec.to_builtins(before) | values, Lead)
    by_name = dict(zip(Lead.__struct_encode_fields__, Lead.__struct_fields__, strict=True))
    return {by_name[name]: getattr(back, by_name[name]) for name in values}, effects


async def _undo_creation(tx: Tx, actor: Actor, before: Lead, rows: list[Row], reason: str | None) -> Effect:
    """A lead that the operation made is deleted softly, unless others have worked on it since. Its external id is free again."""
    last = max(row["lead_version"] or 0 for row in rows)
    if before.deleted_at is not None:
        return _effect(rows[0], "lead", "kept", "It was deleted since.")
    if before.version > last and await _worked_on(tx, before, last):
        return _effect(rows[0], "lead", "kept", "It was worked on since.")
    gone: dict[str, Any] = {"deleted_at": tx.now, "external_id": None}
    await leads.change(tx, actor, before, kinds.LEAD_DELETED, reason=reason, payload={"undo": True}, **gone)
    return _effect(rows[0], "lead", "reversed", None)


async def _worked_on(tx: Tx, lead: Lead, since: int) -> bool:
    """Whether more was done to a lead behind a version than to calculate its score anew."""
    found: bool = await tx.fetchval(
        """SELECT EXISTS (SELECT FROM activities
            WHERE org_id = $1 AND lead_id = $2 AND lead_version > $3 AND kind <> $4)""",
        tx.org_id, lead.id, since, kinds.LEAD_SCORED,
    )  # fmt: skip
    return found


def _effect(row: Row, what: str, outcome: Outcome, why: str | None) -> Effect:
    return Effect(subject_type=row["subject_type"], subject_id=row["subject_id"], what=what, outcome=outcome, why=why)
