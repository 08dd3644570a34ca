"""Hosted forms: where visitors of a website become leads. Spec A12, B4."""

import re
import secrets
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from msgspec import Meta

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx, struct_of
from baton.kernel.errors import Conflict, Invalid, NotFound
from baton.kernel.operation import Input, Nothing, Output, operation
from baton.kernel.shapes import Label, Name, Prose, Reason, WebAddress
from baton.kernel.values import Ref, clean, new_id
from baton.leads.capture import Captured
from baton.leads.create import NewLead, create_many
from baton.leads.facts import Source
from baton.leads.facts import source as checked_source
from baton.pipelines import pipeline as pipelines

FieldName = Literal[
    "firstName",
    "lastName",
    "email",
    "phone",
    "companyName",
    "title",
    "website",
    "location",
    "industry",
    "companySize",
    "message",
]
_NUMBERS = {"companySize"}
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:\d{1,5})?")


class FormField(Input, kw_only=True):
    """A field that visitors see: one of the lead's, or `field.<key>` for a custom one."""

    name: Annotated[str, Meta(min_length=1, max_length=106)]
    label: Label
    required: bool = False
    lines: Annotated[int, Meta(ge=1, le=40)] = 1


class Form(Output, kw_only=True):
    """A form at `/f/<address>`."""

    id: UUID
    name: str
    address: str
    pipeline_id: UUID | None
    fields: list[FormField]
    source: str
    success_message: str
    redirect_url: str | None
    proof_of_work: bool
    status: Literal["live", "closed"]
    version: int


class CreateForm(Input, kw_only=True):
    """A form to make. Without fields it asks for name, e-mail, company, title, company size and a message."""

    name: Name
    pipeline_id: Ref | None = None
    fields: Annotated[list[FormField], Meta(min_length=1, max_length=40)] | None = None
    source: Source = "website"
    success_message: Reason = "Thank you. We will be in touch."
    redirect_url: WebAddress | None = None
    proof_of_work: bool = False


class GetForm(Input, kw_only=True):
    """A form's public address."""

    address: Ref


class SubmitForm(Input, kw_only=True):
    """What a visitor filled in, by field name."""

    address: Ref
    values: Annotated[dict[str, Prose], Meta(max_length=200)]


DEFAULT_FIELDS = [
    FormField(name="firstName", label="First name", required=True),
    FormField(name="lastName", label="Last name", required=True),
    FormField(name="email", label="Work e-mail", required=True),
    FormField(name="companyName", label="Company"),
    FormField(name="title", label="Your role"),
    FormField(name="companySize", label="Number of employees"),
    FormField(name="message", label="How can we help?", lines=4),
]
_COLUMNS = (
    "id, name, address, pipeline_id, fields, source, success_message, redirect_url, proof_of_work, status, version"
)


@operation("crm.forms.list", kind="query", role=Role.VIEWER, summary="List the forms")
async def list_forms(tx: Tx, actor: Actor, input: Nothing) -> list[Form]:
    """The organization's forms, by name."""
    rows = await tx.fetch(f"SELECT {_COLUMNS} FROM forms WHERE org_id = $1 ORDER BY name, id", tx.org_id)
    return [struct_of(row, Form) for row in rows]


@operation("crm.forms.get", kind="query", role=None, summary="Read a form")
async def read(tx: Tx, actor: Actor, input: GetForm) -> Form:
    """A live form of an active organization, as visitors see it. Raises NotFound."""
    return await read_form(tx, input.address)


async def read_form(tx: Tx, address: str, *, closed_too: bool = False) -> Form:
    """The form at an address, of an active organization, live unless `closed_too`. Raises NotFound."""
    row = await tx.fetchrow(
        f"""SELECT {_COLUMNS} FROM forms f WHERE org_id = $1 AND address = $2 AND (status = 'live' OR $3)
               AND EXISTS (SELECT FROM organizations o WHERE o.org_id = f.org_id AND o.status = 'active')""",
        tx.org_id, address, closed_too,
    )  # fmt: skip
    if row is None:
        raise NotFound("There is no form here, or it is closed.")
    return struct_of(row, Form)


