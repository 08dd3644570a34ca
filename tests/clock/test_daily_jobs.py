"""The four jobs by their names: nurture, the morning's reminder, the refresh of scores, the fan-out. Spec B7."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from baton.jobs import handlers, lanes, schedule
from baton.jobs.relay import Job
from baton.kernel.actor import Actor
from baton.kernel.db import Tx
from baton.kernel.errors import Conflict, NotFound
from baton.kernel.operation import Input, Output, operation, registry
from baton.kernel.values import utc_now
from tests.alone import Alone
from tests.team import Team, make_team
from tests.test_schedule import run_for


def test_the_jobs_have_their_names_and_times() -> None:
    """B7."""
    assert {daily.name: (daily.cron, daily.entrypoint) for daily in schedule.DAILY} == {
        "leadScoreRefresh": ("0 3 * * *", "leadScoreRefresh"),
        "leadFollowUpReminder": ("0 8 * * *", "leadNurtureOrgFollowUps"),
    }
    assert "leadNurtureFollowUp" in handlers.HANDLERS


async def test_each_person_is_reminded_once_a_day_of_all_that_is_overdue(fresh: Team) -> None:
    """B7: one notice a person, listing theirs, with those of their agents; mailed too; the same day again tells nothing."""
    yesterday = (utc_now() - timedelta(days=1)).isoformat()
    for number in range(3):
        lead = await fresh.capture()
        whom = fresh.ben if number < 2 else fresh.marcus
        wish = {"leadId": str(lead.id), "title": f"Call {number}", "dueAt": yesterday, "assignTo": str(whom.id)}
        await fresh.do(fresh.ben, "crm.tasks.create", wish)
    await fresh.do(
        fresh.ana, "crm.tasks.create", leadId=str(lead.id), title="Later", dueIn="2d", assignTo=str(fresh.ben.id)
    )
    supervisor = next(m.supervisor_id for m in await fresh.do(fresh.ana, "crm.members.list") if m.id == fresh.marcus.id)
    daily = schedule.DAILY[1]
    for _ in range(2):
        await daily.work(fresh.db, Job(fresh.org_id, daily.entrypoint, [], 0))
    async with fresh.db.transaction(fresh.org_id) as conn:
        rows = await conn.fetch(
            "SELECT member_id, title, body, email FROM notices WHERE org_id = $1 AND event = 'overdue'", fresh.org_id
        )
    told = {row["member_id"]: row for row in rows}
    assert set(told) == {fresh.ben.id, supervisor}
    assert len(rows) == 2
    assert told[fresh.ben.id]["title"] == "2 follow-ups are overdue"
    assert "Call 0" in told[fresh.ben.id]["body"]
    assert told[supervisor]["title"] == "Overdue: Call 2"
    assert {row["email"] for row in rows} == {"waiting"}


async def test_three_workers_and_a_worker_that_slept_remind_once(alone: Alone, monkeypatch: pytest.MonkeyPatch) -> None:
    """B7: three workers, one slot; nobody was awake at 08:00, and it is made up; a clock set back does not tell again."""
    workers = [await alone.database(pool_size=2) for _ in range(3)]
    team = await make_team(workers[0], "One")
    lead = await team.capture()
    wish = {"leadId": str(lead.id), "title": "Call", "dueAt": "2026-01-05T10:00:00Z", "assignTo": str(team.ben.id)}
    await team.do(team.ben, "crm.tasks.create", wish)
    monkeypatch.setattr(schedule, "DAILY", (schedule.DAILY[1],))
    await run_for(workers[:1], 1.5)  # it learns of the slot to come
    for _ in range(2):
        await workers[0].relay.execute("UPDATE jobs.pgqueuer_schedules SET next_run = now() - interval '5 hours'")
        await run_for(workers, 4)
    told = (await team.do(team.ben, "crm.notifications.list")).items
    assert [each.event for each in told if each.event == "overdue"] == ["overdue"]


class Send(Input, kw_only=True):
    """What is sent to whom."""

    lead_id: UUID
    template_id: str


class Sent(Output, kw_only=True):
    """Nothing to say."""


@pytest.fixture
def mail(monkeypatch: pytest.MonkeyPatch) -> list[Send]:
    """What was sent to leads: an operation of the registry stands in the place of the outbox."""
    sent: list[Send] = []
    known = registry.pop("crm.emails.send", None)

    @operation("crm.emails.send", role=None, summary="Send an email")
    async def send(tx: Tx, actor: Actor, input: Send) -> Sent:
        email = await tx.fetchval("SELECT email FROM leads WHERE org_id = $1 AND id = $2", tx.org_id, input.lead_id)
        if email is None:
            raise Conflict("This lead has no e-mail address.")
        sent.append(input)
        return Sent()

    replaced = registry.pop("crm.emails.send")
    if known is not None:
        registry["crm.emails.send"] = known
    monkeypatch.setitem(registry, "crm.emails.send", replaced)
    return sent


async def nurturing(team: Team) -> str:
    """A stage with autoNurture."""
    stage = (await team.do(team.ana, "crm.pipelines.list"))[0].stages[2]
    await team.do(team.ana, "crm.pipelines.updateStage", stageId=str(stage.id), autoNurture=True)
    return str(stage.id)


async def test_a_lead_that_enters_a_nurturing_stage_is_written_to_once_and_its_rep_is_told(
    fresh: Team, mail: list[Send]
) -> None:
    """B2, B7: leadNurtureFollowUp; delivered three times it sends once; what cannot be sent says why, on the timeline and to the rep."""
    stage = await nurturing(fresh)
    leads = [await fresh.capture(), await fresh.do(fresh.ben, "crm.leads.create", lastName="Without")]
    await fresh.run_due()
    mail.clear()
    for lead in leads:
        await fresh.do(fresh.ana, "crm.leads.assign", leadId=str(lead.id), ownerId=str(fresh.ben.id))
        await fresh.do(fresh.ana, "crm.leads.moveStage", leadId=str(lead.id), stageId=stage)
    await fresh.run_due()
    moves = [next(a for a in reversed(await fresh.log(lead.id)) if a.kind == "stage_changed") for lead in leads]
    job = Job(fresh.org_id, "stage_changed", [move.id for move in moves], 0)
    for _ in range(2):
        await handlers.HANDLERS["leadNurtureFollowUp"](fresh.db, job, None)
    assert [(each.lead_id, each.template_id) for each in mail] == [(leads[0].id, "nurture-follow-up")]
    failed = [a for a in await fresh.log(leads[1].id) if a.kind == "nurture_failed"]
    assert [a.reason for a in failed] == ["This lead has no e-mail address."]
    told = [n for n in (await fresh.do(fresh.ben, "crm.notifications.list")).items if n.event == "nurture"]
    assert sorted((n.lead_id, n.body) for n in told) == sorted([(leads[0].id, None), (leads[1].id, failed[0].reason)])


async def test_who_has_gone_on_is_not_written_to(fresh: Team, mail: list[Send]) -> None:
    """B2: the lead has left the stage, or was lost, before the job came; other stages write to nobody."""
    stage = await nurturing(fresh)
    stages = (await fresh.do(fresh.ana, "crm.pipelines.list"))[0].stages
    gone, lost, other = [await fresh.capture() for _ in range(3)]
    await fresh.run_due()
    mail.clear()
    for lead in (gone, lost):
        await fresh.do(fresh.ana, "crm.leads.moveStage", leadId=str(lead.id), stageId=stage)
    await fresh.do(fresh.ana, "crm.leads.moveStage", leadId=str(gone.id), stageId=str(stages[3].id))
    await fresh.do(fresh.ana, "crm.leads.setStatus", leadId=str(lost.id), status="lost")
    await fresh.do(fresh.ana, "crm.leads.moveStage", leadId=str(other.id), stageId=str(stages[3].id))
    await fresh.run_due()
    assert mail == []


async def test_without_the_outbox_the_rep_is_told_so(fresh: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """B7: nothing fails silently."""
    monkeypatch.delitem(registry, "crm.emails.send", raising=False)
    stage = await nurturing(fresh)
    lead = await fresh.capture()
    await fresh.run_due()
    await fresh.do(fresh.ana, "crm.leads.moveStage", leadId=str(lead.id), stageId=stage)
    await fresh.run_due()
    assert "nurture_failed" in [a.kind for a in await fresh.log(lead.id)]
    with pytest.raises(NotFound):
        await fresh.do(fresh.ana, "crm.emails.send", leadId=str(lead.id))


async def test_a_hundred_thousand_due_tasks_of_one_tenant_delay_no_other(fresh: Team) -> None:
    """B7, belief 3: one organization has 100,000 tasks that fell due; another's single one is told within seconds."""
    async with fresh.db.transaction(fresh.org_id) as conn:
        await conn.execute(
            """INSERT INTO tasks (org_id, id, title, due_at, assignee_id, created_at)
               SELECT $1, uuidv7(), 'Call', now() - interval '1 hour', $2, now() FROM generate_series(1, 100000)""",
            fresh.org_id, fresh.ben.id,
        )  # fmt: skip
    other = await make_team(fresh.db, "Patient")
    lead = await other.capture()
    stop = asyncio.Event()
    running = asyncio.create_task(lanes.run(fresh.db, stop))
    try:
        await asyncio.sleep(1)  # the lanes are busy
        wish = {"leadId": str(lead.id), "title": "Call", "dueAt": datetime.now(UTC).isoformat()}
        await other.do(other.ben, "crm.tasks.create", wish)
        began = time.perf_counter()
        async with asyncio.timeout(20):
            while "task_due" not in [a.kind for a in await other.log(lead.id)]:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        took = time.perf_counter() - began
    finally:
        stop.set()
        await running
        async with fresh.db.transaction(fresh.org_id) as conn:
            left = await conn.fetchval(
                "SELECT count(*) FROM tasks WHERE org_id = $1 AND due_told_at IS NULL", fresh.org_id
            )
            await conn.execute("UPDATE tasks SET status = 'done' WHERE org_id = $1", fresh.org_id)
    assert took < 8
    assert left > 0, "the crowd was not done first"
