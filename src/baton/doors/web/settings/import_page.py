"""An import on its page: its columns are looked over, the outcome is seen before anything is written, and it is taken back. Spec A11."""

from typing import Any

from starlette.responses import Response

from baton.doors.downloads import give_refused
from baton.doors.web.settings.imports import DUPLICATES, HERE, STATES
from baton.doors.web.shell.language import Told, marked, told
from baton.doors.web.shell.render import go, page
from baton.doors.web.shell.visit import Visit, as_uuid
from baton.imports.headers import TARGETS
from baton.imports.kept import GetImport, Import, Remaining, Remains
from baton.imports.options import IGNORE, KEEP
from baton.imports.start import RunImport, UndoImport
from baton.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from baton.kernel.page import Page

_TARGETS = Told(
    {
        "externalId": marked("External id"),
        "name": marked("Name"),
        "firstName": marked("First name"),
        "lastName": marked("Last name"),
        "email": marked("Email"),
        "phone": marked("Phone"),
        "website": marked("Website"),
        "title": marked("Title"),
        "companyName": marked("Company"),
        "companySize": marked("Team size"),
        "industry": marked("Industry"),
        "location": marked("Location"),
        "city": marked("City"),
        "state": marked("State"),
        "country": marked("Country"),
        "source": marked("Source"),
        "status": marked("Status"),
        "stage": marked("Stage"),
        "converted": marked("Converted"),
        "owner": marked("Owner"),
        "value": marked("Value"),
        "currency": marked("Currency"),
        "tags": marked("Tags"),
        "message": marked("Message or note"),
        "createdAt": marked("Created at"),
        "lastActivityAt": marked("Last activity at"),
        "expectedCloseDate": marked("Expected close"),
    }
)


BECOMES = [
    (KEEP, marked("a field of its own")),
    (IGNORE, marked("nothing: leave it out")),
    *((target, _TARGETS.get(target, target)) for target in TARGETS),
]


_ANSWERS = {
    "dateOrder": {
        "ymd": marked("year, month, day"),
        "dmy": marked("day, month, year"),
        "mdy": marked("month, day, year"),
    },
    "decimalMark": {"point": "1,234.50", "comma": "1.234,50"},
}


REFUSED = 12


async def show(visit: Visit) -> Response:
    """GET /imports/{import}: what it waits for, how far it is, or what became of it."""
    return await _page(visit, await _import(visit))


async def _page(visit: Visit, found: Import, *, wrong: str = "", status: int = 200) -> Response:
    preview = found.found.preview if found.found else None
    rows = preview.rows if preview else 0
    remains: list[Remaining] = []
    if found.state == "undone" and found.kept + found.impossible:
        left: Page[Remaining] = await visit.perform("crm.imports.remains", Remains(import_id=found.id))
        remains = left.items
    return await page(
        visit, "import.html", here=HERE, status=status, wrong=wrong, one=found, state=STATES[found.state], preview=preview,
        columns=_columns(found), becomes=BECOMES, share=100 * found.position // rows if rows else 0, rows=rows,
        refused=preview.refused[:REFUSED] if preview else [], remains=remains, answers=_ANSWERS, duplicates=DUPLICATES,
        pipelines=[(str(p.id), p.name) for p in await visit.pipelines()], pipeline=await _pipeline(visit, found),
        busy=found.state in ("reading", "running", "undoing"),
    )  # fmt: skip


async def _pipeline(visit: Visit, found: Import) -> str:
    """The id of the pipeline that it goes into."""
    asked = found.options.pipeline
    name = found.found.preview.pipeline if found.found else None
    for pipeline in await visit.pipelines():
        if str(pipeline.id) == asked or (asked is None and pipeline.name == name):
            return str(pipeline.id)
    return asked or ""


def _columns(found: Import) -> list[dict[str, Any]]:
    """Each column: its header, how it begins, and what it becomes."""
    if found.found is None:
        return []
    uses = {use.header: use.becomes for use in found.found.preview.columns}
    return [
        {"header": header, "becomes": uses.get(header, KEEP), "chosen": header in found.options.mapping,
         "sample": [text for row in found.found.sample if place < len(row) and (text := row[place].strip())][:3]}
        for place, header in enumerate(found.found.headers)
    ]  # fmt: skip


async def remap(visit: Visit) -> Response:
    """POST /imports/{import}/map: what its columns become instead; the file is read anew."""
    found = await _import(visit)
    headers = found.found.headers if found.found else []
    uses = {use.header: use.becomes for use in found.found.preview.columns} if found.found else {}
    mapping = dict(found.options.mapping)
    for place, header in enumerate(headers):
        chosen = visit.fields.get(f"column-{place}")
        if chosen and chosen != uses.get(header, KEEP):
            mapping[header] = chosen
    chosen_too = ("pipeline", "onDuplicate", "dateOrder", "decimalMark")
    wish: dict[str, Any] = {"importId": str(found.id)} | {
        key: visit.fields[key] for key in chosen_too if visit.fields.get(key)
    }
    if headers:
        wish["mapping"] = mapping
    try:
        await visit.perform("crm.imports.map", wish)
    except (Invalid, Conflict) as error:
        return await _page(visit, await _import(visit), wrong=told(error.message), status=422)
    return go(visit, f"{HERE}/{found.id}")


async def run(visit: Visit) -> Response:
    """POST /imports/{import}/run: the rows go in."""
    found = await _import(visit)
    try:
        asked = RunImport(import_id=found.id, leave_questions="leave" in visit.fields)
        await visit.perform("crm.imports.run", asked)
    except Conflict as error:
        return await _page(visit, await _import(visit), wrong=told(error.message), status=422)
    return go(visit, f"{HERE}/{found.id}")


async def undo(visit: Visit) -> Response:
    """POST /imports/{import}/undo: taken back as a whole."""
    found = await _import(visit)
    await visit.perform("crm.imports.undo", UndoImport(import_id=found.id))
    return go(visit, f"{HERE}/{found.id}")


async def refused(visit: Visit) -> Response:
    """GET /imports/{import}/refused.csv: the rows that are not in, to mend and bring again."""
    return await give_refused(visit.request, visit.actor, (await _import(visit)).id)


async def _import(visit: Visit) -> Import:
    if not visit.may_write:
        raise Forbidden("Viewers do not import leads.")
    id = as_uuid(visit.path["import"])
    if id is None:
        raise NotFound("There is no such import in your organization.")
    found: Import = await visit.perform("crm.imports.get", GetImport(import_id=id))
    return found
