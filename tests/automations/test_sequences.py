"""Sequences: messages and tasks in a row, in their hours, each once, until somebody answers."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from baton.kernel.errors import Conflict, Forbidden, Invalid
from tests.automations.conftest import Work, automation
from tests.messages.conftest import connect
from tests.messages.conftest import post as post
from tests.messages.postoffice import PostOffice
from tests.team import Team

ALWAYS = {"days": [1, 2, 3, 4, 5, 6, 7], "opens": "00:00", "closes": "23:59"}
FIRST = {"do": "email", "subject": "Hello {{ lead.firstName }}", "text": "From {{ organization.name }}."}
SECOND = {"do": "email", "subject": "Again", "text": "Did you see it?"}
WAIT = {"do": "wait", "span": "2d", "working": False}
MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


@pytest_asyncio.fixture
async def mail(fresh: Team, post: PostOffice) -> AsyncIterator[PostOffice]:
    """A post office, and the organization's mailbox at it."""
    await connect(fresh, post)
    yield post


async def sequence(team: Team, steps: list[dict[str, Any]], *, on: bool = True, **plan: Any) -> Any:
    body = {"name": "Welcome", "plan": {"steps": steps, "window": ALWAYS} | plan}
    made = await team.do(team.ben, "crm.sequences.create", body)
    if on:
        made = await team.do(team.ana, "crm.sequences.setState", sequenceId=str(made.id), state="on")
    return made


async def enrol(team: Team, made: Any, lead: Any) -> Any:
    return await team.do(team.ben, "crm.sequences.enrol", sequenceId=str(made.id), leadId=str(lead.id))


async def read(team: Team, enrolment: Any) -> Any:
    return await team.do(team.ana, "crm.enrolments.get", enrolmentId=str(enrolment.id))


async def test_messages_and_tasks_follow_one_another(fresh: Team, mail: PostOffice, work: Work) -> None:
    """A drip writes, waits, makes a task and writes again, each under the sequence's name, and comes to its end."""
    made = await sequence(fresh, [FIRST, WAIT, {"do": "task", "title": "Call {{ lead.name }}"}, SECOND])
    lead = await fresh.capture(title="CTO")
    began = await enrol(fresh, made, lead)
    await work()
    assert [taken.mail["Subject"] for taken in mail.taken] == ["Hello Jane"]
    assert (await read(fresh, began)).position == 2
    await work(now=began.created_at + timedelta(days=1))
    assert len(mail.taken) == 1
    await work(now=began.created_at + timedelta(days=3))
    assert [taken.mail["Subject"] for taken in mail.taken] == ["Hello Jane", "Again"]
    ended = await read(fresh, began)
    assert (ended.state, [step.act for step in ended.steps]) == ("done", ["email", "wait", "task", "email"])
    mine = [entry.kind for entry in await fresh.log(lead.id) if entry.actor_name == "Sequence “Welcome”"]
    assert mine.count("email_sent") == 2
    assert mine.count("task_created") == 1
    assert mine[-1] in ("sequence_finished", "email_sent")
    results = await fresh.do(fresh.ana, "crm.sequences.get", sequenceId=str(made.id))
    assert [step.done for step in results.results] == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("kind", "why"), [("email_received", "reply"), ("whatsapp_received", "reply"),
     ("won", "closed"), ("stage", "stage"), ("owner", "owner")]
)  # fmt: skip
async def test_what_ends_a_sequence(fresh: Team, mail: PostOffice, work: Work, kind: str, why: str) -> None:
    """A reply, a closed lead, and, where it is configured, another stage or owner; at once, and told on the timeline."""
    made = await sequence(fresh, [FIRST, WAIT, SECOND], exits={"stage": True, "owner": True})
    lead = await fresh.capture()
    await work()
    began = await enrol(fresh, made, lead)
    await work()
    if kind == "won":
        await fresh.do(fresh.ben, "crm.leads.setStatus", leadId=str(lead.id), status="won")
    elif kind == "stage":
        stages = (await fresh.do(fresh.ana, "crm.pipelines.get", pipelineId=str(lead.pipeline_id))).stages
        now = await fresh.do(fresh.ana, "crm.leads.get", leadId=str(lead.id))
        other = next(stage for stage in stages if stage.id != now.stage_id and stage.status == "contacted")
        await fresh.do(fresh.ben, "crm.leads.moveStage", leadId=str(lead.id), stageId=str(other.id))
    elif kind == "owner":
        now = await fresh.do(fresh.ana, "crm.leads.get", leadId=str(lead.id))
        to = fresh.ana if now.owner_id != fresh.ana.id else fresh.ben
        await fresh.do(fresh.ben, "crm.leads.assign", leadId=str(lead.id), ownerId=str(to.id))
    else:
        await fresh.do(fresh.ben, "crm.leads.logActivity", leadId=str(lead.id), type=kind, notes="Thanks")
    await work()
    ended = await read(fresh, began)
    assert (ended.state, ended.why) == ("stopped", why)
    told = [entry for entry in await fresh.log(lead.id) if entry.kind == "sequence_stopped"]
    assert [entry.reason for entry in told] == [ended.detail]
    await work(now=began.created_at + timedelta(days=5))
    assert sum(lead.email in taken.to for taken in mail.taken) == 1


