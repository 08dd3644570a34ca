"""Drafts: what a template says to a lead, and the exact words of a message before it is sent."""

from typing import Any
from uuid import UUID

import msgspec

from baton.accounts.members import member
from baton.accounts.organization import organization
from baton.contacts import contact as contacts
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Conflict, Invalid, NotFound, must_be_current
from baton.kernel.liquid import fill_in
from baton.kernel.operation import Input, Output, operation
from baton.kernel.shapes import Email, FileIds, Html, Line, MailText, Moment, TemplateText, Version
from baton.kernel.values import Ref, clean, email_address, email_key
from baton.leads import lead as leads
from baton.leads.lead import Lead
from baton.messages import template as templates
from baton.messages.html import MAX_HTML, sanitized, text_of
from baton.messages.unsubscribe import link

MAX_TEXT = 100_000
MAX_SUBJECT = 500


class SendEmail(Input, kw_only=True):
    """A message to a lead, or to a contact who is none: a template, or a subject with a text, HTML or both.

    `to` is the lead's or contact's address where it is absent; another is refused. `inReplyTo` is a message of ours or
    theirs that it answers, `attachments` are files brought by `crm.emails.attach`, `sendAt` is a moment to come.
    `despiteGap`: a person writes although somebody wrote a short while ago. `version` is the lead's.
    """

    lead_id: Ref | None = None
    contact_id: Ref | None = None
    to: Email | None = None
    template_id: Ref | None = None
    subject: Line | None = None
    text: MailText | None = None
    html: Html | None = None
    mailbox_id: UUID | None = None
    in_reply_to: UUID | None = None
    attachments: FileIds = []
    send_at: Moment | None = None
    despite_gap: bool = False
    version: Version | None = None


class PreviewTemplate(Input, kw_only=True):
    """A template, or the words of one that is being written, and the lead to fill it in for."""

    lead_id: Ref
    template_id: Ref | None = None
    subject: TemplateText | None = None
    text: TemplateText | None = None
    html: TemplateText | None = None


class Preview(Output, kw_only=True):
    """What would be sent to whom, and the names of values that the texts print and the lead lacks."""

    to: str | None
    subject: str
    text: str
    html: str | None
    missing: list[str]


@operation("crm.templates.preview", kind="query", role=Role.VIEWER, summary="See what a template says to a lead")
async def preview(tx: Tx, actor: Actor, input: PreviewTemplate) -> Preview:
    """A template filled in for a lead. Raises NotFound, Invalid for a text that is no template."""
    lead = await leads.get(tx, input.lead_id)
    subject, text, html = input.subject or "", input.text or "", input.html
    if input.template_id is not None:
        found = await templates.read(tx, actor, templates.GetTemplate(template_id=input.template_id))
        subject, text, html = found.subject, found.text, found.html
    return await filled(tx, actor, lead, lead.email, subject=subject, text=text, html=html)


async def filled(
    tx: Tx, actor: Actor, lead: Lead | None, to: str | None, *, subject: str, text: str, html: str | None, contact: Any = None
) -> Preview:  # fmt: skip
    """Subject, text and HTML filled in; HTML escapes values and is sanitized, and stands for a text where there is none."""
    context = await _context(tx, actor, lead, to, contact)
    head, lacking = fill_in(subject, context)
    body, more = fill_in(text, context)
    marked: str | None = None
    last: list[str] = []
    if clean(html) and html:
        marked, last = fill_in(html, context, html=True)
        marked = sanitized(marked)
        body = body if body.strip() else text_of(marked)
    missing = list(dict.fromkeys([*lacking, *more, *last]))
    return Preview(to=to, subject=" ".join(head.split()), text=body, html=marked, missing=missing)


