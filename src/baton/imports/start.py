"""What a person asks of an import: to take a file, to read it in another way, to run, and to be undone. Spec A11."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.imports.dates import Order
from baton.imports.kept import Import, State, find, must_be, visible
from baton.imports.numbers import Mark
from baton.imports.options import OnDuplicate, Options, check_choices
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Conflict, TooMany, must_be_current
from baton.kernel.operation import Input, operation
from baton.kernel.shapes import CurrencyCode, Line, Reason, Version
from baton.kernel.values import Ref, new_id
from baton.leads.facts import Source

_WAITING = 100
"""So many files of one organization may wait to be run."""


class StartImport(Input, kw_only=True):
    """A file that was brought: its name as people call it, the random name it lies under, its size in bytes, and how to read it."""

    file: str
    upload: str
    size: int
    options: Options = Options()


class MapImport(Input, kw_only=True):
    """How to read the file instead; what is absent stays. `mapping` is header → field, "keep" or "ignore", and replaces the former."""

    import_id: UUID
    version: Version | None = None
    mapping: Annotated[dict[str, Line], Meta(max_length=1_000)] | UnsetType = UNSET
    pipeline: Ref | UnsetType | None = UNSET
    on_duplicate: OnDuplicate | UnsetType = UNSET
    date_order: Order | UnsetType | None = UNSET
    decimal_mark: Mark | UnsetType | None = UNSET
    currency: CurrencyCode | UnsetType | None = UNSET
    source: Source | UnsetType | None = UNSET
    region: Annotated[str, Meta(max_length=10)] | UnsetType | None = UNSET
    encoding: Annotated[str, Meta(max_length=100)] | UnsetType | None = UNSET
    delimiter: Annotated[str, Meta(max_length=100)] | UnsetType | None = UNSET
    sheet: Annotated[str, Meta(max_length=100)] | UnsetType | None = UNSET


class RunImport(Input, kw_only=True):
    """The import to run. Columns that can be read in several ways must be answered first, or left as text knowingly."""

    import_id: UUID
    version: Version | None = None
    leave_questions: bool = False


class UndoImport(Input, kw_only=True):
    """The import to undo as a whole."""

    import_id: UUID
    reason: Reason | None = None


@operation("crm.imports.start", role=Role.MEMBER, summary="Bring a file to import", internal=True)
async def start(tx: Tx, actor: Actor, input: StartImport) -> Import:
    """Keep a file that was brought; it is then read, and nothing is imported yet. Raises TooMany where many wait already."""
    check_choices(input.options)
    waiting = await tx.fetchval(
        """SELECT count(*) FROM imports
            WHERE org_id = $1 AND state IN ('reading', 'ready') AND created_at > $2::timestamptz - interval '7 days'""",
        tx.org_id, tx.now,
    )  # fmt: skip
    if waiting >= _WAITING:
        raise TooMany(f"{waiting} files wait to be imported. Run some of them first.", retry_after=60)
    id = new_id()
    await tx.execute(
        """INSERT INTO imports (org_id, id, started_by, acting_id, file, upload, size, state, options, operation_id, undo_id, created_at)
           VALUES ($1, $2, $3, $3, $4, $5, $6, 'reading', $7, $8, $9, $10)""",
        tx.org_id, id, actor.id, input.file, input.upload, input.size, msgspec.to_builtins(input.options), new_id(), new_id(), tx.now,
    )  # fmt: skip
    return await _told(tx, actor, id, kinds.IMPORT_STARTED, size=input.size)


@operation("crm.imports.map", role=Role.MEMBER, summary="Change how an import is read")
async def map_(tx: Tx, actor: Actor, input: MapImport) -> Import:
    """Read the file in another way, and preview it anew. Raises NotFound, Invalid, Conflict once rows are in."""
    found = await visible(tx, actor, input.import_id, locked=True)
    _check_version(found, input.version)
    must_be(found, "ready", "failed")
    if found.position:
        raise Conflict("Some of its rows are in already. Run it to its end, or undo it.")
    given = {name: value for name in Options.__struct_fields__ if (value := getattr(input, name, UNSET)) is not UNSET}
    options = msgspec.structs.replace(found.options, **given)
    check_choices(options)
    await _set(tx, actor, found.id, "reading", "options = $5, found = NULL, error = NULL", msgspec.to_builtins(options))
    return await _told(tx, actor, found.id, kinds.IMPORT_MAPPED, **{name: str(value) for name, value in given.items()})


@operation("crm.imports.run", role=Role.MEMBER, summary="Run an import")
async def run(tx: Tx, actor: Actor, input: RunImport) -> Import:
    """Let the rows in, in the background; `position` tells how far it is. One that failed on its way goes on where it stopped.

    Raises NotFound, Conflict where it is not ready or questions are open.
    """
    found = await visible(tx, actor, input.import_id, locked=True)
    _check_version(found, input.version)
    must_be(found, "ready", "failed")
    if found.reversed + found.kept + found.impossible:
        raise Conflict("Its undo has begun. Undo it to the end, and bring the file again.")
    if found.found is None:
        raise Conflict(f"The file could not be read: {found.error or 'no rows'}")
    questions = found.found.preview.questions
    if questions and not input.leave_questions:
        columns = ", ".join(f"“{question.column}”" for question in questions)
        raise Conflict(
            f"{columns} can be read in several ways: answer by crm.imports.map, or set leaveQuestions to keep the text as it is."
        )
    await _set(tx, actor, found.id, "running", "error = NULL")
    return await _told(tx, actor, found.id, kinds.IMPORT_RUN, rows=found.found.preview.rows)


@operation("crm.imports.undo", role=Role.MEMBER, summary="Undo an import")
async def undo(tx: Tx, actor: Actor, input: UndoImport) -> Import:
    """Take an import back as a whole, updates included, in the background. What others changed since is kept, and told.

    Raises NotFound, Conflict where nothing of it is in.
    """
    found = await visible(tx, actor, input.import_id, locked=True)
    must_be(found, "done", "failed")
    if not found.created + found.updated:
        raise Conflict("Nothing of this import is in: there is nothing to undo.")
    await _set(tx, actor, found.id, "undoing", "error = NULL")
    return await _told(tx, actor, found.id, kinds.IMPORT_UNDO_BEGUN, reason=input.reason)


def _check_version(found: Import, version: int | None) -> None:
    must_be_current("The import", found.version, version)


async def _set(tx: Tx, actor: Actor, id: UUID, state: State, more: str, *args: Any) -> None:
    """Bring a locked import to a state. Whoever asks for the step is the one who acts in it."""
    await tx.execute(
        f"UPDATE imports SET state = $3, acting_id = $4, version = version + 1, {more} WHERE org_id = $1 AND id = $2",
        tx.org_id, id, state, actor.id, *args,
    )  # fmt: skip


async def _told(tx: Tx, actor: Actor, id: UUID, kind: str, *, reason: str | None = None, **payload: Any) -> Import:
    found = await find(tx, id)
    told = {"name": found.file} | payload
    await append(tx, actor, Entry(kind=kind, subject_type="import", subject_id=id, payload=told, reason=reason))
    return found