@operation("crm.forms.create", role=Role.ADMIN, summary="Create a form")
async def create(tx: Tx, actor: Actor, input: CreateForm) -> Form:
    """Make a hosted form with an address of its own. Raises Invalid, NotFound for a pipeline."""
    fields = input.fields if input.fields is not None else DEFAULT_FIELDS
    check_form(input, fields)
    pipeline = await pipelines.get(tx, input.pipeline_id) if input.pipeline_id else None
    id = new_id()
    slug = re.sub(r"[^a-z0-9]+", "-", input.name.lower()).strip("-")[:40] or "form"
    address = f"{slug}-{secrets.token_hex(4)}"
    await tx.execute(
        """INSERT INTO forms (org_id, id, name, address, pipeline_id, fields, source, success_message, redirect_url, proof_of_work,
                              created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)""",
        tx.org_id, id, input.name.strip(), address, pipeline.id if pipeline else None, fields, checked_source(input.source),
        input.success_message, input.redirect_url, input.proof_of_work, tx.now,
    )  # fmt: skip
    await tx.execute("SELECT directory_add_address('form', $1, $2)", address, id)
    await append(
        tx,
        actor,
        Entry(
            kind=kinds.FORM_CREATED,
            subject_type="form",
            subject_id=id,
            payload={"name": input.name, "address": address},
        ),
    )
    return await read_form(tx, address)


def check_form(input: CreateForm, fields: list[FormField]) -> None:
    """Raise Invalid for a form without a name, with fields that are none or reach nobody, or that leads to no web address."""
    if not input.name.strip():
        raise Invalid("A form needs a name.", field="name")
    names = [field.name for field in fields]
    known = set(get_args(FieldName))
    wrong = [n for n in names if n not in known and not (n.startswith("field.") and 6 < len(n) <= 106)]
    if wrong or len(set(names)) != len(names) or not 1 <= len(names) <= 40:
        raise Invalid(
            f"A form has 1 to 40 different fields of: {', '.join(sorted(known))}, field.<key>.", field="fields"
        )
    if not {"email", "companyName", "lastName"} & set(names):
        raise Invalid(
            "A form asks for an e-mail, a last name or a company: somebody must be reachable.", field="fields"
        )
    if input.redirect_url and not _is_web_address(input.redirect_url):
        raise Invalid("redirectUrl is a web address such as https://example.com/thanks.", field="redirectUrl")


def _is_web_address(url: str) -> bool:
    """Whether a header may name the address: its host stands in the page's policy, where `;` would begin another rule."""
    plain = len(url) <= 2000 and url.isprintable() and " " not in url
    parts = urlsplit(url) if plain else urlsplit("")
    return parts.scheme in ("http", "https") and bool(_HOST.fullmatch(parts.netloc))


@operation("crm.forms.submit", role=None, summary="Submit a form")
async def submit(tx: Tx, actor: Actor, input: SubmitForm) -> Captured:
    """Capture a lead through a form, into the form's pipeline; only the form's own fields are taken.

    Raises NotFound for a closed form, Invalid for a missing or wrong field; nothing is written then.
    """
    (made,) = await create_many(tx, actor, [answered(await read_form(tx, input.address), input.values)], via="form")
    return Captured(id=made.id)


def answered(form: Form, values: dict[str, str]) -> NewLead:
    """The lead that a visitor's answers make; only the form's own fields are taken. Raises Invalid."""
    given: dict[str, Any] = {"fields": {}}
    for field in form.fields:
        text = clean(values.get(field.name))
        if text is None and field.required:
            raise Invalid(f"“{field.label}” is required.", field=field.name)
        if text is None:
            continue
        if field.name.startswith("field."):
            given["fields"][field.name[6:]] = text[:5000]
        else:
            given[field.name] = _number(field, text) if field.name in _NUMBERS else text
    if form.pipeline_id:
        given["pipelineId"] = str(form.pipeline_id)
    try:
        return msgspec.convert(given | {"source": form.source}, NewLead)
    except msgspec.ValidationError as error:
        raise Conflict(f"The form “{form.name}” cannot be read: {error}") from error


def _number(field: FormField, text: str) -> int:
    digits = re.sub(r"[\s.,']", "", text)
    if not digits.isascii() or not digits.isdigit() or len(digits) > 9:
        raise Invalid(f"“{field.label}” is a whole number.", field=field.name)
    return int(digits)
