"""An agent's end and its undoing: retiring it with a hand-over, taking back what it did since a moment. Spec A6."""

from datetime import datetime, timedelta
from typing import Any

from starlette.responses import Response

from baton.agents.retire import Retire, Retired
from baton.agents.undo_since import TakenBack, UndoSince
from baton.doors.web.agents.agents import HERE, found
from baton.doors.web.shell.language import _
from baton.doors.web.shell.render import done
from baton.doors.web.shell.sheets import Refusal, sheet
from baton.doors.web.shell.visit import Visit
from baton.kernel.errors import Conflict, Invalid, NotFound

ROUTE = "route"


async def retire(visit: Visit) -> Response:
    """GET and POST /agents/{agent}/retire: it works no more, and somebody takes its leads."""
    agent = await found(visit)
    error: Refusal | None = None
    if visit.request.method == "POST":
        to = visit.fields.get("to", "")
        try:
            wish = Retire(
                agent_id=str(agent.id),
                to_id=None if to == ROUTE else to or None,
                route=to == ROUTE,
                reason=visit.fields.get("reason"),
            )
            gone: Retired = await visit.perform("crm.agents.retire", wish)
            visit.undo = visit.operation_id
            words = _("%(name)s retired; %(leads)s leads were handed over.") % {"name": agent.name, "leads": gone.leads}
            if gone.unrouted:
                words += " " + _("%(count)s found no owner.") % {"count": gone.unrouted}
            return done(
                visit,
                words,
                HERE,
            )
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    takers = [(str(m.id), m.name) for m in await visit.members() if m.id != agent.id and m.status == "active"]
    return await sheet(
        visit, "agent_retire.html", _("Retire %(name)s") % {"name": agent.name}, act=_("Retire it"), back=f"/agents/{agent.id}",
        values={"to": str(agent.supervisor_id or "")} | visit.fields, error=error, here=HERE, tone="danger",
        takers=[(ROUTE, _("whom the routing rules choose")), *takers],
        lede=_("Its tokens end at once and what it asked for is closed. Its history stays under its name, and this can be undone."),
    )  # fmt: skip


async def undo_since(visit: Visit) -> Response:
    """GET and POST /agents/{agent}/undo: everything that it did since a moment, newest first."""
    agent = await found(visit)
    error: Refusal | None = None
    usual = (visit.now - timedelta(hours=8)).astimezone(visit.zone).strftime("%Y-%m-%dT%H:%M")
    if visit.request.method == "POST":
        try:
            since = _moment(visit.fields.get("since", ""), visit)
            taken: TakenBack = await visit.perform(
                "crm.agents.undoSince", UndoSince(agent_id=str(agent.id), since=since)
            )
            visit.undo = visit.operation_id
            words = _(
                "%(reversed)s effects taken back, %(kept)s kept because they were changed since or told, %(impossible)s impossible."
            ) % {
                "reversed": taken.reversed,
                "kept": taken.kept,
                "impossible": taken.impossible,
            }
            return done(visit, words, f"/agents/{agent.id}")
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    values: dict[str, Any] = {"since": usual} | visit.fields
    return await sheet(
        visit,
        "agent_undo.html",
        _("Take back what %(name)s did") % {"name": agent.name},
        act=_("Take it back"),
        back=f"/agents/{agent.id}",
        values=values,
        error=error,
        here=HERE,
        tone="danger",
        lede=_(
            "Facts go back where nobody changed them since; messages that left cannot. The history keeps telling everything."
        ),
    )


def _moment(text: str, visit: Visit) -> datetime:
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Invalid("Say since when: a day and a time.", field="since") from None
    return at if at.tzinfo else at.replace(tzinfo=visit.zone)
