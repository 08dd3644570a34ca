"""Automations: what happens is answered by steps; once, whatever crashes; and every end says why."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from baton.accounts.hours import WorkingHours
from baton.automations.rules import begin
from baton.automations.rules.program import program
from baton.automations.rules.rule import OnSchedule, Rule
from baton.automations.rules.times import next_slot
from baton.automations.rules.walk import RUNS
from baton.automations.waits import after
from baton.automations.walk import Under
from baton.kernel.decode import decode_as
from baton.kernel.errors import Conflict, Forbidden, Invalid
from baton.kernel.values import utc_now
from tests.automations.conftest import Work, automation, note, tag
from tests.team import Team
from tests.webhooks.conftest import receiver as receiver
from tests.webhooks.receiver import Receiver

NOTE = {"on": "activity", "kind": "note_added"}
QUIET = {"on": "quiet", "days": 5}


async def runs(team: Team, **fields: Any) -> list[Any]:
    found = (await team.do(team.ana, "crm.automations.runs", **fields)).items
    return [await team.do(team.ana, "crm.automations.run", runId=str(run.id)) for run in found]


async def test_an_activity_is_answered_by_steps_under_the_rules_name(fresh: Team, work: Work) -> None:
    """Spec C9, A7: the timeline names the automation, its run tells each step and the activity that it left."""
    steps = [
        tag("warm"),
        note("Hello {{ lead.firstName }} from {{ activity.actor }}"),
        {"do": "task", "title": "Call {{ lead.name }}"},
    ]
    event = {"field": "source", "op": "=", "value": "event"}
    made = await automation(fresh, steps, condition=event, trigger={"on": "activity", "kind": "call_logged"})
    lead = await fresh.capture(source="event")
    other = await fresh.capture(source="website")
    for each in (lead, other):
        await fresh.do(fresh.ben, "crm.leads.logActivity", leadId=str(each.id), type="call", notes="hi")
    await work()
    log = await fresh.log(lead.id)
    mine = [entry for entry in log if entry.actor_name == "Automation “Welcome”"]
    assert [entry.kind for entry in mine] == ["field_updated", "lead_scored", "note_added", "task_created"]
    assert mine[2].payload["notes"] == "Hello Jane from Ben Okafor"
    assert {entry.actor_type for entry in mine} == {"system"}
    begun = next(entry for entry in log if entry.actor_name == "Ben Okafor")
    assert {entry.caused_by for entry in mine} == {begun.id}
    assert not [entry for entry in await fresh.log(other.id) if entry.actor_name == "Automation “Welcome”"]
    (run,) = await runs(fresh, leadId=str(lead.id), status="done")
    assert (run.automation_id, run.number) == (made.id, 1)
    assert [len(step.activity_ids) for step in run.steps] == [2, 1, 1]
    assert [id for step in run.steps for id in step.activity_ids] == [entry.id for entry in mine]


async def test_only_an_admin_switches_on_and_agents_write_no_rules(fresh: Team) -> None:
    """Spec B9: a member drafts, an admin decides; agents neither write nor switch rules."""
    made = await automation(fresh, [tag("x")], on=False)
    assert made.state == "draft"
    with pytest.raises(Forbidden):
        await fresh.do(fresh.ben, "crm.automations.setState", automationId=str(made.id), state="on")
    await fresh.do(fresh.ana, "crm.automations.setState", automationId=str(made.id), state="on")
    with pytest.raises(Forbidden):
        await fresh.do(fresh.ben, "crm.automations.edit", {"automationId": str(made.id), "name": "Mine"})
    with pytest.raises(Forbidden):
        await fresh.do(fresh.marcus, "crm.automations.create", {"name": "A", "trigger": NOTE, "steps": [tag("x")]})


async def test_an_edit_makes_a_version_and_what_runs_goes_on_as_it_began(fresh: Team, work: Work) -> None:
    """Versions are immutable; runs name theirs."""
    made = await automation(fresh, [{"do": "wait", "span": "1d"}, tag("first")])
    lead = await fresh.capture()
    await fresh.do(fresh.ben, "crm.leads.logActivity", leadId=str(lead.id), type="note", notes="hi")
    await work()
    await fresh.do(fresh.ana, "crm.automations.edit", automationId=str(made.id), steps=[tag("second")])
    await fresh.do(fresh.ben, "crm.leads.logActivity", leadId=str(lead.id), type="note", notes="hi again")
    await work()
    assert (await fresh.do(fresh.ana, "crm.leads.get", leadId=str(lead.id))).tags == ["second"]
    await work(now=utc_now() + timedelta(days=1, minutes=1))
    assert sorted((await fresh.do(fresh.ana, "crm.leads.get", leadId=str(lead.id))).tags) == ["first", "second"]
    assert sorted(run.number for run in await runs(fresh)) == [1, 2]
    read = await fresh.do(fresh.ana, "crm.automations.get", automationId=str(made.id))
    assert [version.number for version in read.versions] == [2, 1]


async def test_a_paused_rule_answers_nothing_and_its_runs_wait(fresh: Team, work: Work) -> None:
    """A pause holds what was begun where it stands."""
    made = await automation(fresh, [{"do": "wait", "span": "1h"}, tag("late")])
    lead = await fresh.capture()
    await fresh.do(fresh.ben, "crm.leads.logActivity", leadId=str(lead.id), type="note", notes="hi")
    await work()
    await fresh.do(fresh.ana, "crm.automations.setState", automationId=str(made.id), state="paused")
    await fresh.do(fresh.ben, "crm.leads.logActivity", leadId=str(lead.id), type="note", notes="unheard")
    later = utc_now() + timedelta(hours=3)
    await work(now=later)
    assert len(await runs(fresh, status="waiting")) == len(await runs(fresh)) == 1
    await fresh.do(fresh.ana, "crm.automations.setState", automationId=str(made.id), state="on")
    await work(now=later)
    assert (await fresh.do(fresh.ana, "crm.leads.get", leadId=str(lead.id))).tags == ["late"]


async def test_a_branch_goes_by_the_lead_of_that_moment(fresh: Team, work: Work) -> None:
    """Branches nest, and what follows them is done on both ways."""
    big = {"field": "companySize", "op": ">", "value": 100}
    inner = {
        "do": "branch",
        "condition": {"field": "title", "op": "is_set"},
        "then": [tag("titled")],
        "otherwise": [tag("untitled")],
    }
    await automation(
        fresh,
        [{"do": "branch", "condition": big, "then": [tag("big"), inner], "otherwise": [tag("small")]}, tag("seen")],
    )
    expected = {
        (500, "CTO"): ["big", "seen", "titled"],
        (500, None): ["big", "seen", "untitled"],
        (5, "CTO"): ["seen", "small"],
    }
    for (size, title), tags in expected.items():
        lead = await fresh.capture(companySize=size, **({"title": title} if title else {}))
        await fresh.do(fresh.ben, "crm.leads.logActivity", leadId=str(lead.id), type="note", notes="hi")
        await work()
        assert sorted((await fresh.do(fresh.ana, "crm.leads.get", leadId=str(lead.id))).tags) == tags


def test_branches_are_laid_out_in_one_line() -> None:
    """A run's place is a number; each step knows what follows it."""
    steps = [
        {"do": "branch", "condition": {"all": []}, "then": [tag("a")], "otherwise": []},
        {"do": "branch", "condition": {"all": []}, "then": [], "otherwise": [tag("b"), tag("c")]},
    ]
    rule = decode_as(Rule, {"trigger": {"on": "activity", "kind": "note_added"}, "steps": steps})
    assert [(i.path, i.following, i.otherwise) for i in program(rule.steps)] == [
        ("1", 1, 2), ("1 yes 1", 2, 2), ("2", 5, 3), ("2 no 1", 4, 4), ("2 no 2", 5, 5),
    ]  # fmt: skip


