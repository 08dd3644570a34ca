"""What waits for a person: the exact words of each act, and the decision: approve, edit and approve, reject. Spec A6."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from starlette.responses import Response

from baton.agents.approval import Approval, GetApproval, ListApprovals
from baton.agents.decide import Approve, EditApproval, Reject
from baton.doors.web.shell.amounts import money
from baton.doors.web.shell.language import Told, _, marked
from baton.doors.web.shell.render import done, page, said
from baton.doors.web.shell.sheets import Refusal, sheet
from baton.doors.web.shell.show import who
from baton.doors.web.shell.times import ago, due_at
from baton.doors.web.shell.visit import Visit, as_uuid
from baton.kernel.errors import Conflict, Invalid, NotFound

HERE = "/approvals"
STATES = Told(
    {
        "waiting": marked("waits for you"),
        "approved": marked("approved, being done"),
        "done": marked("done"),
        "rejected": marked("rejected"),
        "expired": marked("expired"),
        "stale": marked("not done: it was changed since"),
        "failed": marked("could not be done"),
    }
)
TONES = {"done": "won", "rejected": "lost", "stale": "lost", "failed": "lost", "waiting": "wait", "approved": "wait"}
LABELS = Told(
    {
        "to": marked("To"),
        "subject": marked("Subject"),
        "text": marked("Text"),
        "html": "HTML",
        "notes": marked("Notes"),
        "title": marked("Title"),
        "reason": marked("Reason"),
        "type": marked("Kind"),
        "dueIn": marked("Due in"),
        "dueAt": marked("Due"),
        "sendAt": marked("To be sent"),
        "status": marked("Status"),
        "tags": marked("Tags"),
        "body": marked("Text"),
        "templateName": marked("Template"),
        "addTags": marked("Tags to add"),
        "removeTags": marked("Tags to remove"),
        "summary": marked("Summary"),
        "nextStep": marked("Next step"),
    }
)
_NAMED = Told(
    {
        "stageId": marked("Stage"),
        "pipelineId": marked("Pipeline"),
        "ownerId": marked("Owner"),
        "assignTo": marked("With"),
        "toId": marked("To"),
    }
)
_HIDDEN = frozenset({"leadId", "contactId", "taskId", "version", "templateId", "despiteGap"})
_WORDS = ("subject", "text", "html", "notes", "title", "reason", "body", "summary", "nextStep")
_LONG = ("text", "html", "notes", "body", "summary")


async def show(visit: Visit) -> Response:
    """GET /approvals: what waits, newest first; with `which=decided` what was decided."""
    decided = visit.query.get("which") == "decided"
    found: list[Approval] = []
    for status in ("approved", "done", "rejected", "expired", "stale", "failed") if decided else ("waiting",):
        found += await visit.perform("crm.approvals.list", ListApprovals(status=status, limit=50))
    found.sort(key=lambda each: each.created_at, reverse=True)
    views = await approval_views(visit, found[:100])
    return await page(visit, "approvals.html", here=HERE, approvals=views, decided=decided, one=False)


async def single(visit: Visit) -> Response:
    """GET and POST /approvals/{approval}: the act as it would be done; approving it is a press on the button."""
    id = _id(visit)
    if visit.request.method == "POST":
        approved: Approval = await visit.perform(
            "crm.approvals.approve", Approve(approval_id=id, version=_version(visit))
        )
        words = (
            _("Approved. %(agent_name)s does it now.") % {"agent_name": approved.agent_name}
            if approved.status == "approved"
            else _("Approved. A second person decides too.")
        )
        return said(visit, words) if visit.from_htmx else done(visit, words, visit.back(HERE))
    found: Approval = await visit.perform("crm.approvals.get", GetApproval(approval_id=id))
    views = await approval_views(visit, [found])
    return await page(visit, "approvals.html", here=HERE, approvals=views, decided=False, one=True)


async def edit(visit: Visit) -> Response:
    """GET and POST /approvals/{approval}/edit: other words, and approve them."""
    id = _id(visit)
    found: Approval = await visit.perform("crm.approvals.get", GetApproval(approval_id=id))
    names = [name for name in _WORDS if isinstance(found.input.get(name), str)]
    error: Refusal | None = None
    if visit.request.method == "POST":
        given = {name: visit.fields.get(name, "").replace("\r\n", "\n") for name in names}
        try:
            await visit.perform(
                "crm.approvals.edit", EditApproval(approval_id=id, input=given, version=_version(visit))
            )
            return done(
                visit,
                _("Approved as you wrote it. %(agent_name)s does it now.") % {"agent_name": found.agent_name},
                HERE,
            )
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    values = {name: found.input[name] for name in names} | {"version": found.version} | visit.fields
    return await sheet(
        visit,
        "approval_edit.html",
        found.summary,
        act=_("Save and approve"),
        back=HERE,
        values=values,
        error=error,
        here=HERE,
        fields=[(name, LABELS[name], name in _LONG) for name in names],
        lede=_("%(agent_name)s does this once, in your words.") % {"agent_name": found.agent_name},
    )


async def reject(visit: Visit) -> Response:
    """GET and POST /approvals/{approval}/reject: no, and why."""
    id = _id(visit)
    found: Approval = await visit.perform("crm.approvals.get", GetApproval(approval_id=id))
    error: Refusal | None = None
    if visit.request.method == "POST":
        try:
            wish = Reject(approval_id=id, reason=visit.fields.get("reason", ""), version=_version(visit))
            await visit.perform("crm.approvals.reject", wish)
            return done(visit, _("Rejected. Nothing was done."), HERE)
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    return await sheet(
        visit, "approval_reject.html", _("Reject: %(summary)s") % {"summary": found.summary}, act=_("Reject"), back=HERE,
        values={"version": found.version} | visit.fields, error=error, here=HERE, tone="danger",
        lede=_("%(agent_name)s reads why.") % {"agent_name": found.agent_name},
    )  # fmt: skip


async def approval_views(visit: Visit, found: Sequence[Approval]) -> list[dict[str, Any]]:
    """Approvals as their pages show them: who asks, for what, in which words, until when."""
    if not found:
        return []
    members = {member.id: member for member in await visit.members()}
    currency = (await visit.organization()).currency
    names = {str(stage.id): stage.name for pipeline in await visit.pipelines() for stage in pipeline.stages}
    names |= {str(pipeline.id): pipeline.name for pipeline in await visit.pipelines()}
    names |= {str(member.id): member.name for member in members.values()}
    return [
        {
            "id": each.id,
            "href": f"{HERE}/{each.id}",
            "version": each.version,
            "who": who(members[each.agent_id]) if each.agent_id in members else None,
            "agent": each.agent_name,
            "summary": each.summary,
            "why": each.why.partition(". This waits")[0],
            "lead": {"id": each.lead_id, "name": each.lead_name} if each.lead_id else None,
            "value": money(each.value_cents, currency) if each.value_cents else None,
            "fields": _fields(each, names),
            "editable": any(isinstance(each.input.get(name), str) for name in _WORDS),
            "edited": each.original is not None,
            "waiting": each.status == "waiting",
            "state": STATES[each.status],
            "tone": TONES.get(each.status, ""),
            "needed": each.needed,
            "given": [giver.name for giver in each.given],
            "mine": any(giver.id == visit.actor.id for giver in each.given),
            "reason": each.reason,
            "when": ago(each.created_at, visit.now, visit.zone),
            "until": due_at(each.expires_at, visit.now, visit.zone),
        }
        for each in found
    ]


def _fields(each: Approval, names: dict[str, str]) -> list[dict[str, Any]]:
    """The act's input in words, all of it but the record that stands above and what was left to the default."""
    shown = []
    for name, value in each.input.items():
        if name in _HIDDEN or value in (None, "", [], {}, False):
            continue
        text = names.get(str(value), str(value)) if name in _NAMED else _text(value)
        label = LABELS.get(name) or _NAMED.get(name) or name
        shown.append({"label": label, "value": text, "long": name in _LONG, "code": name == "html"})
    return shown


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _id(visit: Visit) -> UUID:
    id = as_uuid(visit.path["approval"])
    if id is None:
        raise NotFound("There is no such approval in your organization.")
    return id


def _version(visit: Visit) -> int | None:
    text = visit.fields.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None
