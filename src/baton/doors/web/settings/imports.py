"""The import wizard: a file is brought, its columns are looked over, the outcome is seen before anything is written. Spec A11."""

from collections.abc import AsyncIterator
from typing import Any

from msgspec import UNSET
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import Response

from baton.doors.downloads import give_refused
from baton.doors.web.shell.language import Choices, Told, marked, told
from baton.doors.web.shell.render import go, page, redirect
from baton.doors.web.shell.show import ago, who
from baton.doors.web.shell.visit import Visit, as_uuid, must_be_proven
from baton.imports.headers import TARGETS
from baton.imports.kept import GetImport, Import, ListImports, Remaining, Remains
from baton.imports.options import IGNORE, KEEP, Options
from baton.imports.start import MapImport, RunImport, StartImport, UndoImport
from baton.imports.uploads import Uploads, told_name
from baton.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from baton.kernel.operation import check_role, find
from baton.kernel.page import Page
from baton.kernel.settings import Settings

HERE, NEW = "/imports", "/imports/new"
DUPLICATES = Choices(
    [
        ("skip", marked("leave them as they are")),
        ("fill", marked("fill in what they do not know yet")),
        ("update", marked("set what the file says")),
    ]
)
STATES = Told(
    {
        "reading": marked("Being read"),
        "ready": marked("Waits for you"),
        "running": marked("Running"),
        "done": marked("Done"),
        "failed": marked("Failed"),
        "undoing": marked("Being undone"),
        "undone": marked("Undone"),
    }
)
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


async def show_all(visit: Visit) -> Response:
    """GET /imports: what was brought, newest first."""
    cursor = visit.query.get("cursor")
    found: Page[Import] = await visit.perform("crm.imports.list", ListImports(limit=30, cursor=cursor))
    members = {member.id: member for member in await visit.members()}
    rows = [
        {
            "id": each.id,
            "file": each.file,
            "state": STATES[each.state],
            "tone": _tone(each),
            "created": each.created,
            "updated": each.updated,
            "duplicates": each.duplicates,
            "refused": each.refused,
            "when": ago(each.created_at, visit.now, visit.zone),
            "who": who(members[each.started_by]) if each.started_by in members else None,
        }
        for each in found.items
    ]
    more = f"{HERE}?cursor={found.next_cursor}" if found.next_cursor else None
    return await page(visit, "imports.html", here=HERE, rows=rows, next_url=more, page_url=HERE)


def _tone(found: Import) -> str:
    return {"done": "won", "failed": "lost", "ready": "waits"}.get(found.state, "")


async def new(visit: Visit) -> Response:
    """GET and POST /imports/new: the file, and into which pipeline."""
    check_role(find("crm.imports.start"), visit.actor)
    error: Invalid | None = None
    if visit.request.method == "POST":
        try:
            made = await _bring(visit)
            return redirect(f"{HERE}/{made.id}")
        except Invalid as refusal:
            error = refusal
    pipelines = await visit.pipelines()
    intake = next((str(p.id) for p in pipelines if p.is_intake), "")
    return await page(
        visit, "import_new.html", here=HERE, status=422 if error else 200, wrong=told(error.message) if error else "",
        pipelines=[(str(p.id), p.name) for p in pipelines], pipeline=visit.query.get("pipeline") or intake, duplicates=DUPLICATES,
    )  # fmt: skip


async def _bring(visit: Visit) -> Import:
    """Keep the file of a form. Raises Invalid where there is none or it is empty, TooLarge, Forbidden for a form of another page."""
    request = visit.request
    settings: Settings = request.app.state.settings
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise Invalid("Choose a file.")
    uploads = Uploads(settings.data_dir, visit.actor.org_id)
    try:
        async with request.form(max_files=1, max_fields=10) as form:
            fields = {key: value for key, value in form.multi_items() if isinstance(value, str)}
            must_be_proven(request, visit.token, fields)
            file = form.get("file")
            if not isinstance(file, UploadFile) or not file.filename:
                raise Invalid("Choose a file.")
            name, size = await uploads.receive(_parts(file), most=settings.import_limit)
            told = told_name(file.filename)
    except HTTPException as error:
        raise Invalid(f"The form cannot be read: {error.detail}") from None
    duplicate = fields.get("onDuplicate", "skip")
    options = Options(pipeline=fields.get("pipeline") or None, on_duplicate=duplicate)  # type: ignore[arg-type]
    try:
        made: Import = await visit.perform(
            "crm.imports.start", StartImport(file=told, upload=name, size=size, options=options)
        )
    except BaseException:
        uploads.remove(name)
        raise
    return made


async def _parts(file: UploadFile) -> AsyncIterator[bytes]:
    while part := await file.read(1 << 16):
        yield part


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
    fields = visit.fields
    try:
        await visit.perform("crm.imports.map", MapImport(
            import_id=found.id, mapping=mapping if headers else UNSET, pipeline=fields.get("pipeline") or UNSET,
            on_duplicate=fields.get("onDuplicate") or UNSET,  # type: ignore[arg-type]
            date_order=fields.get("dateOrder") or UNSET, decimal_mark=fields.get("decimalMark") or UNSET,  # type: ignore[arg-type]
        ))  # fmt: skip
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
