"""Saved views: the filters, the order and the columns that a person keeps, and may share. Spec A10."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.activities.replay import difference
from baton.fields import lead as fields
from baton.kernel.actor import Actor, Role
from baton.kernel.conditions import Condition, everything
from baton.kernel.db import Tx, struct_of
from baton.kernel.errors import Conflict, Forbidden, Invalid, NotFound, must_be_current
from baton.kernel.operation import Input, Nothing, Output, operation
from baton.kernel.shapes import Kind, Label, Version, Words
from baton.kernel.values import new_id
from baton.leads.lead import Lead
from baton.leads.order import order

MOST = 200
_COLUMNS = "id, owner_id, name, condition, search, sort, descending, columns, shared, version, created_at"
_LISTED = frozenset(Lead.__struct_encode_fields__) - {"fields"}


class View(Output, kw_only=True):
    """A list of leads as somebody keeps it; `columns` in their order, none for the usual ones."""

    id: UUID
    owner_id: UUID
    name: str
    condition: Condition
    search: str | None
    sort: str
    descending: bool
    columns: list[str]
    shared: bool
    version: int
    created_at: datetime


class CreateView(Input, kw_only=True):
    """A view to keep. `columns` are fields of a lead or `field.<key>`; a shared view is seen by the whole organization."""

    name: Label
    condition: Condition = msgspec.field(default_factory=everything)
    search: Words | None = None
    sort: Annotated[str, Meta(max_length=106)] = "createdAt"
    descending: bool = True
    columns: Annotated[list[Kind], Meta(max_length=60)] = []
    shared: bool = False


class UpdateView(Input, kw_only=True):
    """What of a view to change; absent parts stay."""

    view_id: UUID
    version: Version | None = None
    name: Label | UnsetType = UNSET
    condition: Condition | UnsetType = UNSET
    search: Words | UnsetType | None = UNSET
    sort: Annotated[str, Meta(max_length=106)] | UnsetType = UNSET
    descending: bool | UnsetType = UNSET
    columns: Annotated[list[Kind], Meta(max_length=60)] | UnsetType = UNSET
    shared: bool | UnsetType = UNSET


class DeleteView(Input, kw_only=True):
    """The view to remove."""

    view_id: UUID
    version: Version | None = None


@operation("crm.views.list", kind="query", role=Role.VIEWER, summary="List the saved views")
async def list_views(tx: Tx, actor: Actor, input: Nothing) -> list[View]:
    """The actor's own views and those that others share, by name."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM views WHERE org_id = $1 AND (owner_id = $2 OR shared) ORDER BY lower(name), id",
        tx.org_id, actor.id,
    )  # fmt: skip
    return [struct_of(row, View) for row in rows]


@operation("crm.views.create", role=Role.VIEWER, summary="Save a view")
async def create(tx: Tx, actor: Actor, input: CreateView) -> View:
    """Keep a view for oneself, or share it. Raises Invalid for what cannot be listed, Forbidden for a viewer who would share."""
    if actor.id is None:
        raise Forbidden("Only members keep views.")
    kept = await tx.fetchval("SELECT count(*) FROM views WHERE org_id = $1 AND owner_id = $2", tx.org_id, actor.id)
    if kept >= MOST:
        raise Conflict(f"A person keeps at most {MOST} views. Remove one first.")
    view = View(
        id=new_id(), owner_id=actor.id, name=input.name.strip(), condition=input.condition, search=input.search, sort=input.sort,
        descending=input.descending, columns=input.columns, shared=input.shared, version=1, created_at=tx.now,
    )  # fmt: skip
    await _check(tx, actor, view)
    await tx.execute(
        f"INSERT INTO views (org_id, {_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        tx.org_id, *msgspec.structs.astuple(view),
    )  # fmt: skip
    await _tell(tx, actor, kinds.VIEW_CREATED, view)
    return view


@operation("crm.views.update", role=Role.VIEWER, summary="Change a saved view")
async def update(tx: Tx, actor: Actor, input: UpdateView) -> View:
    """Change a view of one's own; an admin a shared one too. Raises NotFound, Invalid, Conflict for a stale version, Forbidden."""
    before = await _own(tx, actor, input.view_id)
    must_be_current("The view", before.version, input.version)
    given = {name: v for name in UpdateView.__struct_fields__ if (v := getattr(input, name)) is not UNSET}
    for name in ("view_id", "version"):
        given.pop(name)
    after = msgspec.structs.replace(before, **given, version=before.version + 1)
    after.name = after.name.strip()
    await _check(tx, actor, after)
    await tx.execute(
        """UPDATE views SET name = $3, condition = $4, search = $5, sort = $6, descending = $7, columns = $8, shared = $9, version = $10
            WHERE org_id = $1 AND id = $2""",
        tx.org_id, after.id, after.name, after.condition, after.search, after.sort, after.descending, after.columns, after.shared,
        after.version,
    )  # fmt: skip
    changes = difference(msgspec.to_builtins(before), msgspec.to_builtins(after))
    await _tell(
        tx, actor, kinds.VIEW_CHANGED, after, {name: pair for name, pair in changes.items() if name != "version"}
    )
    return after


@operation("crm.views.delete", role=Role.VIEWER, summary="Remove a saved view")
async def delete(tx: Tx, actor: Actor, input: DeleteView) -> View:
    """Remove a view of one's own; an admin a shared one too. Raises NotFound, Conflict for a stale version, Forbidden."""
    view = await _own(tx, actor, input.view_id)
    must_be_current("The view", view.version, input.version)
    await tx.execute("DELETE FROM views WHERE org_id = $1 AND id = $2", tx.org_id, view.id)
    await _tell(tx, actor, kinds.VIEW_REMOVED, view)
    return view


async def _own(tx: Tx, actor: Actor, id: UUID) -> View:
    """A view that the actor may change, locked; what the actor cannot see does not exist."""
    row = await tx.fetchrow(
        f"""SELECT {_COLUMNS} FROM views WHERE org_id = $1 AND id = $2 AND (owner_id = $3 OR shared) FOR NO KEY UPDATE""",
        tx.org_id, id, actor.id,
    )  # fmt: skip
    if row is None:
        raise NotFound("There is no such view.", field="viewId")
    view = struct_of(row, View)
    if view.owner_id != actor.id and not actor.role.admits(Role.ADMIN):
        raise Forbidden("Only its owner or an admin changes a shared view. Save one of your own.")
    return view


async def _check(tx: Tx, actor: Actor, view: View) -> None:
    if not view.name or len(view.name) > 100:
        raise Invalid("A view needs a name of at most 100 characters.", field="name")
    if view.search is not None and len(view.search) > 200:
        raise Invalid("A search has at most 200 characters.", field="search")
    if view.shared and not actor.role.admits(Role.MEMBER):
        raise Forbidden("Sharing a view needs the role member.")
    await fields.check(tx, view.condition)
    await order(tx, view.sort, descending=view.descending)
    known = await fields.of(tx, {"all": [{"field": name} for name in view.columns]})
    wrong = [name for name in view.columns if name not in _LISTED and name not in known]
    if wrong or len(set(view.columns)) != len(view.columns) or len(view.columns) > 60:
        raise Invalid(
            f"A view lists at most 60 different fields of a lead, and no “{', '.join(wrong)[:80]}”.", field="columns"
        )


async def _tell(tx: Tx, actor: Actor, kind: str, view: View, changes: dict[str, list[Any]] | None = None) -> None:
    told = {"name": view.name, "shared": view.shared}
    await append(
        tx, actor, Entry(kind=kind, subject_type="view", subject_id=view.id, changes=changes or {}, payload=told)
    )
