"""Writing an e-mail to a lead, from its page: words of one's own or a template's, and files, seen before they are sent."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import Response

from baton.doors.web.leads.filters import Options
from baton.doors.web.shell.language import _
from baton.doors.web.shell.render import done
from baton.doors.web.shell.sheets import Refusal, sheet
from baton.doors.web.shell.visit import Visit, as_uuid, must_be_proven
from baton.kernel.errors import Conflict, Forbidden, Invalid, NotFound, TooLarge
from baton.leads.find import GetLead
from baton.leads.lead import Lead
from baton.messages.draft import Preview, PreviewTemplate
from baton.messages.files import MAX_ALL, MAX_FILE, MAX_FILES, AttachFile, File
from baton.messages.mailbox import Mailbox
from baton.messages.message import Message
from baton.messages.outreach import MayWrite
from baton.messages.template import Template

POST = "/emails/write/"
FORM_BYTES = MAX_ALL + (1 << 20)
"""The largest form: all files of a message, and its words."""


@dataclass(frozen=True, slots=True)
class Brought:
    """A file that was brought for a message: its name, and its size in bytes."""

    id: UUID
    told: str
    bytes: int

    @property
    def value(self) -> str:
        """What the form says of it."""
        return f"{self.id}:{self.bytes}:{self.told}"

    @property
    def name(self) -> str:
        """What it is called."""
        return self.told or _("a file")

    @property
    def size(self) -> str:
        """Its size as one reads it."""
        return f"{self.bytes / 1_000_000:.1f} MB" if self.bytes >= 100_000 else f"{max(1, round(self.bytes / 1000))} kB"


async def write(visit: Visit) -> Response:
    """GET /leads/{lead}/email, and POST /emails/write/{lead} with files. `fill` puts a template's words into the form; sending is a
    button of its own. Files that were brought stay, whatever is refused."""
    brought = await _form(visit) if visit.request.method == "POST" else []
    lead: Lead = await visit.perform("crm.leads.get", GetLead(lead_id=visit.path["lead"]))
    boxes = await _mailboxes(visit)
    error: Refusal | None = None
    values: dict[str, Any] = dict(visit.fields)
    missing: list[str] = []
    files: list[Brought] = _kept(visit)
    if visit.request.method == "POST":
        try:
            await _attach(visit, brought, files)
            if "fill" in visit.fields:
                seen = await _filled(visit, lead)
                values |= {"subject": seen.subject, "text": seen.text}
                missing = seen.missing
            else:
                sent: Message = await visit.perform("crm.emails.send", _wish(visit, lead, files, boxes))
                return done(
                    visit,
                    _("The email to %(recipient)s is on its way.") % {"recipient": sent.recipient},
                    f"/leads/{lead.id}",
                )
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
        except TooLarge as refusal:
            error = Invalid(refusal.message, field="attachments")
        except Forbidden as refusal:
            error = Conflict(refusal.message)
    allowed: MayWrite = await visit.perform("crm.messages.mayWrite", {"leadId": str(lead.id)})
    templates: list[Template] = await visit.perform("crm.templates.list")
    offered: Options = [("", _("No template")), *((str(each.id), each.name) for each in templates)]
    return await sheet(
        visit,
        "email_write.html",
        _("Email to %(name)s") % {"name": lead.name},
        act=_("Send"),
        back=f"/leads/{lead.id}",
        values=values,
        error=error,
        lede=_("To %(email)s") % {"email": lead.email} if lead.email else _("This lead has no e-mail address yet."),
        templates=offered,
        mailboxes=_options(boxes),
        signatures=_signatures(visit, boxes),
        sign=visit.request.method != "POST" or "sign" in visit.fields,
        missing=missing,
        gap=None if allowed.allowed else allowed.reason,
        waits=allowed.next_at is not None,
        files=files,
        action=f"{POST}{lead.id}",
    )


async def _mailboxes(visit: Visit) -> list[Mailbox]:
    """The mailboxes that the person may write from: the usual one first."""
    if not visit.may_write:
        return []
    found: list[Mailbox] = await visit.perform("crm.mailboxes.list")
    mine = [box for box in found if box.status == "active" and box.member_id in (None, visit.actor.id)]
    return sorted(mine, key=lambda box: (box.member_id is None, box.created_at, box.id))


def _signatures(visit: Visit, boxes: list[Mailbox]) -> list[tuple[str, str, bool]]:
    """Signatures by what the form calls their mailbox, and whether that is the chosen one."""
    chosen = visit.fields.get("mailbox", "")
    named = [("", box) for box in boxes[:1]] + [(str(box.id), box) for box in boxes]
    return [(id, box.signature, id == chosen) for id, box in named if box.signature]


def _signed(visit: Visit, words: str, boxes: list[Mailbox]) -> str:
    """What was written, with the signature of the mailbox below it, behind the mark that mail programs know (RFC 3676, 4.3)."""
    own = next((text for _id, text, here in _signatures(visit, boxes) if here), None)
    return f"{words.rstrip()}\n\n-- \n{own}" if own and "sign" in visit.fields and words.strip() else words


def _options(mine: list[Mailbox]) -> Options:
    return [("", _("The usual one")), *((str(box.id), f"{box.from_name} <{box.from_address}>") for box in mine)]


async def _filled(visit: Visit, lead: Lead) -> Preview:
    if not visit.fields.get("template"):
        raise Invalid("Choose a template first.", field="template")
    seen: Preview = await visit.perform(
        "crm.templates.preview", PreviewTemplate(lead_id=str(lead.id), template_id=visit.fields["template"])
    )
    return seen


async def _form(visit: Visit) -> list[tuple[str, str, bytes]]:
    """Read the form with its files: their names, media types and bytes. Raises Forbidden for a form of another page, Invalid."""
    try:
        async with visit.request.form(max_files=MAX_FILES, max_fields=100) as form:
            pairs = [(key, value) for key, value in form.multi_items() if isinstance(value, str)]
            if any("\0" in key or "\0" in value for key, value in pairs):
                raise Invalid("Text may not hold the NUL character.")
            must_be_proven(visit.request, visit.token, dict(pairs))
            parts = [part for part in form.getlist("file") if isinstance(part, UploadFile) and part.filename]
            brought = [(str(part.filename), part.content_type or "", await part.read(MAX_FILE + 1)) for part in parts]
    except HTTPException as error:
        raise Invalid(_("The form cannot be read: %(why)s") % {"why": error.detail}) from None
    visit.fields, visit.several = dict(pairs), pairs
    return brought


async def _attach(visit: Visit, brought: list[tuple[str, str, bytes]], files: list[Brought]) -> None:
    """Keep the files of a form, one after the other, with those that were kept before. Raises TooLarge."""
    for name, content_type, content in brought:
        files += [await _attached(visit, name, content_type, content)]


async def _attached(visit: Visit, name: str, content_type: str, content: bytes) -> Brought:
    if len(content) > MAX_FILE:
        raise TooLarge(_("%(file)s is larger than 10 MB.") % {"file": name[-80:]})
    made: File = await visit.perform(
        "crm.emails.attach", AttachFile(name=name, content=content, content_type=content_type)
    )
    return Brought(made.id, made.name, made.size)


def _kept(visit: Visit) -> list[Brought]:
    """Files that were brought before and are still ticked."""
    found = []
    for value in (value for key, value in visit.several if key == "attachment"):
        id, size, name = (*value.split(":", 2), "", "")[:3]
        uuid = as_uuid(id)
        if uuid is not None:
            found.append(Brought(uuid, name, int(size) if size.isascii() and size.isdigit() and len(size) < 12 else 0))
    return found[:MAX_FILES]


def _wish(visit: Visit, lead: Lead, files: list[Brought], boxes: list[Mailbox]) -> dict[str, Any]:
    words = _signed(visit, visit.fields.get("text", "").replace("\r\n", "\n"), boxes)
    wish: dict[str, Any] = {
        "leadId": str(lead.id),
        "subject": visit.fields.get("subject", ""),
        "text": words,
        "attachments": [str(file.id) for file in files],
    }
    wish |= {"mailboxId": visit.fields["mailbox"]} if visit.fields.get("mailbox") else {}
    return wish | ({"despiteGap": True} if "despiteGap" in visit.fields else {})