async def test_a_reason_to_leave_is_asked_before_each_step(fresh: Team, mail: PostOffice, work: Work) -> None:
    """A reply that nobody has reacted to yet stops the next message all the same."""
    from baton.jobs import lanes

    made = await sequence(fresh, [FIRST, WAIT, SECOND])
    lead = await fresh.capture()
    began = await enrol(fresh, made, lead)
    await work()
    await fresh.do(fresh.ben, "crm.leads.logActivity", leadId=str(lead.id), type="email_received", notes="Thanks")
    await lanes.step(fresh.db, now=began.created_at + timedelta(days=3), only=fresh.org_id)
    assert len(mail.taken) == 1
    assert (await read(fresh, began)).why == "reply"


async def test_who_does_not_want_mail_leaves(fresh: Team, mail: PostOffice, work: Work) -> None:
    """An unsubscribed address ends every sequence, and one that was unsubscribed before gets nothing."""
    made = await sequence(fresh, [FIRST, WAIT, SECOND])
    first, second = await fresh.capture(), await fresh.capture()
    began = await enrol(fresh, made, first)
    await work()
    for lead in (first, second):
        await fresh.do(fresh.ben, "crm.suppressions.add", address=lead.email)
    other = await enrol(fresh, made, second)
    await work()
    assert [(await read(fresh, each)).why for each in (began, other)] == ["unsubscribe", "unsubscribe"]
    assert len(mail.taken) == 1
    results = await fresh.do(fresh.ana, "crm.sequences.get", sequenceId=str(made.id))
    assert results.results[0].unsubscribed == 1
    assert results.left == {"unsubscribe": 2}


async def test_messages_leave_in_their_hours_in_the_contacts_zone(fresh: Team, mail: PostOffice, work: Work) -> None:
    """Nothing at night: the window is counted where the contact's phone is, else in the organization's zone."""
    window = {"days": [1, 2, 3, 4, 5], "opens": "09:00", "closes": "17:00", "zone": "contact"}
    made = await sequence(fresh, [FIRST], window=window)
    japan = await fresh.capture(phone="+81 3 1234 5678")
    nobody = await fresh.capture()
    began = [await enrol(fresh, made, lead) for lead in (japan, nobody)]
    for enrolment in began:
        await fresh.do(fresh.ben, "crm.enrolments.retime", enrolmentId=str(enrolment.id), at="2026-12-05T12:00:00Z")
    at = datetime(2026, 12, 5, 12, tzinfo=UTC)  # a Saturday
    await work(now=at)
    assert not mail.taken
    next_at = [(await read(fresh, enrolment)).next_at for enrolment in began]
    assert next_at == [datetime(2026, 12, 7, 0, tzinfo=UTC), datetime(2026, 12, 7, 9, tzinfo=UTC)]
    await work(now=next_at[0])
    assert len(mail.taken) == 1
    await work(now=next_at[1])
    assert len(mail.taken) == 2


async def test_the_gap_between_messages_defers_and_fails_nothing(fresh: Team, mail: PostOffice, work: Work) -> None:
    """Somebody wrote an hour ago: the step waits until the organization's gap has passed."""
    made = await sequence(fresh, [FIRST])
    lead = await fresh.capture()
    await fresh.do(fresh.ben, "crm.emails.send", leadId=str(lead.id), subject="By hand", text="Hello")
    began = await enrol(fresh, made, lead)
    await work()
    waiting = await read(fresh, began)
    assert (waiting.state, waiting.attempts, len(mail.taken)) == ("waiting", 0, 1)
    assert waiting.next_at - began.created_at > timedelta(hours=23)
    assert "Somebody wrote" in waiting.detail
    await work(now=waiting.next_at)
    assert (await read(fresh, began)).state == "done"
    assert len(mail.taken) == 2


