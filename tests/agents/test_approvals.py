"""What an agent asks for: exact bytes, decided by people, done once under its name. Spec A6, A7."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from baton.jobs import lanes
from baton.kernel.db import Consent
from baton.kernel.errors import BatonError, Conflict, Forbidden, Invalid, NotFound
from baton.kernel.perform import perform
from baton.kernel.values import utc_now
from tests.agents.desk import approval, asked, policy, told
from tests.team import Team

NOTE = "crm.leads.logActivity"


@pytest.fixture
async def asking(fresh: Team) -> Team:
    """An organization whose Marcus asks before he writes or moves anything."""
    await policy(fresh, {"operation": "crm.leads.*", "decision": "ask"})
    await fresh.do(fresh.ana, "crm.agents.setPlaybook", agentId=str(fresh.athena.id), rules=[])
    return fresh


def note(lead: Any, words: str = "Hello.") -> dict[str, Any]:
    return {"leadId": str(lead.id), "type": "note", "notes": words}


async def test_it_waits_is_approved_and_is_done_once(asking: Team) -> None:
    """Spec A6: nothing happens, a person approves, it happens once under the agent's name, and the timeline tells it."""
    lead = await asking.capture()
    held = await asked(asking, NOTE, **note(lead))
    assert {name: value for name, value in held.input.items() if value is not None} == note(lead)
    assert [kind for kind, _ in await told(asking, lead)][-1] == "approval_requested"
    await asking.do(asking.ben, "crm.approvals.approve", approvalId=str(held.id), version=held.version)
    await asyncio.gather(asking.run_due(), asking.run_due())
    await lanes.step(asking.db, now=utc_now() + timedelta(minutes=1), only=asking.org_id)
    await asking.run_due()
    story = await told(asking, lead)
    assert story[-3:] == [
        ("approval_requested", "Marcus"),
        ("approval_decided", "Ben Okafor"),
        ("note_added", "Marcus"),
    ]
    written = (await asking.log(lead.id))[-1]
    assert (written.payload["notes"], written.payload["approvedBy"]) == ("Hello.", "Ben Okafor")
    done = await approval(asking, held.id)
    assert (done.status, done.operation_id) == ("done", written.operation_id)


async def test_edited_and_rejected(asking: Team) -> None:
    """A person's words take the place of the agent's; a rejection has a reason, and the agent reads it under its key."""
    lead = await asking.capture()
    held = await asked(asking, NOTE, **note(lead))
    other = await asking.capture()
    with pytest.raises(Invalid):
        await asking.do(
            asking.ben, "crm.approvals.edit", {"approvalId": str(held.id), "input": {"leadId": str(other.id)}}
        )
    await asking.do(asking.ben, "crm.approvals.edit", {"approvalId": str(held.id), "input": {"notes": "Good day."}})
    await asking.run_due()
    assert (await asking.log(lead.id))[-1].payload["notes"] == "Good day."
    done = await approval(asking, held.id)
    assert (done.original["notes"], done.input["notes"]) == ("Hello.", "Good day.")
    second = await asked(asking, NOTE, key="k2", **note(lead, "Again."))
    with pytest.raises(Invalid):
        await asking.do(asking.ben, "crm.approvals.reject", approvalId=str(second.id), reason=" ")
    await asking.do(asking.ben, "crm.approvals.reject", approvalId=str(second.id), reason="Too early.")
    await asking.run_due()
    mine = await asking.do(asking.marcus, "crm.approvals.get", approvalId=str(second.id))
    assert (mine.status, mine.reason) == ("rejected", "Too early.")
    with pytest.raises(Forbidden, match=r"Too early\."):
        await perform(asking.db, asking.marcus, NOTE, note(lead, "Again."), idempotency_key="k2")


async def test_asking_twice_is_one_request_and_one_act(asking: Team) -> None:
    """A retry, before the decision or after it, neither asks nor acts again."""
    lead = await asking.capture()
    first = await asked(asking, NOTE, key="k", **note(lead))
    again = await asked(asking, NOTE, key="k", **note(lead))
    assert again.id == first.id
    assert (await asked(asking, NOTE, **note(lead, "B"))).id == (await asked(asking, NOTE, **note(lead, "B"))).id
    await asking.do(asking.ben, "crm.approvals.approve", approvalId=str(first.id))
    await asking.run_due()
    answer = await perform(asking.db, asking.marcus, NOTE, note(lead), idempotency_key="k")
    assert answer.kind == "note_added"
    assert [kind for kind, _ in await told(asking, lead)].count("note_added") == 1