async def test_a_failing_step_is_retried_then_held_and_a_person_decides(fresh: Team, work: Work) -> None:
    """What cannot be done waits in a list, on the timeline too; a retry goes on with the step that failed, a drop ends it."""
    await automation(fresh, [tag("before"), {"do": "operation", "operation": "crm.leads.moveStage",
                                             "input": {"stageId": "{{ lead.fields.stage }}"}}, tag("after")])  # fmt: skip
    leads = [await fresh.capture() for _ in range(2)]
    for lead in leads:
        await fresh.do(fresh.ben, "crm.leads.logActivity", leadId=str(lead.id), type="note", notes="hi")
    await work()
    held = (await fresh.do(fresh.ana, "crm.automations.held")).items
    assert {run.lead_id for run in held} == {lead.id for lead in leads}
    assert "automation_held" in [entry.kind for entry in await fresh.log(leads[0].id)]
    stage = (await fresh.do(fresh.ana, "crm.pipelines.get", pipelineId=str(leads[0].pipeline_id))).stages[1]
    await fresh.do(fresh.ben, "crm.leads.update", leadId=str(leads[0].id), fields={"stage": str(stage.id)})
    by_lead = {run.lead_id: str(run.id) for run in held}
    await fresh.do(fresh.ben, "crm.automations.retry", runIds=[by_lead[leads[0].id]])
    await fresh.do(fresh.ben, "crm.automations.drop", runIds=[by_lead[leads[1].id]], reason="Not this one")
    with pytest.raises(Conflict):
        await fresh.do(fresh.ben, "crm.automations.retry", runIds=[by_lead[leads[1].id]])
    await work()
    first, second = [await fresh.do(fresh.ana, "crm.leads.get", leadId=str(lead.id)) for lead in leads]
    assert (first.stage_id, sorted(first.tags)) == (stage.id, ["after", "before"])
    assert second.tags == ["before"]
    assert not (await fresh.do(fresh.ana, "crm.automations.held")).items


