"""Cases of imports and exports."""

import secrets
from typing import Any

import msgspec

from baton.activities import kinds
from baton.imports.kept import Found, Import
from baton.imports.options import ImportReport
from baton.kernel.perform import perform
from tests.operations.cases import Case, Input, _nothing, _pipeline, case, cases
from tests.team import Team

cases["crm.imports.list"] = Case(_nothing, foreign=False)


@case("crm.imports.load", kinds.LEAD_IMPORTED, kinds.LEAD_SCORED)
async def _load(team: Team) -> Input:
    return await _pipeline(team) | {"leads": [{"lastName": "Rey", "externalId": secrets.token_hex(6)}]}


@case("crm.imports.check")
async def _check(team: Team) -> Input:
    return await _pipeline(team) | {"leads": [{"lastName": "Rey", "email": "a@b.example"}], "onDuplicate": "update"}


@case("crm.imports.start", kinds.IMPORT_STARTED, foreign=False)
async def _start(team: Team) -> Input:
    return {"file": "leads.csv", "upload": secrets.token_hex(16), "size": 12, "options": {"onDuplicate": "fill"}}


async def _reading(team: Team) -> Input:
    found: Import = await team.do(team.ben, "crm.imports.start", await _start(team))
    return {"importId": str(found.id)}


async def _found(team: Team) -> Input:
    report = ImportReport(file="leads.csv", format="csv", pipeline="Inbound", dry_run=True, rows=1, created=1)
    found = Found(preview=report, headers=["Name"], sample=[["Jane"]])
    return await _reading(team) | {"version": 1, "found": found}


async def _ready(team: Team) -> Input:
    return {"importId": str((await team.do(team.ben, "crm.imports.tell", await _told(team))).id)}


async def _told(team: Team) -> Input:
    body: Input = msgspec.to_builtins(await _found(team))
    return body


async def _running(team: Team) -> Input:
    ready = await _ready(team)
    await team.do(team.ben, "crm.imports.run", ready)
    return ready


async def _next(team: Team) -> Input:
    running = await _running(team) | await _pipeline(team)
    lead = {"lastName": "Rey", "externalId": secrets.token_hex(6)}
    return running | {"position": 0, "reached": 1, "leads": [lead], "refused": [], "repeats": 0}


async def _loaded(team: Team) -> Input:
    step = await _next(team)
    found: Import = await team.do(team.ben, "crm.imports.get", importId=step["importId"])
    await perform(team.db, team.ben, "crm.imports.loadNext", step, operation_id=found.operation_id)
    return {"importId": step["importId"]}


async def _done(team: Team) -> Input:
    loaded = await _loaded(team)
    await team.do(team.ben, "crm.imports.end", loaded)
    return loaded


async def _undoing(team: Team) -> Input:
    done = await _done(team)
    await team.do(team.ben, "crm.imports.undo", done)
    return done


cases["crm.imports.get"] = Case(_reading)
cases["crm.imports.due"] = Case(_reading)
cases["crm.imports.map"] = Case(_ready, (kinds.IMPORT_MAPPED,))
cases["crm.imports.preview"] = Case(_ready)
cases["crm.imports.refused"] = Case(_ready)
cases["crm.imports.remains"] = Case(_ready)
cases["crm.imports.tell"] = Case(_told, (kinds.IMPORT_READ,))
cases["crm.imports.run"] = Case(_ready, (kinds.IMPORT_RUN,))
cases["crm.imports.loadNext"] = Case(_next, (kinds.LEAD_IMPORTED, kinds.LEAD_SCORED))
cases["crm.imports.end"] = Case(_loaded, (kinds.IMPORT_FINISHED,))
cases["crm.imports.undo"] = Case(_done, (kinds.IMPORT_UNDO_BEGUN,))
cases["crm.imports.touched"] = Case(_undoing)


@case("crm.imports.ofActivities", foreign=False)
async def _of_activities(team: Team) -> Input:
    page = await team.do(team.ana, "crm.activities.list", limit=5)
    return {"activityIds": [str(activity.id) for activity in page.items]}


@case("crm.imports.undoNext", kinds.LEAD_DELETED)
async def _undo_next(team: Team) -> Input:
    undoing = await _undoing(team)
    left: Any = await team.do(team.ben, "crm.imports.touched", undoing)
    return undoing | {"phase": left.phase, "ids": [str(id) for id in left.ids]}


@case("crm.exports.leads", kinds.EXPORT_STARTED)
async def _export(team: Team) -> Input:
    return await _pipeline(team) | {"format": "csv", "columns": ["name", "field.colour"]}


@case("crm.exports.end", kinds.EXPORT_FINISHED, foreign=False)
async def _end_export(team: Team) -> Input:
    export = await team.do(team.ben, "crm.exports.leads", await _export(team))
    return {"exportId": str(export.id), "leads": 3, "complete": True}
