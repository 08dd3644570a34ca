"""Agents: who they are, what they do by themselves, what they did, and the switch that stops them. Spec A6."""

from typing import Any

import msgspec
from starlette.responses import Response

from baton.accounts.hours import WorkingHours
from baton.accounts.members import AddAgent, EditMember, Member
from baton.doors.web.shell.amounts import number
from baton.doors.web.shell.language import Told, _, marked
from baton.doors.web.shell.render import done, page, redirect
from baton.doors.web.shell.sheets import Refusal, sheet
from baton.doors.web.shell.show import who
from baton.doors.web.shell.stale import kept, settle, ticks
from baton.doors.web.shell.visit import Visit, as_uuid
from baton.kernel.errors import Conflict, Invalid, NotFound
from baton.kernel.explain import explained

HERE = "/settings/agents"
DAYS = (
    marked("Monday"),
    marked("Tuesday"),
    marked("Wednesday"),
    marked("Thursday"),
    marked("Friday"),
    marked("Saturday"),
    marked("Sunday"),
)
KINDS = Told(
    {
        "playbook": marked("works by its playbook"),
        "external": marked("works from outside, by its token"),
        "model": marked("decides by a model"),
    }
)


async def show(visit: Visit) -> Response:
    """GET /settings/agents."""
    members = await visit.members()
    agents = [agent_view(member, members) for member in members if member.kind == "agent"]
    return await page(visit, "agents.html", here=HERE, agents=agents)


async def found(visit: Visit) -> Member:
    """The agent that the address names. Raises NotFound, also for a person."""
    id = as_uuid(visit.path["agent"])
    agent = next((member for member in await visit.members() if member.id == id and member.kind == "agent"), None)
    if agent is None:
        raise NotFound("There is no such agent in your organization.")
    return agent


def agent_view(agent: Member, members: list[Member]) -> dict[str, Any]:
    """An agent as its pages show it."""
    supervisor = next((member for member in members if member.id == agent.supervisor_id), None)
    return {
        "id": agent.id,
        "version": agent.version,
        "who": who(agent),
        "name": agent.name,
        "purpose": agent.purpose or "",
        "kind": KINDS.get(agent.agent_kind or "", ""),
        "supervisor": who(supervisor) if supervisor else None,
        "hours": hours(agent),
        "capacity": _("no limit")
        if agent.capacity is None
        else _("%(capacity)s open leads") % {"capacity": number(agent.capacity)},
        "active": agent.status == "active",
        "thinks": agent.agent_kind != "external",
        "href": f"/agents/{agent.id}",
    }


def hours(member: Member) -> str:
    """Working hours in words: "Monday to Friday, 09:00 to 17:00, UTC"."""
    days = sorted(member.working_hours.days)
    if days == list(range(days[0], days[-1] + 1)) and len(days) > 2:
        told = (
            _("every day")
            if len(days) == 7
            else _("%(first)s to %(last)s") % {"first": _(DAYS[days[0] - 1]), "last": _(DAYS[days[-1] - 1])}
        )
    else:
        told = ", ".join(_(DAYS[day - 1]) for day in days)
    hours = member.working_hours
    return _("%(days)s, %(from)s to %(to)s, %(zone)s") % {
        "days": told,
        "from": hours.from_,
        "to": hours.to,
        "zone": member.time_zone,
    }


async def switch(visit: Visit) -> Response:
    """POST /agents/{agent}/switch: pause it at once, or let it work again."""
    agent = await found(visit)
    status = "active" if visit.fields.get("status") == "active" else "paused"
    await visit.perform(
        "crm.members.update", msgspec.convert({"memberId": str(agent.id), "status": status}, EditMember)
    )
    return redirect(f"/agents/{agent.id}")