async def test_what_may_succeed_later_is_tried_with_growing_patience(fresh: Team, work: Work) -> None:
    """A conflict is tried five times within the hour, then held."""
    await automation(fresh, [{"do": "task", "title": "Call"}])
    lead = await fresh.capture()
    await fresh.do(fresh.ben, "crm.leads.setStatus", leadId=str(lead.id), status="won")
    await fresh.do(fresh.ben, "crm.leads.logActivity", leadId=str(lead.id), type="note", notes="hi")
    at = utc_now()
    tries = 0
    for _ in range(10):
        await work(now=at)
        (run,) = await runs(fresh)
        if run.status == "held":
            break
        assert run.next_at is not None
        assert run.next_at > at
        at, tries = run.next_at, tries + 1
    assert tries == 4
    assert run.status == "held"
    assert "closed" in (run.error or "")


async def test_an_automation_that_triggers_itself_stops_and_explains(fresh: Team, work: Work) -> None:
    """Loops end by themselves: a run that says so, and a word on the lead's timeline."""
    await automation(fresh, [note("again")], name="Echo")
    lead = await fresh.capture()
    await fresh.do(fresh.ben, "crm.leads.logActivity", leadId=str(lead.id), type="note", notes="begin")
    await work()
    log = await fresh.log(lead.id)
    assert [entry.payload["notes"] for entry in log if entry.kind == "note_added"] == ["begin", "again"]
    (told,) = [entry for entry in log if entry.kind == "automation_stopped"]
    (stopped,) = await runs(fresh, status="stopped")
    assert told.reason == stopped.error
    assert "What “Echo” did led back to itself" in stopped.error
    await work()
    assert len(await fresh.log(lead.id)) == len(log)


