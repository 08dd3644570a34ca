"""The work on a kept import: its file is read and previewed, then its rows go in; each goes on where it was cut off. Spec A11."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import msgspec

from baton.imports.column import text_of
from baton.imports.entries import Entry
from baton.imports.kept import Found, Import
from baton.imports.load import Prepared, load_prepared, prepare
from baton.imports.rows import LoadedRow
from baton.imports.steps import Due, DueImport, EndImport, LoadNext, RefusedLine, TellFound
from baton.imports.table import Cell
from baton.imports.uploads import Uploads
from baton.imports.write import Look, Overtaken, Write
from baton.kernel.actor import Actor, Role, system
from baton.kernel.db import Database
from baton.kernel.errors import BatonError, NotFound, Unavailable
from baton.kernel.perform import perform

_SAMPLE_ROWS = 5
_SAMPLE_CHARS = 200
_LISTED = 100
"""So many refused and repeated rows stand in a preview."""


async def advance(db: Database, org_id: UUID, import_id: UUID) -> None:
    """Do what is due on an import: read its file, or let its rows in. Where nothing is due nothing happens.

    What the file or the rules refuse becomes the import's `error`. Raises Unavailable, after which it can be called again.
    """
    asking = system(org_id, "Baton", role=Role.MEMBER, via="csv")
    due: Due = await perform(db, asking, "crm.imports.due", DueImport(import_id=import_id))
    if due.found.state not in ("reading", "running"):
        return
    actor = acting(due, org_id)
    try:
        if due.has_left:
            raise NotFound("Who asked for this has left the organization. Ask for it anew.")
        path = Uploads(db.installation.data_dir, org_id).path(due.upload or "")
        await (_read if due.found.state == "reading" else _run)(db, actor, due.found, path)
    except (Unavailable, Overtaken) as error:
        if isinstance(error, Unavailable):
            raise
    except BatonError as error:
        await _fail(db, asking, due.found, error.message)


def acting(due: Due, org_id: UUID) -> Actor:
    """Who acts in an import: the member who asked for the step, with the role that they have by now."""
    if due.acting is None:
        return system(org_id, "Import", role=Role.ADMIN, via="csv")
    return Actor(
        type="agent" if due.acting.kind == "agent" else "user",
        org_id=org_id,
        role=due.acting.role,
        name=due.acting.name,
        id=due.acting.id,
        via="csv",
    )


async def _read(db: Database, actor: Actor, found: Import, path: Path) -> None:
    ready = await prepare(db, actor, path, found.options, dry_run=True)
    await load_prepared(ready, Look(db, actor, ready.report, ready.pipeline, found.options.on_duplicate))
    report = msgspec.structs.replace(
        ready.report, file=found.file, refused=ready.report.refused[:_LISTED], repeated=ready.report.repeated[:_LISTED]
    )
    told = Found(preview=report, headers=list(ready.table.headers), sample=_sample(ready))
    await perform(db, actor, "crm.imports.tell", TellFound(import_id=found.id, version=found.version, found=told))


async def _run(db: Database, actor: Actor, found: Import, path: Path) -> None:
    ready = await prepare(db, actor, path, found.options)
    ready.report.operation_id = found.operation_id
    writer = Keep(db, actor, ready.report, ready.pipeline, found.options.on_duplicate, found.id, _Place(found.position))
    await load_prepared(ready, writer, after=found.position)
    await perform(db, actor, "crm.imports.end", EndImport(import_id=found.id))
    Uploads(db.installation.data_dir, actor.org_id).remove(path.name)


async def _fail(db: Database, actor: Actor, found: Import, message: str) -> None:
    if found.state == "reading":
        told = TellFound(import_id=found.id, version=found.version, error=message)
        await perform(db, actor, "crm.imports.tell", told)
    else:
        await perform(db, actor, "crm.imports.end", EndImport(import_id=found.id, error=message))


def _sample(ready: Prepared) -> list[list[str]]:
    rows = itertools.islice(ready.table.rows(), _SAMPLE_ROWS)
    return [[text[:_SAMPLE_CHARS] for text in cells_of(row.cells, len(ready.table.headers))] for row in rows]


def cells_of(cells: Sequence[Cell], width: int) -> list[str]:
    """Cells as text, at most `width` of them."""
    return [text_of(cell) for cell in cells[:width]]


@dataclass(slots=True)
class _Place:
    """How many rows of the file are done."""

    rows: int


@dataclass(frozen=True, slots=True)
class Keep(Write):
    """Loads chunks of a kept import, moving its position in the same transaction."""

    import_id: UUID
    place: _Place

    async def load(self, entries: Sequence[Entry]) -> list[LoadedRow]:
        """Load the leads of the rows, keep the refused ones, and move the import behind them."""
        width = len(self.report.columns)
        step = LoadNext(
            import_id=self.import_id,
            pipeline_id=str(self.pipeline.id),
            position=self.place.rows,
            reached=entries[-1].number,
            leads=[entry.lead for entry in entries if entry.lead is not None],
            refused=[
                RefusedLine(line=entry.line, reason=entry.reason or "", cells=cells_of(entry.cells, width))
                for entry in entries
                if entry.refused
            ],
            repeats=sum(entry.lead is None and not entry.refused for entry in entries),
        )
        answers: list[LoadedRow] = await perform(
            self.db, self.actor, "crm.imports.loadNext", step, operation_id=self.report.operation_id
        )
        self.place.rows = step.reached
        return answers
