"""What a row of a file changes of a lead that is in already. Spec A7."""

from typing import Any
from uuid import UUID

from baton.accounts.members import member
from baton.imports.options import OnDuplicate
from baton.kernel.actor import Actor
from baton.kernel.db import Tx
from baton.leads.assign import give
from baton.leads.create import NewLead
from baton.leads.edit import EditLead, edit
from baton.leads.lead import COLUMNS, Lead, from_row
from baton.leads.move import enter
from baton.pipelines.pipeline import Pipeline

_FACTS = (
    "first_name", "last_name", "name", "email", "phone", "website", "title", "company_name", "location", "industry", "company_size",
    "expected_close_date",
)  # fmt: skip


async def known(tx: Tx, ids: list[UUID], *, locked: bool) -> dict[UUID, Lead]:
    """The leads of these ids that are not deleted; `locked` until the transaction ends."""
    if not ids:
        return {}
    locking = "ORDER BY l.id FOR NO KEY UPDATE" if locked else ""
    rows = await tx.fetch(
        f"SELECT {COLUMNS} FROM leads l WHERE l.org_id = $1 AND l.id = ANY ($2) AND l.deleted_at IS NULL {locking}",
        tx.org_id, ids,
    )  # fmt: skip
    return {row["id"]: from_row(row) for row in rows}


def differences(before: Lead, row: NewLead, mode: OnDuplicate) -> dict[str, Any]:
    """The facts that a row gives a lead, by the names of `EditLead`; a cell that says nothing takes nothing away.

    Tags and custom fields are added to those there are. With "fill" only what the lead does not know is set. Where a lead
    came from stays as it was.
    """
    if mode == "skip":
        return {}
    fill = mode == "fill"
    given = {name: getattr(row, name) for name in _FACTS if getattr(row, name) is not None}
    if not (row.first_name or row.last_name) and (row.name == row.phone or (row.name or "").startswith("Lead ")):
        given.pop("name", None)  # it was named by its phone or id, for want of a name
    new = {
        name: value
        for name, value in given.items()
        if getattr(before, name) != value and not (fill and getattr(before, name) is not None)
    }
    if row.value_cents is not None and not (fill and before.value_cents is not None):
        money = {"value_cents": row.value_cents, "currency": row.currency or before.currency}
        new |= {name: value for name, value in money.items() if getattr(before, name) != value}
    tags = list(dict.fromkeys([*before.tags, *row.tags]))
    if tags != before.tags and not (fill and before.tags):
        new["tags"] = tags
    fields = {name: v for name, v in row.fields.items() if before.fields.get(name) != v}
    if fill:
        fields = {name: value for name, value in fields.items() if before.fields.get(name) is None}
    return new | ({"fields": fields} if fields else {})


def moves(before: Lead, row: NewLead, mode: OnDuplicate, pipeline: Pipeline) -> bool:
    """Whether a row moves a lead to another stage of the pipeline that both are in, or another status of it."""
    if mode != "update" or row.stage_id is None or before.pipeline_id != pipeline.id:
        return False
    return str(before.stage_id) != row.stage_id or before.status != row.status


def hands_over(before: Lead, row: NewLead, mode: OnDuplicate) -> bool:
    """Whether a row gives a lead another owner, or with "fill" its first."""
    if mode == "skip" or row.owner_id is None or str(before.owner_id) == row.owner_id:
        return False
    return mode == "update" or before.owner_id is None


def changes(before: Lead, row: NewLead, mode: OnDuplicate, pipeline: Pipeline) -> bool:
    """Whether a row changes anything of a lead."""
    return bool(differences(before, row, mode)) or moves(before, row, mode, pipeline) or hands_over(before, row, mode)


async def update(tx: Tx, actor: Actor, before: Lead, row: NewLead, mode: OnDuplicate, pipeline: Pipeline) -> Lead:
    """Change a locked lead as a row says, each act with its own activity; answers the lead as it is then.

    Raises Invalid, NotFound, Conflict as editing, moving and assigning do.
    """
    after = before
    if new := differences(before, row, mode):
        after = await edit(tx, actor, EditLead(lead_id=str(before.id), **new))
    if moves(before, row, mode, pipeline):
        stage = next(stage for stage in pipeline.stages if str(stage.id) == row.stage_id)
        after = await enter(tx, actor, after, stage, status=row.status)
    if hands_over(before, row, mode) and row.owner_id is not None:
        after = await give(tx, actor, after, await member(tx, row.owner_id))
    return after