async def test_a_circle_of_automations_ends_where_it_closes(fresh: Team, work: Work) -> None:
    """A begins B, B begins A: A does not begin again. At the depth limit nothing begins, whoever is in the chain."""
    call = {"do": "operation", "operation": "crm.leads.logActivity", "input": {"type": "call", "notes": "b"}}
    await automation(fresh, [call], name="A")
    await automation(fresh, [note("a")], name="B", trigger={"on": "activity", "kind": "call_logged"})
    lead = await fresh.capture()
    await fresh.do(fresh.ben, "crm.leads.logActivity", leadId=str(lead.id), type="note", notes="begin")
    await work()
    log = await fresh.log(lead.id)
    assert [e.kind for e in log if e.kind in ("note_added", "call_logged")] == [
        "note_added",
        "call_logged",
        "note_added",
    ]
    (stopped,) = await runs(fresh, status="stopped")
    assert stopped.automation == "A"
    await fresh.do(fresh.ben, "crm.leads.logActivity", leadId=str(lead.id), type="note", notes="deep")
    deep = next(entry.id for entry in await fresh.log(lead.id) if entry.payload.get("notes") == "deep")
    for _ in range(2):
        assert await begin.on_activities(fresh.db, fresh.org_id, "note_added", [deep], 16) == 0
    assert len(await runs(fresh, status="stopped")) == 2


async def test_once_per_rule_and_activity_whatever_is_delivered_twice(fresh: Team, work: Work) -> None:
    """Activities told three times begin one run; a run walked by three at once takes each step once."""
    import asyncio

    made = await automation(fresh, [note("a"), tag("b")], trigger={"on": "activity", "kind": "call_logged"})
    lead = await fresh.capture()
    await fresh.do(fresh.ben, "crm.leads.logActivity", leadId=str(lead.id), type="call", notes="hi")
    (call,) = [entry.id for entry in await fresh.log(lead.id) if entry.kind == "call_logged"]
    await asyncio.gather(*(begin.on_activities(fresh.db, fresh.org_id, "call_logged", [call], 0) for _ in range(3)))
    (run,) = (await fresh.do(fresh.ana, "crm.automations.runs")).items
    under = Under(fresh.db, RUNS.acting(fresh.org_id, run), None, None)
    await asyncio.gather(*(RUNS.go_on(under, made.id, run) for _ in range(3)))
    await asyncio.gather(*(RUNS.walk(fresh.db, fresh.org_id, made.id) for _ in range(3)))
    assert [entry.kind for entry in await fresh.log(lead.id)].count("note_added") == 1
    (run,) = await runs(fresh)
    assert (run.status, len(run.steps)) == ("done", 2)


async def test_a_silence_is_answered_once(fresh: Team, work: Work) -> None:
    """No activity for N days: for leads that fall silent while the rule is on, once a silence."""
    await automation(fresh, [{"do": "task", "title": "Ask again"}], trigger=QUIET)
    lead = await fresh.capture()
    closed = await fresh.capture()
    await fresh.do(fresh.ben, "crm.leads.setStatus", leadId=str(closed.id), status="lost")
    await work()
    await work(now=utc_now() + timedelta(days=4))
    assert not await runs(fresh)
    for _ in range(3):
        await work(now=utc_now() + timedelta(days=5, hours=2))
    assert [run.lead_id for run in await runs(fresh)] == [lead.id]
    await work(now=utc_now() + timedelta(days=10, hours=5))
    assert len(await runs(fresh)) == 2  # the task was an activity: this is another silence


async def test_a_date_is_reached_with_an_offset(fresh: Team, work: Work) -> None:
    """Seven days before the expected close at nine in the organization's morning; once a date, again where it is moved."""
    await fresh.do(fresh.ana, "crm.organization.update", timeZone="America/New_York")
    await automation(fresh, [tag("soon")], trigger={"on": "date", "field": "expectedCloseDate", "offsetDays": -7})
    lead = await fresh.capture()
    day = (utc_now() + timedelta(days=20)).date()
    await fresh.do(fresh.ben, "crm.leads.update", leadId=str(lead.id), expectedCloseDate=str(day))
    noon = datetime.combine(day, datetime.min.time(), tzinfo=UTC) + timedelta(hours=12)
    await work(now=noon - timedelta(days=7))  # eight in the morning in New York in winter, seven in summer
    assert not await runs(fresh)
    await work(now=noon - timedelta(days=7) + timedelta(hours=3))
    await work(now=noon - timedelta(days=6))
    assert len(await runs(fresh)) == 1
    await fresh.do(fresh.ben, "crm.leads.update", leadId=str(lead.id), expectedCloseDate=str(day + timedelta(days=30)))
    await work(now=noon + timedelta(days=24))
    assert len(await runs(fresh)) == 2


