"""An import as a record: what was brought, how it is read, what became of it, and who may look at it. Spec A11."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from baton.imports.options import ImportReport, Options
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Row, Tx
from baton.kernel.errors import Conflict, Invalid, NotFound
from baton.kernel.operation import Input, Output, operation
from baton.kernel.page import Page, cursor, position
from baton.kernel.shapes import Count, Cursor, PageSize

State = Literal["reading", "ready", "running", "done", "failed", "undoing", "undone"]
_COLUMNS = """i.id, i.started_by, i.file, i.size, i.state, i.options, i.found, i.operation_id, i.position, i.created, i.updated,
    i.duplicates, i.refused, i.reversed, i.kept, i.impossible, i.error, i.version, i.created_at, i.finished_at"""
_MAX_LIMIT = 200


class Found(Output, kw_only=True):
    """What reading the file found: `preview` counts what loading it would do; `headers` and `sample` show how it begins."""

    preview: ImportReport
    headers: list[str]
    sample: list[list[str]]


class Import(Output, kw_only=True):
    """An import. `state` goes from reading to ready (look at `found`), running, done; from done to undoing and undone.

    `position` of `found.preview.rows` rows are done. `reversed`, `kept` and `impossible` count the effects of an undo.
    """

    id: UUID
    started_by: UUID | None
    file: str
    size: int
    state: State
    options: Options
    found: Found | None
    operation_id: UUID
    position: int
    created: int
    updated: int
    duplicates: int
    refused: int
    reversed: int
    kept: int
    impossible: int
    error: str | None
    version: int
    created_at: datetime
    finished_at: datetime | None


class GetImport(Input, kw_only=True):
    """One import."""

    import_id: UUID


class ListImports(Input, kw_only=True):
    """A page of 1–200 imports."""

    limit: PageSize = 50
    cursor: Cursor | None = None


class RefusedRows(Input, kw_only=True):
    """A page of 1–1,000 refused rows behind a line."""

    import_id: UUID
    after_line: Count = 0
    limit: Annotated[int, Meta(ge=1, le=1000)] = 200


class RefusedRow(Output, kw_only=True):
    """A row that is not in: its line in the file, why, and its cells as text."""

    line: int
    reason: str
    cells: list[str]


class Refused(Output, kw_only=True):
    """Refused rows under the file's headers; `nextLine` is where the next page begins, none at the end."""

    headers: list[str]
    rows: list[RefusedRow]
    next_line: int | None


class Remains(Input, kw_only=True):
    """A page of 1–200 effects that an undo left."""

    import_id: UUID
    limit: PageSize = 50
    cursor: Cursor | None = None


class Remaining(Output, kw_only=True):
    """An effect on a lead, contact or company that was kept, since it was changed later or is in use, or cannot be taken back."""

    id: UUID
    lead_id: UUID | None
    subject_type: str
    subject_id: UUID | None
    what: str
    outcome: Literal["kept", "impossible"]
    why: str | None


def from_row(row: Row) -> Import:
    """The import of a row that holds its columns."""
    names = zip(Import.__struct_fields__, Import.__struct_encode_fields__, strict=True)
    return msgspec.convert({encoded: row[name] for name, encoded in names}, Import)


async def visible(tx: Tx, actor: Actor, id: UUID, *, locked: bool = False) -> Import:
    """An import that the actor may see: its own, or any for an admin. Raises NotFound, also for what others brought."""
    found = await find(tx, id, locked=locked)
    mine = found.started_by is not None and found.started_by == actor.id
    if not mine and not actor.role.admits(Role.ADMIN):
        raise _unknown()
    return found


async def find(tx: Tx, id: UUID, *, locked: bool = False) -> Import:
    """An import of the organization, whoever asks. Raises NotFound."""
    row = await tx.fetchrow(
        f"SELECT {_COLUMNS} FROM imports i WHERE i.org_id = $1 AND i.id = $2 {'FOR NO KEY UPDATE' if locked else ''}",
        tx.org_id, id,
    )  # fmt: skip
    if row is None:
        raise _unknown()
    return from_row(row)


def must_be(found: Import, *states: State) -> None:
    """Raise Conflict where an import is in none of these states."""
    if found.state not in states:
        raise Conflict(_STANDS[found.state])


