"""The jobs of imports: a file is read, its rows go in, or the whole is taken back. Spec A11."""

from datetime import datetime
from uuid import UUID

from baton.agents.undo_import import CHUNK, PHASES, Left, Touched, UndoNext
from baton.imports.steps import Due, DueImport, EndImport, ImportsOf
from baton.imports.work import acting, advance
from baton.imports.write import Overtaken
from baton.jobs.relay import Job
from baton.kernel.actor import Actor, Role, system
from baton.kernel.db import Database
from baton.kernel.errors import BatonError, Unavailable
from baton.kernel.perform import perform


async def work_imports(db: Database, job: Job, now: datetime | None) -> None:
    """Do what is due on the imports that a job's activities are about. Done again, it goes on where it was cut off."""
    asking = system(job.org_id, "Baton", role=Role.MEMBER, via="csv")
    ids: list[UUID] = await perform(db, asking, "crm.imports.ofActivities", ImportsOf(activity_ids=job.activity_ids))
    for import_id in ids:
        await advance(db, job.org_id, import_id)
        await take_back(db, job.org_id, import_id, now=now)


async def take_back(db: Database, org_id: UUID, import_id: UUID, *, now: datetime | None = None) -> None:
    """Take an import back that is being undone; where none is, nothing happens. Raises Unavailable."""
    asking = system(org_id, "Baton", role=Role.MEMBER, via="csv")
    due: Due = await perform(db, asking, "crm.imports.due", DueImport(import_id=import_id))
    if due.found.state != "undoing":
        return
    actor = acting(due, org_id) if not due.has_left else asking
    try:
        await _take_back(db, actor, due, now)
    except Overtaken:
        return
    except Unavailable:
        raise
    except BatonError as error:
        await perform(db, asking, "crm.imports.end", EndImport(import_id=import_id, error=error.message), now=now)
    else:
        await perform(db, actor, "crm.imports.end", EndImport(import_id=import_id), now=now)


async def _take_back(db: Database, actor: Actor, due: Due, now: datetime | None) -> None:
    while True:
        left: Left = await perform(db, actor, "crm.imports.touched", Touched(import_id=due.found.id))
        if left.phase == PHASES[-1]:
            return
        after = left.after
        for start in range(0, len(left.ids) + CHUNK, CHUNK):
            ids = left.ids[start : start + CHUNK]
            step = UndoNext(import_id=due.found.id, phase=left.phase, ids=ids, after=after)
            await perform(db, actor, "crm.imports.undoNext", step, operation_id=due.undo_id, now=now)
            if not ids:
                break
            after = ids[-1]