async def test_a_schedule_fires_for_each_lead_that_meets_the_condition(fresh: Team, work: Work) -> None:
    """Every Monday at nine: one run a lead and slot, however often the worker looks; a missed slot is made up once."""
    made = await automation(
        fresh, [tag("monday")], trigger={"on": "schedule", "rrule": "FREQ=WEEKLY;BYDAY=MO"},
        condition={"field": "source", "op": "=", "value": "event"},
    )  # fmt: skip
    for source in ("event", "event", "website"):
        await fresh.capture(source=source)
    assert made.next_at.isoweekday() == 1
    await work(now=made.next_at - timedelta(minutes=1))
    assert not await runs(fresh)
    for _ in range(2):
        await work(now=made.next_at + timedelta(minutes=1))
    assert len(await runs(fresh)) == 2
    await work(now=made.next_at + timedelta(days=22))
    assert len(await runs(fresh)) == 4


@pytest.mark.parametrize(
    ("zone", "start", "slots"),
    [
        ("Europe/Berlin", "2026-03-28T00:00:00+00:00", ["2026-03-28T01:30", "2026-03-29T01:30", "2026-03-30T00:30"]),
        ("Europe/Berlin", "2026-10-24T00:00:00+00:00", ["2026-10-24T00:30", "2026-10-25T00:30", "2026-10-26T01:30"]),
    ],
)
def test_a_slot_is_once_a_day_whatever_daylight_saving_does(zone: str, start: str, slots: list[str]) -> None:
    """Half past two does not exist on one day of March, and comes twice on one of October."""
    at, found = datetime.fromisoformat(start), []
    for _ in slots:
        slot = next_slot(OnSchedule(rrule="FREQ=DAILY", at="02:30"), at, zone)
        assert slot is not None
        at = slot
        found.append(f"{slot:%Y-%m-%dT%H:%M}")
    assert found == slots


@pytest.mark.parametrize(
    "rrule", ["FREQ=SECONDLY", "", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=DAILY;COUNT=3", "x" * 999]
)
def test_a_schedule_that_cannot_be_is_refused(rrule: str) -> None:
    """And does not keep the server busy."""
    with pytest.raises(Invalid):
        next_slot(OnSchedule(rrule=rrule), utc_now(), "UTC")


def test_working_time_passes_over_nights_and_weekends() -> None:
    """A day of working time is one working day; a week is five."""
    friday = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)
    for text, expected in {
        "1d": "2026-11-23T16:00",
        "2h": "2026-11-23T10:00",
        "1w": "2026-11-27T16:00",
        "1d 2h": "2026-11-24T10:00",
    }.items():
        found = after(friday, text, working=True, hours=WorkingHours(), zone="UTC")
        assert f"{found:%Y-%m-%dT%H:%M}" == expected
    assert after(friday, "1d", working=False, hours=WorkingHours(), zone="UTC") == friday + timedelta(days=1)