async def new(visit: Visit) -> Response:
    """GET and POST /settings/agents/new."""
    error: Refusal | None = None
    values: dict[str, Any] = {"agentKind": "playbook", "supervisorId": str(visit.actor.id or "")} | visit.fields
    if visit.request.method == "POST":
        try:
            wish: dict[str, Any] = {
                key: text for key, value in visit.fields.items() if key != "csrf" and (text := value.strip())
            }
            wish |= {"capacity": _capacity(visit.fields)}
            made: Member = await visit.perform("crm.members.addAgent", _converted(wish, AddAgent))
            return done(
                visit, _("%(name)s joined. Give it a playbook, or a token.") % {"name": made.name}, f"/agents/{made.id}"
            )
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    people = [(str(member.id), member.name) for member in await visit.members() if member.kind == "person"]
    return await sheet(
        visit, "agent_new.html", _("New agent"), act=_("Add the agent"), back=HERE, values=values, error=error, here=HERE,
        people=people, kinds=list(KINDS.items()),
        lede=_("An agent acts under its own name, as a member at most, and takes to its supervisor what it may not decide."),
    )  # fmt: skip


async def edit(visit: Visit) -> Response:
    """GET and POST /agents/{agent}/edit: name, hours, time zone and capacity."""
    agent = await found(visit)
    error: Refusal | None = None
    now: dict[str, Any] = {
        "name": agent.name, "purpose": agent.purpose or "", "supervisorId": str(agent.supervisor_id or ""),
        "from": agent.working_hours.from_, "to": agent.working_hours.to, "timeZone": agent.time_zone,
        "capacity": agent.capacity or "",
    }  # fmt: skip
    people = [(str(member.id), member.name) for member in await visit.members() if member.kind == "person"]
    named_days = {str(at): _(name) for at, name in enumerate(DAYS, start=1)}
    hours = [str(day) for day in sorted(agent.working_hours.days)]
    parts = [ticks("day", _("Works on"), hours, named_days, key="workingHours")]
    labels = {"name": _("Name"), "purpose": _("Purpose"), "supervisorId": _("Supervisor"), "from": _("From"), "to": _("To"),
              "timeZone": _("Time zone"), "capacity": _("Open leads at most")}  # fmt: skip
    keys = {"from": "workingHours", "to": "workingHours"}
    clashes = await settle(visit, agent.id, now, labels, shown={"supervisorId": dict(people)}, keys=keys, parts=parts)
    days = [value for key, value in visit.several if key == "day"]
    values = now | visit.fields | {"days": days or hours}
    if visit.request.method == "POST" and not clashes:
        try:
            wish = {
                "memberId": str(agent.id), "version": agent.version, "name": visit.fields.get("name", "").strip() or agent.name,
                "purpose": visit.fields.get("purpose", agent.purpose or "").strip(),
                "supervisorId": visit.fields.get("supervisorId") or None,
                "timeZone": visit.fields.get("timeZone", "").strip() or agent.time_zone,
                "capacity": _capacity(visit.fields),
                "workingHours": _hours(visit.fields, days),
            }  # fmt: skip
            await visit.perform("crm.members.update", _converted(wish, EditMember))
            return done(visit, _("%(name)s is changed.") % {"name": wish["name"]}, f"/agents/{agent.id}")
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    return await sheet(
        visit,
        "agent_edit.html",
        _("Change %(name)s") % {"name": agent.name},
        act=_("Save"),
        back=f"/agents/{agent.id}",
        values=values,
        error=error,
        here=HERE,
        people=people,
        days=list(named_days.items()),
        was=kept(now, parts),
        clashes=clashes,
    )


def _converted(wish: dict[str, Any], type: Any) -> Any:
    try:
        return msgspec.convert(wish, type)
    except msgspec.ValidationError as error:
        raise explained(error, type) from None


def _hours(fields: dict[str, str], days: list[str]) -> dict[str, Any]:
    wish = {
        "days": [int(day) for day in days if day in "1234567"],
        "from": fields.get("from", ""),
        "to": fields.get("to", ""),
    }
    try:
        msgspec.convert(wish, WorkingHours)
    except (msgspec.ValidationError, ValueError):
        raise Invalid("Choose at least one day, and hours that begin before they end.", field="hours") from None
    return wish


def _capacity(fields: dict[str, str]) -> int | None:
    text = fields.get("capacity", "").strip()
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise Invalid("The capacity is a whole number of open leads.", field="capacity")
    return int(text)
