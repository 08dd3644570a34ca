"""The calendar: tasks and follow-ups of a month, a week, or the days to come; they are put on another day by hand or by keys."""

import calendar
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec
from babel.dates import get_day_names, get_month_names
from starlette.responses import JSONResponse, Response

from baton.doors.web.desk.tasks import leads_of, read_task
from baton.doors.web.leads.lead import TaskView, task_view
from baton.doors.web.shell.language import _, locale
from baton.doors.web.shell.render import page, redirect
from baton.doors.web.shell.times import day as short_day
from baton.doors.web.shell.times import due_at
from baton.doors.web.shell.visit import Visit, as_uuid
from baton.kernel.errors import Invalid
from baton.kernel.page import Page
from baton.tasks.edit import EditTask, Snooze
from baton.tasks.task import ListTasks, Task

HERE = "/calendar"
VIEWS = ("month", "week", "agenda")
AHEAD = 30
MOST = 600
SHOWN = 4


@dataclass(slots=True)
class Day:
    """A day of the calendar and its tasks, the earliest first; `beside` where it belongs to another month."""

    date: date
    name: str
    today: bool
    past: bool
    beside: bool
    tasks: list["Placed"] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Placed:
    """A task on its day: at which time, of which lead."""

    view: TaskView
    clock: str
    lead: Any


async def show(visit: Visit) -> Response:
    """GET /calendar: `view` month, week or agenda; around `day`; of `who`: oneself, `all`, or a member."""
    view = visit.query.get("view", "month")
    view = view if view in VIEWS else "month"
    today = visit.now.astimezone(visit.zone).date()
    about = _day(visit.query.get("day"), today)
    who = visit.query.get("who", "")
    member = visit.actor.id if not who else as_uuid(who)
    days = _days(view, about, today)
    tasks, more = await _tasks(visit, days, None if who == "all" else str(member) if member else None)
    await _place(visit, days, tasks)
    kept = {"view": view} | ({"who": who} if who else {})

    def url(**other: str) -> str:
        return f"{HERE}?{urlencode(kept | other)}"

    before, after = _steps(view, about)
    members = [each for each in await visit.members() if each.status == "active" and each.id != visit.actor.id]
    return await page(
        visit, "agenda.html", here=HERE, view=view, days=list(days.values()), title=_title(view, about, days), more=more, who=who,
        views=[(url(view=key, day=about.isoformat()), words, key == view) for key, words in
               (("month", _("Month")), ("week", _("Week")), ("agenda", _("Agenda")))],
        before=url(day=before.isoformat()), after=url(day=after.isoformat()), now=url(), about=about, today=today,
        whose=[("", _("Mine")), ("all", _("Everybody’s")), *((str(each.id), each.name) for each in members)],
        here_url=url(day=about.isoformat()), weekdays=_weekdays(), shown=SHOWN if view == "month" else MOST,
        vacant=not any(day.tasks for day in days.values()), agenda=f"{HERE}?{urlencode(kept | {'view': 'agenda'})}",
    )  # fmt: skip


def _weekdays() -> list[str]:
    names = get_day_names("abbreviated", locale=locale())
    return [str(names[index]).capitalize() for index in range(7)]


def _day(text: str | None, today: date) -> date:
    """The day in an address; today for anything that is none of this century."""
    try:
        found = date.fromisoformat(text or "")
    except ValueError:
        return today
    return found if 2000 <= found.year < 2100 else today


def _days(view: str, about: date, today: date) -> dict[date, Day]:
    if view == "month":
        all_days = [each for week in calendar.Calendar().monthdatescalendar(about.year, about.month) for each in week]
    elif view == "week":
        monday = about - timedelta(days=about.weekday())
        all_days = [monday + timedelta(days=step) for step in range(7)]
    else:
        all_days = [about + timedelta(days=step) for step in range(AHEAD)]
    names = _weekdays()
    return {
        each: Day(
            each, f"{names[each.weekday()]} {short_day(each, today)}", each == today, each < today,
            view == "month" and each.month != about.month,
        )
        for each in all_days
    }  # fmt: skip


def _steps(view: str, about: date) -> tuple[date, date]:
    """The day around which the page before stands, and the page after."""
    if view != "month":
        step = timedelta(days=7 if view == "week" else AHEAD)
        return about - step, about + step
    first = about.replace(day=1)
    return (first - timedelta(days=1)).replace(day=1), (first + timedelta(days=32)).replace(day=1)


def _title(view: str, about: date, days: dict[date, Day]) -> str:
    if view == "month":
        return f"{get_month_names('wide', 'stand-alone', locale())[about.month].capitalize()} {about.year}"
    first, last = min(days), max(days)
    return f"{short_day(first, last if first.year == last.year else date.min)} – {short_day(last, date.min)}"


async def _tasks(visit: Visit, days: dict[date, Day], member: str | None) -> tuple[list[Task], bool]:
    """The open tasks of these days, at most 600, and whether there are more."""
    begins = datetime.combine(min(days), time(0), tzinfo=visit.zone)
    ends = datetime.combine(max(days) + timedelta(days=1), time(0), tzinfo=visit.zone)
    found: list[Task] = []
    cursor: str | None = None
    while len(found) < MOST:
        wish = {"assigneeId": member, "dueAfter": _utc(begins), "dueBefore": _utc(ends), "limit": 200, "cursor": cursor}
        asked = msgspec.convert({key: value for key, value in wish.items() if value is not None}, ListTasks)
        part: Page[Task] = await visit.perform("crm.tasks.list", asked)
        found += part.items
        cursor = part.next_cursor
        if cursor is None:
            break
    return found, cursor is not None


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


async def _place(visit: Visit, days: dict[date, Day], tasks: list[Task]) -> None:
    leads = await leads_of(visit, tasks)
    by_id = {member.id: member for member in await visit.members()}
    for task in tasks:
        local = task.due_at.astimezone(visit.zone)
        day = days.get(local.date())
        if day is not None:
            view = task_view(task, by_id.get(task.assignee_id) if task.assignee_id else None, visit)
            day.tasks.append(Placed(view, f"{local:%H:%M}", leads.get(str(task.lead_id))))


async def put(visit: Visit) -> Response:
    """POST /tasks/{task}/day: to another `day` at the same time of it, or `by` so many days on. A series keeps its days."""
    task = await read_task(visit)
    local = task.due_at.astimezone(visit.zone)
    to = _wanted(visit, local.date())
    at = datetime.combine(to, local.time(), tzinfo=visit.zone)
    if task.recurrence is not None:
        await visit.perform("crm.tasks.snooze", Snooze(task_id=str(task.id), until=at))
    else:
        await visit.perform("crm.tasks.edit", EditTask(task_id=str(task.id), due_at=at))
    words = f"{task.title}: {due_at(at, visit.now, visit.zone)}."
    if visit.wants_json:
        return JSONResponse({"words": words, "undo": str(visit.operation_id)})
    return redirect(visit.back(HERE))


def _wanted(visit: Visit, was: date) -> date:
    step = visit.fields.get("by", "")
    if step in ("-7", "-1", "1", "7"):
        return was + timedelta(days=int(step))
    try:
        found = date.fromisoformat(visit.fields.get("day", ""))
    except ValueError:
        raise Invalid(_("Choose a day."), field="day") from None
    if not 2000 <= found.year < 2100:
        raise Invalid(_("Choose a day of this century."), field="day")
    return found
