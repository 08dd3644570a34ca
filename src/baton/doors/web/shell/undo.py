"""Taking back what was done: from a word above the page, a timeline or a run; each effect says what became of it."""

from collections import Counter
from uuid import UUID

from starlette.responses import JSONResponse, Response

from baton.activities import kinds
from baton.activities.activity import Activity
from baton.activities.timeline import ReadAudit
from baton.agents.undo import Effect, Undo, Undone
from baton.doors.web.leads.timeline import entries, names
from baton.doors.web.shell.language import Told, _, marked
from baton.doors.web.shell.language import told as in_words
from baton.doors.web.shell.render import page, redirect
from baton.doors.web.shell.show import several
from baton.doors.web.shell.visit import Visit, as_uuid
from baton.doors.web.told.changes import LABELS
from baton.kernel.errors import Conflict, NotFound
from baton.kernel.page import Page
from baton.messages.notices.notice import MarkUnread

_WORDS = Told(
    {
        "stageId": marked("the stage"),
        "pipelineId": marked("the pipeline"),
        "ownerId": marked("the owner"),
        "qualifiedAt": marked("the qualification"),
        "closedAt": marked("the end"),
        "fields": marked("own fields"),
        "convertedToId": marked("the deal"),
        "task": marked("the task"),
        "lead": marked("the lead"),
        "contact": marked("the contact"),
        "company": marked("the company"),
        "externalId": marked("the external id"),
        "note_added": marked("the note"),
        "call_logged": marked("the call"),
        "meeting_logged": marked("the meeting"),
        "other_logged": marked("what was noted"),
        "email_sent": marked("the email"),
        "email_received": marked("the email"),
        "whatsapp_sent": marked("the WhatsApp message"),
        "whatsapp_received": marked("the WhatsApp message"),
    }
)
_AT_ONCE = 500
OUTCOMES = Told({"reversed": marked("taken back"), "kept": marked("kept"), "impossible": marked("impossible")})


def named(what: str) -> str:
    """What an effect is about, in words."""
    return _WORDS.get(what) or LABELS.get(what, what)


async def show(visit: Visit) -> Response:
    """GET and POST /undo/{operation}: what it did, then what became of each effect; `back` names the page one came from."""
    operation = as_uuid(visit.path["operation"])
    if operation is None:
        raise NotFound("There is no such operation.")
    scripted = visit.wants_json
    if visit.request.method == "POST" and await _is_reading(visit, operation):
        await visit.perform("crm.notifications.markUnread", MarkUnread(operation_id=operation))
        return JSONResponse({"words": _("It waits for you again.")}) if scripted else redirect(visit.back("/inbox"))
    if visit.request.method == "POST":
        undone = await _taken_back(visit, operation)
        if scripted:
            return JSONResponse({"words": told(undone)})
        return await _page(visit, operation, effects=undone.effects)
    return await _page(visit, operation)


async def _is_reading(visit: Visit, operation: UUID) -> bool:
    """Whether the operation did nothing but mark notices as read: that is no effect on a record, and is put back by itself."""
    found: Page[Activity] = await visit.perform("crm.activities.list", ReadAudit(operation_id=operation, limit=1))
    return bool(found.items) and found.items[0].kind == kinds.NOTICES_READ


async def _taken_back(visit: Visit, operation: UUID) -> Undone:
    """Take the whole operation back, call after call, and answer all effects as one."""
    undone: Undone = await visit.perform("crm.operations.undo", Undo(operation_id=operation, limit=_AT_ONCE))
    effects, more = list(undone.effects), undone
    while more.next_cursor:
        step = Undo(operation_id=operation, limit=_AT_ONCE, undo_id=more.undo_id, cursor=more.next_cursor)
        more = await visit.perform("crm.operations.undo", step)
        effects += more.effects
    return Undone(operation_id=operation, undo_id=undone.undo_id, effects=effects, next_cursor=None)


def told(undone: Undone) -> str:
    """What became of an undo in one sentence. Raises Conflict where nothing was taken back."""
    count = Counter(effect.outcome for effect in undone.effects)
    if not count["reversed"]:
        why = next((effect.why for effect in undone.effects if effect.why), _("Nothing of it is left to take back."))
        raise Conflict(_("Nothing was taken back. %(why)s") % {"why": in_words(why)})
    kept = [effect for effect in undone.effects if effect.outcome != "reversed"]
    if not kept:
        return _("Taken back.")
    names_of = several(list(dict.fromkeys(named(effect.what) for effect in kept)))
    return f"{_('Taken back, all but %(names)s.') % {'names': names_of}} {in_words(kept[0].why or '')}".strip()


async def _page(visit: Visit, operation: UUID, *, effects: list[Effect] | None = None) -> Response:
    found: Page[Activity] = await visit.perform("crm.activities.list", ReadAudit(operation_id=operation, limit=50))
    if not found.items:
        raise NotFound("There is no such operation.")
    first = found.items[-1]
    lead_id = next((activity.lead_id for activity in found.items if activity.lead_id), None)
    fallback = f"/leads/{lead_id}" if lead_id else "/board"
    came = visit.fields.get("back") or visit.back(fallback)
    lines = entries(found.items, await names(visit), visit)
    for line in lines:
        line.id = None  # the page behind may show the same line
    return await page(
        visit,
        "undo.html",
        here="/leads",
        sheet={
            "title": _("Taken back")
            if effects is not None
            else _("Take back what %(actor_name)s did?") % {"actor_name": first.actor_name},
            "act": _("Take back"),
            "action": visit.request.url.path,
            "back": came if came.startswith("/") and not came.startswith("//") else fallback,
            "lede": "",
            "tone": "danger",
        },
        wrong="",
        entries=lines,
        effects=[
            (named(effect.what), OUTCOMES[effect.outcome], effect.outcome, effect.why) for effect in effects or []
        ],
        done=effects is not None,
    )