async def test_approve_a_run_b(asking: Team) -> None:
    """ATTACKS "approve A and run B": an approval is for its agent, operation and bytes; used, foreign or undecided it opens nothing."""
    lead = await asking.capture()
    held = await asked(asking, NOTE, **note(lead))

    async def claim(actor: Any, name: str, fields: dict[str, Any]) -> None:
        await perform(asking.db, actor, name, fields, consent=Consent(held.id, "Ben"))

    with pytest.raises(Conflict):
        await claim(asking.marcus, NOTE, note(lead))  # nobody decided
    await asking.do(asking.ben, "crm.approvals.approve", approvalId=str(held.id))
    for actor, name, fields in (
        (asking.marcus, NOTE, note(lead, "Hello!")),
        (asking.marcus, "crm.leads.followUp", {"leadId": str(lead.id), "dueIn": "1h"}),
        (asking.athena, NOTE, note(lead)),
    ):
        with pytest.raises(Conflict, match="not what was approved"):
            await claim(actor, name, fields)
    await claim(asking.marcus, NOTE, note(lead))
    with pytest.raises(Conflict, match="once"):
        await claim(asking.marcus, NOTE, note(lead))


async def test_a_record_that_changed_since(asking: Team) -> None:
    """ATTACKS "record edited in between": stale when it is decided, stale when it is run, and the agent is told; a new score is no edit."""
    lead = await asking.capture()
    held = await asked(asking, NOTE, **note(lead))
    late = await asked(asking, NOTE, **note(lead, "Late."))
    await asking.do(asking.ana, "crm.leads.score", leadId=str(lead.id))
    await asking.do(asking.ben, "crm.approvals.approve", approvalId=str(late.id))
    await asking.do(asking.ana, "crm.leads.update", leadId=str(lead.id), phone="+49 30 1234567")
    with pytest.raises(Conflict, match="Ana Duarte changed"):
        await asking.do(asking.ben, "crm.approvals.approve", approvalId=str(held.id))
    await asking.run_due()
    now = await approval(asking, late.id)
    assert (now.status, "Ana Duarte changed" in now.reason) == ("stale", True)
    assert "note_added" not in [kind for kind, _ in await told(asking, lead)]
    assert [kind for kind, _ in await told(asking, lead)][-1] == "approval_closed"


async def test_who_may_decide(asking: Team, carla: Team) -> None:
    """ATTACKS: never the agent that asked, never another agent, never a viewer, never from another organization."""
    lead = await asking.capture()
    held = await asked(asking, NOTE, **note(lead))
    await policy(asking, {"operation": "*", "decision": "allow"})
    await policy(asking, {"operation": "*", "decision": "allow"}, agent=asking.athena)
    for name, fields in (
        ("approve", {}),
        ("edit", {"input": {"notes": "x"}}),
        ("reject", {"reason": "x"}),
    ):
        body = {"approvalId": str(held.id)} | fields
        for actor, error in (
            (asking.marcus, Forbidden),
            (asking.athena, Forbidden),
            (asking.vera, Forbidden),
            (carla.ana, NotFound),
        ):
            with pytest.raises(error):
                await asking.do(actor, f"crm.approvals.{name}", body)
    with pytest.raises(NotFound):
        await asking.do(asking.athena, "crm.approvals.get", approvalId=str(held.id))
    assert (await approval(asking, held.id)).status == "waiting"


async def test_an_approver_who_was_demoted_or_removed(asking: Team) -> None:
    """ATTACKS "approver demoted": who may not do it any more when it is run has not approved it."""
    lead = await asking.capture()
    first, second = [await asked(asking, NOTE, **note(lead, words)) for words in "AB"]
    await asking.do(asking.ben, "crm.approvals.approve", approvalId=str(first.id))
    await asking.do(asking.ana, "crm.members.update", memberId=str(asking.ben.id), role="viewer")
    await asking.run_due()
    assert (await approval(asking, first.id)).status == "stale"
    with pytest.raises(BatonError):  # his session still says member
        await asking.do(asking.ben, "crm.approvals.approve", approvalId=str(second.id))


async def test_it_expires(asking: Team) -> None:
    """ATTACKS "expired": nobody decides it any more; a stager closes it, and the timeline says so."""
    lead = await asking.capture()
    held = await asked(asking, NOTE, **note(lead))
    later = utc_now() + timedelta(hours=73)
    with pytest.raises(Conflict, match="expired"):
        await perform(asking.db, asking.ben, "crm.approvals.approve", {"approvalId": str(held.id)}, now=later)
    assert await lanes.step(asking.db, now=later, only=asking.org_id) >= 1
    assert (await approval(asking, held.id)).status == "expired"
    assert (await told(asking, lead))[-1] == ("approval_closed", "Baton")