async def test_one_lead_is_in_one_sequence_once(fresh: Team, work: Work) -> None:
    """A second enrolment is refused clearly; another round is asked for by name. A draft takes nobody."""
    draft = await sequence(fresh, [WAIT], on=False)
    lead = await fresh.capture()
    with pytest.raises(Conflict, match="admin switches it on"):
        await enrol(fresh, draft, lead)
    made = await sequence(fresh, [WAIT])
    began = await enrol(fresh, made, lead)
    with pytest.raises(Conflict, match="already"):
        await enrol(fresh, made, lead)
    await fresh.do(fresh.ben, "crm.enrolments.remove", enrolmentId=str(began.id))
    with pytest.raises(Conflict, match="again"):
        await enrol(fresh, made, lead)
    await fresh.do(fresh.ben, "crm.sequences.enrol", sequenceId=str(made.id), leadId=str(lead.id), again=True)
    with pytest.raises(Forbidden):
        await fresh.do(fresh.ben, "crm.sequences.setState", sequenceId=str(made.id), state="paused")
    with pytest.raises(Forbidden):
        await fresh.do(fresh.marcus, "crm.sequences.edit", {"sequenceId": str(made.id), "name": "Mine"})


async def test_a_condition_enrols_in_chunks_under_one_operation(fresh: Team) -> None:
    """A condition, a segment or a selection; who cannot be enrolled is named and the others are."""
    made = await sequence(fresh, [WAIT])
    leads = [await fresh.capture(source="event") for _ in range(5)]
    await enrol(fresh, made, leads[0])
    where = {"field": "source", "op": "=", "value": "event"}
    first = await fresh.do(fresh.ben, "crm.sequences.enrolMany", sequenceId=str(made.id), where=where, limit=3)
    second = await fresh.do(
        fresh.ben, "crm.sequences.enrolMany", sequenceId=str(made.id), where=where, limit=3, cursor=first.next_cursor,
        operationId=str(first.operation_id),
    )  # fmt: skip
    assert (first.changed + second.changed, first.refused + second.refused, second.next_cursor) == (4, 1, None)
    listed = await fresh.do(fresh.ana, "crm.enrolments.list", sequenceId=str(made.id), step=0)
    assert {each.lead_id for each in listed.items} == {lead.id for lead in leads}


async def test_a_person_pauses_resumes_retimes_and_removes(fresh: Team, work: Work) -> None:
    """Where a lead stands is data that a person may change."""
    made = await sequence(fresh, [WAIT, {"do": "task", "title": "Call"}])
    began = await enrol(fresh, made, await fresh.capture())
    await work()
    named = {"enrolmentId": str(began.id)}
    await fresh.do(fresh.ben, "crm.enrolments.pause", named)
    later = began.created_at + timedelta(days=9)
    await work(now=later)
    assert (await read(fresh, began)).state == "paused"
    await fresh.do(fresh.ben, "crm.enrolments.resume", named)
    await fresh.do(fresh.ben, "crm.enrolments.retime", named | {"at": (later + timedelta(days=9)).isoformat()})
    await work(now=later)
    assert (await read(fresh, began)).state == "waiting"
    await work(now=later + timedelta(days=9))
    assert (await read(fresh, began)).state == "done"
    with pytest.raises(Conflict):
        await fresh.do(fresh.ben, "crm.enrolments.remove", named)


async def test_following_up_until_a_reply_goes_round(fresh: Team, mail: PostOffice, work: Work) -> None:
    """The steps are gone through again, up to the rounds that were said, and end with the first answer."""
    made = await sequence(fresh, [SECOND, WAIT], kind="until_reply", rounds=3)
    silent, answering = await fresh.capture(), await fresh.capture()
    began = [await enrol(fresh, made, lead) for lead in (silent, answering)]
    at = began[0].created_at
    await work()
    await work(now=at + timedelta(days=2, hours=1))
    await fresh.do(fresh.ben, "crm.leads.logActivity", leadId=str(answering.id), type="email_received", notes="Stop it")
    for days in (5, 8, 11):
        await work(now=at + timedelta(days=days))
    assert [(await read(fresh, each)).state for each in began] == ["done", "stopped"]
    assert [sum(lead.email in taken.to for taken in mail.taken) for lead in (silent, answering)] == [3, 2]


