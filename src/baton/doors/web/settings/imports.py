"""The import wizard: what was brought, and a file that is brought anew. Spec A11."""

from collections.abc import AsyncIterator

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import Response

from baton.doors.web.shell.language import Choices, Told, marked, told
from baton.doors.web.shell.render import page, redirect
from baton.doors.web.shell.show import who
from baton.doors.web.shell.times import ago
from baton.doors.web.shell.visit import Visit, must_be_proven
from baton.imports.kept import Import, ListImports
from baton.imports.uploads import Uploads, told_name
from baton.kernel.errors import Invalid
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
    options = {"pipeline": fields.get("pipeline") or None, "onDuplicate": fields.get("onDuplicate", "skip")}
    try:
        made: Import = await visit.perform(
            "crm.imports.start", {"file": told, "upload": name, "size": size, "options": options}
        )
    except BaseException:
        uploads.remove(name)
        raise
    return made


async def _parts(file: UploadFile) -> AsyncIterator[bytes]:
    while part := await file.read(1 << 16):
        yield part
