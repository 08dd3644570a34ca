"""Making leads: one, or many in one transaction; scored, logged and counted. Spec A5, A7, B4, B6."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Literal
from uuid import UUID

import msgspec

from baton.accounts.members import member
from baton.accounts.organization import Organization, organization
from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.activities.replay import difference
from baton.contacts import contact as contacts
from baton.contacts.find_or_make import Identity, find_or_make
from baton.fields import definition as definitions
from baton.fields.values import require
from baton.kernel.actor import Actor, Role, Via
from baton.kernel.db import Tx, columns
from baton.kernel.errors import Invalid
from baton.kernel.operation import Input, operation
from baton.kernel.values import Ref, clean, email_address, email_key, new_id
from baton.leads import hot, totals
from baton.leads.facts import checked, currency, fields, known_as, natural, source, tags
from baton.leads.lead import FACT_NAMES, Lead, facts, get
from baton.pipelines import pipeline as pipelines
from baton.pipelines.pipeline import Pipeline, Stage
from baton.scoring import score as scoring


class NewLead(Input, kw_only=True):
    """A lead to make. Names, or a company, are needed; money in minor units of `currency`. Spec A5, B10.

    `message` is what the lead wrote: it is kept in the log, never in a field. Pipeline and stage default to the intake's.
    """

    pipeline_id: Ref | None = None
    stage_id: Ref | None = None
    status: pipelines.Status | None = None
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    website: str | None = None
    title: str | None = None
    company_name: str | None = None
    location: str | None = None
    industry: str | None = None
    company_size: int | None = None
    contact_id: Ref | None = None
    owner_id: Ref | None = None
    value_cents: int | None = None
    currency: str | None = None
    expected_close_date: date | None = None
    tags: list[str] = []
    fields: dict[str, Any] = {}
    source: str = "other"
    external_id: str | None = None
    message: str | None = None


Custom = Literal["complete", "fit", "kept"]


class Created(msgspec.Struct, kw_only=True):
    """What became of one lead to make: its id, or the id of the lead that already has its external id."""

    id: UUID
    duplicate: bool = False


@operation("crm.leads.create", role=Role.MEMBER, summary="Create a lead")
async def create(tx: Tx, actor: Actor, input: NewLead) -> Lead:
    """Make a lead in a pipeline's stage, the intake's first where none is named. Spec A5, B9.

    Raises Invalid for a field, NotFound for a pipeline, stage or owner of another organization, and answers the
    existing lead where the external id is taken.
    """
    (made,) = await create_many(tx, actor, [input], via=actor.via, custom="complete")
    return await get(tx, made.id)


async def create_many(
    tx: Tx,
    actor: Actor,
    leads: Sequence[NewLead],
    *,
    via: Via,
    pipeline: Pipeline | None = None,
    custom: Custom = "fit",
) -> list[Created]:
    """Make leads in one go: contacts and companies found or made, each lead scored, logged and counted.

    Leads whose external id is taken, here or within the batch, are duplicates and make nothing. Custom fields must fit their
    definitions, be complete too, or are kept as another lead has them. Answers in the order given. Raises Invalid, NotFound
    as `create`; then none is made.
    """
    checked_too = custom == "fit" and any(lead.fields for lead in leads)
    defined = await definitions.read(tx) if checked_too or custom == "complete" else []
    org = await organization(tx)
    known = await _known(tx, [lead.external_id for lead in leads if lead.external_id])
    answers: list[Created] = []
    new: list[tuple[Lead, NewLead]] = []
    places: dict[Any, tuple[Pipeline, Stage]] = {}
    for input in leads:
        if input.external_id and input.external_id in known:
            answers.append(Created(id=known[input.external_id], duplicate=True))
            continue
        key = (input.pipeline_id, input.stage_id, input.status)
        if key not in places:
            places[key] = await _place(tx, input, pipeline)
        contact = await contacts.get(tx, input.contact_id) if input.contact_id else None
        lead = await _lead(tx, org, places[key], known_as(contact, input), via)
        lead.contact_id = contact.id if contact else None
        lead.fields = fields(input.fields, defined)
        require(defined, lead.fields, None if custom == "complete" else [])
        new.append((lead, input))
        answers.append(Created(id=lead.id))
        if input.external_id:
            known[input.external_id] = lead.id
    await _insert(tx, actor, new)
    return answers


async def _known(tx: Tx, external_ids: list[str]) -> dict[str, UUID]:
    if not external_ids:
        return {}
    rows = await tx.fetch(
        "SELECT external_id, id FROM leads WHERE org_id = $1 AND external_id = ANY ($2)", tx.org_id, external_ids
    )
    return {row["external_id"]: row["id"] for row in rows}


async def _place(tx: Tx, input: NewLead, default: Pipeline | None) -> tuple[Pipeline, Stage]:
    if input.pipeline_id is not None:
        target = await pipelines.get(tx, input.pipeline_id)
    elif input.stage_id is not None:
        target = await pipelines.get(tx, (await pipelines.stage(tx, input.stage_id)).pipeline_id)
    else:
        target = default or await pipelines.intake(tx)
    if input.stage_id is not None:
        stage = await pipelines.stage(tx, input.stage_id, pipeline_id=target.id)
        if stage.archived_at is not None or target.archived_at is not None:
            raise Invalid(f"The stage “{stage.name}” is archived. Choose another.", field="stageId")
        return target, stage
    if target.archived_at is not None:
        raise Invalid(f"The pipeline “{target.name}” was removed. Choose another.", field="pipelineId")
    if input.status is not None:
        return target, pipelines.stage_of_status(target, input.status)
    return target, pipelines.first_stage(target)


async def _lead(tx: Tx, org: Organization, place: tuple[Pipeline, Stage], input: NewLead, via: Via) -> Lead:
    pipeline, stage = place
    owner = (await member(tx, input.owner_id)).id if input.owner_id else None
    first, last = checked("firstName", input.first_name), checked("lastName", input.last_name)
    company = checked("companyName", input.company_name)
    name = (
        checked("name", input.name) or " ".join(part for part in (first, last) if part) or company or clean(input.email)
    )
    if not name:
        raise Invalid("A lead needs a name, a company or an e-mail address.", field="name")
    return Lead(
        id=new_id(), pipeline_id=pipeline.id, stage_id=stage.id, status=pipelines.status_in(stage, input.status), name=name,
        first_name=first, last_name=last, email=email_address(email) if (email := clean(input.email)) else None,
        phone=checked("phone", input.phone), website=checked("website", input.website), title=checked("title", input.title),
        company_name=company, location=checked("location", input.location), industry=checked("industry", input.industry),
        company_size=natural("companySize", input.company_size, 2**31), contact_id=None, company_id=None, owner_id=owner,
        value_cents=natural("valueCents", input.value_cents, 2**62), currency=currency(input.currency or org.currency),
        expected_close_date=input.expected_close_date, tags=tags(input.tags), fields={}, source=source(input.source),
        via=via, score=None, qualified_at=None, assigned_at=tx.now if owner else None, stage_entered_at=tx.now,
        closed_at=tx.now if stage.closed else None, next_action_at=None, converted_from_id=None, converted_to_id=None,
        external_id=checked("externalId", input.external_id), deleted_at=None, created_at=tx.now, version=1, last_activity_at=tx.now,
    )  # fmt: skip


async def _insert(tx: Tx, actor: Actor, new: list[tuple[Lead, NewLead]]) -> None:
    if not new:
        return
    await _identify(tx, actor, [lead for lead, _ in new])
    await _insert_rows(tx, [lead for lead, _ in new])
    scores = {score.lead_id: score for score in await scoring.calculate(tx, [lead.id for lead, _ in new])}
    entries: list[Entry] = []
    for lead, input in new:
        entries.append(_imported(lead, input))
        entries.append(scored_entry(lead, scores[lead.id], version=2))
        lead.score = scores[lead.id].score
    await tx.execute(
        """UPDATE leads AS l SET score = s.score, version = 2 FROM unnest($2::uuid[], $3::smallint[]) AS s (id, score)
            WHERE l.org_id = $1 AND l.id = s.id""",
        tx.org_id, [lead.id for lead, _ in new], [lead.score for lead, _ in new],
    )  # fmt: skip
    await scoring.keep(tx, list(scores.values()), "creation")
    await append(tx, actor, *entries)
    await totals.record(tx, [(None, lead) for lead, _ in new])


async def _identify(tx: Tx, actor: Actor, leads: list[Lead]) -> None:
    identities = [
        Identity(name=lead.name, first_name=lead.first_name, last_name=lead.last_name,
                 email=None if lead.contact_id else lead.email, phone=lead.phone, title=lead.title, company=lead.company_name,
                 website=lead.website, location=lead.location, industry=lead.industry, size=lead.company_size)
        for lead in leads
    ]  # fmt: skip
    for lead, (contact_id, company_id) in zip(leads, await find_or_make(tx, actor, identities), strict=True):
        lead.contact_id, lead.company_id = lead.contact_id or contact_id, company_id


_TYPES = {
    "uuid": "id pipeline_id stage_id contact_id company_id owner_id converted_from_id converted_to_id",
    "int": "company_size", "bigint": "value_cents", "smallint": "score", "date": "expected_close_date", "jsonb": "fields",
    "timestamptz": "qualified_at assigned_at stage_entered_at closed_at next_action_at deleted_at created_at",
}  # fmt: skip
_TYPE_OF = {name: type for type, names in _TYPES.items() for name in names.split()}
_INSERTED = (*FACT_NAMES, "email_norm")
_INSERT = f"""INSERT INTO leads (org_id, version, last_activity_at, {", ".join(_INSERTED)})
    SELECT $1, 1, $2, {", ".join("ARRAY(SELECT jsonb_array_elements_text(n.tags::jsonb))" if n == "tags" else f"n.{n}" for n in _INSERTED)}
      FROM unnest({", ".join(f"${i}::{_TYPE_OF.get(n, 'text')}[]" for i, n in enumerate(_INSERTED, start=3))})
        AS n ({", ".join(_INSERTED)})"""


async def _insert_rows(tx: Tx, leads: list[Lead]) -> None:
    rows = []
    for lead in leads:
        values = [getattr(lead, name) for name in FACT_NAMES]
        values[FACT_NAMES.index("tags")] = msgspec.json.encode(lead.tags).decode()
        rows.append([*values, email_key(lead.email) if lead.email else None])
    await tx.execute(_INSERT, tx.org_id, tx.now, *columns(rows, len(_INSERTED)))
    await hot.fill(tx, [(lead.id, lead.fields) for lead in leads if lead.fields])


def _imported(lead: Lead, input: NewLead) -> Entry:
    message = input.message[:20_000] if input.message and clean(input.message) else None
    payload = {"via": lead.via} | ({"message": message} if message else {})
    return Entry(
        kind=kinds.LEAD_IMPORTED, subject_type="lead", subject_id=lead.id, lead_id=lead.id, lead_version=1,
        changes=difference({}, facts(lead)), payload=payload,
    )  # fmt: skip


def scored_entry(lead: Lead, score: scoring.Score, *, version: int) -> Entry:
    """The activity of a calculation; it changes the lead where the score differs."""
    changed = lead.score != score.score
    return Entry(
        kind=kinds.LEAD_SCORED, subject_type="lead", subject_id=lead.id, lead_id=lead.id, lead_version=version if changed else None,
        changes={"score": [lead.score, score.score]} if changed else {}, reason=scoring.explained(score),
        payload={"band": score.band, "reasons": msgspec.to_builtins(score.reasons)},
    )  # fmt: skip
