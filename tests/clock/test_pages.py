"""The pages of notices, tasks, the calendar and health, through the real server. Spec A6, B1, C5."""

import re
from datetime import timedelta
from typing import Any

import httpx2
import pytest_asyncio

from baton.accounts.sign_in import Membership, open_session
from baton.doors.app import create_app
from baton.doors.web.shell.visit import csrf_of
from baton.kernel.actor import Actor
from baton.kernel.db import Database
from baton.kernel.settings import Settings
from baton.kernel.values import utc_now
from tests.operations.cases_clock import held_job, late_lead
from tests.team import Team


class Desk:
    """A signed-in person without a browser."""

    def __init__(self, http: httpx2.AsyncClient, token: str) -> None:
        self.http, self.token = http, token

    async def get(self, path: str) -> str:
        answer = await self.http.get(path, headers={"cookie": f"baton_session={self.token}"})
        assert answer.status_code == 200, (path, answer.status_code)
        return answer.text

    async def post(self, path: str, **fields: Any) -> httpx2.Response:
        return await self.http.post(
            path, data={"csrf": csrf_of(self.token)} | fields, headers={"cookie": f"baton_session={self.token}"}
        )


@pytest_asyncio.fixture
async def http(settings: Settings, db: Database) -> Any:
    transport = httpx2.ASGITransport(app=create_app(settings, db))
    async with httpx2.AsyncClient(transport=transport, base_url="http://baton.test") as client:
        yield client


async def desk(http: httpx2.AsyncClient, team: Team, actor: Actor) -> Desk:
    assert actor.id
    place = Membership(org_id=actor.org_id, org_name="", member_id=actor.id, name=actor.name, role=actor.role)
    return Desk(http, await open_session(team.db, place))


async def test_the_bell_counts_and_a_notice_leads_to_its_lead(http: httpx2.AsyncClient, fresh: Team) -> None:
    """A6: read here is read everywhere; nothing leads out of the product; markup stays text."""
    ben = await desk(http, fresh, fresh.ben)
    lead = await fresh.capture()
    told = await fresh.do(
        fresh.ana,
        "crm.notifications.notify",
        memberId=str(fresh.ben.id),
        kind="reply",
        title="<b>Jane</b> replied",
        leadId=str(lead.id),
    )
    bell = await ben.get("/notifications/bell")
    assert re.search(r"count hot num\">1<", bell)
    page = await ben.get("/notifications")
    assert "&lt;b&gt;Jane&lt;/b&gt; replied" in page
    answer = await ben.post(f"/notifications/{told.notice_id}/read", to=f"/leads/{lead.id}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/leads/{lead.id}")
    answer = await ben.post(f"/notifications/{told.notice_id}/read", to="//evil.example")
    assert not answer.headers["location"].startswith("//")
    assert "count hot" not in await ben.get("/notifications/bell")
    assert (await ben.post("/notifications/read")).status_code == 303
    vera = await desk(http, fresh, fresh.vera)
    assert (await vera.post(f"/notifications/{told.notice_id}/read", to="/leads")).status_code == 404


async def test_how_one_is_told_is_set_on_its_page(http: httpx2.AsyncClient, fresh: Team) -> None:
    """A6: what is not ticked is off; half a window of quiet hours is refused beside its field."""
    ben = await desk(http, fresh, fresh.ben)
    form = {
        "app.reply": "on",
        "mail.assigned": "on",
        "digest": "daily",
        "digestHour": "7",
        "quietFrom": "21:30",
        "quietTo": "06:15",
    }
    assert (await ben.post("/notifications/settings", **form)).status_code == 303
    found = await fresh.do(fresh.ben, "crm.notifications.settings")
    assert (found.digest, found.digest_hour, found.quiet_hours.from_) == ("daily", 7, "21:30")
    assert [key for key, each in found.events.items() if each.in_app] == ["reply"]
    assert [key for key, each in found.events.items() if each.email] == ["assigned"]
    refused = await ben.post("/notifications/settings", **(form | {"quietTo": ""}))
    assert refused.status_code == 422
    assert "beginning and an end" in refused.text