async def test_a_second_person_above_a_value(asking: Team) -> None:
    """Above a configured value two different people decide; one of them twice is one."""
    lead = await asking.capture()
    await asking.do(asking.ana, "crm.leads.update", leadId=str(lead.id), valueCents=200_000_00)
    await asking.do(
        asking.ana, "crm.agents.setLimits", agentId=str(asking.marcus.id), secondPersonAboveCents=100_000_00
    )
    held = await asked(asking, NOTE, **note(lead))
    assert held.needed == 2
    once = await asking.do(asking.ben, "crm.approvals.approve", approvalId=str(held.id))
    assert once.status == "waiting"
    with pytest.raises(Conflict, match="second person"):
        await asking.do(asking.ben, "crm.approvals.approve", approvalId=str(held.id))
    await asking.run_due()
    assert (await told(asking, lead))[-1][0] == "approval_decided"
    await asking.do(asking.ana, "crm.approvals.approve", approvalId=str(held.id))
    await asking.run_due()
    assert (await asking.log(lead.id))[-1].payload["approvedBy"] == "Ben Okafor and Ana Duarte"


async def test_never_and_the_kill_switch_outlast_an_approval(asking: Team) -> None:
    """What became forbidden after it was approved is not done: the policy of the moment decides, and a paused agent does nothing."""
    lead = await asking.capture()
    never, paused = [await asked(asking, NOTE, **note(lead, words)) for words in "AB"]
    await asking.do(asking.ben, "crm.approvals.approve", approvalId=str(never.id))
    await policy(asking, {"operation": "crm.leads.*", "decision": "never"})
    await asking.run_due()
    assert (await approval(asking, never.id)).status == "failed"
    await policy(asking, {"operation": "crm.leads.*", "decision": "ask"})
    await asking.do(asking.ben, "crm.approvals.approve", approvalId=str(paused.id))
    await asking.do(asking.ana, "crm.members.update", memberId=str(asking.marcus.id), status="paused")
    await asking.run_due()
    assert (await approval(asking, paused.id)).status == "failed"
    assert "note_added" not in [kind for kind, _ in await told(asking, lead)]


async def test_a_worker_that_dies_between_decision_and_act(asking: Team) -> None:
    """The decision is committed, the job is lost: the stager finds what was approved and not done."""
    lead = await asking.capture()
    held = await asked(asking, NOTE, **note(lead))
    await asking.do(asking.ben, "crm.approvals.approve", approvalId=str(held.id))
    assert await lanes.step(asking.db, now=utc_now() + timedelta(seconds=5), only=asking.org_id) == 0
    assert await lanes.step(asking.db, now=utc_now() + timedelta(minutes=1), only=asking.org_id) == 1
    await asking.run_due()
    assert [kind for kind, _ in await told(asking, lead)].count("note_added") == 1


async def test_what_cannot_be_done_is_not_asked_for(asking: Team) -> None:
    """An act that the verb refuses is refused at once: people decide on what would work."""
    lead = await asking.capture()
    with pytest.raises(Invalid):
        await asking.do(asking.marcus, NOTE, {"leadId": str(lead.id), "type": "note", "notes": " "})
    assert await asking.do(asking.ana, "crm.approvals.list", leadId=str(lead.id)) == []


async def test_a_playbook_waits_and_goes_on(fresh: Team) -> None:
    """Spec A12: a step that asks holds its rule, other rules go on; after the decision the run goes on, or ends its rule."""
    agent = fresh.athena
    await policy(fresh, {"operation": NOTE, "decision": "ask"}, agent=agent)
    steps = [
        {"operation": NOTE, "input": {"type": "note", "notes": "Welcome, {{ lead.firstName }}"}},
        {"operation": "crm.leads.addTags", "input": {"tags": ["welcomed"]}},
    ]
    rules = [
        {"name": "Welcome", "trigger": "lead_imported", "steps": steps},
        {
            "name": "Mark",
            "trigger": "lead_imported",
            "steps": [{"operation": "crm.leads.addTags", "input": {"tags": ["seen"]}}],
        },
    ]
    await fresh.do(fresh.ana, "crm.agents.setPlaybook", agentId=str(agent.id), rules=rules)
    for decision, tags, outcomes in (
        ("approve", ["seen", "welcomed"], ["done", "done", "done"]),
        ("reject", ["seen"], ["rejected", "skipped", "done"]),
    ):
        lead = await fresh.capture()
        await fresh.run_due()
        (run,) = await fresh.do(fresh.ana, "crm.agents.runs", leadId=str(lead.id))
        assert [step.outcome for step in run.receipt] == ["waiting", "planned", "done"]
        assert run.status == "waiting"
        (held,) = await fresh.do(fresh.ana, "crm.approvals.list", leadId=str(lead.id))
        assert held.input["notes"] == "Welcome, Jane"
        extra = {"reason": "No."} if decision == "reject" else {}
        body = {"approvalId": str(held.id)} | extra
        await fresh.do(fresh.ben, f"crm.approvals.{decision}", body)
        await fresh.run_due()
        (run,) = await fresh.do(fresh.ana, "crm.agents.runs", leadId=str(lead.id))
        assert [step.outcome for step in run.receipt] == outcomes
        assert run.receipt[0].detail == ("No." if decision == "reject" else "Approved by Ben Okafor.")
        now = await fresh.do(fresh.ana, "crm.leads.get", leadId=str(lead.id))
        assert now.tags == tags
