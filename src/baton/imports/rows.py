"""The operations that load one chunk of a file's rows, and that tell beforehand what would become of them."""

from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from baton.contacts import matching
from baton.contacts.matching import Matching
from baton.imports.options import OnDuplicate
from baton.imports.update import changes, known, update
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import TooLarge
from baton.kernel.operation import Input, Output, operation
from baton.kernel.values import Ref, as_uuid, email_key
from baton.leads.create import NewLead, create_many
from baton.pipelines import pipeline as pipelines
from baton.pipelines.pipeline import Pipeline

MOST_ROWS = 1_000
Outcome = Literal["created", "updated", "duplicate"]


class LoadRows(Input, kw_only=True):
    """Leads of one pipeline, at most 1,000. One with an id or external id is known by it, one without by its e-mail."""

    pipeline_id: Ref
    leads: Annotated[list[NewLead], Meta(max_length=1_000)]
    on_duplicate: OnDuplicate = "skip"


class LoadedRow(Output, kw_only=True):
    """What becomes of a row: the id of the lead that was made (none before it is), or of the one that was there."""

    id: UUID | None
    outcome: Outcome


@operation("crm.imports.load", role=Role.MEMBER, summary="Import leads")
async def load_rows(tx: Tx, actor: Actor, input: LoadRows) -> list[LoadedRow]:
    """Make those of the leads that are not in yet, update the others as asked, and answer in the order given. Spec A7, A11.

    Raises TooLarge, NotFound for the pipeline, and Invalid as `crm.leads.create`; then none of the rows is in.
    """
    pipeline = await _pipeline(tx, input)
    return await load_leads(tx, actor, pipeline, input.leads, input.on_duplicate)


@operation("crm.imports.check", kind="query", role=Role.MEMBER, summary="Look up what importing rows would do")
async def check_rows(tx: Tx, actor: Actor, input: LoadRows) -> list[LoadedRow]:
    """What `crm.imports.load` would do with these rows; writes nothing. Raises TooLarge, NotFound for the pipeline."""
    pipeline = await _pipeline(tx, input)
    there = await _there(tx, pipeline.id, input.leads)
    found = await known(tx, list(set(there.values())), locked=False) if input.on_duplicate != "skip" else {}
    answers: list[LoadedRow] = []
    for place, row in enumerate(input.leads):
        id = there.get(place)
        before = found.get(id) if id else None
        changed = before is not None and changes(before, row, input.on_duplicate, pipeline)
        answers.append(LoadedRow(id=id, outcome="created" if id is None else "updated" if changed else "duplicate"))
    return answers


async def load_leads(
    tx: Tx, actor: Actor, pipeline: Pipeline, rows: Sequence[NewLead], mode: OnDuplicate
) -> list[LoadedRow]:
    """Make or update leads in one go. A deleted lead counts as there, and is not brought back.

    Imports of one organization wait for each other here, so that two runs of one file at once make each lead once.
    """
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 1))", f"{tx.org_id}/imports")
    async with tx.planned_afresh():
        there = await _there(tx, pipeline.id, rows)
    fresh = [(place, row) for place, row in enumerate(rows) if place not in there]
    made = await create_many(tx, actor, [row for _, row in fresh], via="csv", pipeline=pipeline)
    answers = {
        place: LoadedRow(id=created.id, outcome="duplicate" if created.duplicate else "created")
        for (place, _), created in zip(fresh, made, strict=True)
    }
    found = await known(tx, list(set(there.values())), locked=True) if mode != "skip" else {}
    for place, id in there.items():
        outcome: Outcome = "duplicate"
        if (before := found.get(id)) is not None:
            found[id] = await update(tx, actor, before, rows[place], mode, pipeline)
            outcome = "updated" if found[id].version != before.version else outcome
        answers[place] = LoadedRow(id=id, outcome=outcome)
    return [answers[place] for place in range(len(rows))]


async def _pipeline(tx: Tx, input: LoadRows) -> Pipeline:
    if len(input.leads) > MOST_ROWS:
        raise TooLarge(f"At most {MOST_ROWS:,} rows are loaded at once.")
    return await pipelines.get(tx, input.pipeline_id)


_NOT_UNDONE = """(l.deleted_at IS NULL OR NOT EXISTS (
    SELECT FROM activities a WHERE a.org_id = l.org_id AND a.lead_id = l.id AND a.kind = 'lead_deleted' AND a.payload @> '{"undo": true}'
       AND a.occurred_at = l.deleted_at))"""
"""A lead that an undo took back is not there: its file can be brought again. One that somebody deleted does not come back so."""


async def _there(tx: Tx, pipeline_id: UUID, rows: Sequence[NewLead]) -> dict[int, UUID]:
    """The leads that are in already, deleted ones too, by the place of their row: by external id, by id, or by e-mail."""
    by_id: dict[str, list[int]] = {}
    by_email: dict[str, list[int]] = {}
    how = await matching.read(tx)
    for place, row in enumerate(rows):
        if row.external_id:
            by_id.setdefault(row.external_id, []).append(place)
        elif row.email:
            by_email.setdefault(how.email_key(row.email), []).append(place)
    found: dict[int, UUID] = {}
    if by_id:
        own = {uuid: text for text in by_id if (uuid := as_uuid(text))}
        mine = await tx.fetch("SELECT id FROM leads WHERE org_id = $1 AND id = ANY ($2)", tx.org_id, list(own))
        found |= {place: row["id"] for row in mine for place in by_id[own[row["id"]]]}
        external = await tx.fetch(
            "SELECT external_id, id FROM leads WHERE org_id = $1 AND external_id = ANY ($2)", tx.org_id, list(by_id)
        )
        found |= {place: row["id"] for row in external for place in by_id[row["external_id"]]}
    if by_email:
        plain = list({email_key(row.email) for row in rows if row.email})
        mailed = await _mailed(tx, pipeline_id, how, list(by_email), plain)
        found |= {place: id for key, id in mailed.items() for place in by_email[key]}
    return found


async def _mailed(tx: Tx, pipeline_id: UUID, how: Matching, keys: list[str], plain: list[str]) -> dict[str, UUID]:
    """The first lead of the pipeline that each e-mail leads to, by the organization's own settings: as its own, or its contact's.

    `plain` are the addresses as leads keep them.
    """
    known = await tx.fetch(
        "SELECT coalesce(merged_into_id, id) AS id, email_norm FROM contacts WHERE org_id = $1 AND email_norm = ANY ($2)",
        tx.org_id, keys,
    )  # fmt: skip
    keys_of: dict[UUID, list[str]] = {}
    for row in known:
        keys_of.setdefault(row["id"], []).append(row["email_norm"])
    leads = await tx.fetch(
        f"""SELECT l.id, l.email, l.contact_id FROM leads l
             WHERE l.org_id = $1 AND l.email_norm = ANY ($2) AND l.pipeline_id = $4 AND {_NOT_UNDONE}
             UNION ALL
            SELECT l.id, l.email, l.contact_id FROM leads l
             WHERE l.org_id = $1 AND l.contact_id = ANY ($3) AND l.pipeline_id = $4 AND {_NOT_UNDONE} ORDER BY id DESC""",
        tx.org_id, plain, list(keys_of), pipeline_id,
    )  # fmt: skip
    wanted, found = set(keys), dict[str, UUID]()
    for lead in leads:
        own = [how.email_key(lead["email"])] if lead["email"] else []
        found |= {key: lead["id"] for key in (*own, *keys_of.get(lead["contact_id"], [])) if key in wanted}
    return found
