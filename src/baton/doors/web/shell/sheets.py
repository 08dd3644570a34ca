"""Decisions with a form of their own, above the page or as a page: add a lead, assign, disqualify, follow up."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from starlette.responses import Response

from baton.doors.web.leads.facts import cents
from baton.doors.web.leads.filters import Options, named
from baton.doors.web.shell.language import _, told
from baton.doors.web.shell.render import done, page
from baton.doors.web.shell.show import SOURCES
from baton.doors.web.shell.stale import Clash, held, settle
from baton.doors.web.shell.times import due_at
from baton.doors.web.shell.visit import Visit
from baton.kernel.errors import Conflict, Invalid, NotFound
from baton.kernel.explain import explained
from baton.leads.assign import Assign
from baton.leads.convert import Convert, Converted
from baton.leads.create import NewLead
from baton.leads.find import GetLead
from baton.leads.lead import Lead
from baton.leads.qualify import Disqualify
from baton.tasks.follow_up import FollowUp
from baton.tasks.task import Task

Refusal = Invalid | Conflict | NotFound


async def sheet(
    visit: Visit,
    template: str,
    title: str,
    *,
    act: str,
    back: str,
    values: Mapping[str, Any],
    error: Refusal | None = None,
    lede: str = "",
    tone: str = "",
    here: str = "/leads",
    was: Mapping[str, Any] | None = None,
    clashes: Sequence[Clash] = (),
    action: str = "",
    **more: Any,
) -> Response:
    """A sheet with its fields filled in; an error stands beside its field, or above the form where it has none.

    `was` is what the record says, carried along so that a change by another hand meanwhile is seen; `clashes` are those.
    """
    bad: defaultdict[str, str] = defaultdict(str)
    if error is not None and error.field:
        bad[error.field] = told(error.message)
    return await page(
        visit,
        template,
        here=here,
        status=200 if error is None and not clashes else 422,
        sheet={
            "title": title,
            "act": act,
            "action": action or _address(visit),
            "back": back,
            "lede": lede,
            "tone": tone,
            "was": held(was) if was is not None else "",
            "clashes": clashes,
        },
        v=defaultdict(str, values),
        bad=bad,
        wrong=told(error.message) if error is not None else "",
        **more,
    )


def _address(visit: Visit) -> str:
    url = visit.request.url
    return f"{url.path}?{url.query}" if url.query else url.path


async def new_lead(visit: Visit) -> Response:
    """GET and POST /leads/new."""
    organization = await visit.organization()
    pipelines = await visit.pipelines()
    intake = next((str(p.id) for p in pipelines if p.is_intake), "")
    values = {"pipelineId": visit.query.get("pipeline") or intake, "source": "other"} | visit.fields
    error = None
    if visit.request.method == "POST":
        try:
            made: Lead = await visit.perform("crm.leads.create", _new_lead(visit.fields, organization.currency))
            visit.undo = visit.operation_id
            return done(visit, _("%(name)s is on the board.") % {"name": made.name}, f"/leads/{made.id}")
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    options: Options = [(str(pipeline.id), pipeline.name) for pipeline in pipelines]
    return await sheet(
        visit, "lead_new.html", _("Add a lead"), act=_("Add lead"), back=visit.back("/board"), values=values, error=error,
        pipelines=options, sources=list(SOURCES.items()), currency=organization.currency,
    )  # fmt: skip


def _new_lead(fields: Mapping[str, str], currency: str) -> NewLead:
    for name, words in (("firstName", _("First name")), ("lastName", _("Last name")), ("email", _("Email"))):
        if not fields.get(name, "").strip():
            raise Invalid(f"{words} is required.", field=name)
    texts = ("firstName", "lastName", "email", "phone", "companyName", "title", "pipelineId", "source")
    given: dict[str, Any] = {name: text for name in texts if (text := fields.get(name, "").strip())}
    try:
        return msgspec.convert(given | {"valueCents": cents(fields.get("value", ""), currency)}, NewLead)
    except msgspec.ValidationError as error:
        raise explained(error, NewLead) from None


async def assign(visit: Visit) -> Response:
    """GET and POST /leads/{lead}/assign."""
    lead = await _lead(visit)
    now = {"ownerId": str(lead.owner_id or "")}
    owners: Options = [("", _("Nobody")), *named(await visit.members())]
    error: Refusal | None = None
    clashes: list[Clash] = []
    if visit.request.method == "POST":
        clashes = await settle(visit, lead.id, now, {"ownerId": _("Owner")}, shown={"ownerId": dict(owners)})
    values = now | visit.fields
    if visit.request.method == "POST" and not clashes:
        try:
            given = await visit.perform("crm.leads.assign", Assign(
                lead_id=str(lead.id), owner_id=visit.fields.get("ownerId") or None, version=lead.version,
                reason=visit.fields.get("reason", "").strip() or None,
            ))  # fmt: skip
            visit.undo = visit.operation_id
            return done(visit, f"{given.name} {await _belongs(visit, given)}.", f"/leads/{lead.id}")
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    return await sheet(
        visit, "lead_assign.html", _("Assign %(name)s") % {"name": lead.name}, act=_("Assign"), back=f"/leads/{lead.id}", values=values,
        error=error, owners=owners, was=now, clashes=clashes,
        lede=_("The owner is told of what happens on the lead. An agent works on it by its own playbook."),
    )  # fmt: skip


async def _belongs(visit: Visit, lead: Lead) -> str:
    owner = next((member.name for member in await visit.members() if member.id == lead.owner_id), None)
    return _("now belongs to %(owner)s") % {"owner": owner} if owner else _("has no owner now")


async def disqualify(visit: Visit) -> Response:
    """GET and POST /leads/{lead}/disqualify."""
    lead = await _lead(visit)
    error: Refusal | None = None
    if visit.request.method == "POST":
        reason = visit.fields.get("reason", "").strip()
        try:
            if not reason:
                raise Invalid("Say why, in a few words.", field="reason")
            await visit.perform("crm.leads.disqualify", Disqualify(lead_id=str(lead.id), reason=reason))
            visit.undo = visit.operation_id
            return done(visit, _("%(name)s is disqualified.") % {"name": lead.name}, f"/leads/{lead.id}")
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    return await sheet(
        visit, "lead_disqualify.html", _("Disqualify %(name)s") % {"name": lead.name}, act=_("Disqualify"), back=f"/leads/{lead.id}",
        values=visit.fields, error=error,
        lede=_("The lead leaves the board and can be moved back at any time."), tone="danger",
    )  # fmt: skip


async def convert(visit: Visit) -> Response:
    """GET and POST /leads/{lead}/convert: an opportunity of a qualified lead."""
    lead = await _lead(visit)
    error: Refusal | None = None
    if visit.request.method == "POST":
        wish = Convert(
            lead_id=str(lead.id),
            pipeline_id=visit.fields.get("pipelineId") or None,
            create_customer="customer" in visit.fields,
        )
        try:
            made: Converted = await visit.perform("crm.leads.convert", wish)
            visit.undo = visit.operation_id
            return done(
                visit, _("%(name)s is won, and a deal is made.") % {"name": lead.name}, f"/leads/{made.opportunity.id}"
            )
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    deals: Options = [(str(p.id), p.name) for p in await visit.pipelines() if p.type == "opportunity"]
    return await sheet(
        visit,
        "lead_convert.html",
        _("Convert %(name)s") % {"name": lead.name},
        act=_("Convert"),
        back=f"/leads/{lead.id}",
        values=visit.fields,
        error=error,
        pipelines=deals,
        lede=_("A deal is made with the contact, company, value and owner of this lead, which is won."),
    )


async def follow_up(visit: Visit) -> Response:
    """GET and POST /leads/{lead}/follow-up."""
    lead = await _lead(visit)
    tomorrow = (visit.now.astimezone(visit.zone) + timedelta(days=1)).replace(hour=10, minute=0)
    values = {
        "due": f"{tomorrow:%Y-%m-%dT%H:%M}",
        "assignTo": str(lead.owner_id or visit.actor.id or ""),
    } | visit.fields
    error = None
    if visit.request.method == "POST":
        try:
            task: Task = await visit.perform("crm.leads.followUp", _follow_up(visit, lead))
            words = _("Follow-up with %(name)s: %(when)s.") % {
                "name": lead.name,
                "when": due_at(task.due_at, visit.now, visit.zone),
            }
            visit.undo = visit.operation_id
            return done(visit, words, f"/leads/{lead.id}")
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    return await sheet(
        visit, "lead_follow_up.html", _("Follow up with %(name)s") % {"name": lead.name}, act=_("Schedule"), back=f"/leads/{lead.id}",
        values=values, error=error, owners=named(await visit.members()),
    )  # fmt: skip


def _follow_up(visit: Visit, lead: Lead) -> FollowUp:
    try:
        due = datetime.fromisoformat(visit.fields.get("due", "")).replace(tzinfo=visit.zone)
    except ValueError:
        raise Invalid("Choose a day and a time.", field="dueAt") from None
    notes = visit.fields.get("notes", "").strip()
    first = notes.splitlines()[0][:120] if notes else None
    return FollowUp(
        lead_id=str(lead.id), due_at=due, assign_to=visit.fields.get("assignTo") or None, title=first,
        notes=notes if notes != first else None,
    )  # fmt: skip


async def _lead(visit: Visit) -> Lead:
    lead: Lead = await visit.perform("crm.leads.get", GetLead(lead_id=visit.path["lead"]))
    return lead


def _version(visit: Visit, lead: Lead) -> int:
    text = visit.fields.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else lead.version