async def test_tasks_are_put_off_changed_and_called_off(http: httpx2.AsyncClient, fresh: Team) -> None:
    """C5: the list by its times, a task changed in its sheet, put off and called off."""
    ben = await desk(http, fresh, fresh.ben)
    lead = await fresh.capture()
    due = utc_now() - timedelta(days=2)
    wish = {"leadId": str(lead.id), "title": "Send the offer", "dueAt": due.isoformat(), "assignTo": str(fresh.ben.id)}
    task = await fresh.do(fresh.ben, "crm.tasks.create", wish)
    assert "Send the offer" in await ben.get("/tasks?when=overdue")
    assert "Nothing is due within a week" in await ben.get("/tasks?when=week")
    assert (await ben.post(f"/tasks/{task.id}/snooze", days="1")).status_code == 303
    assert "Send the offer" in await ben.get("/tasks?when=week")
    form = {
        "title": "Send the better offer",
        "due": "2027-03-29T09:00",
        "assignTo": str(fresh.ana.id),
        "recurrence": "FREQ=WEEKLY",
    }
    assert (await ben.post(f"/tasks/{task.id}/edit", **form)).status_code == 303
    (changed,) = (await fresh.do(fresh.ben, "crm.tasks.list", leadId=str(lead.id))).items
    assert (changed.title, changed.recurrence, changed.assignee_id) == (
        "Send the better offer",
        "FREQ=WEEKLY",
        fresh.ana.id,
    )
    assert (await ben.post(f"/tasks/{task.id}/edit", **(form | {"due": "soon"}))).status_code == 422
    assert (await ben.post(f"/tasks/{task.id}/cancel")).status_code == 303
    assert (await fresh.do(fresh.ben, "crm.tasks.list", leadId=str(lead.id))).items == []


async def test_the_calendar_is_written_as_one_writes_it(http: httpx2.AsyncClient, fresh: Team) -> None:
    """B7: days, holidays a line each, what follows; what cannot be read is refused with its line."""
    ana = await desk(http, fresh, fresh.ana)
    form = {
        "day": ["1", "2"], "from": "08:00", "to": "12:00", "near": "50", "tell": ["admins"], "task": "on",
        "holidays": "2026-12-25, Christmas, every year\n2026-11-26, Thanksgiving, FREQ=YEARLY;BYMONTH=11;BYDAY=4TH\n2026-12-31 Stocktaking",
    }  # fmt: skip
    assert (await ana.post("/settings/calendar", **form)).status_code == 303
    found = await fresh.do(fresh.ana, "crm.sla.settings")
    assert (found.working_hours.days, found.near_percent, found.on_missed.tell, found.on_missed.task) == (
        (1, 2),
        50,
        ["admins"],
        True,
    )
    assert [(each.name, each.yearly, bool(each.rule)) for each in found.holidays] == [
        ("Thanksgiving", False, True), ("Christmas", True, False), ("Stocktaking", False, False),
    ]  # fmt: skip
    again = await ana.get("/settings/calendar")
    assert "2026-12-25, Christmas, every year" in again
    for wrong in ({"holidays": "Christmas"}, {"near": "many"}, {"from": "13:00"}, {"holidays": "2026-02-30, No day"}):
        assert (await ana.post("/settings/calendar", **(form | wrong))).status_code == 422, wrong
    ben = await desk(http, fresh, fresh.ben)
    assert (await ben.post("/settings/calendar", **form)).status_code == 403


async def test_the_health_page_shows_what_is_stuck_and_takes_decisions(http: httpx2.AsyncClient, fresh: Team) -> None:
    """Held jobs with their error; an admin retries or drops; the board shows what is late."""
    ana = await desk(http, fresh, fresh.ana)
    job, lead = await held_job(fresh), await late_lead(fresh)
    page = await ana.get("/settings/health")
    assert "The agent is away." in page
    assert "Something is stuck" in page
    assert (await ana.post(f"/settings/health/jobs/{job}/drop")).status_code == 303
    assert (await ana.post(f"/settings/health/jobs/{job}/drop")).status_code == 404
    assert (await ana.post(f"/settings/health/jobs/{job}/explode")).status_code == 404
    board = await ana.get(f"/board/{lead.pipeline_id}")
    assert "h late in this stage" in board or "late in this stage" in board
    ben = await desk(http, fresh, fresh.ben)
    answer = await ben.http.get("/settings/health", headers={"cookie": f"baton_session={ben.token}"})
    assert answer.status_code == 403
