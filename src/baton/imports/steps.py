"""The steps of an import's work, each one transaction: what reading found, the next rows, its end. Spec A11."""

from typing import Any
from uuid import UUID

import msgspec

from baton.accounts.members import Member, member
from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.imports.kept import Found, Import, find
from baton.imports.rows import MOST_ROWS, LoadedRow, load_leads
from baton.imports.write import Overtaken
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx, columns
from baton.kernel.errors import NotFound, TooLarge
from baton.kernel.operation import Input, Output, operation
from baton.kernel.shapes import Reason, Version
from baton.kernel.values import Ref
from baton.leads.create import NewLead
from baton.pipelines import pipeline as pipelines


class DueImport(Input, kw_only=True):
    """The import that work is due on."""

    import_id: UUID


class Due(Output, kw_only=True):
    """An import, the name its file lies under, and who asked for what is due: none for the system, or where they have left."""

    found: Import
    upload: str | None
    acting: Member | None
    has_left: bool
    undo_id: UUID


class TellFound(Input, kw_only=True):
    """What reading a file found, or why it cannot be read; `version` is that of the import when the reading began."""

    import_id: UUID
    version: Version
    found: Found | None = None
    error: str | None = None


class RefusedLine(Input, kw_only=True):
    """A row that is left out."""

    line: int
    reason: Reason
    cells: list[str]


class LoadNext(Input, kw_only=True):
    """The next rows of an import, from its `position` on to `reached`: leads, refused rows, and how many repeat earlier ones."""

    import_id: UUID
    pipeline_id: Ref
    position: int
    reached: int
    leads: list[NewLead]
    refused: list[RefusedLine]
    repeats: int


class EndImport(Input, kw_only=True):
    """The end of the work on an import: it is done, or failed for a reason."""

    import_id: UUID
    error: str | None = None


class ImportsOf(Input, kw_only=True):
    """Activities that imports are the subjects of."""

    activity_ids: list[UUID]


@operation("crm.imports.due", kind="query", role=Role.MEMBER, summary="Read what is due on an import", internal=True)
async def due(tx: Tx, actor: Actor, input: DueImport) -> Due:
    """An import with what its work needs. Raises NotFound."""
    found = await find(tx, input.import_id)
    row = await tx.fetchrow(
        "SELECT upload, acting_id, undo_id FROM imports WHERE org_id = $1 AND id = $2",
        tx.org_id,
        input.import_id,
    )
    assert row is not None
    acting: Member | None = None
    has_left = False
    if row["acting_id"]:
        try:
            acting = await member(tx, row["acting_id"])
        except NotFound:
            has_left = True
    return Due(
        found=found, upload=row["upload"], acting=acting, has_left=has_left, undo_id=row["undo_id"]
    )  # fmt: skip


@operation(
    "crm.imports.ofActivities", kind="query", role=Role.MEMBER, summary="Find the imports of activities", internal=True
)
async def of_activities(tx: Tx, actor: Actor, input: ImportsOf) -> list[UUID]:
    """The imports that activities are about."""
    rows = await tx.fetch(
        """SELECT DISTINCT subject_id FROM activities
            WHERE org_id = $1 AND id = ANY ($2) AND subject_type = 'import' ORDER BY subject_id""",
        tx.org_id, input.activity_ids,
    )  # fmt: skip
    return [row["subject_id"] for row in rows]


@operation("crm.imports.tell", role=Role.MEMBER, summary="Tell what reading a file found", internal=True)
async def tell(tx: Tx, actor: Actor, input: TellFound) -> Import:
    """Keep what reading the file found. Raises Overtaken where the import has moved on meanwhile, NotFound."""
    await find(tx, input.import_id)
    changed = await tx.fetchval(
        """UPDATE imports SET found = $4, error = $5, state = $6, version = version + 1
            WHERE org_id = $1 AND id = $2 AND version = $3 AND state = 'reading' RETURNING true""",
        tx.org_id, input.import_id, input.version, msgspec.to_builtins(input.found) if input.found else None, input.error,
        "ready" if input.found else "failed",
    )  # fmt: skip
    if not changed:
        raise Overtaken("The import has moved on meanwhile.")
    return await _told(tx, actor, input.import_id, kinds.IMPORT_READ if input.found else kinds.IMPORT_FAILED)


