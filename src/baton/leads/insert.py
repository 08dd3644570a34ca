"""Writing new leads: their people and companies, scores, rows, log and counts, in a dozen statements however many there are."""

import functools
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

import msgspec

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.contacts.find_or_make import Identity, find_or_make
from baton.kernel.actor import Actor
from baton.kernel.db import Tx, as_json, columns
from baton.kernel.values import email_key
from baton.leads import hot, stay, totals, words
from baton.leads.lead import COLUMN_NAMES, Lead, facts, json_name
from baton.scoring import score as scoring


class New(msgspec.Struct, kw_only=True):
    """A lead to write, what it wrote, the operation that it belongs to where that is not the transaction's, how long it may stay."""

    lead: Lead
    message: str | None = None
    operation_id: UUID | None = None
    sla_days: int | None = None


class Scored(Protocol):
    """What of a lead a calculation tells."""

    @property
    def id(self) -> UUID: ...
    @property
    def score(self) -> int | None: ...


_TYPES = {
    "text[]": "tags", "uuid": "id pipeline_id stage_id contact_id company_id owner_id converted_from_id converted_to_id",
    "int": "company_size", "bigint": "value_cents version", "smallint": "score", "date": "expected_close_date", "jsonb": "fields",
    "timestamptz": "qualified_at assigned_at stage_entered_at closed_at next_action_at deleted_at created_at last_activity_at",
}  # fmt: skip
_TYPE_OF = {name: type for type, names in _TYPES.items() for name in names.split()}
_NAMES = ", ".join(COLUMN_NAMES)
_WRITTEN = ", ".join(f'"{json_name(name)}" {_TYPE_OF.get(name, "text")}' for name in COLUMN_NAMES)
_LEADS = f"json_to_recordset($2::json) AS ({_WRITTEN})"
_ROWSET = f"(SELECT $1::uuid AS org_id, n.*, NULL::timestamptz AS sla_due_at FROM ROWS FROM ({_LEADS}) AS n ({_NAMES}))"
"""The leads that are to be written, with a lead's columns: `$1` is the organization, `$2` the leads as JSON.

One document a group: the driver takes twenty times as long to send a value as the encoder takes to write it.
"""

_BESIDE = (("email_norm", "text"), ("sla_due_at", "timestamptz"), ("sla_next_at", "timestamptz"))


@functools.lru_cache(maxsize=256)
def _insert(beside: tuple[tuple[str, str], ...]) -> str:
    """The INSERT of leads, as JSON, with what stands beside their facts (column, type), one array a column."""
    named = ", ".join([*COLUMN_NAMES, *(name for name, _ in beside)])
    rows = ", ".join([_LEADS, *(f"unnest(${place}::{type}[])" for place, (_, type) in enumerate(beside, start=3))])
    return f"INSERT INTO leads (org_id, {named}) SELECT $1, n.* FROM ROWS FROM ({rows}) AS n ({named})"


async def insert(tx: Tx, actor: Actor, new: Sequence[New]) -> None:
    """Write new leads: contacts and companies found or made, each lead scored, logged and counted. Spec A7, B4, B6.

    A lead's contact and company are set here, and its score; all of it or nothing is written.
    """
    if not new:
        return
    leads = [each.lead for each in new]
    entries = await _identify(tx, actor, new)
    scores = {score.lead_id: score for score in await scoring.calculate_over(tx, _ROWSET, [tx.org_id, as_json(leads)])}
    for each in new:
        entries += _told(each, scores[each.lead.id])
    await _write(tx, new)
    await scoring.keep(tx, [scores[lead.id] for lead in leads], "creation", [each.operation_id for each in new])
    await append(tx, actor, *entries)
    await totals.record(tx, [(None, lead) for lead in leads])


async def _write(tx: Tx, new: Sequence[New]) -> None:
    """The rows, each written once: with its facts stands what follows from them."""
    keys = [email_key(each.lead.email) if each.lead.email else None for each in new]
    stays = await stay.of_new(tx, [(each.lead.stage_entered_at, each.sla_days or None) for each in new])
    slots = await hot.of(tx, [each.lead.fields for each in new])
    beside = (*_BESIDE, *((slot.name, slot.type) for slot in slots))
    values = [keys, *columns(stays, 2), *(slot.values for slot in slots)]
    await tx.execute(_insert(beside), tx.org_id, as_json([each.lead for each in new]), *values)
    await words.keep(tx, [each.lead.id for each in new])


async def _identify(tx: Tx, actor: Actor, new: Sequence[New]) -> list[Entry]:
    identities = [
        Identity(name=lead.name, first_name=lead.first_name, last_name=lead.last_name,
                 email=None if lead.contact_id else lead.email, phone=lead.phone, title=lead.title, company=lead.company_name,
                 website=lead.website, location=lead.location, industry=lead.industry, size=lead.company_size,
                 operation_id=each.operation_id)
        for each in new for lead in (each.lead,)
    ]  # fmt: skip
    found = await find_or_make(tx, identities)
    for each, (contact_id, company_id) in zip(new, found.ids, strict=True):
        each.lead.contact_id, each.lead.company_id = each.lead.contact_id or contact_id, company_id
    return found.entries


def _told(new: New, score: scoring.Score) -> tuple[Entry, Entry]:
    """The activities of a lead's creation and of its first score, which is its second version."""
    lead = new.lead
    imported = Entry(
        kind=kinds.LEAD_IMPORTED, subject_type="lead", subject_id=lead.id, lead_id=lead.id, lead_version=1,
        changes={name: [None, value] for name, value in facts(lead).items() if value is not None},
        payload={"via": lead.via} | ({"message": new.message} if new.message else {}),
        operation_id=new.operation_id,
    )  # fmt: skip
    scored = scored_entry(lead, score, version=2, operation_id=new.operation_id)
    lead.score, lead.version = score.score, 2
    return imported, scored


def scored_entry(lead: Scored, score: scoring.Score, *, version: int, operation_id: UUID | None = None) -> Entry:
    """The activity of a calculation; it changes the lead where the score differs."""
    changed = lead.score != score.score
    return Entry(
        kind=kinds.LEAD_SCORED, subject_type="lead", subject_id=lead.id, lead_id=lead.id, lead_version=version if changed else None,
        changes={"score": [lead.score, score.score]} if changed else {}, reason=scoring.explained(score),
        payload=scoring.told(score), operation_id=operation_id,
    )  # fmt: skip
