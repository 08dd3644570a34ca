"""Templates of e-mails: subject, text and HTML with names of values in them."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx, by_ref, struct_of
from baton.kernel.errors import Invalid, NotFound, must_be_current
from baton.kernel.liquid import MAX_TEMPLATE, check_template
from baton.kernel.operation import Input, Output, operation
from baton.kernel.shapes import ExternalId, TemplateText, Version
from baton.kernel.values import Ref, as_uuid, clean, new_id


class Template(Output, kw_only=True):
    """A text to send again and again. Values are named in it: {{ lead.firstName }}, {{ sender.name }}, {{ unsubscribeUrl }}."""

    id: UUID
    name: str
    subject: str
    text: str
    html: str | None
    external_id: str | None
    archived_at: datetime | None
    version: int
    created_at: datetime


class ListTemplates(Input, kw_only=True):
    """Which templates: without the archived ones unless they are asked for."""

    archived: bool = False


class GetTemplate(Input, kw_only=True):
    """One template, by id or external id."""

    template_id: Ref


class CreateTemplate(Input, kw_only=True):
    """A template to make. Without `text` the text part is made of the HTML."""

    name: Annotated[str, Meta(max_length=200, pattern=r"\S")]
    subject: Annotated[str, Meta(max_length=1_000, pattern=r"\S")]
    text: TemplateText = ""
    html: TemplateText | None = None
    external_id: ExternalId | None = None


class EditTemplate(Input, kw_only=True):
    """What of a template to change; absent fields stay, null clears. An archived one is not offered any more."""

    template_id: Ref
    version: Version | None = None
    name: Annotated[str, Meta(max_length=200, pattern=r"\S")] | UnsetType = UNSET
    subject: Annotated[str, Meta(max_length=1_000, pattern=r"\S")] | UnsetType = UNSET
    text: TemplateText | UnsetType = UNSET
    html: TemplateText | UnsetType | None = UNSET
    archived: bool | UnsetType = UNSET


_COLUMNS = "id, name, subject, text, html, external_id, archived_at, version, created_at"
_HELLO = "Hello {{ lead.firstName | default: lead.name }},\n\n"
_END = (
    "\n\nKind regards\n{{ sender.name }}{% if sender.name != organization.name %}\n{{ organization.name }}{% endif %}\n"
)
_LEAVE = "\nIf you would rather not hear from us: {{ unsubscribeUrl }}\n"
STARTERS: tuple[CreateTemplate, ...] = (
    CreateTemplate(
        name="First answer",
        external_id="first-answer",
        subject="Thank you for writing, {{ lead.firstName | default: lead.name }}",
        text=_HELLO
        + "thank you for your message{% if lead.companyName %} on behalf of {{ lead.companyName }}{% endif %}. I have read it, and "
        "will come back to you within one working day. If it is urgent, simply answer this mail." + _END,
    ),
    CreateTemplate(
        name="Nurture follow-up",
        external_id="nurture-follow-up",
        subject="{{ lead.firstName | default: lead.name }}, shall we take the next step?",
        text=_HELLO
        + "since we last spoke I have been thinking about what would help{% if lead.companyName %} {{ lead.companyName }}{% endif %} "
        "most. Would fifteen minutes this week suit you? Answer with a time, and I will send an invitation."
        + _END
        + _LEAVE,
    ),
    CreateTemplate(
        name="Check-in",
        external_id="check-in",
        subject="A short check-in",
        text=_HELLO
        + "I wanted to ask how things stand on your side. Has anything changed since we last wrote? A line is enough, and I will "
        "adapt to it." + _END + _LEAVE,
    ),
)
"""What every organization has from the start, by their external ids."""


async def get(tx: Tx, actor: Actor, ref: Ref, *, locking: bool = False) -> Template:
    """A template by id or external id; those of the start are made where an older organization asks for one. Raises NotFound."""
    where, value = by_ref(ref)
    sql = f"SELECT {_COLUMNS} FROM message_templates WHERE org_id = $1 AND {where}" + (
        " FOR NO KEY UPDATE" if locking else ""
    )
    row = await tx.fetchrow(sql, tx.org_id, value)
    if row is None and (found := next((each for each in STARTERS if each.external_id == ref), None)):
        return await create(tx, actor, found)
    if row is None:
        raise NotFound("There is no such template in your organization.", field="templateId")
    return struct_of(row, Template)


async def start(tx: Tx, actor: Actor) -> None:
    """Give a new organization its first templates."""
    for each in STARTERS:
        await create(tx, actor, each)


@operation("crm.templates.list", kind="query", role=Role.VIEWER, summary="List templates")
async def list_templates(tx: Tx, actor: Actor, input: ListTemplates) -> list[Template]:
    """The templates, by name."""
    shown = "" if input.archived else "AND archived_at IS NULL"
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM message_templates WHERE org_id = $1 {shown} ORDER BY name, id", tx.org_id
    )
    return [struct_of(row, Template) for row in rows]


@operation("crm.templates.get", kind="query", role=Role.VIEWER, summary="Read a template")
async def read(tx: Tx, actor: Actor, input: GetTemplate) -> Template:
    """A template. Raises NotFound."""
    where, value = by_ref(input.template_id)
    row = await tx.fetchrow(f"SELECT {_COLUMNS} FROM message_templates WHERE org_id = $1 AND {where}", tx.org_id, value)
    if row is None:
        raise NotFound("There is no such template in your organization.", field="templateId")
    return struct_of(row, Template)


@operation("crm.templates.create", role=Role.MEMBER, summary="Write a template")
async def create(tx: Tx, actor: Actor, input: CreateTemplate) -> Template:
    """Make a template. Raises Invalid for texts that are no templates, Conflict for an external id that is taken."""
    facts = _checked(name=input.name, subject=input.subject, text=input.text, html=input.html)
    external_id = clean(input.external_id)
    if external_id and (as_uuid(external_id) or len(external_id) > 200):
        raise Invalid("An externalId is an id of your own, at most 200 characters and no UUID.", field="externalId")
    row = await tx.fetchrow(
        f"""INSERT INTO message_templates (org_id, id, name, subject, text, html, external_id, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING {_COLUMNS}""",
        tx.org_id, new_id(), facts["name"], facts["subject"], facts["text"], facts["html"], external_id, tx.now,
    )  # fmt: skip
    assert row is not None
    made = struct_of(row, Template)
    await _tell(tx, actor, kinds.TEMPLATE_CREATED, made, {})
    return made


@operation("crm.templates.update", role=Role.MEMBER, summary="Change a template")
async def update(tx: Tx, actor: Actor, input: EditTemplate) -> Template:
    """Change or archive a template. Raises NotFound, Invalid, Conflict for a stale version."""
    before = await get(tx, actor, input.template_id, locking=True)
    must_be_current("This template", before.version, input.version)
    given = {n: v for n in ("name", "subject", "text", "html") if (v := getattr(input, n)) is not UNSET}
    facts = _checked(**({n: getattr(before, n) for n in ("name", "subject", "text", "html")} | given))
    archived_at = before.archived_at
    if input.archived is not UNSET:
        archived_at = (before.archived_at or tx.now) if input.archived else None
    row = await tx.fetchrow(
        f"""UPDATE message_templates SET name = $3, subject = $4, text = $5, html = $6, archived_at = $7, version = version + 1
             WHERE org_id = $1 AND id = $2 RETURNING {_COLUMNS}""",
        tx.org_id, before.id, facts["name"], facts["subject"], facts["text"], facts["html"], archived_at,
    )  # fmt: skip
    assert row is not None
    after = struct_of(row, Template)
    names = [name for name in ("name", "subject", "text", "html") if getattr(before, name) != getattr(after, name)]
    await _tell(
        tx,
        actor,
        kinds.TEMPLATE_CHANGED,
        after,
        {name: [getattr(before, name), getattr(after, name)] for name in names},
    )
    return after


def _checked(*, name: str, subject: str, text: str, html: str | None) -> dict[str, Any]:
    title, head = name.strip(), subject.strip()
    if not title or len(title) > 200:
        raise Invalid("A template has a name of at most 200 characters.", field="name")
    if not head or len(head) > 1000 or not head.isprintable():
        raise Invalid("A subject is one line of at most 1,000 characters.", field="subject")
    if not text.strip() and not clean(html):
        raise Invalid("A template has a text, an HTML text, or both.", field="text")
    for field, each in (("subject", head), ("text", text), ("html", html or "")):
        if len(each) > MAX_TEMPLATE:
            raise Invalid(f"{field} has at most {MAX_TEMPLATE:,} characters.", field=field)
        check_template(each)
    return {"name": title, "subject": head, "text": text, "html": clean(html)}


async def _tell(tx: Tx, actor: Actor, kind: str, template: Template, changes: dict[str, list[Any]]) -> None:
    said = {"name": template.name}
    await append(
        tx, actor, Entry(kind=kind, subject_type="template", subject_id=template.id, changes=changes, payload=said)
    )