async def test_a_step_that_fails_is_held_for_a_person(fresh: Team, work: Work) -> None:
    """No mailbox: tried again, then held with what is in the way; with a mailbox somebody lets it go on."""
    made = await sequence(fresh, [FIRST])
    lead = await fresh.capture()
    began = await enrol(fresh, made, lead)
    at = began.created_at
    for _ in range(8):
        await work(now=at)
        found = await read(fresh, began)
        if found.state == "held":
            break
        at = found.next_at
    assert found.state == "held"
    assert "mailbox" in found.detail
    assert "sequence_held" in [entry.kind for entry in await fresh.log(lead.id)]
    await fresh.do(fresh.ben, "crm.enrolments.resume", enrolmentId=str(began.id))
    assert (await read(fresh, began)).state == "waiting"


async def test_an_automation_enrols_notifies_and_sends(fresh: Team, mail: PostOffice, work: Work) -> None:
    """A rule that an admin switched on sends and enrols by itself."""
    made = await sequence(fresh, [{"do": "task", "title": "From the sequence"}])
    await automation(
        fresh, [{"do": "enrol", "sequenceId": str(made.id)}, {"do": "send", "subject": "Hi {{ lead.firstName }}", "text": "Hello."},
                {"do": "notify", "title": "{{ lead.name }} called", "to": [str(fresh.ben.id)]},
                {"do": "wake", "agentId": str(fresh.marcus.id)}],
        trigger={"on": "activity", "kind": "call_logged"},
    )  # fmt: skip
    lead = await fresh.capture()
    await fresh.do(fresh.ben, "crm.leads.logActivity", leadId=str(lead.id), type="call", notes="Rang")
    await work()
    (run,) = (await fresh.do(fresh.ana, "crm.automations.runs")).items
    assert (run.status, run.error) == ("done", None)
    assert [taken.mail["Subject"] for taken in mail.taken] == ["Hi Jane"]
    titles = [entry.payload.get("title") for entry in await fresh.log(lead.id) if entry.kind == "task_created"]
    assert {"From the sequence", "Look at Jane Smith"} <= set(titles)
    notices = await fresh.do(fresh.ben, "crm.notifications.list")
    assert "Jane Smith called" in [notice.title for notice in notices.items]


async def test_whatsapp_needs_a_phone_and_a_number(fresh: Team, work: Work) -> None:
    """Who has no phone is refused at the door; where the organization has no number the step is held, and says so."""
    made = await sequence(fresh, [{"do": "whatsapp", "template": "hello", "variables": ["{{ lead.firstName }}"]}])
    with pytest.raises(Conflict, match="no phone"):
        await enrol(fresh, made, await fresh.capture())
    began = await enrol(fresh, made, await fresh.capture(phone="+49 30 5550 0142"))
    at = began.created_at
    for _ in range(8):
        await work(now=at)
        found = await read(fresh, began)
        if found.state == "held":
            break
        at = found.next_at
    assert found.state == "held"
    assert "WhatsApp" in found.detail


@pytest.mark.parametrize(
    ("plan", "word"),
    [
        ({"steps": []}, "may not be empty"),
        ({"steps": [{"do": "email", "subject": "No text"}]}, "template, or a subject"),
        ({"steps": [{"do": "wait", "span": "a while"}]}, "2d 4h"),
        ({"steps": [FIRST, SECOND], "kind": "one_shot"}, "exactly one"),
        ({"steps": [FIRST], "kind": "until_reply", "rounds": 3}, "add a wait"),
        ({"steps": [FIRST], "window": {"days": [9]}}, "window"),
        ({"steps": [FIRST], "window": {"opens": "17:00", "closes": "09:00"}}, "window"),
        ({"steps": [{"do": "condition", "condition": {"field": "moon", "op": "is_set"}}]}, "no field"),
    ],
)
async def test_what_cannot_work_is_said_where_it_is_written(team: Team, plan: dict[str, Any], word: str) -> None:
    """Bad input gets a clear error that says what to do."""
    with pytest.raises(Invalid, match=word):
        await team.do(team.ben, "crm.sequences.create", {"name": "N", "plan": plan})