_STANDS: dict[State, str] = {
    "reading": "The file is still being read. Ask again in a moment.",
    "ready": "The import was not run yet.",
    "running": "The import is running. Ask again when it is done.",
    "done": "The import is done. Bring the file again to import it anew.",
    "failed": "The import failed; its “error” says why. Change how the file is read, or bring another.",
    "undoing": "The import is being undone.",
    "undone": "The import was undone. Bring the file again to import it anew.",
}


def _unknown() -> NotFound:
    return NotFound("There is no such import in your organization.")


@operation("crm.imports.get", kind="query", role=Role.MEMBER, summary="Read an import")
async def get(tx: Tx, actor: Actor, input: GetImport) -> Import:
    """An import: how its file is read, what loading it does or did, and how far it is. Raises NotFound."""
    return await visible(tx, actor, input.import_id)


@operation("crm.imports.list", kind="query", role=Role.MEMBER, summary="List imports")
async def list_(tx: Tx, actor: Actor, input: ListImports) -> Page[Import]:
    """The actor's own imports, for an admin all of them, newest first. Raises Invalid for a bad limit or cursor."""
    _check_limit(input.limit, _MAX_LIMIT)
    args: list[Any] = [tx.org_id, actor.role.admits(Role.ADMIN), actor.id]
    tests = "i.org_id = $1 AND ($2 OR i.started_by = $3)"
    if input.cursor is not None:
        args += position(input.cursor, datetime, UUID)
        tests += " AND (i.created_at, i.id) < ($4, $5)"
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM imports i WHERE {tests} ORDER BY i.created_at DESC, i.id DESC LIMIT {input.limit + 1}",
        *args,
    )
    items = [from_row(row) for row in rows[: input.limit]]
    more = cursor(items[-1].created_at, items[-1].id) if len(rows) > input.limit else None
    return Page(items=items, next_cursor=more)


@operation("crm.imports.preview", kind="query", role=Role.MEMBER, summary="Look at what an import would do")
async def preview(tx: Tx, actor: Actor, input: GetImport) -> ImportReport:
    """What loading the file would do, counted, with examples and refused rows; nothing is written. Spec A11.

    Raises NotFound, Conflict while the file is being read or where it cannot be.
    """
    found = await visible(tx, actor, input.import_id)
    if found.found is None:
        raise Conflict(f"{_STANDS[found.state]}{f' {found.error}' if found.error else ''}")
    return found.found.preview


@operation("crm.imports.refused", kind="query", role=Role.MEMBER, summary="Read the rows that an import refused")
async def refused(tx: Tx, actor: Actor, input: RefusedRows) -> Refused:
    """The refused rows of an import, by line: for who brought it and for admins only. Raises NotFound, Invalid."""
    _check_limit(input.limit, 1_000)
    found = await visible(tx, actor, input.import_id)
    rows = await tx.fetch(
        f"""SELECT line, reason, cells FROM import_refusals
             WHERE org_id = $1 AND import_id = $2 AND line > $3 ORDER BY line LIMIT {input.limit + 1}""",
        tx.org_id, found.id, input.after_line,
    )  # fmt: skip
    items = [RefusedRow(**dict(row)) for row in rows[: input.limit]]
    headers = found.found.headers if found.found else []
    return Refused(headers=headers, rows=items, next_line=items[-1].line if len(rows) > input.limit else None)


@operation("crm.imports.remains", kind="query", role=Role.MEMBER, summary="Read what the undo of an import left")
async def remains(tx: Tx, actor: Actor, input: Remains) -> Page[Remaining]:
    """What the undo of an import kept or could not take back, and why. Raises NotFound, Invalid."""
    _check_limit(input.limit, _MAX_LIMIT)
    found = await visible(tx, actor, input.import_id)
    after = position(input.cursor, UUID)[0] if input.cursor else UUID(int=0)
    rows = await tx.fetch(
        f"""SELECT id, lead_id, subject_type, coalesce(subject_id, lead_id) AS subject_id, what, outcome, why FROM import_remains
             WHERE org_id = $1 AND import_id = $2 AND id > $3 ORDER BY id LIMIT {input.limit + 1}""",
        tx.org_id, found.id, after,
    )  # fmt: skip
    items = [Remaining(**dict(row)) for row in rows[: input.limit]]
    return Page(items=items, next_cursor=cursor(items[-1].id) if len(rows) > input.limit else None)


def _check_limit(limit: int, most: int) -> None:
    if not 1 <= limit <= most:
        raise Invalid(f"A page has 1 to {most:,} entries.", field="limit")
