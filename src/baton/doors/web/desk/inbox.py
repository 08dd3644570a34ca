"""The inbox: what waits for the reader in one list, each with its act beside it; and the counts of the navigation."""

from typing import Any

import msgspec
from starlette.responses import Response

from baton.agents.approval import Approval, ListApprovals
from baton.doors.web.agents.approvals import approval_views
from baton.doors.web.desk.tasks import tomorrow
from baton.doors.web.shell.language import _
from baton.doors.web.shell.render import fragment, page, redirect
from baton.doors.web.shell.times import ago, due_at
from baton.doors.web.shell.visit import Visit, as_uuid
from baton.inbox.found import NOTICES
from baton.inbox.waiting import Counts, Inbox, InboxItem, ListInbox
from baton.kernel.errors import NotFound
from baton.messages.notices.notice import MarkRead, Read
from baton.tasks.complete import CompleteTask
from baton.tasks.edit import Snooze
from baton.tasks.task import Task

HERE = "/inbox"
ROOMS = ("approval", "task", "reply", "mention", "lead", "alert")
_COUNT = {"approval": "approvals", "task": "tasks"} | NOTICES


def _names() -> dict[str, str]:
    return {
        "approval": _("Approvals"), "task": _("Tasks"), "reply": _("Replies"), "mention": _("Mentions"), "lead": _("New to you"),
        "alert": _("Needs you"),
    }  # fmt: skip


async def show(visit: Visit) -> Response:
    """GET /inbox: everything that waits; with `only` one kind of it."""
    return await _page(visit)


async def _page(visit: Visit) -> Response:
    only = visit.query.get("only", "")
    only = only if only in ROOMS else ""
    asked = msgspec.convert({"only": only} if only else {}, ListInbox)
    found: Inbox = await visit.perform("crm.inbox.list", asked)
    exact = await _exact(visit, [each for each in found.items if each.kind == "approval"])
    names, count = _names(), msgspec.to_builtins(found.counts)
    rows = [_row(each, exact, visit) for each in found.items if each.kind != "approval" or each.id in exact]
    groups = [(kind, names[kind], [row for row in rows if row["kind"] == kind]) for kind in ROOMS]
    url = f"{HERE}?only={only}" if only else HERE
    tabs = [(HERE, _("All"), not only, count["total"])]
    tabs += [(f"{HERE}?only={kind}", names[kind], kind == only, count[_COUNT[kind]]) for kind in ROOMS]
    return await page(
        visit, "inbox.html", here=HERE, groups=[group for group in groups if group[2]], only=only, here_url=url, tabs=tabs,
        counts=found.counts,
    )  # fmt: skip


async def _exact(visit: Visit, waiting: list[InboxItem]) -> dict[Any, dict[str, Any]]:
    """Approvals with the exact words that a decision is about."""
    if not waiting:
        return {}
    wanted = {each.id for each in waiting}
    found: list[Approval] = await visit.perform("crm.approvals.list", ListApprovals(status="waiting", limit=200))
    views = await approval_views(visit, [each for each in found if each.id in wanted])
    return {view["id"]: view for view in views}


def _row(each: InboxItem, exact: dict[Any, dict[str, Any]], visit: Visit) -> dict[str, Any]:
    place = each.href or (f"/leads/{each.lead_id}" if each.lead_id else "/notifications")
    if each.activity_id and place.startswith("/leads/"):
        place += f"#act-{each.activity_id}"
    return {
        "kind": each.kind,
        "id": each.id,
        "title": each.title,
        "lines": (each.body or "").split("\n")[:4],
        "lead": {"id": each.lead_id, "name": each.lead_name} if each.lead_id else None,
        "href": place,
        "version": each.version,
        "late": each.late,
        "due": due_at(each.at, visit.now, visit.zone) if each.kind == "task" else None,
        "when": ago(each.at, visit.now, visit.zone),
        "approval": exact.get(each.id),
    }


async def counts(visit: Visit) -> Response:
    """GET /inbox/counts: what the navigation says waits."""
    found: Counts = await visit.perform("crm.inbox.counts")
    return fragment(visit, "parts/desk_counts.html", counts={"inbox": found.total, "approvals": found.decide})


async def act(visit: Visit) -> Response:
    """POST /inbox/{id}/{act}: complete or snooze a task, mark a notice as read, or `open` what it tells of."""
    id = as_uuid(visit.path["id"])
    wish = visit.path["act"]
    if id is None or wish not in ("complete", "snooze", "read", "open"):
        raise NotFound(_("There is nothing like this in your inbox."))
    if wish == "complete":
        done: Task = await visit.perform("crm.tasks.complete", CompleteTask(task_id=str(id), version=_version(visit)))
        visit.said, visit.undo = _("Done: %(title)s.") % {"title": done.title}, visit.operation_id
    elif wish == "snooze":
        until = tomorrow(visit, 7 if visit.fields.get("days") == "7" else 1)
        off: Task = await visit.perform("crm.tasks.snooze", Snooze(task_id=str(id), until=until))
        when = due_at(off.due_at, visit.now, visit.zone)
        visit.said, visit.undo = f"{off.title}: {when}.", visit.operation_id
    else:
        marked: Read = await visit.perform("crm.notifications.markRead", MarkRead(notice_id=id))
        if marked.marked and wish == "read":
            visit.said, visit.undo = _("Done with it."), visit.operation_id
        if wish == "open":
            return redirect(_within(visit.fields.get("to", "")) or HERE)
    return await _page(visit) if visit.from_htmx else redirect(visit.back(HERE))


def _within(href: str) -> str | None:
    return href if href.startswith("/") and not href.startswith("//") and "\\" not in href else None


def _version(visit: Visit) -> int | None:
    text = visit.fields.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None
