"""The operations that load one chunk of a file's rows, and that tell beforehand which of them are in already."""

from typing import Literal
from uuid import UUID

from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import TooLarge
from baton.kernel.operation import Input, Output, operation
from baton.kernel.values import Ref, email_key
from baton.leads.create import NewLead, create_many
from baton.pipelines import pipeline as pipelines

MOST_ROWS = 1_000


class LoadRows(Input, kw_only=True):
    """Leads of one pipeline, at most 1,000. One with an external id is known by it, one without by its e-mail."""

    pipeline_id: Ref
    leads: list[NewLead]


class LoadedRow(Output, kw_only=True):
    """What became of a row: the id of the lead that was made, or of the one that was there."""

    id: UUID
    outcome: Literal["created", "duplicate"]


class KnownRows(Input, kw_only=True):
    """External ids and e-mail addresses to look up, at most 1,000 of each; e-mails within the pipeline."""

    pipeline_id: Ref
    external_ids: list[str] = []
    emails: list[str] = []


class Known(Output, kw_only=True):
    """Those of the asked that exist, e-mails in lower case; of a deleted lead too, which an import does not bring back."""

    external_ids: list[str]
    emails: list[str]


@operation("crm.imports.load", role=Role.MEMBER, summary="Import leads")
async def load_rows(tx: Tx, actor: Actor, input: LoadRows) -> list[LoadedRow]:
    """Make those of the leads that are not in yet, and answer for each in the order given. Spec A7, A11.

    Imports of one organization wait for each other here, so that two runs of one file at once make each lead once.
    Raises TooLarge, NotFound for the pipeline, and Invalid as `crm.leads.create`; then none of the rows is made.
    """
    if len(input.leads) > MOST_ROWS:
        raise TooLarge(f"At most {MOST_ROWS:,} rows are loaded at once.")
    pipeline = await pipelines.get(tx, input.pipeline_id)
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 1))", f"{tx.org_id}/imports")
    by_email = [email_key(lead.email) for lead in input.leads if lead.email and not lead.external_id]
    known = await _leads_by_email(tx, pipeline.id, by_email)
    answers: dict[int, LoadedRow] = {}
    fresh: list[tuple[int, NewLead]] = []
    for place, lead in enumerate(input.leads):
        email = email_key(lead.email) if lead.email and not lead.external_id else None
        if email and email in known:
            answers[place] = LoadedRow(id=known[email], outcome="duplicate")
        else:
            fresh.append((place, lead))
    made = await create_many(tx, actor, [lead for _, lead in fresh], via="csv", pipeline=pipeline)
    for (place, _), created in zip(fresh, made, strict=True):
        answers[place] = LoadedRow(id=created.id, outcome="duplicate" if created.duplicate else "created")
    return [answers[place] for place in range(len(input.leads))]


@operation("crm.imports.check", kind="query", role=Role.MEMBER, summary="Look up which rows are in already")
async def check_rows(tx: Tx, actor: Actor, input: KnownRows) -> Known:
    """The external ids and e-mails that leads have already. Raises TooLarge, NotFound for the pipeline."""
    if max(len(input.external_ids), len(input.emails)) > MOST_ROWS:
        raise TooLarge(f"At most {MOST_ROWS:,} rows are looked up at once.")
    pipeline = await pipelines.get(tx, input.pipeline_id)
    rows = await tx.fetch(
        "SELECT external_id FROM leads WHERE org_id = $1 AND external_id = ANY ($2)", tx.org_id, input.external_ids
    )
    emails = await _leads_by_email(tx, pipeline.id, [email_key(email) for email in input.emails])
    return Known(external_ids=[row["external_id"] for row in rows], emails=list(emails))


async def _leads_by_email(tx: Tx, pipeline_id: UUID, keys: list[str]) -> dict[str, UUID]:
    if not keys:
        return {}
    rows = await tx.fetch(
        "SELECT email_norm, id FROM leads WHERE org_id = $1 AND email_norm = ANY ($2) AND pipeline_id = $3",
        tx.org_id, keys, pipeline_id,
    )  # fmt: skip
    return {row["email_norm"]: row["id"] for row in rows}