async def test_a_dry_run_asks_the_past_as_it_stood(fresh: Team) -> None:
    """An edited rule shows what it would have done: on which leads, as they stood then, and nothing is done."""
    made = await automation(fresh, [note("hi")], trigger={"on": "activity", "kind": "call_logged"}, on=False)
    event = {"field": "source", "op": "=", "value": "event"}
    then, now = await fresh.capture(source="event"), await fresh.capture(source="website")
    for lead in (then, now):
        await fresh.do(fresh.ben, "crm.leads.logActivity", leadId=str(lead.id), type="call", notes="hi")
    await fresh.do(fresh.ben, "crm.leads.update", leadId=str(then.id), source="website")
    await fresh.do(fresh.ben, "crm.leads.update", leadId=str(now.id), source="event")
    everything = await fresh.do(fresh.ana, "crm.automations.dryRun", automationId=str(made.id))
    assert (everything.times, everything.leads) == (2, 2)
    trigger = {"on": "activity", "kind": "call_logged"}
    edited = await fresh.do(
        fresh.ana, "crm.automations.dryRun", rule={"trigger": trigger, "condition": event, "steps": [note("hi")]}
    )
    assert [firing.lead_id for firing in edited.firings] == [then.id]
    assert edited.words
    assert not await runs(fresh)
    weekly = {"on": "schedule", "rrule": "FREQ=DAILY"}
    for waits in (weekly, QUIET, {"on": "date", "field": "createdAt", "offsetDays": 1}):
        found = await fresh.do(fresh.ana, "crm.automations.dryRun", rule={"trigger": waits, "steps": [note("hi")]})
        assert found.times == 0  # the leads are of today


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"steps": []}, "may not be empty"),
        ({"steps": [{"do": "operation", "operation": "crm.members.addPerson", "input": {}}]}, "no operation"),
        ({"steps": [{"do": "operation", "operation": "crm.automations.remove", "input": {}}]}, "no operation"),
        ({"steps": [{"do": "operation", "operation": "crm.leads.addTags", "input": {"tag": "x"}}]}, "takes no"),
        ({"steps": [{"do": "operation", "operation": "crm.leads.moveStage"}]}, "needs stageId"),
        ({"steps": [{"do": "wait", "span": "soon"}]}, "2d 4h"),
        ({"steps": [{"do": "webhook", "url": "https://169.254.169.254/x"}]}, "Step 1"),
        ({"steps": [note("{{ lead.name")]}, "no template"),
        ({"trigger": {"on": "activity", "kind": "moon"}, "steps": [tag("x")]}, "no activity"),
        ({"trigger": {"on": "date", "field": "title"}, "steps": [tag("x")]}, "no date"),
        ({"trigger": {"on": "schedule", "rrule": "FREQ=SECONDLY"}, "steps": [tag("x")]}, "RRULE"),
        ({"condition": {"field": "moon", "op": "=", "value": 1}, "steps": [tag("x")]}, "no field"),
        ({"name": " ", "steps": [tag("x")]}, "name"),
    ],
)  # fmt: skip
async def test_what_cannot_work_is_said_where_it_is_written(team: Team, given: dict[str, Any], word: str) -> None:
    """Bad input gets a clear error that says what to do."""
    body = {"name": "N", "trigger": {"on": "activity", "kind": "note_added"}} | given
    with pytest.raises(Invalid, match=word):
        await team.do(team.ben, "crm.automations.create", body)


async def test_a_webhook_step_calls_until_it_is_taken(fresh: Team, work: Work, receiver: Receiver) -> None:
    """One call with the lead as it is; refused for a moment, it is made again with the same Idempotency-Key."""
    await automation(fresh, [{"do": "webhook", "url": receiver.url}, tag("told")])
    lead = await fresh.capture()
    await fresh.do(fresh.ben, "crm.leads.logActivity", leadId=str(lead.id), type="note", notes="hi")
    receiver.status = 500
    at = utc_now()
    await work(now=at)
    (waiting,) = await runs(fresh)
    assert (waiting.status, waiting.error) == ("waiting", "It answered 500.")
    receiver.status = 200
    await work(now=at + timedelta(minutes=1))
    (run,) = await runs(fresh)
    assert (run.status, [step.outcome for step in run.steps]) == ("done", ["done", "done"])
    assert len({call.headers["idempotency-key"] for call in receiver.messages}) == 1
    assert len(receiver.messages) == 2
    assert "automation_called" in [entry.kind for entry in await fresh.log(lead.id)]
