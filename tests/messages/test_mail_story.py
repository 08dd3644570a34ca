"""The story of mail, end to end on real servers: written to, answered, stopped, told."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from baton.jobs import lanes
from baton.kernel.values import utc_now
from tests.messages import pillar
from tests.messages.conftest import connect
from tests.messages.pillar import Pillar
from tests.messages.postoffice import PostOffice
from tests.messages.test_receive import bounce, letter
from tests.team import Team


@pytest.fixture(scope="module")
def imap() -> Iterator[Pillar]:
    if pillar.program() is None:
        pytest.skip("dovecot is not installed (apt install dovecot-imapd): the story of mail was not told")
    with pillar.running() as server:
        yield server


async def work(team: Team, now: Any = None) -> None:
    """Everything that is due, jobs and calls to the outside, until nothing is."""
    for _ in range(4):
        await team.run_due(now=now)
        await lanes.step(team.db, now=now, only=team.org_id)


async def test_a_nurtured_lead_answers(fresh: Team, post: PostOffice, imap: Pillar) -> None:
    """Spec B7, A6, A7: a stage with autoNurture writes once; the answer comes over IMAP, ends the sequence, tells the owner, and
    the timeline shows both sides of the thread."""
    await connect(
        fresh,
        post,
        imapHost="127.0.0.1",
        imapPort=imap.port,
        imapSecurity="none",
        imapUser=pillar.USER,
        imapPassword=pillar.PASSWORD,
    )
    await fresh.do(fresh.ana, "crm.agents.setPlaybook", agentId=str(fresh.athena.id), rules=[])
    lead = await fresh.capture(firstName="Jane", email="jane@acme.example")
    await fresh.do(fresh.ana, "crm.leads.assign", leadId=str(lead.id), ownerId=str(fresh.ben.id))
    stages = (await fresh.do(fresh.ana, "crm.pipelines.get", pipelineId=str(lead.pipeline_id))).stages
    stage = next(each for each in stages if each.id != lead.stage_id and each.outcome == "open")
    await fresh.do(fresh.ana, "crm.pipelines.updateStage", stageId=str(stage.id), autoNurture=True)
    step = {"do": "email", "subject": "Still there?", "text": "Hello again."}
    hours = {"days": [1, 2, 3, 4, 5, 6, 7], "opens": "00:00", "closes": "23:59"}
    plan = {"steps": [{"do": "wait", "span": "3d", "working": False}, step], "window": hours}
    made = await fresh.do(fresh.ben, "crm.sequences.create", {"name": "Keep in touch", "plan": plan})
    await fresh.do(fresh.ana, "crm.sequences.setState", sequenceId=str(made.id), state="on")
    enrolment = await fresh.do(fresh.ben, "crm.sequences.enrol", sequenceId=str(made.id), leadId=str(lead.id))
    await fresh.do(fresh.ben, "crm.leads.moveStage", leadId=str(lead.id), stageId=str(stage.id))
    await work(fresh)
    (sent,) = [taken for taken in post.taken if taken.to == ["jane@acme.example"]]
    assert "Jane" in sent.mail["Subject"]
    imap.put(
        letter("Jane Smith <jane@acme.example>", In_Reply_To=sent.mail["Message-ID"], text="Let us talk.").as_bytes()
    )
    await work(fresh, utc_now() + timedelta(minutes=2))
    assert (await fresh.do(fresh.ana, "crm.enrolments.get", enrolmentId=str(enrolment.id))).state == "stopped"
    notices = await fresh.do(fresh.ben, "crm.notifications.list")
    assert any("Jane" in notice.title for notice in notices.items)
    await work(fresh, utc_now() + timedelta(days=6))
    assert [taken.to for taken in post.taken].count(["jane@acme.example"]) == 1
    told = [entry for entry in await fresh.log(lead.id) if entry.kind in ("email_sent", "email_received")]
    assert [entry.kind for entry in told] == ["email_sent", "email_received"]
    assert told[0].payload["threadId"] == told[1].payload["threadId"]
    assert told[1].payload["answers"] == told[0].payload["messageId"]


async def test_a_bounce_takes_a_lead_out(fresh: Team, post: PostOffice, imap: Pillar) -> None:
    """Spec B7, A7: the report that mail came back is read over IMAP; the lead leaves its sequence, and nobody writes there again."""
    await connect(
        fresh,
        post,
        imapHost="127.0.0.1",
        imapPort=imap.port,
        imapSecurity="none",
        imapUser=pillar.USER,
        imapPassword=pillar.PASSWORD,
    )
    lead = await fresh.capture(email="gone@acme.example")
    step = {"do": "email", "subject": "Hello", "text": "Hello."}
    hours = {"days": [1, 2, 3, 4, 5, 6, 7], "opens": "00:00", "closes": "23:59"}
    plan = {"steps": [step, {"do": "wait", "span": "3d", "working": False}, step], "window": hours}
    made = await fresh.do(fresh.ben, "crm.sequences.create", {"name": "Drip", "plan": plan})
    await fresh.do(fresh.ana, "crm.sequences.setState", sequenceId=str(made.id), state="on")
    enrolment = await fresh.do(fresh.ben, "crm.sequences.enrol", sequenceId=str(made.id), leadId=str(lead.id))
    await work(fresh)
    (sent,) = (await fresh.do(fresh.ben, "crm.messages.list", leadId=str(lead.id), state="sent")).items
    imap.put(bounce(sent, to="gone@acme.example"))
    await work(fresh, utc_now() + timedelta(minutes=2))
    ended = await fresh.do(fresh.ana, "crm.enrolments.get", enrolmentId=str(enrolment.id))
    assert (ended.state, ended.why) == ("stopped", "bounce")
    results = await fresh.do(fresh.ana, "crm.sequences.get", sequenceId=str(made.id))
    assert (results.left, results.results[0].bounced) == ({"bounce": 1}, 1)
    await work(fresh, utc_now() + timedelta(days=6))
    assert [taken.to for taken in post.taken].count(["gone@acme.example"]) == 1
    told = [
        entry.kind
        for entry in await fresh.log(lead.id)
        if entry.kind in ("email_sent", "email_bounced", "sequence_stopped")
    ]
    assert told == ["email_sent", "email_bounced", "sequence_stopped"]