async def fixed(tx: Tx, actor: Actor, input: SendEmail) -> SendEmail:
    """The exact words that `crm.emails.send` would send: recipient, subject, text and HTML, with no template left in them.

    Sending what this answers sends those bytes, or is refused where the address is another by then. Raises NotFound,
    Invalid, Conflict for a stale version, a lead without an address, or a template whose values are missing.
    """
    lead, contact, to = await addressed(tx, input)
    if input.template_id is None:
        subject, text, html = _own_words(input)
    else:
        if input.subject is not None or input.text is not None or input.html is not None:
            raise Invalid("Give a template, or a subject and text of your own, not both.", field="templateId")
        found = await templates.get(tx, actor, input.template_id)
        made = await filled(
            tx, actor, lead, to, subject=found.subject, text=found.text, html=found.html, contact=contact
        )
        if made.missing:
            raise Conflict(
                f"“{found.name}” needs what is not known: {', '.join(made.missing)}. Fill it in, or give the template a default.",
                field="templateId",
            )
        subject, text, html = made.subject, made.text, made.html
    return msgspec.structs.replace(
        input,
        lead_id=str(lead.id) if lead else None,
        contact_id=str(contact.id) if contact else None,
        to=to, subject=subject, text=text, html=html, template_id=None,
    )  # fmt: skip


async def addressed(tx: Tx, input: SendEmail) -> tuple[Lead | None, Any, str]:
    """The lead or contact that a message is for, and the address. Raises NotFound, Invalid, Conflict."""
    if (input.lead_id is None) == (input.contact_id is None):
        raise Invalid("Name the lead or the contact to write to.", field="leadId")
    lead = await leads.get(tx, input.lead_id) if input.lead_id is not None else None
    contact = await contacts.get(tx, input.contact_id) if input.contact_id is not None else None
    if lead is not None:
        must_be_current(lead.name, lead.version, input.version)
    known = [lead.email] if lead else [contact.email] if contact else []
    name = lead.name if lead else contact.name if contact else ""
    if not known[0]:
        raise Conflict(f"{name} has no e-mail address. Add one first.", field="leadId")
    if lead is not None and lead.contact_id is not None:
        known.append((await contacts.get(tx, str(lead.contact_id))).email)
    to = email_address(input.to, field="to") if input.to else known[0]
    if email_key(to) not in {email_key(each) for each in known if each}:
        raise Conflict(f"{to} is not an address of {name} (any more). Look at the message again.", field="to")
    if not to.isascii():
        raise Conflict(f"Mail servers cannot carry the address {to}. Use one with plain letters.", field="to")
    return lead, contact, to


def _own_words(input: SendEmail) -> tuple[str, str, str | None]:
    subject, html = (input.subject or "").strip(), clean(input.html)
    if not subject or len(subject) > MAX_SUBJECT or not subject.isprintable():
        raise Invalid(f"A subject is one line of at most {MAX_SUBJECT} characters.", field="subject")
    if len(input.text or "") > MAX_TEXT or len(html or "") > MAX_HTML:
        raise Invalid(f"A text has at most {MAX_TEXT:,} characters, HTML {MAX_HTML:,}.", field="text")
    html = sanitized(html) if html else None
    text = input.text if clean(input.text) and input.text else text_of(html or "")
    if not text.strip():
        raise Invalid("Write a text: an empty message says nothing.", field="text")
    return subject, text, html


async def _context(tx: Tx, actor: Actor, lead: Lead | None, to: str | None, contact: Any) -> dict[str, Any]:
    """What templates may name: the lead (of a contact its name and address), who writes, the owner, the organization."""
    org = await organization(tx)
    owner: str | None = None
    if lead is not None and lead.owner_id is not None:
        try:
            owner = (await member(tx, lead.owner_id)).name
        except NotFound:
            owner = None
    person: dict[str, Any] = msgspec.to_builtins(lead if lead is not None else contact)
    person["fields"] = person.get("fields") or {}
    return {
        "lead": person,
        "sender": {"name": actor.name if actor.type != "system" else owner or org.name},
        "owner": {"name": owner},
        "organization": {"name": org.name},
        "unsubscribeUrl": link(tx.installation, tx.org_id, to) if to else None,
    }