@operation("crm.imports.loadNext", role=Role.MEMBER, summary="Load the next rows of an import", internal=True)
async def load_next(tx: Tx, actor: Actor, input: LoadNext) -> list[LoadedRow]:
    """Load rows and move the import's position behind them, all or nothing: a row is never loaded twice. Spec A7, A11.

    Raises Overtaken where another worker was here, and as `crm.imports.load`.
    """
    if len(input.leads) > MOST_ROWS:
        raise TooLarge(f"At most {MOST_ROWS:,} rows are loaded at once.")
    found = await find(tx, input.import_id, locked=True)
    if found.state != "running" or found.position != input.position:
        raise Overtaken("Another worker is at this import.")
    pipeline = await pipelines.get(tx, input.pipeline_id)
    answers = await load_leads(tx, actor, pipeline, input.leads, found.options.on_duplicate)
    outcomes = [answer.outcome for answer in answers]
    await tx.execute(
        """UPDATE imports SET position = $3, created = created + $4, updated = updated + $5, duplicates = duplicates + $6,
                  refused = refused + $7 WHERE org_id = $1 AND id = $2""",
        tx.org_id, found.id, input.reached, outcomes.count("created"), outcomes.count("updated"),
        outcomes.count("duplicate") + input.repeats, len(input.refused),
    )  # fmt: skip
    rows = [(each.line, each.reason, msgspec.json.encode(each.cells).decode()) for each in input.refused]
    if rows:
        await tx.execute(
            """INSERT INTO import_refusals (org_id, import_id, line, reason, cells)
               SELECT $1, $2, r.line, r.reason, r.cells::jsonb
                 FROM unnest($3::bigint[], $4::text[], $5::text[]) AS r (line, reason, cells) ON CONFLICT DO NOTHING""",
            tx.org_id, found.id, *columns(rows, 3),
        )  # fmt: skip
    return answers


@operation("crm.imports.end", role=Role.MEMBER, summary="End an import", internal=True)
async def end(tx: Tx, actor: Actor, input: EndImport) -> Import:
    """Say that an import is done or undone, or why its work failed. One that is not at work stays as it is. Raises NotFound."""
    found = await find(tx, input.import_id, locked=True)
    if found.state not in ("running", "undoing"):
        return found
    undoing = found.state == "undoing"
    state = "failed" if input.error else "undone" if undoing else "done"
    await tx.execute(
        """UPDATE imports SET state = $3, error = $4, finished_at = $5, version = version + 1,
                  upload = CASE WHEN $4::text IS NULL THEN NULL ELSE upload END WHERE org_id = $1 AND id = $2""",
        tx.org_id, found.id, state, input.error, tx.now,
    )  # fmt: skip
    kind = kinds.IMPORT_FAILED if input.error else kinds.IMPORT_UNDONE if undoing else kinds.IMPORT_FINISHED
    return await _told(tx, actor, found.id, kind)


async def _told(tx: Tx, actor: Actor, id: UUID, kind: str) -> Import:
    found = await find(tx, id)
    told: dict[str, Any] = {"name": found.file}
    if kind == kinds.IMPORT_FINISHED:
        told |= {name: getattr(found, name) for name in ("created", "updated", "duplicates", "refused")}
        told["importOperationId"] = str(found.operation_id)
    elif kind == kinds.IMPORT_UNDONE:
        told |= {name: getattr(found, name) for name in ("reversed", "kept", "impossible")}
    await append(tx, actor, Entry(kind=kind, subject_type="import", subject_id=id, payload=told, reason=found.error))
    return found
