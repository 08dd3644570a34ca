"""The timeline of a lead or record as its page shows it: filtered, loaded further, each line with who, why and its undo."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from baton.activities import kinds
from baton.activities.activity import Activity
from baton.doors.web.leads.past import slider_of
from baton.doors.web.leads.received import FileView, told_files
from baton.doors.web.shell.language import Choices, marked
from baton.doors.web.shell.show import Who
from baton.doors.web.shell.times import Moment, moment
from baton.doors.web.shell.visit import Visit
from baton.doors.web.told.changes import Change
from baton.doors.web.told.fold import folded
from baton.doors.web.told.phrases import Names, Part, face
from baton.doors.web.told.story import tell
from baton.kernel.page import Page
from baton.leads.lead import Lead
from baton.leads.timeline import ReadTimeline

PAGE = 30
MOST = 200
KINDS = Choices(
    [
        ("", marked("everything")),
        (kinds.NOTE_ADDED, marked("notes")),
        (kinds.EMAIL_SENT, marked("emails sent")),
        (kinds.EMAIL_RECEIVED, marked("replies")),
        (kinds.CALL_LOGGED, marked("calls")),
        (kinds.MEETING_LOGGED, marked("meetings")),
        (kinds.STAGE_CHANGED, marked("stages")),
        (kinds.ASSIGNMENT_CHANGED, marked("hand-overs")),
        (kinds.FIELD_UPDATED, marked("changed facts")),
        (kinds.TASK_CREATED, marked("tasks set")),
        (kinds.TASK_COMPLETED, marked("tasks done")),
        (kinds.LEAD_SCORED, marked("scores")),
    ]
)
_REVERSIBLE = frozenset(
    {
        kinds.STAGE_CHANGED,
        kinds.PIPELINE_MOVED,
        kinds.ASSIGNMENT_CHANGED,
        kinds.FIELD_UPDATED,
        kinds.LEAD_QUALIFIED,
        kinds.LEAD_DISQUALIFIED,
        kinds.TASK_CREATED,
        kinds.TASK_COMPLETED,
        kinds.TASK_CANCELLED,
        kinds.UNDONE,
        kinds.CONTACT_MERGED,
        kinds.COMPANY_MERGED,
        kinds.CONTACT_UPDATED,
        kinds.COMPANY_UPDATED,
    }
)
_MERGED = {kinds.CONTACT_MERGED: "/contacts", kinds.COMPANY_MERGED: "/companies"}


@dataclass(slots=True)
class Entry:
    """One line of the timeline; `rest` is what of a long message is folded away, `undo` is where what it tells
    can be taken back, `message` where a received one is read whole."""

    id: UUID | None
    avatar: Who | None
    parts: list[Part]
    moment: Moment
    why: str | None = None
    quote: str | None = None
    rest: str = ""
    changes: list[Change] = field(default_factory=list)
    undo: str | None = None
    undo_words: str = marked("Undo")
    message: str | None = None
    files: list[FileView] = field(default_factory=list)


async def timeline(
    visit: Visit, lead: Lead, at: datetime | None = None
) -> tuple[list[Entry], str, str | None, dict[str, Any]]:
    """The timeline's newest entries, as many as `shown` asks, of one `kind`, up to a moment; the page's address with it, that
    of the earlier ones, and the slider over them."""
    asked = visit.query.get("shown", "")
    limit = min(MOST, max(PAGE, int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 4 else PAGE))
    kind = visit.query.get("kind", "") if visit.query.get("kind", "") in dict(KINDS) else ""
    asked_for = ReadTimeline(
        lead_id=str(lead.id), kind=kind or None, limit=limit, cursor=visit.query.get("before")
    )  # fmt: skip
    found: Page[Activity] = await visit.perform("crm.leads.timeline", asked_for)
    told = [activity for activity in found.items if at is None or activity.occurred_at <= at]
    kept = ({"kind": kind} if kind else {}) | ({"at": at.isoformat()} if at else {})

    def url(**more: Any) -> str:
        query = urlencode(kept | more)
        return f"/leads/{lead.id}?{query}" if query else f"/leads/{lead.id}"

    earlier = url(shown=limit + 2 * PAGE) if limit < MOST else url(shown=MOST, before=found.next_cursor or "")
    shown = entries(told, await names(visit), visit, undoable=visit.may_write and at is None)
    here = url() if limit == PAGE else url(shown=limit)
    moments = [moment(each.occurred_at, visit.now, visit.zone) for each in reversed(found.items)]
    return shown, here, earlier if found.next_cursor else None, slider_of(moments, found.items, at)


async def names(visit: Visit) -> Names:
    """What pipelines, stages and members are called."""
    pipelines = await visit.pipelines()
    return Names(
        stages={stage.id: stage.name for pipeline in pipelines for stage in pipeline.stages},
        pipelines={pipeline.id: pipeline.name for pipeline in pipelines},
        members={member.id: member for member in await visit.members()},
        now=visit.now,
        zone=visit.zone,
    )


def entries(activities: list[Activity], known: Names, visit: Visit, *, undoable: bool = False) -> list[Entry]:
    """Activities, newest first, as lines; a line names its day only where it differs from the line above."""
    lines = []
    above: date | None = None
    for activity, said in tell(activities, known):
        at = moment(activity.occurred_at, visit.now, visit.zone, within=above)
        above = activity.occurred_at.astimezone(visit.zone).date()
        quote, rest = folded(said.quote) if said.quote else (None, "")
        line = Entry(activity.id, face(activity, known), said.parts, at, said.why, quote, rest, said.changes)
        if undoable and activity.kind in _REVERSIBLE:
            line.undo = f"/undo/{activity.operation_id}"
        if undoable and activity.kind in _MERGED and "mergedId" in activity.payload:
            line.undo = f"{_MERGED[activity.kind]}/{activity.payload['mergedId']}/unmerge"
            line.undo_words = marked("Take apart")
        if "receivedId" in activity.payload:
            line.message = f"/messages/{activity.payload['receivedId']}"
            line.files = told_files(activity)
        lines.append(line)
    return lines
