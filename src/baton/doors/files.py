"""Files through the native REST door: brought for an import, and taken away as an export or as refused rows. Spec A11."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from baton.doors.answers import answering, json
from baton.doors.auth import actor_of, settings_of
from baton.doors.downloads import TYPES, give, give_refused
from baton.doors.rest import decoded, idempotency_key
from baton.doors.web.shell.visit import database
from baton.imports.kept import GetImport
from baton.imports.options import Options
from baton.imports.start import StartImport
from baton.imports.uploads import Uploads, told_name
from baton.kernel.decode import decode_as
from baton.kernel.errors import Invalid, NotFound, UnsupportedMedia
from baton.kernel.operation import check_role, find
from baton.kernel.perform import perform
from baton.messages.files import MAX_FILE

IMPORTS = "/api/v1/imports"
FORM_BYTES = 1 << 20
"""How much a form may add to its file."""
ATTACH = "/api/v1/crm.emails.attach"
ATTACH_BYTES = -(-MAX_FILE // 3) * 4 + FORM_BYTES
"""A file to send with a message is brought as JSON: base64 makes four bytes of three."""
_PART = 1 << 16


def routes() -> list[Route]:
    """The addresses of files."""
    return [
        Route(IMPORTS, answering(imports), methods=["GET", "POST"]),
        Route(IMPORTS + "/{id:uuid}", answering(read), methods=["GET"]),
        Route(IMPORTS + "/{id:uuid}/refused.csv", answering(refused), methods=["GET"]),
        Route("/api/v1/exports/leads.{format}", answering(export), methods=["GET"]),
    ]


async def imports(request: Request) -> Response:
    """/api/v1/imports: bring a file, or list what was brought."""
    return await (bring if request.method == "POST" else list_)(request)


async def bring(request: Request) -> Response:
    """POST /api/v1/imports: a form with `file`, and the fields of `Options`; `mapping` as JSON. The file is read next."""
    actor = await actor_of(request)
    start = find("crm.imports.start")
    check_role(start, actor)
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise UnsupportedMedia("Send the file as multipart/form-data, in the field “file”.")
    key = idempotency_key(request)
    uploads = Uploads(settings_of(request).data_dir, actor.org_id)
    try:
        async with request.form(max_files=1, max_fields=30) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise Invalid("The form has no file in the field “file”.", field="file")
            options = decode_as_options(form)
            most = settings_of(request).import_limit
            known = f"{actor.key}\0{key}\0" if key else None
            name, size = await uploads.receive(_parts(file), most=most, key=known)
            told = told_name(file.filename)
    except HTTPException as error:
        raise Invalid(f"The form cannot be read: {error.detail}") from None
    try:
        body = StartImport(file=told, upload=name, size=size, options=options)
        found = await perform(database(request), actor, start.name, body, idempotency_key=key)
    except BaseException:
        if key is None:
            uploads.remove(name)
        raise
    return json(found, 201, {"location": f"{IMPORTS}/{found.id}"})


def decode_as_options(form: FormData) -> Options:
    """The options in a form's fields. Raises Invalid for an unknown one."""
    given: dict[str, Any] = {}
    known = set(Options.__struct_encode_fields__)
    for name, value in form.multi_items():
        if name == "file":
            continue
        if name not in known or not isinstance(value, str) or name in given:
            raise Invalid(
                f"An import knows no field “{name[:80]}”; it knows: {', '.join(sorted(known))}.", field=name[:80]
            )
        if value:
            given[name] = decoded(value.encode("utf-8", "surrogatepass")) if name == "mapping" else value
    return decode_as(Options, given)


async def _parts(file: UploadFile) -> AsyncIterator[bytes]:
    while part := await file.read(_PART):
        yield part


async def list_(request: Request) -> Response:
    """GET /api/v1/imports: imports, newest first."""
    actor = await actor_of(request)
    return json(await perform(database(request), actor, "crm.imports.list", dict(request.query_params), lenient=True))


async def read(request: Request) -> Response:
    """GET /api/v1/imports/{id}: one import."""
    actor = await actor_of(request)
    return json(await perform(database(request), actor, "crm.imports.get", GetImport(import_id=_id(request))))


async def refused(request: Request) -> Response:
    """GET /api/v1/imports/{id}/refused.csv: the rows that are not in, for who brought them and for admins."""
    actor = await actor_of(request)
    return await give_refused(request, actor, _id(request))


async def export(request: Request) -> Response:
    """GET /api/v1/exports/leads.csv, .xlsx or .jsonl: `where` as JSON, `search`, `sort`, `descending`, `pipelineId`, `columns`."""
    actor = await actor_of(request)
    format = request.path_params["format"]
    if format not in TYPES:
        raise NotFound("Leads are exported as leads.csv, leads.xlsx or leads.jsonl.")
    check_role(find("crm.exports.leads"), actor)
    given: dict[str, Any] = dict(request.query_params) | {"format": format}
    if "where" in given:
        given["where"] = decoded(given["where"].encode("utf-8", "surrogatepass"))
    if "columns" in given:
        given["columns"] = [name for name in given["columns"].split(",") if name]
    return await give(request, actor, given)


def _id(request: Request) -> UUID:
    id: UUID = request.path_params["id"]
    return id
